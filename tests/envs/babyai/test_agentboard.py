"""Against AgentBoard's own wrapper, for those who have its repository: ``AGENTBOARD_PATH=…/AgentBoard pytest …``.

Equal on all 112 tasks: goal, first observation, list of commands, the low-level plan of every command, every refusal, every
observation. Three deviations are meant: where upstream prints a Python dict for a door's number, ours prints the number; a
mission completed in the middle of a macro stays completed; and a strict order of doors, which minigrid always fails (and
AgentBoard then calls completed), can be kept.
"""

import importlib.util
import os
import random
import re
import sys
from pathlib import Path

import pytest

from agemem_gym.envs.babyai import BabyAITask
from agemem_gym.envs.babyai.commands import Commands, Refusal
from agemem_gym.envs.babyai.levels import AGENTBOARD_LEVELS, AGENTBOARD_SEEDS

ROOT = os.environ.get("AGENTBOARD_PATH")
pytestmark = pytest.mark.skipif(ROOT is None, reason="AGENTBOARD_PATH does not name a clone of hkust-nlp/AgentBoard")


@pytest.fixture(scope="module")
def agentboard(tmp_path_factory):
    benchmarks = Path(__file__).parents[3] / "benchmarks"
    sys.path.insert(0, str(benchmarks))
    try:
        spec = importlib.util.spec_from_file_location("peer_babyai", benchmarks / "peers" / "against_babyai.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(benchmarks))
    return module.load_agentboard(Path(ROOT))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("level", AGENTBOARD_LEVELS)
def test_the_texts_and_plans_are_agentboards(level, agentboard):
    task = BabyAITask(protocol="agentboard")
    for seed in AGENTBOARD_SEEDS:
        peer = agentboard(game_name=level, seed=seed)
        start = task.reset(0, {"level": level, "level_seed": seed})
        assert (start.instruction, start.observation) == (peer.goal, peer.init_obs)
        chance = random.Random(seed)
        for _ in range(30):
            compare_commands(task, peer)
            command = chance.choice([name for name in peer.action_space if "check" not in name])
            ours, (theirs, _, done, _) = task.act(command), peer.step(command)
            if ours.done and not done:
                assert ours.success or "failed" in ours.observation
                break
            if "The task is completed" in theirs and not ours.done:
                assert "OpenDoorsOrder" in level
                break
            assert ours.observation == theirs
            if ours.done:
                break


def compare_commands(task, peer):
    world = task._world
    commands = Commands(world.view, world.carrying)
    assert commands.everything() == list(peer.action_space)
    for name, plan in peer.action_space.items():
        if "check" not in name:
            assert commands.find(name) == plan
    for name, reason in peer.error_message.items():
        if name not in peer.action_space:
            number = name.rsplit(" ", 1)[-1]
            assert commands.find(name) == Refusal(re.sub(r"\{.*\}", number, reason))
