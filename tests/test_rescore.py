"""Rescore: the record alone gives terms, metrics and diagnosis back, or new ones by another judge and return."""

from dataclasses import replace

import gymnasium as gym
import pytest

import agemem_gym  # noqa: F401
from agemem_gym.agent import make_agent
from agemem_gym.cli import main
from agemem_gym.episode import Episode, read_episodes, write_episodes
from agemem_gym.errors import ConfigurationError
from agemem_gym.rescore import rescore
from agemem_gym.reward import Reward, memory_metrics
from agemem_gym.reward.diagnosis import diagnose

FAST = {"encoder": "hash", "index": "exact"}


def played(agent_name, env_id="AgeMem-HotpotQA-ThreeStage-v0", seed=0, **kwargs):
    """A finished episode as its file holds it, and what the env's own judge made of it."""
    env = gym.make(env_id, n1=3, n2=2, info_expert=True, **FAST, **kwargs)
    agent = make_agent(agent_name)
    obs, info = env.reset(seed=seed)
    agent.reset(info)
    over = False
    while not over:
        obs, _, terminated, truncated, info = env.step(agent.act(obs, info))
        over = terminated or truncated
    base = env.unwrapped
    return Episode.from_json(base.episode.to_json()), memory_metrics(base.episode, base.judge), diagnose(base.episode)


@pytest.mark.parametrize("agent", ["perfect", "hoarder", "wiper", "amnesic"])
@pytest.mark.parametrize("reward", ["task", "composite", "answer_only"])
def test_the_records_own_judge_and_return_give_the_same_terms(agent, reward):
    episode, metrics, diagnosis = played(agent, reward=reward, seed=2)
    again = rescore(episode)
    assert again.changes == {}
    assert again.episode.reward_terms == episode.reward_terms
    assert (again.episode.reward, again.metrics, again.diagnosis) == (episode.reward, metrics, tuple(diagnosis))


def test_settings_of_the_return_are_in_the_record():
    options = {"weights": (1.0, 0.5, 0.25), "penalty_rounds": -0.3, "without": ("preventive",)}
    episode, *_ = played("wiper", reward="composite", reward_options=options)
    assert rescore(episode).changes == {}


def test_another_return_says_what_changes():
    episode, *_ = played("amnesic", reward="composite")
    changed = rescore(episode, Reward(mode="answer_only")).changes
    assert set(changed) == {"total"}
    assert changed["total"] == (episode.reward, episode.reward_terms["task"])


def test_another_judge_decides_anew():
    class Generous:
        name = "generous"

        def answer(self, question, predicted, expected):
            return 1.0

        def memory(self, question, expected, facts, entries):
            from agemem_gym.reward import MemoryVerdict

            return MemoryVerdict(1.0, (True,) * len(facts), (True,) * len(entries))

        def relevance(self, question, facts, retrieved):
            return 1.0

        def take_fallbacks(self):
            return ()

    episode, *_ = played("hoarder", reward="composite")
    again = rescore(episode, judge=Generous())
    assert again.episode.judge == "generous"
    assert again.changes["task"][1] == 1.0
    assert again.metrics.quality == 1.0


def test_what_is_not_in_the_record_is_asked_for():
    episode, *_ = played("perfect", reward="composite", reward_options={"key_phrases": lambda text: ()})
    with pytest.raises(ConfigurationError, match="key_phrases=<an object>: say which reward"):
        rescore(episode)
    assert rescore(episode, Reward(mode="composite"))
    with pytest.raises(ConfigurationError, match="not over"):
        rescore(replace(episode, terminated=False, truncated=False))


def test_the_command_says_what_changed_and_writes_a_new_file(tmp_path, capsys):
    episode, *_ = played("amnesic", reward="composite")
    write_episodes(tmp_path / "episodes.jsonl.gz", [episode])
    file, out = str(tmp_path / "episodes.jsonl.gz"), tmp_path / "again.jsonl"
    assert main(["rescore", file]) == 0
    assert "every term is as it was" in capsys.readouterr().out
    assert main(["rescore", file, "--reward", "answer_only", "--out", str(out)]) == 0
    assert "total:" in capsys.readouterr().out
    assert [item.reward for item in read_episodes(out)] == [episode.reward_terms["task"]]
    assert main(["rescore", file, "--out", str(out)]) == 2
    assert main(["rescore", str(tmp_path / "episode.jsonl.gz")]) == 2
    assert "did you mean" in capsys.readouterr().err
