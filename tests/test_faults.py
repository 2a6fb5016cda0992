"""What happens when things go wrong, or go on for long: missing data, many envs at once, hundreds of resets."""

import json
import subprocess
import sys

import gymnasium
import pytest

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.errors import AgeMemError
from agemem_gym.registration import BENCHMARKS

IDS = [benchmark.env_id for benchmark in BENCHMARKS]
FAST = {"encoder": "hash", "index": "exact"}


@pytest.mark.parametrize("name", ["ALFWorld", "HotpotQA", "PDDL"])
def test_a_missing_data_folder_is_an_error_that_names_it_before_the_first_episode(name, tmp_path):
    missing = tmp_path / "not_there" / "at_all"
    with pytest.raises(AgeMemError, match="not_there"):
        gymnasium.make(f"AgeMem-{name}-v0", data=str(missing), **FAST).reset(seed=0)


@pytest.mark.parametrize("content", ["", "{", '{"pddl_domain": "(define"', "\x00\x01\x02", "[]", '{"a": 1}'])
def test_a_truncated_game_file_is_refused_by_name(tmp_path, content):
    game = tmp_path / "game.tw-pddl"
    game.write_text(content)
    env = gymnasium.make("AgeMem-ALFWorld-v0", game=str(game), **FAST)
    with pytest.raises(AgeMemError, match=r"game\.tw-pddl"):
        env.reset(seed=0)
    env.close()


def test_an_env_goes_on_after_a_reset_that_failed(tmp_path):
    from agemem_gym.errors import ConfigurationError

    for env_id in IDS:
        env = gymnasium.make(env_id, **FAST)
        obs, _ = env.reset(seed=1)
        with pytest.raises(ConfigurationError):
            env.reset(seed=1, options={"nonsense": 1})
        assert env.reset(seed=1)[0] == obs
        env.close()


def play(env, seed, steps=6):
    transcript = [env.reset(seed=seed)[0]]
    for _ in range(steps):
        obs, _, terminated, truncated, _ = env.step("look around")
        transcript.append(obs)
        if terminated or truncated:
            break
    return transcript


def test_eight_envs_at_once_do_not_disturb_each_other():
    ids = [*IDS, "AgeMem-BabyAI-v0", "AgeMem-PDDL-v0", "AgeMem-HotpotQA-v0"]
    assert len(ids) == 8
    alone = []
    for seed, env_id in enumerate(ids):
        env = gymnasium.make(env_id, **FAST)
        alone.append(play(env, seed))
        env.close()
    envs = [gymnasium.make(env_id, **FAST) for env_id in ids]
    together = [[env.reset(seed=seed)[0]] for seed, env in enumerate(envs)]
    for step in range(6):
        for i, env in enumerate(envs):
            if len(alone[i]) > step + 1:
                together[i].append(env.step("look around")[0])
    assert together == alone
    for env in envs:
        env.close()


_MANY_RESETS = """
import json, sys
import psutil, gymnasium, agemem_gym
from agemem_gym.protocol import call_reply
process = psutil.Process()
def ports():
    return sorted(c.laddr.port for c in process.net_connections() if c.status == psutil.CONN_LISTEN)
before = ports()
env = gymnasium.make(sys.argv[1], encoder="hash")
sizes = []
for seed in range(330):
    env.reset(seed=seed)
    env.step(call_reply(("Add_memory", {"content": f"entry {seed}"}), ("Retrieve_memory", {"query": "entry"})))
    env.step("look around")
    if seed in (29, 329):
        sizes.append(process.memory_info().rss)
env.close()
children = [child.name() for child in process.children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]
print(json.dumps({"growth": sizes[1] - sizes[0], "children": children, "ports": ports() != before}))
"""


@pytest.mark.parametrize(
    "env_id", [pytest.param(i, marks=pytest.mark.slow) if "Science" in i or "ALFWorld" in i else i for i in IDS]
)
def test_three_hundred_resets_grow_little_and_leave_nothing_behind(env_id):
    run = subprocess.run([sys.executable, "-c", _MANY_RESETS, env_id], capture_output=True, text=True, check=True)
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["growth"] < 50 * 2**20
    assert found["children"] == []
    assert not found["ports"]
