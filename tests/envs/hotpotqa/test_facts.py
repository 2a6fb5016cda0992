"""What of a question must be kept: the names, times and places that stand in it."""

import pytest

from agemem_gym.envs.hotpotqa import HotpotQATask
from agemem_gym.envs.hotpotqa.facts import key_phrases
from agemem_gym.envs.hotpotqa.generated import generate
from agemem_gym.envs.hotpotqa.names import SPLITS
from agemem_gym.envs.hotpotqa.question import Paragraph, Question


def asked(text, *titles):
    return Question("q", text, "yes", "bridge", "hard", tuple(Paragraph(title, ("x",)) for title in titles), ())


@pytest.mark.parametrize("split", SPLITS)
def test_every_question_names_the_entities_that_stand_in_it_and_nothing_of_its_answer(split):
    for index in range(60):
        question = generate(split, index)
        phrases = key_phrases(question)
        named = {title for title in question.gold_titles if title in question.question}
        assert named <= set(phrases)
        assert all(phrase in question.question for phrase in phrases)
        if question.kind == "bridge":
            assert question.answer not in phrases
            assert question.gold_titles[1] not in phrases


def test_titles_are_whole_words_the_longest_first_and_without_what_stands_in_brackets():
    question = asked(
        "Was the director of Ed Wood, shot in Kand County before March 1995, born in 1958?",
        "Ed Wood (film)",
        "Kand",
        "Kand County",
        "Ed",
    )
    assert key_phrases(question) == ("Ed Wood", "Kand County", "March 1995", "1958")


def test_other_names_dates_and_numbers_are_found_by_their_shape():
    question = asked("Who directed the film in which Jung Joon-young made his debut in 2012?")
    assert key_phrases(question) == ("Jung Joon-young", "2012")


def test_the_task_names_them():
    start = HotpotQATask(mode="closed").reset(3, {})
    assert start.key_phrases
    assert all(phrase in start.instruction for phrase in start.key_phrases)
