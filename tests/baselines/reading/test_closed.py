"""Questions that offer their answers."""

import pytest

from agemem_gym.baselines.reading import closed, prose

WOOD = "Ed Wood: Edward Wood (October 10, 1924 – 1978) was an American filmmaker, actor and writer."
DERRICKSON = "Scott Derrickson (born July 16, 1966) is an American director, screenwriter and producer."
MOSS = "Bela Moss (born 1 June 1924) is a Hungarian filmmaker and actor."


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Which band was formed first, The Exies or Circus Diablo?", ("The Exies", "Circus Diablo")),
        ("Which plant is larger, the Pterocarya or the Cotula?", ("Pterocarya", "Cotula")),
        ("Between Iain Banks and Irwin Shaw, which writer lived longer?", ("Iain Banks", "Irwin Shaw")),
        ("Did the Battle of Kand or the Battle of Lor happen first?", ("Battle of Kand", "Battle of Lor")),
        ("Are Medici and Senet both board games?", None),
        ("Who directed Ed Wood?", None),
    ],
)
def test_what_a_question_offers(question, expected):
    assert closed.choice(question) == expected


def test_which_questions_are_answered_by_yes_or_no():
    assert closed.is_closed("Are Medici and Senet both board games?")
    assert not closed.is_closed("Who was born first, Ada Karr or Bela Moss?")
    assert not closed.is_closed("Do Lafzon Ki Kahani is a remake of which film?")


@pytest.mark.parametrize(
    ("question", "texts", "expected"),
    [
        ("Were Scott Derrickson and Ed Wood of the same nationality?", [WOOD, DERRICKSON], "yes"),
        ("Were Bela Moss and Ed Wood of the same nationality?", [WOOD, MOSS], "no"),
        ("Are Bela Moss and Ed Wood both actors?", [WOOD, MOSS], "yes"),
        ("Are Scott Derrickson and Ed Wood both actors?", [WOOD, DERRICKSON], "no"),
        ("Who was born first, Ed Wood or Bela Moss?", [WOOD, MOSS], "Bela Moss"),
        ("Who is younger, Ed Wood or Scott Derrickson?", [WOOD, DERRICKSON], "Scott Derrickson"),
        ("Which filmmaker is Hungarian, Ed Wood or Bela Moss?", [WOOD, MOSS], "Bela Moss"),
        (
            "Which town has more inhabitants, Kand or Lorford?",
            ["Kand: The town has 1,200 inhabitants.", "Lorford has 890 inhabitants."],
            "Kand",
        ),
        ("Are Scott Derrickson and Ed Wood both actors?", [WOOD], None),
        ("Who was born first, Ed Wood or Bela Moss?", [], None),
        ("Who directed Ed Wood?", [WOOD], None),
    ],
)
def test_the_answer_follows_from_what_was_read(question, texts, expected):
    assert closed.answer(question, prose.sentences(texts)) == expected
