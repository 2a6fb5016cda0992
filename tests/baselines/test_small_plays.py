"""The small model that lies in the package plays: it stores what it is told, looks it up and answers."""

import pytest
import torch

from agemem_gym.agent import AgentSpec
from agemem_gym.chat import make_chat_model
from agemem_gym.chat.local.loading import small_folder, window_of
from agemem_gym.facts import say_the_same
from agemem_gym.jobs import Job
from agemem_gym.protocol import parse
from agemem_gym.rollout import rollout

torch.set_num_threads(1)
ENV = "AgeMem-HotpotQA-ThreeStage-v0"


def played(episodes, agent="agemem-norl", first=0, **kwargs):
    spec = AgentSpec.parse(agent, {"model": "small", "threads": 1})
    jobs = [Job(number, ENV, first + number, {"split": "test", **kwargs}) for number in range(episodes)]
    return [item.episode for item in rollout(spec, jobs, slots=8, stop_at_error=True)]


def called(episode, name):
    return [call for step in episode.steps for call in parse(step.reply).tool_calls if call.name == name]


def test_it_is_small_and_says_how_it_was_made():
    folder = small_folder()
    assert (folder / "model.safetensors").stat().st_size < 10_000_000
    assert not list(folder.glob("*.bin"))
    card = (folder / "README.md").read_text(encoding="utf-8")
    for command in ("agemem demos", "agemem_gym.baselines.sft.small", "agemem sft"):
        assert command in card
    model = make_chat_model("small")
    assert model.name == "agemem-small"
    assert model.spec == "small"
    assert window_of("small") >= 8192 + 1024


def test_it_stores_what_it_reads_looks_it_up_and_answers():
    for episode in played(3, encoder="hash", index="exact"):
        stored = [call.arguments["content"] for call in called(episode, "Add_memory")]
        assert len(stored) >= 4
        told = [message.content for message in episode.messages if message.role == "user"]
        assert sum(any(say_the_same(text, said.split("\n\n")[0]) for said in told) for text in stored) >= 3
        assert called(episode, "Retrieve_memory")
        assert parse(episode.steps[-1].reply).answer


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_solves_far_more_than_without_memory():
    """Under the limit of replies of docs/results.md: it ends the few episodes that only repeat themselves."""
    solved = sum(bool(episode.success) for episode in played(60, max_rounds=20))
    without = sum(bool(episode.success) for episode in played(60, "no-memory", max_rounds=20))
    assert solved >= 18
    assert without <= 9
