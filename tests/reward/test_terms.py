"""Every term against values worked out by hand; AgeMem (arXiv:2601.01885), appendix A.2."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agemem_gym.reward import terms

FACTS = ("Ada Karr built the mill in 1840.", "The mill stands in Port Vell.")
HOLD_BOTH = "Ada Karr built the mill in 1840. The mill stands in Port Vell."


# ------------------------------------------------------------------------------------------------------------ task


def test_a_question_without_an_answer_costs_one(made, judge):
    episode = made.episode(made.step())
    assert terms.task_score(episode, "success") == -1.0
    assert terms.judged_task_score(episode, "success", judge) == -1.0
    assert terms.judged_task_score(episode, "success", judge, no_answer=-0.25) == -0.25


def test_an_answer_before_stage_three_is_no_answer(made, judge):
    assert terms.judged_task_score(made.episode(made.step(stage=1, answer="Paris")), "success", judge) == -1.0


def test_a_question_is_scored_by_the_judge_and_an_empty_answer_is_an_answer(made, judge):
    def score(answer):
        return terms.judged_task_score(made.episode(made.step(answer=answer)), "success", judge)

    assert score("the Paris!") == 1.0
    assert score("the city of Paris") == 0.5  # three words (city, of, paris): precision 1/3, recall 1
    assert score("Rome") == 0.0
    assert score("") == 0.0


@pytest.mark.parametrize(("metric", "expected"), [("success", 0.0), ("progress", 0.75)])
def test_an_engines_task_is_scored_by_its_own_figure(made, judge, metric, expected):
    episode = made.episode(made.step(answer="done", progress=0.75), answer=None)
    assert terms.task_score(episode, metric) == expected
    assert terms.judged_task_score(episode, metric, judge) == expected


# --------------------------------------------------------------------------------------------------------- context


@pytest.mark.parametrize(("used", "expected"), [(0, 1.0), (250, 0.75), (999, 0.001), (1000, 0.0), (2500, 0.0)])
def test_compression_is_the_share_of_the_budget_that_is_free_when_the_answer_is_asked_for(made, used, expected):
    assert terms.compression(made.episode(made.step(prompt=3000), made.step(prompt=used))) == pytest.approx(expected)


@pytest.mark.parametrize("tool", ["Summary_context", "Filter_context"])
@pytest.mark.parametrize(("prompts", "expected"), [((100, 1000), 1.0), ((100, 1001), 0.0), ((1001, 500), 0.0)])
def test_preventive_asks_for_a_reduction_before_the_limit_was_passed(made, tool, prompts, expected):
    first, second = prompts
    episode = made.episode(made.step(prompt=first), made.step(made.call(tool, removed=[]), prompt=second))
    assert terms.preventive(episode) == expected


def test_preventive_is_zero_without_a_call_that_was_carried_out(made):
    refused = made.call("Summary_context", ok=False)
    other = made.add("m1", "x")
    assert terms.preventive(made.episode(made.step(refused), made.step(other))) == 0.0


QUESTION = "When was Ada Karr born in Port Vell?"


def preservation(made, messages, gone=(), question=QUESTION):
    texts = [made.message(1, question, "task", protected=True), *(made.message(n, *text) for n, text in messages)]
    removals = [(number, 2, by) for number, by in gone]
    return terms.preservation(made.episode(made.step(), question=question, messages=texts, removals=removals))


def test_phrases_that_stand_in_the_context_are_preserved(made):
    assert preservation(made, [(2, ("ADA  karr lived in Port\nVell.",))]) == 1.0


def test_a_phrase_that_left_with_its_only_message_is_lost(made):
    assert preservation(made, [(2, ("Ada Karr was a miller.",)), (3, ("Port Vell.",))], [(2, "Filter_context")]) == 0.0


def test_a_phrase_that_another_message_or_a_summary_still_holds_is_preserved(made):
    told = (2, ("Ada Karr was a miller.",))
    assert preservation(made, [told, (3, ("Ada Karr again.",))], [(2, "Filter_context")]) == 1.0
    assert preservation(made, [told, (3, ("Of Ada Karr.", "summary"))], [(2, "Summary_context")]) == 1.0
    assert preservation(made, [told, (3, ("Of nothing.", "summary"))], [(2, "Summary_context")]) == 0.0


def test_a_phrase_inside_a_longer_word_does_not_count(made):
    texts = [(2, ("Ada Karr",)), (3, ("Ada Karrington",))]
    assert preservation(made, texts, [(2, "Filter_context")]) == 0.0


def test_the_query_itself_and_the_agents_own_words_do_not_preserve(made):
    texts = [(2, ("Ada Karr was a miller.",)), (3, ("Filter: Ada Karr", "reply"))]
    assert preservation(made, texts, [(2, "Filter_context")]) == 0.0


def test_what_never_stood_elsewhere_cannot_be_lost(made):
    assert preservation(made, [(2, ("Nothing of note.",))], [(2, "Filter_context")]) == 1.0
    assert preservation(made, []) == 1.0


def test_distractors_may_go_and_so_may_what_a_new_stage_clears(made):
    assert preservation(made, [(2, ("Ada Karr!", "distractor"))], [(2, "Filter_context")]) == 1.0
    assert preservation(made, [(2, ("Ada Karr!", "talk"))], [(2, "stage")]) == 1.0
    both = [(2, ("Ada Karr!", "talk")), (3, ("Bye.", "talk"))]
    assert preservation(made, both, [(2, "Summary_context"), (3, "stage")]) == 1.0


@pytest.mark.parametrize("question", ["", "go to the red ball", "Who?"])
def test_a_query_without_key_phrases_loses_nothing(made, question):
    assert preservation(made, [(2, ("Ada Karr",))], [(2, "Filter_context")], question) == 1.0


def test_the_extractor_can_be_exchanged(made):
    texts = [made.message(1, "the mill", "task", True), made.message(2, "a mill")]
    episode = made.episode(made.step(), question="the mill", messages=texts, removals=[(2, 1, "Filter_context")])
    assert terms.preservation(episode) == 1.0
    assert terms.preservation(episode, lambda text: ("mill",)) == 0.0
    assert terms.lost_phrases(episode, lambda text: ("mill",)) == ("mill",)


# ---------------------------------------------------------------------------------------------------------- memory


def test_storage_is_the_share_of_entries_that_hold_a_gold_fact(made, judge):
    added = made.step(made.add("m1", FACTS[0]), made.add("m2", "Lunch was nice."), made.add("m3", HOLD_BOTH))
    assert terms.storage(made.episode(added, facts=FACTS), judge) == pytest.approx(2 / 3)


def test_storage_without_an_entry_is_zero_and_encodes_nothing(made, judge, encoder):
    refused = made.call("Add_memory", ok=False)
    assert terms.storage(made.episode(made.step(refused), facts=FACTS), judge) == 0.0
    assert encoder.texts == []


def test_storage_looks_at_stage_one_where_there_is_one(made, judge):
    early, late = made.step(made.add("m1", FACTS[0]), stage=1), made.step(made.add("m2", "Lunch."), stage=2)
    assert terms.storage(made.episode(early, late, facts=FACTS), judge) == 1.0
    assert terms.storage(made.episode(made.step(stage=1), late, facts=FACTS), judge) == 0.0


def test_an_entry_counts_in_its_last_wording_and_a_deleted_one_counts(made, judge):
    mended = made.step(made.add("m1", "Lunch."), made.update("m1", FACTS[0]))
    spoilt = made.step(made.add("m2", FACTS[1]), made.update("m2", "Dinner."), made.delete("m2"))
    carried_over = made.step(made.update("m9", FACTS[1]))
    episode = made.episode(mended, spoilt, carried_over, facts=FACTS)
    assert terms.written_entries(episode) == (FACTS[0], "Dinner.")
    assert terms.storage(episode, judge) == 0.5


@pytest.mark.parametrize(
    ("name", "ok", "expected"),
    [
        ("Update_memory", True, 1.0),
        ("Delete_memory", True, 1.0),
        ("Delete_memory", False, 0.0),
        ("Add_memory", True, 0.0),
    ],
)
def test_maintenance_is_one_after_an_update_or_a_delete(made, name, ok, expected):
    result = made.call(name, ok=ok, id="m1", content="x")
    assert terms.maintenance(made.episode(made.step(result, stage=1))) == expected


def test_relevance_judges_each_text_that_was_retrieved_once_the_query_was_known(made, judge):
    early = made.step(made.retrieve("Lunch.", "Dinner."), stage=1)
    late = made.step(made.retrieve(FACTS[0], "Lunch."), made.retrieve(FACTS[0]))
    assert terms.relevance(made.episode(early, late, facts=FACTS), judge) == 0.5
    assert terms.relevance(made.episode(early, facts=FACTS), judge) == 0.0
    assert terms.relevance(made.episode(made.step(made.retrieve()), facts=FACTS), judge) == 0.0


# ------------------------------------------------------------------------------------------------------- penalties


@pytest.mark.parametrize(("used", "over"), [(999, False), (1000, False), (1001, True)])
def test_exactly_the_budget_is_no_overflow(made, used, over):
    assert terms.tokens_exceeded(made.episode(made.step(prompt=5000), made.step(prompt=used))) is over


@pytest.mark.parametrize(
    ("replies", "truncated", "over"), [(3, True, True), (2, True, False), (3, False, False), (0, False, False)]
)
def test_rounds_are_exceeded_when_the_replies_ran_out_before_the_task_was_over(made, replies, truncated, over):
    episode = made.episode(*[made.step()] * replies, rounds=3, truncated=truncated)
    assert terms.rounds_exceeded(episode) is over


@given(st.lists(st.tuples(st.integers(0, 4000), st.sampled_from(["Add_memory", "Summary_context", "Delete_memory"]))))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_part_of_context_and_memory_lies_between_zero_and_one(made, replies):
    calls = (made.step(made.call(name, id="m1", content="x"), prompt=prompt) for prompt, name in replies)
    played = made.episode(*calls)
    for term in (terms.compression, terms.preventive, terms.preservation, terms.maintenance):
        assert 0.0 <= term(played) <= 1.0
