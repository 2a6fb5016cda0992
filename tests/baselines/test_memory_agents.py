"""The paper's agents and memory systems, the packages real, on a scripted model that follows their prompts."""

import importlib
import importlib.util
import json
import pkgutil
import threading

import gymnasium as gym
import pytest
from rich.console import Console

import agemem_gym  # noqa: F401
import agemem_gym.baselines.agents as rooms
from agemem_gym.agent import AGENTS, AgentSpec, make_agent
from agemem_gym.baselines.agents.a_mem import Note
from agemem_gym.baselines.agents.following import Follower, follow
from agemem_gym.baselines.agents.language_model import TOP_K, LanguageModelAgent
from agemem_gym.baselines.agents.packages import import_at
from agemem_gym.chat import Completion, Price
from agemem_gym.episode import Episode
from agemem_gym.errors import ConfigurationError, MissingDependencyError
from agemem_gym.jobs import Job
from agemem_gym.leaderboard import run_leaderboard
from agemem_gym.reward import memory_metrics
from agemem_gym.rollout import play_episode, rollout
from agemem_gym.tools import make_tools

STAGED = {"encoder": "hash", "index": "exact", "n1": 3, "n2": 1}
ENV = "AgeMem-HotpotQA-ThreeStage-v0"
TRAINED = ("agemem", "agemem-rag")
LAYERED = ("langmem", "mem0", "mem0-graph", "a-mem")
WITHOUT_WEIGHTS = ("no-memory", "long-context", "agemem-norl", "agemem-norl-rag", *LAYERED)
CALLS = {"langmem": 1, "mem0": 2, "mem0-graph": 5}  # of a model, for each message that is written
PACKAGES = {"langmem": "langmem", "mem0": "mem0", "mem0-graph": "kuzu"}


def made(name, model, **kwargs):
    if name in PACKAGES and importlib.util.find_spec(PACKAGES[name]) is None:
        pytest.skip(f"{PACKAGES[name]} is not installed: pip install 'agemem-gym[all]'")
    return make_agent(name, model=model, **kwargs)


def played(name, model=None, agent_kwargs=None, **kwargs):
    agent = made(name, model or Follower(), **agent_kwargs or {})
    env = gym.make(ENV, **{**STAGED, **agent.env_kwargs, **kwargs})
    try:
        return play_episode(env, agent, seed=0), env.unwrapped.judge
    finally:
        env.close()


def work(episode, what):
    return [item for item in episode.layer if item["what"] == what]


@pytest.mark.parametrize("name", LAYERED)
def test_a_memory_system_writes_what_is_said_into_the_envs_own_memory_and_recalls_it(name):
    model = Follower()
    episode, judge = played(name, model)
    contents = [entry["content"] for entry in episode.final_memory]
    told = [message.content for message in episode.messages if message.kind in ("talk", "distractor")]
    assert len(contents) == len(told) == 4
    for said, content in zip(told, contents, strict=True):
        assert said in content
    assert all(item["entries"] <= 3 for item in work(episode, "recall"))
    recalled = [message for message in episode.final_context() if message.kind == "layer"]
    assert len(recalled) == 1
    assert memory_metrics(episode, judge).coverage == 1.0  # MQ sees what the package stored
    if name in CALLS:
        assert [item["calls"] for item in work(episode, "write")] == [CALLS[name]] * 4
    assert not any(item["failures"] for item in episode.layer)


@pytest.mark.parametrize("name", LAYERED)
def test_the_same_seed_asks_the_model_the_same_in_every_run(name):
    class Noting(Follower):
        def __call__(self, messages):
            self.prompts = [*getattr(self, "prompts", []), [message["content"] for message in messages]]
            return super().__call__(messages)

    runs = [Noting(), Noting()]
    episodes = [played(name, model)[0] for model in runs]
    ordered = [
        sorted(model.prompts) if name == "mem0-graph" else model.prompts for model in runs
    ]  # it asks in two threads
    assert ordered[0] == ordered[1]
    for part in ("final_memory", "layer", "messages"):
        assert getattr(episodes[0], part) == getattr(episodes[1], part)


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        *[("langmem", "extraction"), ("mem0", "facts"), ("mem0", "update"), ("mem0-graph", "entities")],
        *[("mem0-graph", "relations"), ("mem0-graph", "forgetting"), ("a-mem", "note"), ("a-mem", "evolution")],
        ("langmem", "summary"),
    ],
)
def test_a_call_of_the_memorys_model_that_fails_loses_no_episode_and_is_counted(name, broken):
    model = Follower(broken=[broken])
    episode, _ = played(name, model, {"summary_from": 60} if broken == "summary" else None)
    assert episode.engine_error is None
    assert episode.ended_by == "task"
    assert sum(item["failures"] for item in episode.layer) == model.asked[broken] > 0


@pytest.mark.parametrize("name", LAYERED)
def test_an_endpoint_that_fails_every_call_of_a_memory_loses_no_episode_and_the_row_counts_them(
    name, scripted_server, tmp_path
):
    made(name, Follower())  # skips where the package is not there
    failed = []

    def answer(handler, body):
        kind, reply = follow(body["messages"])
        failed.extend([kind] if kind != "reply" else [])
        (scripted_server.say(reply) if kind == "reply" else scripted_server.status(500))(handler, body)

    scripted_server.default = answer
    spec = AgentSpec.parse(name, {"model": f"{scripted_server.url}#m", "attempts": 1})
    (row,) = run_leaderboard([spec], [ENV], 1, tmp_path, env_kwargs=STAGED, console=Console(quiet=True))
    assert row.error is None
    assert row.layer["failures"] == row.layer["calls"] == len(failed) > 0
    assert row.layer["prompt_tokens"] == 0


@pytest.mark.parametrize("name", LAYERED)
def test_replies_that_are_no_json_lose_no_episode(name):
    episode, _ = played(name, lambda messages: '<answer>I do not do as I am told. {"a": [</answer>')
    assert episode.ended_by == "task"
    assert episode.engine_error is None


@pytest.mark.parametrize("name", ["agemem-norl", *LAYERED])
def test_several_episodes_at_a_time_have_each_its_own_memory(name):
    agent = made(name, Follower())
    jobs = [Job(number, ENV, number, STAGED) for number in range(4)]
    alone, together = ({p.job.seed: p.episode for p in rollout(agent, jobs, slots=slots)} for slots in (1, 3))
    assert alone.keys() == together.keys() == {0, 1, 2, 3}
    for part in ("final_memory", "layer", "messages"):
        assert all(getattr(together[seed], part) == getattr(alone[seed], part) for seed in alone)


def test_langmem_sums_up_a_conversation_that_grows_long():
    model = Follower()
    episode, _ = played("langmem", model, {"summary_from": 60})
    assert model.asked["summary"] >= 1
    assert any("So far: People talked." in message.content for message in episode.messages if message.kind == "layer")


def test_a_mem_links_notes_and_lets_them_evolve():
    episode, _ = played("a-mem")
    first, second = (Note.of(entry["metadata"], entry["content"]) for entry in episode.final_memory[:2])
    assert first.context == "seen in a new light"  # by a later note
    assert second.links == ("m1",)
    assert all(note.keywords and note.context in note.text for note in (first, second))


def test_no_memory_has_no_tool_and_long_context_reads_what_the_stages_cleared():
    seen = {}
    for name in ("no-memory", "long-context"):
        prompts = []

        def reply(messages, prompts=prompts):
            prompts.append("\n".join(message["content"] for message in messages))
            return "<answer>Noted.</answer>"

        episode, _ = played(name, reply)
        assert not episode.final_memory
        first = next(message.content for message in episode.messages if message.kind == "talk")
        seen[name] = [first in prompt for prompt in (prompts[0], prompts[-1])]
    assert seen == {"no-memory": [True, False], "long-context": [True, True]}


def test_long_context_drops_the_oldest_where_its_window_is_full():
    lengths = []

    def reply(messages):
        lengths.append(sum(len(message["content"]) for message in messages))
        return "<answer>Noted.</answer>"

    episode, _ = played("long-context", reply, {"window": 900}, n1=12)
    assert episode.ended_by == "task"
    assert max(lengths[6:]) < 900 * 6


def test_recall_stands_in_the_place_of_summary_and_filter():
    episode, _ = played("agemem-norl-rag", agent_kwargs={"top_k": 2})
    assert episode.curriculum["layer"] == "auto-recall"
    agent = make_agent("agemem-norl-rag", model=Follower())
    assert agent.env_kwargs["tools"] == ["Add_memory", "Update_memory", "Delete_memory", "Retrieve_memory"]


def language_model_agents():
    """The short names of every class of baselines/agents that plays with a language model."""
    classes = {}
    for module in pkgutil.iter_modules(rooms.__path__):
        found = vars(importlib.import_module(f"{rooms.__name__}.{module.name}")).values()
        classes |= {made: "" for made in found if isinstance(made, type) and issubclass(made, LanguageModelAgent)}
    for name, target in AGENTS.items():
        module, _, attribute = target.rpartition(":")
        made = getattr(importlib.import_module(module), attribute) if ".baselines.agents." in target else None
        classes = {one: name if one is made else known for one, known in classes.items()}
    return classes


def test_no_language_model_agent_is_without_a_name_and_so_without_the_next_tests():
    names = language_model_agents()
    assert all(names.values()), names
    assert {*WITHOUT_WEIGHTS, "agemem", "agemem-rag", "llm"} == set(names.values())


@pytest.mark.parametrize("top_k", [3, 5])
def test_all_language_model_agents_have_one_budget_and_one_top_k(top_k):
    bounds = {}
    for name in language_model_agents().values():
        if name in PACKAGES and importlib.util.find_spec(PACKAGES[name]) is None:
            continue
        model = {"checkpoint": "http://127.0.0.1:9/v1#m"} if name in TRAINED else {"model": Follower()}
        agent = make_agent(name, **model, **({} if top_k == 3 else {"top_k": top_k}))
        env = gym.make(ENV, **{**STAGED, **agent.env_kwargs})
        base = env.unwrapped
        bounds[name] = base.context.token_budget, base._on_overflow, agent.limits["top_k"]
        env.close()
    assert set(bounds.values()) == {(8192, "drop_oldest", top_k)}


@pytest.mark.parametrize("top_k", [1, 2, 4])
@pytest.mark.parametrize("name", LAYERED)
def test_a_memory_system_recalls_top_k_entries_where_there_are_more(name, top_k):
    episode, _ = played(name, agent_kwargs={"top_k": top_k}, n1=6)
    assert len(episode.final_memory) > 4
    assert max(item["entries"] for item in work(episode, "recall")) == top_k
    recalled = next(m.content for m in reversed(episode.messages) if m.kind == "layer")
    assert recalled.count("\n- ") + recalled.startswith("- ") <= top_k


def test_retrieve_brings_as_many_by_itself():
    tool = next(tool for tool in make_tools(None) if tool.name == "Retrieve_memory")
    assert tool.Arguments(query="x").top_k == TOP_K


@pytest.mark.parametrize("name", [*WITHOUT_WEIGHTS, "agemem", "agemem-rag"])
def test_every_agent_plays_an_episode_over_an_endpoint_and_its_usage_is_in_the_row(name, scripted_server, tmp_path):
    if name in PACKAGES and importlib.util.find_spec(PACKAGES[name]) is None:
        pytest.skip(f"{PACKAGES[name]} is not installed: pip install 'agemem-gym[all]'")
    follower = Follower()

    def answer(handler, body):
        message = {"role": "assistant", "content": follower(body["messages"])}
        usage = {"prompt_tokens": 100, "completion_tokens": 10}
        scripted_server.raw(json.dumps({"choices": [{"message": message}], "usage": usage}))(handler, body)

    scripted_server.default = answer
    url = f"{scripted_server.url}#m"
    spec = AgentSpec.parse(name, {"checkpoint" if name in TRAINED else "model": url})
    (row,) = run_leaderboard(
        [spec],
        [ENV],
        1,
        tmp_path,
        env_kwargs=STAGED,
        prices={"m": Price(prompt=1.0, completion=10.0)},
        console=Console(quiet=True),
    )
    assert row.error is None
    assert (row.token_budget, row.limits["top_k"]) == (8192, TOP_K)
    assert row.most_recalled <= TOP_K
    assert row.policy["prompt_tokens"] == 100 * row.steps
    assert row.policy["cost"] == pytest.approx(row.steps * 200 / 1e6)
    calls = sum(count for kind, count in follower.asked.items() if kind != "reply")
    if name in LAYERED:
        counts = {"calls": calls, "prompt_tokens": 100 * calls, "completion_tokens": 10 * calls, "failures": 0}
        assert row.layer == counts | {"cost": pytest.approx(calls * 200 / 1e6)}
        assert calls > 0
    else:
        assert row.layer == {}
    assert len(scripted_server.seen) == row.steps + calls


def test_agemem_plays_with_other_tools_where_it_is_told_so():
    episode, _ = played("agemem-norl", agent_kwargs={"tools": "pointer"})
    assert "Note_message" in episode.prompt(1)[0].content
    episode, _ = played("agemem-norl")
    assert "Note_message" not in episode.prompt(1)[0].content


@pytest.mark.parametrize("name", ["no-memory", "agemem-norl", "agemem-norl-rag"])
def test_examples_stand_before_the_conversation_and_are_the_same_each_time(name):
    prompts = []

    def reply(messages):
        prompts.append([(message["role"], message["content"]) for message in messages])
        return "<answer>Noted.</answer>"

    played(name, reply, {"shots": 2})
    first = prompts[0]
    played(name, reply, {"shots": 2})
    assert prompts[0] == first
    replies = [content for role, content in first if role == "assistant"]
    assert any(content.startswith("<answer>") for content in replies)
    assert any("Add_memory" in content for content in replies) == (name != "no-memory")
    assert any("Filter_context" in content for content in replies) == (name == "agemem-norl")


@pytest.mark.parametrize("shots", [-1, 4, True, 1.5, "2"])
def test_a_wrong_number_of_examples_is_refused(shots):
    with pytest.raises(ConfigurationError, match="shots"):
        make_agent("agemem-norl", model=Follower(), shots=shots)


def test_a_wrong_version_is_refused_with_the_reason():
    with pytest.raises(ConfigurationError, match=r"made of its version 1\.0, and other versions"):
        import_at("numpy", "numpy", "1.0", "mem0")
    with pytest.raises(MissingDependencyError, match=r"\[mem0\]"):
        import_at("no_such_thing", "no-such-thing", "1", "mem0")


def test_every_agent_of_the_paper_has_a_short_name():
    assert {*WITHOUT_WEIGHTS, "agemem", "agemem-rag"} <= set(AGENTS)
    with pytest.raises(ConfigurationError, match="checkpoint"):
        make_agent("agemem", checkpoint="")


def test_a_record_says_what_the_layer_did():
    episode, _ = played("a-mem")
    again = Episode.from_json(episode.to_json())
    assert again.layer == episode.layer
    assert {"calls", "prompt_tokens", "completion_tokens", "failures"} <= set(again.layer[0])


def test_layers_of_all_live_episodes_ask_their_model_at_the_same_time():
    together = threading.Barrier(3, timeout=60)
    follower = Follower()

    def model(messages):
        if messages[-1]["content"].startswith("Describe this message"):
            together.wait()
        return follower(messages)

    jobs = [Job(number, ENV, number, {**STAGED, "n1": 1, "turns": 1}) for number in range(3)]
    ended = list(rollout(made("a-mem", model), jobs, slots=3))
    assert not [played.failure for played in ended if played.failure]
    assert not any(item["failures"] for played in ended for item in played.episode.layer)


@pytest.mark.parametrize("name", LAYERED)
def test_the_replies_to_a_layer_are_as_long_as_is_said(name):
    asked = []

    class Model:
        name = "counting"

        def complete(self, batch, sampling, tools=None):
            asked.append(sampling.max_tokens)
            return [Completion(Follower()(messages), model="counting") for messages in batch]

    played(name, Model(), {"memory_tokens": 48})
    assert 48 in asked
    assert set(asked) == {48, 1024}
