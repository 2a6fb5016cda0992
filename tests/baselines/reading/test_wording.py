"""The encyclopedia's templates turned round: every fact of a world is read out of the sentence that states it."""

import numpy as np
import pytest

from agemem_gym.baselines.reading.wording import Asked, order_of, stated, statements, understood
from agemem_gym.curriculum.distractors import DistractorScene, make_source
from agemem_gym.envs.hotpotqa.facts import background
from agemem_gym.envs.hotpotqa.generated import generate
from agemem_gym.envs.hotpotqa.names import SPLITS
from agemem_gym.envs.hotpotqa.question import standing_alone
from agemem_gym.envs.hotpotqa.world import make_world
from agemem_gym.memory import make_encoder


def triples(text):
    return {(fact.entity, fact.kind, fact.relation, fact.value) for fact in stated(text)}


@pytest.mark.parametrize("split", SPLITS)
def test_every_fact_of_a_world_is_read_out_of_its_sentence_and_out_of_its_paragraph(split):
    world = make_world(split, 1)
    for name, facts in world.facts.items():
        paragraph = world.paragraphs[name]
        for relation, fact in facts.items():
            said = standing_alone(paragraph, world.stated[name][relation])
            wanted = (name, world.kinds[name], relation, fact.text)
            assert wanted in triples(f"By the way: {said}"), said
            assert wanted in triples(str(paragraph))
            about = {entity for entity, *_ in triples(said)}
            assert about == {name}, f"{said} is about {about}"


def test_what_is_told_before_a_question_holds_its_supporting_facts():
    for index in range(40):
        question = generate("train", index)
        lines = background(question, np.random.default_rng(index))
        told = set().union(*map(triples, lines))
        assert all(triples(fact) <= told for fact in question.facts)


def test_a_sentence_that_fits_two_kinds_is_kept_as_both_and_small_talk_as_none():
    assert triples("The Lost Bell was produced by Kand Works.") == {
        ("The Lost Bell", "film", "studio", "Kand Works"),
        ("The Lost Bell", "album", "producer", "Kand Works"),
    }
    for text in (
        "Last weekend I was in Kyoto; it was tiring.",
        "Do you like jazz?",
        "",
        ": : :",
        "It is governed from",
    ):
        assert triples(text) == set()


def test_corrections_take_back_what_they_name():
    encoder = make_encoder("hash")
    question = generate("train", 7)
    scene = DistractorScene(
        question.question, question.facts, question.answer, (), tuple(map(str, question.paragraphs)), 0
    )
    drawn = make_source("stale", encoder).draw(scene, 4, np.random.default_rng(0))
    assert drawn
    for distractor in drawn:
        told, taken = stated(distractor.text), stated(distractor.corrected_by)
        assert told
        assert [fact.value for fact in told] == [fact.value for fact in taken]
        assert all(fact.holds for fact in told)
        assert not any(fact.holds for fact in taken)


def test_what_is_said_before_a_correction_holds():
    new, old = "The mayor of Port Vell is Ada Karr.", "The mayor of Port Vell is Bela Moss."
    assert [(fact.value, fact.holds) for fact in stated(f"{new} It is no longer true that: {old}")] == [
        ("Ada Karr", True),
        ("Bela Moss", False),
    ]


@pytest.mark.parametrize("split", SPLITS)
def test_every_question_is_understood_as_being_about_what_it_names(split):
    for index in range(150):
        question = generate(split, index)
        named = {title for title in question.gold_titles if title in question.question}
        ways = understood(f"Question: {question.question}")
        assert any(set(way.entities) == named for way in ways), question.question
        assert any(len(way.steps) == (2 if question.kind == "bridge" else 1) for way in ways)


def test_names_that_hold_an_and_are_not_cut():
    ways = understood("Were The Bell and the Horse and A Pale Fire directed by the same person?")
    assert ways[0] == Asked("same", ("The Bell and the Horse", "A Pale Fire"), (("film", "director"),))
    assert understood("Which of Simon and Garfunkel is older?") == ()


def test_what_is_looked_up_is_worded_as_it_is_stated():
    assert statements(("person", "birthplace"), "Ada Karr")[0] == "Ada Karr was born in"
    assert "Ada Karr: The family came from" in statements(("person", "birthplace"), "Ada Karr")
    assert statements(("person", "profession"), "Ada Karr")[1] == "Ada Karr (born ) is a retired"


def test_dates_years_and_numbers_have_an_order():
    assert order_of("3 May 1901") < order_of("1 June 1901") < order_of("1 January 1902")
    assert order_of("1,200") == 1200
    assert order_of("red") == 0
