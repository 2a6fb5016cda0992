; A barman with two hands mixes cocktails of two ingredients in one shaker and serves them in shot glasses.
(define (domain barman)
  (:requirements :strips :typing)
  (:types hand level beverage dispenser container - object
    ingredient cocktail - beverage
    shot shaker - container)
  (:predicates (ontable ?c - container) (holding ?h - hand ?c - container) (handempty ?h - hand)
    (empty ?c - container) (clean ?c - container) (used ?c - container ?b - beverage) (contains ?c - container ?b - beverage)
    (dispenses ?d - dispenser ?i - ingredient) (unshaked ?s - shaker) (shaked ?s - shaker)
    (shaker-level ?s - shaker ?l - level) (shaker-empty-level ?s - shaker ?l - level) (next ?l1 - level ?l2 - level)
    (cocktail-part1 ?c - cocktail ?i - ingredient) (cocktail-part2 ?c - cocktail ?i - ingredient))
  (:action grasp
    :parameters (?h - hand ?c - container)
    :precondition (and (ontable ?c) (handempty ?h))
    :effect (and (not (ontable ?c)) (not (handempty ?h)) (holding ?h ?c)))
  (:action leave
    :parameters (?h - hand ?c - container)
    :precondition (and (holding ?h ?c))
    :effect (and (not (holding ?h ?c)) (handempty ?h) (ontable ?c)))
  (:action fill-shot
    :parameters (?s - shot ?i - ingredient ?h1 - hand ?h2 - hand ?d - dispenser)
    :precondition (and (holding ?h1 ?s) (handempty ?h2) (dispenses ?d ?i) (empty ?s) (clean ?s))
    :effect (and (not (empty ?s)) (contains ?s ?i) (not (clean ?s)) (used ?s ?i)))
  (:action refill-shot
    :parameters (?s - shot ?i - ingredient ?h1 - hand ?h2 - hand ?d - dispenser)
    :precondition (and (holding ?h1 ?s) (handempty ?h2) (dispenses ?d ?i) (empty ?s) (used ?s ?i))
    :effect (and (not (empty ?s)) (contains ?s ?i)))
  (:action empty-shot
    :parameters (?h - hand ?s - shot ?b - beverage)
    :precondition (and (holding ?h ?s) (contains ?s ?b))
    :effect (and (not (contains ?s ?b)) (empty ?s)))
  (:action clean-shot
    :parameters (?s - shot ?b - beverage ?h1 - hand ?h2 - hand)
    :precondition (and (holding ?h1 ?s) (handempty ?h2) (empty ?s) (used ?s ?b))
    :effect (and (not (used ?s ?b)) (clean ?s)))
  (:action pour-shot-to-clean-shaker
    :parameters (?s - shot ?i - ingredient ?k - shaker ?h - hand ?l - level ?l1 - level)
    :precondition (and (holding ?h ?s) (contains ?s ?i) (empty ?k) (clean ?k) (shaker-level ?k ?l) (next ?l ?l1))
    :effect (and (not (contains ?s ?i)) (empty ?s) (contains ?k ?i) (not (empty ?k)) (not (clean ?k)) (unshaked ?k)
      (not (shaker-level ?k ?l)) (shaker-level ?k ?l1)))
  (:action pour-shot-to-used-shaker
    :parameters (?s - shot ?i - ingredient ?k - shaker ?h - hand ?l - level ?l1 - level)
    :precondition (and (holding ?h ?s) (contains ?s ?i) (unshaked ?k) (shaker-level ?k ?l) (next ?l ?l1))
    :effect (and (not (contains ?s ?i)) (contains ?k ?i) (empty ?s) (not (shaker-level ?k ?l)) (shaker-level ?k ?l1)))
  (:action empty-shaker
    :parameters (?h - hand ?k - shaker ?b - cocktail ?l - level ?l1 - level)
    :precondition (and (holding ?h ?k) (contains ?k ?b) (shaked ?k) (shaker-level ?k ?l) (shaker-empty-level ?k ?l1))
    :effect (and (not (shaked ?k)) (not (shaker-level ?k ?l)) (shaker-level ?k ?l1) (not (contains ?k ?b)) (empty ?k)))
  (:action clean-shaker
    :parameters (?h1 - hand ?h2 - hand ?k - shaker)
    :precondition (and (holding ?h1 ?k) (handempty ?h2) (empty ?k))
    :effect (and (clean ?k)))
  (:action shake
    :parameters (?b - cocktail ?i1 - ingredient ?i2 - ingredient ?k - shaker ?h1 - hand ?h2 - hand)
    :precondition (and (holding ?h1 ?k) (handempty ?h2) (contains ?k ?i1) (contains ?k ?i2) (cocktail-part1 ?b ?i1)
      (cocktail-part2 ?b ?i2) (unshaked ?k))
    :effect (and (not (unshaked ?k)) (not (contains ?k ?i1)) (not (contains ?k ?i2)) (shaked ?k) (contains ?k ?b)))
  (:action pour-shaker-to-shot
    :parameters (?b - cocktail ?s - shot ?h - hand ?k - shaker ?l - level ?l1 - level)
    :precondition (and (holding ?h ?k) (shaked ?k) (empty ?s) (clean ?s) (contains ?k ?b) (shaker-level ?k ?l) (next ?l1 ?l))
    :effect (and (not (clean ?s)) (not (empty ?s)) (contains ?s ?b) (shaker-level ?k ?l1) (not (shaker-level ?k ?l))))
)
