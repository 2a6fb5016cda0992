"""The explorer at work: honest, fast when told, lost when not; and with what it asks of memory."""

import numpy as np
import pytest

from agemem_gym.baselines.explorers.agents import ExplorerAgent, StoreAllAgent
from agemem_gym.baselines.explorers.babyai import BabyAIExplorer
from agemem_gym.envs.babyai import BabyAITask
from agemem_gym.registration import make_memory_env


def play(task, seed, told, options=None, most=None):
    """Whether an explorer that was told some sentences wins, and in how many moves."""
    start = task.reset(seed, options or {})
    explorer = BabyAIExplorer()
    explorer.reset(np.random.default_rng(seed))
    for text in told(task, start):
        explorer.learn(text)
    info = {"instruction": start.instruction, "commands": start.commands, "observation": start.observation}
    explorer.begin(info)
    for move in range(most or start.max_moves):
        info["admissible"] = task.admissible()
        step = task.act(explorer.act(info).removeprefix("<action>").removesuffix("</action>"))
        info["observation"] = step.observation
        if step.done:
            return step.success, move + 1
    return False, start.max_moves


def key_facts(task, start):
    return start.key_facts


def nothing(task, start):
    return ()


def test_key_facts_suffice_within_memorys_limit():
    task = BabyAITask(level="memory", moves="memory")
    won = [play(task, seed, key_facts)[0] for seed in range(24)]
    assert sum(won) >= 20


def test_without_them_the_same_explorer_fails_there_and_finds_it_with_time():
    task = BabyAITask(level="memory", moves="memory")
    assert sum(play(task, seed, nothing)[0] for seed in range(12)) <= 4
    assert sum(play(task, seed, nothing, most=100)[0] for seed in range(6)) >= 4


@pytest.mark.parametrize(
    "level", ["GoToLocal", "PickupLoc", "Open", "PutNextLocal", "GoToSeqS5R2", "UnlockPickup", "FindObjS5"]
)
def test_it_plays_minigrids_own_levels_without_being_told_anything(level):
    task = BabyAITask(level=level)
    assert sum(play(task, seed, nothing)[0] for seed in range(6)) >= 4


def test_the_same_generator_plays_the_same():
    task = BabyAITask(level="memory", moves="memory")
    assert play(task, 3, nothing) == play(task, 3, nothing)


def test_questions_go_from_the_things_to_the_way_and_come_to_an_end():
    task = BabyAITask(level="memory")
    start = task.reset(4, {})
    facts = task.world_facts()
    explorer = BabyAIExplorer()
    explorer.reset(np.random.default_rng(0))
    explorer.begin({"instruction": start.instruction})
    first = explorer.questions()
    assert all(start.record["house"] in text for text in first)
    assert "start" in first[0]
    asked = list(first)
    for _ in range(20):
        for fact in facts:
            explorer.learn(fact)
        more = explorer.questions()
        if not more:
            break
        asked += more
    assert not explorer.questions()
    assert len(set(asked)) == len(asked) <= 24


def test_it_never_raises_whatever_it_is_told_or_shown():
    explorer = BabyAIExplorer()
    explorer.reset(np.random.default_rng(0))
    for text in (
        "",
        "nonsense",
        "There is a red ball 1 0 steps in front of you and 0 steps to your left. You are carrying a x y.",
    ):
        explorer.learn(text)
        reply = explorer.act({"instruction": text, "observation": text, "admissible": ["turn left"]})
        assert reply.startswith("<action>turn ")


@pytest.mark.parametrize(
    ("agent", "keywords"), [(StoreAllAgent, {}), (ExplorerAgent, {"order": "all_at_once", "n2": 0})]
)
def test_who_knows_wins_behind_the_stages(agent, keywords):
    assert won_behind_stages(agent(), range(6), **keywords) >= 5


@pytest.mark.parametrize(("agent", "keywords"), [(ExplorerAgent, {}), (StoreAllAgent, {"n1": 0})])
def test_who_does_not_know_loses_behind_the_stages(agent, keywords):
    assert won_behind_stages(agent(), range(6), **keywords) <= 2


def won_behind_stages(agent, seeds, **keywords):
    env = make_memory_env(
        "AgeMem-BabyAI-ThreeStage-v0", encoder="hash", index="exact", reward="task", **agent.env_kwargs, **keywords
    )
    won = 0
    for seed in seeds:
        obs, info = env.reset(seed=seed)
        agent.reset(info)
        over = False
        while not over:
            obs, _, terminated, truncated, info = env.step(agent.act(obs, info))
            over = terminated or truncated
        won += bool(info["success"])
    env.close()
    return won
