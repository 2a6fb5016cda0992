"""The strict terms against values worked out by hand, and what an agent that farms gets of them."""

import pytest

from agemem_gym.errors import ConfigurationError
from agemem_gym.reward import Reward, make_reward, strict, terms
from agemem_gym.reward.moments import moments_of

MILL, PORT = "Ada Karr built the mill in 1840.", "The mill stands in Port Vell."
FACTS = (MILL, PORT)
LUNCH = "Lunch was late at noon today."  # six tokens, as messages are counted in these tests
LIE = "The bridge stands in Port Carn."  # six tokens


def told(made, *texts, gone=(), **more):
    """An episode in which these (content, kind) were told and (id, step, by) left; its last reply solved the task."""
    messages = [made.message(n, content, kind) for n, (content, kind) in enumerate(texts, start=1)]
    steps = more.pop("steps", [made.step(), made.step(), made.step(), made.step(success=True)])
    return made.episode(*steps, facts=FACTS, messages=messages, removals=gone, **more)


# ----------------------------------------------------------------------------------------------------- context


def test_compression_is_the_share_of_needless_tokens_that_a_tool_took_out(made):
    texts = [(MILL, "talk"), (LUNCH, "distractor"), (LIE, "distractor"), ("Hm.", "reply")]
    one = told(made, *texts, gone=[(2, 1, "Filter_context")])
    assert strict.compression(one) == 0.5  # 6 of 12 tokens; the key fact and the agent's reply do not count
    assert strict.compression(told(made, *texts, gone=[(2, 1, "Filter_context"), (3, 2, "Filter_context")])) == 1.0
    assert strict.compression(told(made, *texts)) == 0.0
    assert terms.compression(told(made, *texts)) == 0.9  # the paper's is not earned by anything


def removed(episode):
    (moment,) = moments_of(episode)
    return strict.removed_needless(episode, moment)


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
    assert removed(wiped) == 6  # the first call; the second left the fact where it was retrieved
    assert strict.preservation(wiped) == 0.0  # the third one took it, and the query has no phrase that would tell
    both = told(made, (MILL, "talk"), (LUNCH, "distractor"))
    both.edits.append(made.edit(removed=(1, 2), step=1, by="Summary_context"))
    assert (strict.compression(both), strict.preventive(both), strict.preservation(both)) == (0.0, 0.0, 0.0)


def test_what_was_taken_out_before_a_stage_cleared_the_context_is_past(made):
    texts = [(LUNCH, "talk"), (MILL, "talk")]
    episode = told(made, *texts, gone=[(1, 1, "Filter_context"), (2, 2, "stage")])
    assert (strict.compression(episode), strict.preservation(episode)) == (0.0, 0.0)


def test_preventive_is_earned_before_the_limit_only(made):
    steps = [made.step(prompt=1000), made.step(prompt=1001), made.step(), made.step(success=True)]

    def earned(step):
        return strict.preventive(told(made, (LUNCH, "talk"), gone=[(1, step, "Filter_context")], steps=steps))

    assert (earned(1), earned(2), earned(3)) == (1.0, 0.0, 0.0)


def test_a_call_without_effect_earns_nothing_of_the_context(made):
    episode = told(
        made, (LUNCH, "distractor"), steps=[made.step(made.call("Filter_context", removed=[])), made.step(success=True)]
    )
    assert (terms.preventive(episode), terms.preservation(episode)) == (1.0, 1.0)
    assert (strict.compression(episode), strict.preventive(episode), strict.preservation(episode)) == (0.0, 0.0, 0.0)


def test_a_summary_earns_what_it_saves(made):
    def summary_of(words):
        episode = told(made, (LUNCH, "talk"), (LIE, "talk"))
        short = made.message(3, " ".join(["so"] * words), "summary")
        episode.messages.append(short)
        episode.edits.append(made.edit(removed=(1, 2), added=3, at=0, step=1, by="Summary_context"))
        return removed(episode)

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


# ----------------------------------------------------------------------------------- when the task moves forward


def way(made, *progress, gone=(), texts=((LUNCH, "distractor"),), **more):
    """An episode whose replies brought the task so far."""
    steps = [made.step(progress=share) for share in progress]
    return told(made, *texts, gone=gone, steps=steps, **more)


def test_a_moment_is_a_reply_that_brought_the_task_forward(made):
    found = moments_of(way(made, 0.0, 0.25, 0.25, 1.0))
    assert [(moment.step, moment.weight) for moment in found] == [(2, 0.25), (4, 0.75)]
    back = moments_of(way(made, 0.5, 0.25, 0.5, 0.75))  # what was lost and won again is no way forward
    assert [(moment.step, moment.weight) for moment in back] == [(1, 0.5), (4, 0.25)]
    begun = way(made, 0.5, 0.75)
    begun.start = made.start(begun.start, progress=0.5)
    assert [(moment.step, moment.weight) for moment in moments_of(begun)] == [(2, 0.5)]
    assert moments_of(way(made, 0.0, 0.0)) == ()


def test_an_answer_weighs_as_much_as_it_is_worth(made):
    def weights(answer, stage=3, score=None, progress=0.0):
        episode = made.episode(
            made.step(), made.step(answer=answer, stage=stage, progress=progress), answer="Port Vell"
        )
        return [moment.weight for moment in moments_of(episode, score)]

    assert weights("Port Vell", progress=1.0) == [1.0]
    assert weights("Port", progress=0.6) == [0.6]
    assert weights("The town of Port Vell", progress=0.6, score=1.0) == [1.0]  # the judge knows better
    assert weights("unknown", score=-1.0) == []
    assert weights("Noted.", stage=1, score=1.0) == []


def test_the_context_counts_by_what_was_done_before_the_task_moved_forward(made):
    half = way(
        made, 0.0, 0.5, 0.5, 1.0, gone=[(1, 2, "Filter_context")]
    )  # the second reply filters; only the fourth profits
    assert (strict.compression(half), strict.preventive(half), strict.preservation(half)) == (0.5, 0.5, 0.5)
    late = way(made, 0.0, 1.0, 1.0, gone=[(1, 2, "Filter_context")])
    assert (strict.compression(late), strict.preventive(late), strict.preservation(late)) == (0.0, 0.0, 0.0)
    never = way(made, 0.0, 0.0, 0.0, gone=[(1, 1, "Filter_context")])
    assert (strict.compression(never), strict.preventive(never), strict.preservation(never)) == (0.0, 0.0, 0.0)


def test_what_is_wiped_before_it_was_used_is_not_preserved(made):
    texts = [(f"m1: {MILL}", "tool_result"), (LUNCH, "distractor")]
    question = {"question": "When was Ada Karr born?"}

    def preserved(*gone):
        return strict.preservation(way(made, 0.0, 0.5, 0.5, 1.0, gone=gone, texts=texts, **question))

    noise, fact = (2, 1, "Filter_context"), (1, 3, "Filter_context")
    assert preserved(noise) == 1.0
    assert preserved(noise, fact) == 0.5  # it stood when half of the way was made
    assert preserved(noise, (1, 1, "Filter_context")) == 0.0


def test_relevance_is_earned_by_what_still_stood_when_the_task_moved_forward(made, judge):
    def relevance(*gone, progress=(0.0, 0.5, 1.0), kind="tool_result", content=f"Found: {MILL} {PORT}"):
        steps = [made.step(made.retrieve(MILL, PORT), progress=progress[0])]
        steps += [made.step(progress=share) for share in progress[1:]]
        return strict.relevance(told(made, (content, kind), gone=gone, steps=steps), judge)

    assert relevance() == 1.0
    assert relevance(kind="summary") == 1.0
    assert relevance(content=f"Found: {MILL}") == pytest.approx(2 / 3)  # the other one is gone
    assert relevance((1, 2, "Filter_context")) == 0.5
    assert relevance((1, 1, "Filter_context")) == 0.0
    assert relevance(progress=(1.0, 1.0, 1.0)) == 0.0  # it was solved before it was looked up
    assert relevance(progress=(0.0, 0.0, 0.0)) == 0.0
    assert relevance(kind="reply") == 0.0  # what the agent says itself was not retrieved


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
    shown = [made.message(n, f"Retrieved: {text}", "tool_result") for n, text in enumerate(entries, start=1)]
    steps = [made.step(*adds, stage=1), made.step(made.retrieve(*entries)), made.step(success=True)]
    episode = made.episode(*steps, facts=FACTS, messages=shown)
    assert strict.storage(episode, judge) == pytest.approx(expected)
    assert strict.relevance(episode, judge) == pytest.approx(expected)
    assert strict.coverage(episode, judge) == recall


def test_without_key_facts_storage_is_not_earned_and_relevance_is_the_judges(made, judge):
    shown = [made.message(1, "Retrieved: Where is it?", "tool_result")]
    steps = [
        made.step(made.add("m1", MILL), stage=1),
        made.step(made.retrieve("Where is it?")),
        made.step(success=True),
    ]
    episode = made.episode(*steps, messages=shown)
    assert strict.storage(episode, judge) == 0.0
    assert strict.relevance(episode, judge) == pytest.approx(1.0)  # the question itself


@pytest.mark.parametrize(
    ("entries", "precision", "recall"),
    [
        ((MILL, LUNCH, "Bread is dear."), 1.0, 1.0),  # all that was told: nobody could know better
        ((MILL,), 1.0, 1.0),
        ((MILL, MILL, LUNCH, LUNCH, "Bread is dear.", "Bread is dear."), 0.5, 1.0),  # twice; a fact counts once
        ((MILL, LUNCH, "Bread is dear.", LIE), 0.75, 1.0),  # and a distractor
        (("x", "y", "z"), 0.0, 0.0),
    ],
)
def test_precision_of_storage_is_measured_by_what_was_told(made, judge, entries, precision, recall):
    texts = [(MILL, "talk"), (LUNCH, "talk"), ("Bread is dear.", "talk"), (LIE, "distractor")]
    messages = [made.message(n, content, kind) for n, (content, kind) in enumerate(texts, start=1)]
    adds = [made.add(f"m{n}", text) for n, text in enumerate(entries)]
    episode = made.episode(made.step(*adds, stage=1), made.step(), facts=(MILL,), messages=messages)
    assert strict.told_precision(episode, judge) == pytest.approx(1 / 3)
    expected = 2 * precision * recall / (precision + recall) if recall else 0.0
    assert strict.storage(episode, judge) == pytest.approx(expected)


def test_storage_counts_what_is_still_held(made, judge):
    def storage(*later, before=()):
        adds = made.step(made.add("m8", MILL), made.add("m9", PORT), stage=1)
        return strict.storage(made.episode(adds, *later, facts=FACTS, before=before), judge)

    assert storage() == 1.0
    assert storage(made.step(made.delete("m9"), stage=2)) == pytest.approx(2 / 3)
    assert storage(made.step(made.delete("m8"), made.delete("m9"))) == 0.0
    assert storage(made.step(made.update("m9", LUNCH), stage=2)) == pytest.approx(0.5)
    assert storage(made.step(made.add("m7", PORT), made.add("m6", LUNCH))) == 1.0  # written when the query was known


def test_what_was_held_before_counts_as_remembered(made, judge):
    def storage(*adds, before):
        return strict.storage(made.episode(made.step(*adds, stage=1), made.step(), facts=FACTS, before=before), judge)

    assert storage(before=[MILL, PORT, LUNCH]) == 1.0  # nothing had to be written
    assert storage(made.add("m9", PORT), before=[MILL, LUNCH]) == 1.0
    assert storage(made.add("m9", LUNCH), before=[MILL, PORT]) == 0.0
    assert storage(before=[LUNCH]) == 0.0


def test_coverage_is_what_memory_holds_in_the_end(made, judge):
    def coverage(*results, before=()):
        return strict.coverage(made.episode(made.step(*results, stage=1), facts=FACTS, before=before), judge)

    assert coverage() == 0.0
    assert coverage(made.add("m2", MILL), before=[LUNCH]) == 0.5
    assert coverage(made.add("m2", MILL), before=[PORT]) == 1.0
    assert coverage(made.add("m2", MILL), made.delete("m2"), before=[PORT]) == 0.5


def maintenance(made, judge, *results, before=(), distractors=(LIE,)):
    messages = [made.message(n, text, "distractor") for n, text in enumerate(distractors, start=1)]
    episode = made.episode(made.step(*results), facts=FACTS, before=before, messages=messages)
    episode.distractors = [{"message_id": message.id, "source": "stale", "similarity": None} for message in messages]
    return strict.maintenance(episode, judge)


BOTH = f"{MILL} {PORT}"


def test_maintenance_is_full_where_nothing_needed_it(made, judge):
    assert maintenance(made, judge, made.add("m1", MILL), made.add("m2", PORT)) == 1.0
    assert maintenance(made, judge, before=[BOTH]) == 1.0


def test_there_is_nothing_to_maintain_without_an_entry_or_in_one_that_holds_nothing(made, judge):
    assert maintenance(made, judge) == 0.0
    assert maintenance(made, judge, made.add("m1", "x")) == 0.0
    assert maintenance(made, judge, made.add("m1", "x"), made.update("m1", "y")) == 0.0
    assert maintenance(made, judge, made.add("m1", MILL)) == 0.5  # it holds one of the two


def test_a_false_entry_has_to_be_replaced_or_removed(made, judge):
    def of(*results, before=(BOTH,)):
        return maintenance(made, judge, *results, before=before)

    assert of(made.add("m9", LIE)) == 0.0
    assert of(made.add("m9", LIE), made.delete("m9")) == 1.0
    assert of(made.add("m9", LIE), made.update("m9", PORT)) == 1.0
    assert of(made.add("m9", LIE), made.update("m9", f"It is no longer true that: {LIE}")) == 1.0
    assert of(made.add("m9", LIE), made.update("m9", LIE)) == 0.0  # identical content is no update
    assert of(before=[BOTH, LIE]) == 0.0


def test_a_duplicate_has_to_go(made, judge):
    twice = (made.add("m1", BOTH), made.add("m2", BOTH))
    assert maintenance(made, judge, *twice) == 0.0
    assert maintenance(made, judge, *twice, made.delete("m2")) == 1.0
    assert maintenance(made, judge, *twice, made.delete("m1")) == 1.0
    assert maintenance(made, judge, *twice, made.add("m3", LIE), made.delete("m3")) == 0.5


def test_what_loses_a_key_fact_breaks_memory(made, judge):
    def of(*results):
        return maintenance(made, judge, made.add("m1", MILL), made.add("m8", PORT), *results)

    assert of(made.delete("m1")) == 0.0
    assert of(made.update("m1", LUNCH)) == 0.0
    assert of(made.delete("m1"), made.add("m2", MILL)) == 1.0  # it came back
    assert of(made.add("m2", f"{MILL} So I heard."), made.delete("m1")) == 1.0


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
    assert (strictly["context"], strictly["memory"], strictly["total"]) == (0.0, 0.0, 0.0)
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
