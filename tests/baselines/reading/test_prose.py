"""Anybody's sentences: what a message states and what it is about."""

import pytest

from agemem_gym.baselines.reading import prose

PARAGRAPH = (
    "Ed Wood (film): Ed Wood is a 1994 American film directed by Tim Burton. It stars Johnny Depp as Edward D. Wood Jr."
)


def said(text):
    return [(sentence.title, sentence.text) for sentence in prose.statements(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("By the way: Ed Wood was an American filmmaker.", [("Ed Wood", "Ed Wood was an American filmmaker.")]),
        ("Did you know? Ed Wood: He was an actor.", [("Ed Wood", "He was an actor.")]),
        ("A friend told me: Toad Hall: It lies in Canberra.", [("Toad Hall", "It lies in Canberra.")]),
        (
            PARAGRAPH,
            [
                ("Ed Wood (film)", "Ed Wood is a 1994 American film directed by Tim Burton."),
                ("Ed Wood (film)", "It stars Johnny Depp as Edward D. Wood Jr."),
            ],
        ),
        ("Schweppes ( ) is a beverage brand.", [("Schweppes", "Schweppes ( ) is a beverage brand.")]),
        ("My aunt has taken up bouldering.", []),
        ("[search] WARN rate limit reached, 12 requests left", []),
        ("", []),
    ],
)
def test_what_a_message_states_stands_behind_its_opening_and_its_heading(text, expected):
    assert said(text) == expected


def test_titles_in_quotation_marks_are_no_small_talk():
    assert said('"You Don\'t Love Me" is a song by Dawn Penn.')
    assert said('She wrote "my way" for Dawn Penn in 1994.')


def test_a_subject_leaves_open_what_may_change_and_tells_sentences_apart():
    one = prose.subject("The mill: The old mill was built in 1840 by Ada Karr.")
    assert one == prose.subject("By the way: The mill: The old mill was built in 1850 by Bela Moss.")
    assert one != prose.subject("The mill: The old mill was sold in 1840 by Ada Karr.")
    assert one != prose.subject("The forge: The old mill was built in 1840 by Ada Karr.")
    short = prose.subject("Ada Karr: He played for Lorford.")
    assert short != prose.subject("Ada Karr: He played for Kand.")


def test_a_later_text_takes_the_place_of_an_earlier_one_with_its_subject():
    held = {}
    for year in (1840, 1850):
        prose.take(f"The mill: The old mill was built in {year} by Ada Karr.", held)
    assert list(held.values()) == ["The mill: The old mill was built in 1850 by Ada Karr."]
    prose.take("It has been raining for days, so I stayed in and made pancakes.", held)
    assert len(held) == 1


def test_second_hops_are_looked_up_by_the_names_in_what_lies_nearest():
    question = "Who directed the film in which Jung Joon-young made his debut?"
    assert prose.names_to_look_up(question, []) == ["Jung Joon-young"]
    texts = ['Jung Joon-young made his debut in the film "Love Forecast".', "Kand is a town near Port Vell."]
    assert "Love Forecast" in prose.names_to_look_up(question, texts)


@pytest.mark.parametrize(
    ("question", "texts", "expected"),
    [
        (
            "In what year was the director of Ed Wood born?",
            ["Ed Wood is a film directed by Tim Burton.", "Tim Burton: Burton was born in 1958 in Burbank."],
            "1958",
        ),
        (
            "The album by Davido was produced by who?",
            ["Omo Baba Olowo is an album by Davido.", "Omo Baba Olowo: The album was produced by Maleek Berry."],
            "Maleek Berry",
        ),
        (
            "In which city is the stadium of the Kand Eagles?",
            ["The Kand Eagles play at Clement Field.", "Clement Field is a stadium located in Lorford, Georgia."],
            "Lorford, Georgia",
        ),
        ("Who was born first, Ada Karr or Bela Moss?", ["Ada Karr (born 1901) is a poet."], None),
        ("Who directed Ed Wood?", [], None),
    ],
)
def test_the_answer_is_read_out_of_what_was_told(question, texts, expected):
    assert prose.answer(question, texts) == expected
