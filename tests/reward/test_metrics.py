"""Memory metrics against values worked out by hand, and in a result row."""

import gymnasium
import pytest

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.leaderboard import run_leaderboard
from agemem_gym.leaderboard.board import make_board
from agemem_gym.leaderboard.table import markdown
from agemem_gym.reward import memory_metrics
from agemem_gym.reward.metrics import redundant_adds

FACTS = ("Ada Karr built the mill in 1840.", "The mill stands in Port Vell.")


def test_an_episode_without_memory_has_no_hit_rate_and_encodes_nothing(made, judge, encoder):
    metrics = memory_metrics(made.episode(made.step(prompt=1000), made.step(prompt=1001), facts=FACTS), judge)
    assert (metrics.quality, metrics.storage, metrics.coverage, metrics.precision) == (0.0, 0.0, 0.0, 0.0)
    assert (metrics.hit_rate, metrics.retrievals, metrics.entries, metrics.redundant_adds) == (None, 0, 0, 0)
    assert (metrics.prompt_tokens, metrics.overflows) == (2001, 1)
    assert encoder.texts == []


def test_the_final_memory_is_what_quality_coverage_and_precision_look_at(made, judge):
    added = made.step(made.add("m1", FACTS[0]), made.add("m2", "Lunch."), made.add("m3", "Dinner."))
    episode = made.episode(added, facts=FACTS, memory=[FACTS[0], "Lunch.", "Dinner."])
    metrics = memory_metrics(episode, judge)
    assert (metrics.coverage, metrics.precision, metrics.storage) == (0.5, pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert metrics.quality == pytest.approx(0.4)  # 2 · 1/2 · 1/3 / (1/2 + 1/3)
    assert (metrics.entries, metrics.tool_calls, metrics.judge) == (3, {"Add_memory": 3}, "offline")


def test_a_retrieval_hits_if_anything_it_brought_is_useful_even_if_it_was_deleted_since(made, judge):
    replies = [
        made.step(made.retrieve("Lunch.", FACTS[0]), stage=1),
        made.step(made.retrieve("Lunch.")),
        made.step(made.retrieve()),
        made.step(made.call("Retrieve_memory", ok=False)),
    ]
    metrics = memory_metrics(made.episode(*replies, facts=FACTS, memory=["Lunch."]), judge)
    assert (metrics.retrievals, metrics.hit_rate) == (3, pytest.approx(1 / 3))
    assert metrics.tool_calls == {"Retrieve_memory": 4}


@pytest.mark.parametrize(
    ("first", "second", "redundant"),
    [
        ("The mill stands in Port Vell.", "the mill stands in Port Vell", 1),
        ("The mill stands in Port Vell.", "A mill: it stands in Port Vell!", 1),
        ("The mill stands in Port Vell.", "The mill stands in Port Carn.", 0),
        ("book 1 is on desk 1", "book 2 is on desk 1", 0),
        ("?!", "?!", 0),  # without a word there is nothing to compare
        ("?!", "mill", 0),
    ],
)
def test_an_add_of_what_memory_holds_in_nearly_the_same_words_is_redundant(made, first, second, redundant):
    assert redundant_adds(made.episode(made.step(made.add("m1", first), made.add("m2", second)))) == redundant


def test_redundant_is_against_what_memory_held_at_that_time(made):
    replies = [
        made.step(made.add("m2", FACTS[0])),  # carried over: redundant
        made.step(made.delete("m1"), made.delete("m2"), made.add("m3", FACTS[0])),  # gone: not
        made.step(made.update("m3", FACTS[1]), made.add("m4", FACTS[0])),  # replaced: not
        made.step(made.add("m5", FACTS[1])),  # what it was replaced by: redundant
    ]
    assert redundant_adds(made.episode(*replies, before=[FACTS[0]])) == 2


def test_every_row_and_the_table_carry_them(tmp_path):
    keywords = {"encoder": "hash", "index": "exact", "mode": "open"}
    rows = run_leaderboard(["scripted"], ["AgeMem-HotpotQA-v0"], 2, tmp_path, env_kwargs=keywords)
    assert all(row.judge == "offline" and not row.judge_fallbacks for row in rows)
    assert all(0.0 < row.coverage <= 1.0 and 0.0 < row.memory_quality <= 1.0 for row in rows)
    headers = [line for line in markdown(make_board(rows), "").splitlines() if line.startswith("| env")]
    assert "| MQ |" in headers[0]
    assert "| MQ | storage | coverage | precision | hit rate | entries | redundant adds | overflows |" in headers[1]
    assert "| Add_memory | Update_memory |" in headers[2]


def test_memory_was_needed_where_something_was_told_before_the_task(made, judge):
    def needed(*steps, facts=FACTS, before=(), keep=False):
        episode = made.episode(*steps, facts=facts, before=before)
        episode.keep_memory = keep
        return memory_metrics(episode, judge).needed

    assert needed(made.step(stage=1), made.step())
    assert needed(made.step(), before=["The mill stands."], keep=True)
    assert not needed(made.step())  # no stages
    assert not needed(made.step(stage=2), made.step())  # n1=0
    assert not needed(made.step(stage=1), facts=())
    assert not needed(made.step(), keep=True)  # the first of a stream


@pytest.mark.parametrize(("n1", "needed"), [(0, False), (1, True)])
def test_without_messages_of_stage_1_nothing_had_to_be_remembered(judge, n1, needed):
    env = gymnasium.make("AgeMem-HotpotQA-ThreeStage-v0", n1=n1, n2=1, encoder="hash", index="exact")
    env.reset(seed=0)
    over = False
    while not over:
        _, _, terminated, truncated, _ = env.step("<answer>Noted.</answer>")
        over = terminated or truncated
    assert memory_metrics(env.unwrapped.episode, judge).needed is needed
    env.close()
