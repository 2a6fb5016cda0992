"""Many live episodes, one agent."""

import sys
from types import MappingProxyType

import gymnasium
import pytest

from agemem_gym.agent import Act, AgentSpec, make_agent
from agemem_gym.episode import PolicyRecord
from agemem_gym.errors import ConfigurationError
from agemem_gym.jobs import Job
from agemem_gym.protocol import parse
from agemem_gym.rollout import EpisodeError, play_episode, rollout

ENV = "AgeMem-BabyAI-v0"
FAST = {"encoder": "hash", "index": "exact"}


def jobs(count, env_id=ENV, **kwargs):
    return [Job(number, env_id, number, {**FAST, **kwargs}) for number in range(count)]


def texts(episode):
    return [message.content for message in episode.messages]


class Lazy:
    """Answers one of the turns that wait, the last one first; remembers which it was shown."""

    env_kwargs = MappingProxyType({"info_expert": True})

    def __init__(self):
        self.shown = []

    def act_batch(self, turns):
        self.shown.append([turn.slot for turn in turns])
        turn = turns[-1]
        return {turn.slot: turn.info["expert"] or "<answer>x</answer>"}


class Counted:
    """Answers at once; its replies tell which instance gave them."""

    made = 0

    def __init__(self):
        Counted.made += 1
        self.name = Counted.made
        self.closed = False

    def reset(self, info):
        self.sample = info["sample"]

    def act(self, obs, info):
        return f"<answer>{self.name} {self.sample}</answer>"


def test_many_slots_play_the_same_episodes_as_one():
    alone = {played.job.number: texts(played.episode) for played in rollout(AgentSpec.parse("oracle"), jobs(9))}
    together = {
        played.job.number: texts(played.episode) for played in rollout(AgentSpec.parse("oracle"), jobs(9), slots=4)
    }
    assert alone == together
    assert sorted(alone) == list(range(9))


def test_an_agent_may_answer_some_of_the_turns_and_is_asked_again_for_the_others():
    agent = Lazy()
    played = list(rollout(agent, jobs(7), slots=3))
    assert sorted(item.job.number for item in played) == list(range(7))
    assert all(item.failure is None and item.episode.success for item in played)
    assert max(map(len, agent.shown)) == 3


def test_a_slot_whose_episode_ends_takes_the_next_job_at_once():
    agent = Lazy()
    list(rollout(agent, jobs(8), slots=3))
    until_the_end = [len(shown) for shown in agent.shown]
    first_short = until_the_end.index(2)
    assert set(until_the_end[:first_short]) == {3}  # never a slot idle while there are jobs
    assert until_the_end == sorted(until_the_end, reverse=True)


def test_an_exception_of_one_episode_ends_that_one_only():
    class Failing(Lazy):
        def act_batch(self, turns):
            replies = {turn.slot: turn.info["expert"] or "<answer>x</answer>" for turn in turns}
            return {turn.slot: ValueError("odd") if turn.job.number % 2 else replies[turn.slot] for turn in turns}

    played = {item.job.number: item for item in rollout(Failing(), jobs(6), slots=6)}
    assert [played[number].failure is not None for number in range(6)] == [False, True] * 3
    assert all(played[number].episode.success for number in (0, 2, 4))
    assert played[1].failure.error == "ValueError: odd"


@pytest.mark.parametrize("answer", [{}, {7: "x"}, None, SystemExit("enough")])
def test_an_answer_to_no_turn_ends_the_episodes_that_waited(answer):
    class Mute:
        def act_batch(self, turns):
            if isinstance(answer, BaseException):
                raise answer
            return answer

    played = list(rollout(Mute(), jobs(4), slots=2))
    assert len(played) == 4
    assert all(item.failure is not None for item in played)


def test_each_slot_has_its_own_instance_of_an_agent_that_plays_one_episode_at_a_time(tmp_path, monkeypatch):
    Counted.made = 0
    monkeypatch.setitem(sys.modules, "counted_agents", sys.modules[__name__])
    played = list(rollout(AgentSpec.parse("counted_agents:Counted"), jobs(4), slots=2))
    assert {item.episode.answer.split()[0] for item in played} == {"1", "2"}
    with pytest.raises(ConfigurationError, match="give its AgentSpec"):
        list(rollout(Counted(), jobs(2), slots=2))


def test_samples_of_one_task_are_jobs_like_any_other(monkeypatch):
    group = [Job(number, ENV, 0, FAST, sample=number) for number in range(3)]
    spec = AgentSpec.parse("random")
    played = list(rollout(spec, group, slots=3))
    assert sorted(item.episode.sample for item in played) == [0, 1, 2]
    assert len({tuple(step.reply for step in item.episode.steps) for item in played}) > 1
    assert [i.episode.sample for i in rollout(Counted(), group)] == [0, 1, 2]


def test_what_the_agent_and_its_model_say_of_themselves_is_in_the_record():
    class Model:
        def act_batch(self, turns):
            policy = PolicyRecord(model="tiny", finish_reason="stop", prompt_tokens=7, completion_tokens=2)
            return {turn.slot: Act(parse("<answer>x</answer>"), policy) for turn in turns}

    (played,) = rollout(Model(), jobs(1))
    assert played.episode.steps[-1].policy.prompt_tokens == 7
    (played,) = rollout(AgentSpec.parse("oracle"), jobs(1))
    assert played.episode.agent["name"] == "oracle"
    assert played.episode.agent["privileged"] is True
    (played,) = rollout(AgentSpec.parse("random"), jobs(1))
    assert played.episode.agent["privileged"] is False


def test_what_a_user_gives_beats_what_an_agent_brings():
    class Easy(Counted):
        def __init__(self):
            super().__init__()
            self.env_kwargs = {"level": "GoToObj", "token_budget": 512}

    (played,) = rollout(Easy(), [Job(0, ENV, 0, {**FAST, "level": "GoToLocal"})])
    assert "GoToLocal" in played.episode.start.task_id
    assert played.episode.token_budget == 512


def test_a_failure_says_file_line_step_and_last_reply():
    class Stumbling(Counted):
        def act(self, obs, info):
            if info["step"] == 2:
                raise RuntimeError("[/INST] I broke")
            return f"<action>turn left {info['step']}</action>"

    (played,) = rollout(Stumbling(), jobs(1))
    assert played.failure.error == "RuntimeError: [/INST] I broke"
    assert "test_rollout.py:" in played.failure.where
    assert played.failure.step == 2
    assert played.failure.last_reply == "<action>turn left 1</action>"
    assert len(played.episode.steps) == 2
    with pytest.raises(EpisodeError, match="I broke"):
        list(rollout(Stumbling(), jobs(3), stop_at_error=True))


def test_an_env_that_breaks_ends_its_episode_and_the_slot_gets_a_new_one():
    class Deaf(Counted):
        def act(self, obs, info):
            return 7 if info["seed"] == 1 else "<answer>x</answer>"

    class Closing(Deaf):
        def close(self):
            raise OSError("cannot close")

    played = list(rollout(Closing(), jobs(3)))
    assert [item.failure is None for item in played] == [True, False, True]
    assert "replies with a str, a Reply or an Act, not int" in played[1].failure.error


def test_a_wrong_configuration_ends_the_rollout():
    with pytest.raises(ConfigurationError, match="nonsense"):
        list(rollout(AgentSpec.parse("random"), jobs(2, nonsense=1)))
    with pytest.raises(ConfigurationError, match="slots=0"):
        list(rollout(AgentSpec.parse("random"), jobs(2), slots=0))


def test_one_episode_in_an_env_of_the_callers_own():
    env = gymnasium.make(ENV, info_expert=True, **FAST)
    first, again = (play_episode(env, make_agent("oracle"), 3) for _ in range(2))
    assert texts(first) == texts(again)
    with pytest.raises(ZeroDivisionError):
        play_episode(env, type("Bad", (Counted,), {"act": lambda self, obs, info: 1 / 0})(), 3)
    env.close()
