"""The offline judge: words first, the encoder only where they leave it open."""

import pytest

from agemem_gym.envs.hotpotqa.generated import generate
from agemem_gym.facts import states, words_of
from agemem_gym.memory import make_encoder
from agemem_gym.memory.encoder import EncoderError
from agemem_gym.reward import Judge, OfflineJudge

BOX = "A red box is in the room, 3 steps south of the start."
MILL = "Ada Karr, a miller of Port Vell, built the Old Mill in 1840."


@pytest.mark.parametrize(
    ("fact", "text", "expected"),
    [
        ("b3 is on b2.", "I noticed that b3 is on b2.", True),
        ("b3 is on b2.", "b2 is on b3.", False),  # two of one kind: the order tells which is on which
        ("b3 is on b2.", "b3 is on b1 and b1 is on b2.", False),
        ("ball1 is at room2.", "At room2 there is ball1.", True),  # two of different kinds: no order
        ("ball1 is at room2.", "ball1 is at room1, ball2 is at room2.", False),
        ("The book 2 is on the desk 1.", "book 1 is on desk 2", False),
        ("The book 2 is on the desk 1.", "desk 1: mug 1, book 2, pen 3", True),
        ("b4 is clear.", "b4 is clear", True),
        ("spare1 is not inflated.", "Note: spare1 is not inflated.", True),
        ("c2 is at l5.", "l5 is not near c2", False),
        ("d1 is smaller than peg1.", "By the way, d1 is smaller than peg1.", True),
        ("d1 is smaller than peg1.", "peg1 is smaller than d1.", False),  # a word between says how they relate
        ("l0 is not equal to l4 here.", "l4 is not equal to l0 here.", False),
        ("The first part of drink1 is part2, as said.", "The second part of drink1 is part2, as said.", False),
        ("b4 is clear.", "b1 is clear", False),
        ("So it is.", "So it is.", None),  # no content word
        (BOX, "a red box, 3 steps south of the start, in the room", True),
        (BOX, "A red box is in the room, 3 steps north of the start.", False),
        (BOX, "A blue box is in the room, 3 steps south of the start.", False),
        (MILL, "Old Mill: built in 1840 by Ada Karr, a miller of Port Vell", True),
        (MILL, "Ada Karr, a miller of Port Vell, built the Old Mill in 1850.", False),
        (MILL, "Ada Karr, a miller of Port Vell, built the Old Bridge in 1840.", False),
        (MILL, "Ada Karr, a miller, built the Old Mill", None),
        (MILL, "The weather was fine.", False),
    ],
)  # fmt: skip
def test_what_words_tell(fact, text, expected):
    assert states(fact, text, low=0.4, high=0.85) is expected


def test_a_number_belongs_to_the_noun_before_it():
    assert words_of("The book 2 is on desk 1, 3 steps away").all == ("book 2", "desk 1", "3", "steps", "away")
    assert words_of("in the year 1840").telling == {"year 1840"}


def test_an_answer_scores_its_exact_match_or_its_f1(judge):
    assert isinstance(judge, Judge)
    assert judge.answer("", "The mill.", "mill") == 1.0
    assert judge.answer("", "the old mill", "mill") == pytest.approx(2 / 3)
    assert judge.answer("", "", "mill") == 0.0
    assert judge.answer("", "the", "a") == 1.0  # both normalise to nothing


def test_quality_is_the_harmonic_mean_of_coverage_and_precision(judge):
    facts = [MILL, "b3 is on b2."]
    verdict = judge.memory("q", "", facts, [MILL, "Lunch.", "Dinner.", f"Well: {MILL}"])
    assert (verdict.covered, verdict.useful) == ((True, False), (True, False, False, True))
    assert (verdict.coverage, verdict.precision) == (0.5, 0.5)
    assert verdict.quality == 0.5
    assert judge.memory("q", "", facts, [MILL]).quality == pytest.approx(2 / 3)  # 2 · ½ · 1 / 1½


def test_one_entry_may_hold_several_facts(judge):
    verdict = judge.memory("q", "", [MILL, "b3 is on b2."], [f"Notes. {MILL} It rained.\nb3 is on b2."])
    assert (verdict.quality, verdict.covered, verdict.useful) == (1.0, (True, True), (True,))


@pytest.mark.parametrize(("facts", "entries"), [((), ("x",)), (("x",), ()), ((), ())])
def test_without_facts_or_entries_there_is_nothing_to_judge(judge, encoder, facts, entries):
    verdict = judge.memory("q", "", facts, entries)
    assert (verdict.quality, verdict.coverage, verdict.precision) == (0.0, 0.0, 0.0)
    assert (len(verdict.covered), len(verdict.useful)) == (len(facts), len(entries))
    assert judge.relevance("q", facts, ()) == 0.0
    assert encoder.texts == []


def test_nothing_is_encoded_where_words_decide(judge, encoder):
    judge.memory("q", "", [MILL], [MILL, "The weather was fine."])
    assert encoder.texts == []
    judge.memory("q", "", [MILL], ["Ada Karr, a miller, built the Old Mill"])
    assert encoder.texts == [MILL, "Ada Karr, a miller, built the Old Mill"]


def test_the_threshold_decides_what_words_leave_open():
    entries = ["Ada Karr, a miller, built the Old Mill"]
    lenient, strict = (OfflineJudge(make_encoder("hash"), threshold=value) for value in (0.3, 0.99))
    assert lenient.memory("q", "", [MILL], entries).covered == (True,)
    assert strict.memory("q", "", [MILL], entries).covered == (False,)


def test_relevance_without_known_facts_is_the_mean_cosine_with_the_question(judge):
    assert judge.relevance("the red key", (), ["the red key"]) == pytest.approx(1.0)
    assert judge.relevance("the red key", (), ["the red key", ""]) == pytest.approx(0.5)


def test_an_encoder_that_fails_is_stated():
    class Broken:
        name, dimension = "broken", 3

        def encode(self, texts):
            raise EncoderError("no answer")

        def count_tokens(self, text):
            return 1

    judge = OfflineJudge(Broken())
    verdict = judge.memory("q", "", [MILL], ["Ada Karr, a miller, built the Old Mill", MILL])
    assert (verdict.useful, verdict.fallback) == ((False, True), "word overlap alone: no answer")
    assert judge.take_fallbacks() == ("word overlap alone: no answer",)
    assert judge.take_fallbacks() == ()


def test_every_encoder_has_its_own_threshold():
    entry, fact = ["Ada Karr, a miller, built the Old Mill"], [MILL]
    hashed = OfflineJudge(make_encoder("hash"))
    assert hashed._threshold == 0.5
    assert OfflineJudge(make_encoder("minilm"))._threshold == 0.75
    assert hashed.memory("q", "", fact, entry).covered == (True,)


@pytest.mark.parametrize("index", range(20))
def test_on_generated_questions_it_tells_the_facts_from_the_other_paragraphs(judge, index):
    question = generate("validation", index)
    others = [str(paragraph) for paragraph in question.distracting]
    assert judge.memory(question.question, "", question.facts, question.facts).quality == 1.0
    assert judge.memory(question.question, "", question.facts, [*others, *question.facts]).coverage == 1.0
    assert judge.memory(question.question, "", question.facts, others).coverage == 0.0
