; Flat wheels are to be changed with the tools from the boot.
(define (domain tyreworld)
  (:requirements :strips :typing)
  (:types thing container nuts hub - object
    tool wheel - thing)
  (:constants wrench jack pump - tool)
  (:predicates (open ?c - container) (closed ?c - container) (unlocked ?c - container) (have ?x - object)
    (in ?x - object ?c - container) (tight ?n - nuts ?h - hub) (loose ?n - nuts ?h - hub) (on-ground ?h - hub)
    (lifted ?h - hub) (fastened ?h - hub) (unfastened ?h - hub) (free ?h - hub) (on ?w - wheel ?h - hub)
    (inflated ?w - wheel) (deflated ?w - wheel) (intact ?w - wheel))
  (:action open
    :parameters (?c - container)
    :precondition (and (unlocked ?c) (closed ?c))
    :effect (and (not (closed ?c)) (open ?c)))
  (:action close
    :parameters (?c - container)
    :precondition (and (open ?c))
    :effect (and (not (open ?c)) (closed ?c)))
  (:action fetch
    :parameters (?x - thing ?c - container)
    :precondition (and (in ?x ?c) (open ?c))
    :effect (and (not (in ?x ?c)) (have ?x)))
  (:action put-away
    :parameters (?x - thing ?c - container)
    :precondition (and (have ?x) (open ?c))
    :effect (and (not (have ?x)) (in ?x ?c)))
  (:action loosen
    :parameters (?n - nuts ?h - hub)
    :precondition (and (have wrench) (tight ?n ?h) (on-ground ?h))
    :effect (and (not (tight ?n ?h)) (loose ?n ?h)))
  (:action tighten
    :parameters (?n - nuts ?h - hub)
    :precondition (and (have wrench) (loose ?n ?h) (on-ground ?h))
    :effect (and (not (loose ?n ?h)) (tight ?n ?h)))
  (:action jack-up
    :parameters (?h - hub)
    :precondition (and (on-ground ?h) (have jack))
    :effect (and (not (on-ground ?h)) (lifted ?h) (not (have jack))))
  (:action jack-down
    :parameters (?h - hub)
    :precondition (and (lifted ?h))
    :effect (and (not (lifted ?h)) (on-ground ?h) (have jack)))
  (:action undo
    :parameters (?n - nuts ?h - hub)
    :precondition (and (lifted ?h) (fastened ?h) (loose ?n ?h) (have wrench))
    :effect (and (have ?n) (unfastened ?h) (not (fastened ?h)) (not (loose ?n ?h))))
  (:action do-up
    :parameters (?n - nuts ?h - hub)
    :precondition (and (have wrench) (unfastened ?h) (lifted ?h) (have ?n))
    :effect (and (fastened ?h) (loose ?n ?h) (not (unfastened ?h)) (not (have ?n))))
  (:action remove-wheel
    :parameters (?w - wheel ?h - hub)
    :precondition (and (lifted ?h) (on ?w ?h) (unfastened ?h))
    :effect (and (have ?w) (free ?h) (not (on ?w ?h))))
  (:action put-on-wheel
    :parameters (?w - wheel ?h - hub)
    :precondition (and (have ?w) (free ?h) (unfastened ?h) (lifted ?h))
    :effect (and (on ?w ?h) (not (have ?w)) (not (free ?h))))
  (:action inflate
    :parameters (?w - wheel)
    :precondition (and (have pump) (deflated ?w) (intact ?w))
    :effect (and (not (deflated ?w)) (inflated ?w)))
)
