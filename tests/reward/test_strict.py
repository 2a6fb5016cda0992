"""The strict terms against values worked out by hand, and what an agent that farms gets of them."""

import pytest

from agemem_gym.errors import ConfigurationError
from agemem_gym.reward import Reward, make_reward, strict, terms

MILL, PORT = "Ada Karr built the mill in 1840.", "The mill stands in Port Vell."
FACTS = (MILL, PORT)
LUNCH = "Lunch was late at noon today."  # six tokens, as messages are counted in these tests
LIE = "The bridge stands in Port Carn."  # six tokens


def told(made, *texts, gone=(), summaries=(), **more):
    """An episode in which these (content, kind) were told and (id, step, by) left; `summaries` are (id, step, text)."""
    messages = [made.message(n, content, kind) for n, (content, kind) in enumerate(texts, start=1)]
    steps = more.pop("steps", [made.step(), made.step(), made.step()])
    return made.episode(*steps, facts=FACTS, messages=messages, removals=gone, **more)


# ----------------------------------------------------------------------------------------------------- context


def test_compression_is_the_share_of_needless_tokens_that_a_tool_took_out(made):
    texts = [(MILL, "talk"), (LUNCH, "distractor"), (LIE, "distractor"), ("Hm.", "reply")]
    one = told(made, *texts, gone=[(2, 1, "Filter_context")])
    assert strict.compression(one) == 0.5  # 6 of 12 tokens; the key fact and the agent's reply do not count
    assert strict.compression(told(made, *texts, gone=[(2, 1, "Filter_context"), (3, 2, "Filter_context")])) == 1.0
    assert strict.compression(told(made, *texts)) == 0.0
    assert terms.compression(told(made, *texts)) == 0.9  # the paper's is not earned by anything


def test_what_a_stage_or_the_budget_cleared_is_not_earned(made):
    for by in ("stage", "overflow", "env"):
        episode = told(made, (LUNCH, "distractor"), gone=[(1, 1, by)])
        assert (strict.compression(episode), strict.preventive(episode)) == (0.0, 0.0)


def test_preventive_is_earned_by_tokens_that_no_key_fact_needs(made):
    def earned(content, kind, step=1):
        return strict.preventive(told(made, (content, kind), gone=[(1, step, "Filter_context")]))

    assert earned(LUNCH, "distractor") == 1.0
    assert earned(MILL, "talk") == 0.0
    assert earned("a long reply of the agent's own", "reply") == 0.0
    assert earned("Stored as m1.", "tool_result") == 0.0


def test_what_wipes_a_key_fact_earns_nothing(made):
    texts = [(MILL, "talk"), (LUNCH, "distractor"), (f"m1: {MILL}", "tool_result")]
    wiped = told(made, *texts, gone=[(2, 1, "Filter_context"), (1, 2, "Filter_context"), (3, 3, "Filter_context")])
    assert strict.removed_needless(wiped) == 6  # the first call; the second left the fact where it was retrieved
    assert strict.preservation(wiped) == 0.0  # the third one took it, and the query has no phrase that would tell
    both = told(made, (MILL, "talk"), (LUNCH, "distractor"))
    both.edits.append(made.edit(removed=(1, 2), step=1, by="Summary_context"))
    assert (strict.compression(both), strict.preventive(both), strict.preservation(both)) == (0.0, 0.0, 0.0)


def test_what_was_taken_out_before_a_stage_cleared_the_context_is_past(made):
    texts = [(LUNCH, "talk"), (MILL, "talk")]
    episode = told(made, *texts, gone=[(1, 1, "Filter_context"), (2, 2, "stage")])
    assert (strict.compression(episode), strict.preservation(episode)) == (0.0, 0.0)


def test_preventive_is_earned_before_the_limit_only(made):
    steps = [made.step(prompt=1000), made.step(prompt=1001), made.step()]

    def earned(step):
        return strict.preventive(told(made, (LUNCH, "talk"), gone=[(1, step, "Filter_context")], steps=steps))

    assert (earned(1), earned(2), earned(3)) == (1.0, 0.0, 0.0)


def test_a_call_without_effect_earns_nothing_of_the_context(made):
    episode = told(made, (LUNCH, "distractor"), steps=[made.step(made.call("Filter_context", removed=[]))])
    assert (terms.preventive(episode), terms.preservation(episode)) == (1.0, 1.0)
    assert (strict.compression(episode), strict.preventive(episode), strict.preservation(episode)) == (0.0, 0.0, 0.0)


def test_a_summary_earns_what_it_saves(made):
    def summary_of(words):
        episode = told(made, (LUNCH, "talk"), (LIE, "talk"))
        short = made.message(3, " ".join(["so"] * words), "summary")
        episode.messages.append(short)
        episode.edits.append(made.edit(removed=(1, 2), added=3, at=0, step=1, by="Summary_context"))
        return strict.removed_needless(episode)

    assert (summary_of(4), summary_of(12), summary_of(20)) == (8, 0, 0)


QUESTION = "When was Ada Karr born in Port Vell?"


def test_preservation_is_earned_where_something_was_removed_and_no_phrase_lost(made):
    texts = [("Ada Karr lived in Port Vell.", "talk"), (LUNCH, "distractor")]
    assert strict.preservation(told(made, *texts, question=QUESTION)) == 0.0  # nothing was removed
    assert strict.preservation(told(made, *texts, question=QUESTION, gone=[(2, 1, "Filter_context")])) == 1.0
    assert strict.preservation(told(made, *texts, question=QUESTION, gone=[(1, 1, "Filter_context")])) == 0.0


def test_the_task_names_its_phrases(made):
    texts = [("There is a lettuce 2 here.", "talk"), (LUNCH, "distractor")]
    episode = told(made, *texts, question="put a cool lettuce in countertop", gone=[(1, 1, "Filter_context")])
    assert strict.preservation(episode) == 1.0  # the query has no phrase that tells
    episode.start = made.start(episode.start, key_phrases=("lettuce", "countertop"))
    assert strict.preservation(episode) == 0.0
    assert terms.preservation(episode) == 1.0  # the paper's letter is as it was


# ------------------------------------------------------------------------------------------------------ memory


@pytest.mark.parametrize(
    ("entries", "precision", "recall"),
    [
        ((MILL, PORT), 1.0, 1.0),
        ((MILL,), 1.0, 0.5),  # the paper's storage is 1
        ((MILL, PORT, LUNCH, LIE), 0.5, 1.0),
        ((LUNCH,), 0.0, 0.0),
        ((), 0.0, 0.0),
    ],
)
def test_storage_and_relevance_are_f1_and_coverage_is_recall(made, judge, entries, precision, recall):
    expected = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    adds = [made.add(f"m{n}", text) for n, text in enumerate(entries)]
    episode = made.episode(made.step(*adds, stage=1), made.step(made.retrieve(*entries)), facts=FACTS)
    assert strict.storage(episode, judge) == pytest.approx(expected)
    assert strict.relevance(episode, judge) == pytest.approx(expected)
    assert strict.coverage(episode, judge) == recall


def test_without_key_facts_storage_is_not_earned_and_relevance_is_the_judges(made, judge):
    episode = made.episode(made.step(made.add("m1", MILL), stage=1), made.step(made.retrieve("Where is it?")))
    assert strict.storage(episode, judge) == 0.0
    assert strict.relevance(episode, judge) == pytest.approx(1.0)  # the question itself


def maintenance(made, *results, before=(), distractors=(LIE,)):
    messages = [made.message(n, text, "distractor") for n, text in enumerate(distractors, start=1)]
    episode = made.episode(made.step(*results), facts=FACTS, before=before, messages=messages)
    episode.distractors = [{"message_id": message.id, "source": "stale", "similarity": None} for message in messages]
    return strict.maintenance(episode)


def test_maintenance_is_full_where_nothing_needed_it(made):
    assert maintenance(made, made.add("m1", MILL), made.add("m2", PORT)) == 1.0
    assert maintenance(made, before=[MILL]) == 1.0


def test_there_is_nothing_to_maintain_without_an_entry(made):
    assert maintenance(made) == 0.0


def test_a_false_entry_has_to_be_replaced_or_removed(made):
    assert maintenance(made, made.add("m1", LIE)) == 0.0
    assert maintenance(made, made.add("m1", LIE), made.delete("m1")) == 1.0
    assert maintenance(made, made.add("m1", LIE), made.update("m1", PORT)) == 1.0
    assert maintenance(made, made.add("m1", LIE), made.update("m1", f"It is no longer true that: {LIE}")) == 1.0
    assert maintenance(made, made.add("m1", LIE), made.update("m1", LIE)) == 0.0  # identical content is no update
    assert maintenance(made, before=[LIE]) == 0.0


def test_a_duplicate_has_to_go(made):
    twice = (made.add("m1", MILL), made.add("m2", MILL))
    assert maintenance(made, *twice) == 0.0
    assert maintenance(made, *twice, made.delete("m2")) == 1.0
    assert maintenance(made, *twice, made.delete("m1")) == 1.0
    assert maintenance(made, *twice, made.add("m3", LIE), made.delete("m3")) == 0.5


def test_what_loses_a_key_fact_breaks_memory(made):
    assert maintenance(made, made.add("m1", MILL), made.delete("m1")) == 0.0
    assert maintenance(made, made.add("m1", MILL), made.update("m1", LUNCH)) == 0.0
    assert maintenance(made, made.add("m1", MILL), made.delete("m1"), made.add("m2", MILL)) == 1.0  # it came back
    assert maintenance(made, made.add("m1", MILL), made.add("m2", f"{MILL} {PORT}"), made.delete("m1")) == 1.0


# --------------------------------------------------------------------------------------------------- the whole


def farming(made):
    """Reads nothing, adds "x", updates it, filters "x"; the answer is wrong."""
    results = [made.add("m1", "x"), made.update("m1", "x"), made.call("Filter_context", removed=[], saved_tokens=0)]
    texts = [made.message(1, MILL, "talk"), made.message(2, LUNCH, "distractor")]
    steps = [made.step(*results, stage=1, prompt=200), made.step(answer="unknown", prompt=200)]
    return made.episode(*steps, facts=FACTS, messages=texts)


def test_the_strict_return_of_an_agent_that_farms(made, judge):
    paper = Reward("composite").terms(farming(made), "success", judge)
    strictly = Reward("composite", variant="strict").terms(farming(made), "success", judge)
    assert (paper["context"], paper["memory"]) == (pytest.approx((0.8 + 1 + 1) / 3), pytest.approx(1 / 3))
    assert (strictly["context"], strictly["memory"]) == (0.0, pytest.approx(1 / 3))  # an "x" needs no maintenance
    assert strictly["total"] == pytest.approx(1 / 9)
    assert set(strictly) == {*paper, "coverage"}


def test_the_gate_counts_context_and_memory_in_proportion_to_the_task(made, judge):
    def total(answer, **options):
        adds = [made.add("m1", MILL), made.add("m2", PORT)]
        steps = [made.step(*adds, stage=1), made.step(made.retrieve(*FACTS), answer=answer)]
        episode = made.episode(*steps, facts=FACTS, answer="Port Vell")
        return Reward("composite", **options).terms(episode, "success", judge)

    free, gated = total("Port Vell"), total("Port Vell", gate="task")
    assert gated == free
    assert total("unknown", gate="task")["total"] == 0.0
    assert total("unknown")["total"] == pytest.approx(((0.9 + 0 + 1) / 3 + (1 + 0 + 1) / 3) / 3)
    half = total("Port", gate="task")  # F1 2/3
    assert half["total"] == pytest.approx((2 / 3 + 2 / 3 * half["context"] + 2 / 3 * half["memory"]) / 3)
    assert total(None, gate="task")["total"] == pytest.approx(-1 / 3)  # no answer costs; it cannot turn the rest round


def test_the_defaults_are_the_papers_letter(made, judge):
    assert Reward("composite").terms(farming(made), "success", judge) == Reward(
        "composite", variant="paper", gate="none"
    ).terms(farming(made), "success", judge)


@pytest.mark.parametrize(
    ("options", "match"),
    [({"variant": "stric"}, "variant='stric'.*did you mean 'strict'"), ({"gate": True}, "gate=True: expected one of")],
)
def test_an_unknown_variant_or_gate_is_refused(options, match):
    with pytest.raises(ConfigurationError, match=match):
        make_reward("composite", options)
