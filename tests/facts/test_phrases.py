"""The key phrases of a query."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agemem_gym.facts import key_phrases


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Were Scott Derrickson and Ed Wood of the same nationality?", ("Scott Derrickson", "Ed Wood")),
        ("Who is the director of The Silver Harbour?", ("The Silver Harbour",)),
        ("Is Arthur's Magazine older than First for Women?", ("Arthur's Magazine", "First for Women")),
        ("What is Sofia Alm's hometown?", ("Sofia Alm",)),
        ("In which town was it? In Port Vell.", ("Port Vell",)),
        ("Musicians play.", ()),  # a sentence begins with a capital, whatever the word is
        ("The Beatles broke up.", ("Beatles",)),
        ("Question: Who wrote it?", ()),
        ('Who sang "Me and Julio" and “Träume”?', ("Me and Julio", "Träume")),
        ("Born on 3 February 1869?", ("3 February 1869",)),
        ("Born on February 3, 1869, or in March 1870?", ("February 3, 1869", "March 1870")),
        ("Did J. K. Rowling live in St. Louis?", ("J. K. Rowling", "St. Louis")),
        ("At 10:30 with 1,000.5 litres and 50% of 7.", ("10:30", "1,000.5", "50%", "7")),
        ("ball1 is at room2, ball1 is not.", ("ball1", "room2")),
        ("go to the red ball", ()),
        ("Your task is to: put some lettuce on sinkbasin.", ()),
        ("", ()),
    ],
)
def test_entities_dates_numbers_and_quoted_titles_in_order(text, expected):
    assert key_phrases(text) == expected


@given(st.text(alphabet="Ab1 .,\"“”\n:-'’éÉ%/of May", max_size=60))
def test_every_phrase_stands_in_the_text_and_none_twice(text):
    phrases = key_phrases(text)
    assert all(phrase and phrase in text for phrase in phrases)
    assert len(set(phrases)) == len(phrases)
