"""Answers without knowledge: something that is possible, the same for the same draws."""

import numpy as np
import pytest

from agemem_gym.baselines.reading.guessing import guess
from agemem_gym.baselines.reading.knowledge import Knowledge
from agemem_gym.baselines.reading.wording import understood
from agemem_gym.envs.hotpotqa.kinds import VALUES


def guessed(question, *told, draw=0):
    knowledge = Knowledge()
    for text in told:
        knowledge.take(text)
    return guess(question, understood(question), knowledge, np.random.default_rng(draw))


@pytest.mark.parametrize("draw", range(4))
def test_a_guess_is_of_the_kind_that_is_asked_for(draw):
    assert guessed("What was the profession of the mayor of Lorford?", draw=draw) in VALUES["profession"]
    assert 1900 < int(guessed("In what year was the director of The Lost Bell born?", draw=draw)) < 2010
    assert guessed("On what date was the mayor of Lorford born?", draw=draw).split()[2].startswith(("18", "19"))
    assert guessed("Are Medici and Senet both board games?", draw=draw) in ("yes", "no")
    assert guessed("Which is older, Ada Karr or Bela Moss?", draw=draw) in ("Ada Karr", "Bela Moss")
    assert guessed("How many rooms does it have?", draw=draw).isdigit()
    assert guessed("What is it?", draw=draw) == "unknown"


def test_something_of_the_kind_that_was_read_is_a_better_guess():
    question = "In which town was the director of The Lost Bell born?"
    assert guessed(question) == "unknown"
    assert guessed(question, "Ada Karr was born in Lorford.") == "Lorford"
    assert guessed(question, "The capital of Kandia is Lorford.") == "Lorford"
    assert guessed("How many inhabitants does the capital of Kandia have?").replace(",", "").isdigit()


def test_guesses_are_repeatable():
    question = "What was the profession of the mayor of Lorford?"
    assert guessed(question, draw=7) == guessed(question, draw=7)
