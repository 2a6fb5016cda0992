"""Stretches that could be an answer, what is asked for, and which of them is chosen."""

import doctest
import re
from pathlib import Path

import pytest

from agemem_gym.baselines.reading import asking, closed, ranking, words
from agemem_gym.baselines.reading.ranking import Sentence, best, candidates, features
from agemem_gym.baselines.reading.spans import spans
from agemem_gym.baselines.reading.weights import WEIGHTS

FILM = Sentence("Ed Wood (film)", 'Ed Wood is a 1994 film by Tim Burton of Burbank, California, known for "Big Fish".')


@pytest.mark.parametrize("module", [asking, closed, words])
def test_examples(module):
    assert doctest.testmod(module).failed == 0


def test_spans_are_what_they_look_like():
    looks = {span.text: span.looks for span in spans(FILM.text)}
    assert looks["1994"] == "year"
    assert looks["Big Fish"] == "quoted"
    assert looks["Burbank, California"] == "place"
    assert looks["Tim Burton of Burbank"] == "name"
    assert looks["Tim Burton"] == "full name"
    more = {
        span.text: span.looks
        for span in spans("Hanover College has 1,200 students since 3 May 1901, most South Korean.")
    }
    assert more["Hanover College"] == "body"
    assert more["1,200"] == "number"
    assert more["3 May 1901"] == "date"
    assert more["South Korean"] == "nation"
    assert more["students"] == "phrase"
    assert all(FILM.text[span.start : span.end] == span.text for span in spans(FILM.text))


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("The movie featured an American actress who starred in what for seven years?", "thing"),
        ("What genre is the author of the story associated with?", "thing"),
        ("\\When was the aviation pioneer born?", "date"),
        ("Philip Carlo wrote on members of what crime family?", "thing"),
        ("What was the population of the city in which he was born?", "number"),
        ("Where does the team play?", "place"),
        ("Which Danish heavy metal band from Copenhagen released it?", "body"),
        ("Whose work is it?", "person"),
    ],
)
def test_what_is_asked_for(question, kind):
    assert asking.asks_for(question) == kind


def test_what_the_question_names_is_no_candidate_and_titles_lose_their_brackets():
    texts = [candidate.text for candidate in candidates("Who shot Ed Wood in 1994?", [FILM])]
    assert not {"Ed Wood", "1994", "Ed Wood (film)"} & set(texts)
    assert "Ed Wood" in [candidate.text for candidate in candidates("Which film is by Tim Burton?", [FILM])]


def test_features_say_how_the_question_stands_round_a_candidate():
    question = "Who is the Ed Wood film by?"
    found = candidates(question, [FILM])
    described = dict(zip([each.text for each in found], features(question, [FILM], found), strict=True))
    assert described["Tim Burton"]["person:full name"] == 1.0
    assert described["Tim Burton"]["after:by"] == 1.0
    assert described["Tim Burton"]["near before"] > described["Big Fish"]["near before"]
    assert described["California"]["part of a place"] == 1.0


def test_weights_choose_and_of_equal_candidates_the_first_is_taken():
    assert best("Who made it?", [FILM], {"looks:place": 1.0}).text == "Burbank, California"
    assert best("Who made it?", [FILM], {}).text == candidates("Who made it?", [FILM])[0].text
    assert best("Who made it?", [], WEIGHTS) is None


def test_every_weight_is_of_a_feature_that_exists():
    source = Path(ranking.__file__).read_text(encoding="utf-8")
    for name in WEIGHTS:
        assert ":" in name or re.search(rf'"{re.escape(name)}"', source), name
    assert len(WEIGHTS) > 50


def test_stems_bring_forms_of_a_word_together():
    assert words.stems("directors directed the direction") == ["direct", "direct", "direct"]
    assert words.stems("He was in it") == []
    assert words.bare("Ed Wood (film)") == "Ed Wood"
