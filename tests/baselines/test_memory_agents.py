"""The paper's agents and memory systems, the packages real, on a scripted model that follows their prompts."""

import ast
import importlib.util
import json
import re

import gymnasium as gym
import pytest

import agemem_gym  # noqa: F401
from agemem_gym.agent import AGENTS, make_agent
from agemem_gym.baselines.agents.a_mem import Note
from agemem_gym.baselines.agents.packages import import_at
from agemem_gym.episode import Episode
from agemem_gym.errors import ConfigurationError, MissingDependencyError
from agemem_gym.jobs import Job
from agemem_gym.protocol import call_reply
from agemem_gym.reward import memory_metrics
from agemem_gym.rollout import play_episode, rollout

STAGED = {"encoder": "hash", "index": "exact", "n1": 3, "n2": 1}
ENV = "AgeMem-HotpotQA-ThreeStage-v0"
LAYERED = ("langmem", "mem0", "mem0-graph", "a-mem")
WITHOUT_WEIGHTS = ("no-memory", "long-context", "agemem-norl", "agemem-norl-rag", *LAYERED)
CALLS = {"langmem": 1, "mem0": 2, "mem0-graph": 5}  # of a model, for each message that is written
PACKAGES = {"langmem": "langmem", "mem0": "mem0", "mem0-graph": "kuzu"}


class Follower:
    """A chat model without a model: does what the prompts of memory systems ask for, plainly, and plays.

    What it is asked is told apart by the prompts' own words, so a package that asks for something else fails its test. `asked`
    counts what for; whatever is in `broken` fails.
    """

    model = "follower"

    def __init__(self, broken=()):
        self.broken, self.asked = set(broken), {}

    def __call__(self, messages):
        kind, reply = self.follow(messages)
        self.asked[kind] = self.asked.get(kind, 0) + 1
        if kind in self.broken:
            raise RuntimeError(f"{kind} is broken")
        return reply

    def follow(self, messages):
        whole = "\n".join(m["content"] for m in messages)
        last = messages[-1]["content"]
        tools = (
            set(re.findall(r'"name": "(\w+)"', whole.split("Reply with one block")[0]))
            if "You can call these" in whole
            else set()
        )
        if "extract_entities" in tools:
            return "entities", call_reply(("extract_entities", {"entities": _entities(last)}))
        if "establish_relationships" in tools or "establish_relations" in tools:
            name = next(tool for tool in tools if tool.startswith("establish"))
            names = [item["entity"] for item in _entities(last.partition("Text:")[2])]
            links = [{"source": names[0], "relationship": "with", "destination": other} for other in names[1:]]
            return "relations", call_reply((name, {"entities": links}))
        if "delete_graph_memory" in tools:
            return "forgetting", "Nothing is out of date."
        if "Memory" in tools:
            said = re.findall(r"^[^<=\n]{30,}$", whole.rpartition("<session_")[2] or whole, re.MULTILINE)
            return "extraction", call_reply(*(("Memory", {"content": line.strip()}) for line in said[:1]))
        if "smart memory manager" in whole:
            facts = ast.literal_eval(whole.rpartition("The new retrieved facts")[2].split("```")[1].strip())
            changes = [{"id": str(90 + number), "text": fact, "event": "ADD"} for number, fact in enumerate(facts)]
            return "update", json.dumps({"memory": changes})
        if '"facts"' in whole:
            said = re.findall(r"^user: (.+)$", last, re.MULTILINE)
            return "facts", json.dumps({"facts": said[-1:]})
        if last.startswith("Describe this message"):
            words = re.findall(r"[A-Z]\w+", last.partition("Message: ")[2])
            found = {"keywords": words[:3], "context": "something that was said", "tags": ["talk"]}
            return "note", f"Here it is:\n```json\n{json.dumps(found)}\n```"
        if last.startswith("A new note was written"):
            evolved = [{"note": 1, "context": "seen in a new light", "tags": ["old"]}]
            return "evolution", json.dumps({"links": [1, 99, "x"], "evolved": evolved})
        if "summary" in last.lower() and "conversation" in last.lower():
            return "summary", "People talked."
        return "reply", "<answer>Noted.</answer>"


def _entities(text):
    names = list(dict.fromkeys(re.findall(r"[A-Z][a-z]+", text)))[:3] or ["someone"]
    return [{"entity": name, "entity_type": "thing"} for name in names]


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
        *[("mem0-graph", "relations"), ("a-mem", "note"), ("a-mem", "evolution")],
    ],
)
def test_a_call_of_the_memorys_model_that_fails_loses_no_episode_and_is_counted(name, broken):
    model = Follower(broken=[broken])
    episode, _ = played(name, model)
    assert episode.engine_error is None
    assert episode.ended_by == "task"
    assert sum(item["failures"] for item in episode.layer) == model.asked[broken] > 0


@pytest.mark.parametrize("name", LAYERED)
def test_replies_that_are_no_json_lose_no_episode(name):
    episode, _ = played(name, lambda messages: '<answer>I do not do as I am told. {"a": [</answer>')
    assert episode.ended_by == "task"
    assert episode.engine_error is None


@pytest.mark.parametrize("name", ["agemem-norl", *LAYERED])
def test_several_episodes_at_a_time_have_each_its_own_memory(name):
    agent = made(name, Follower())
    jobs = [Job(number, ENV, number, STAGED) for number in range(4)]
    alone = {p.job.seed: p.episode.final_memory for p in rollout(agent, jobs, slots=1)}
    together = {p.job.seed: p.episode.final_memory for p in rollout(agent, jobs, slots=3)}
    assert together == alone


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


@pytest.mark.parametrize("name", WITHOUT_WEIGHTS)
def test_all_have_one_budget_and_one_top_k(name):
    agents = {name: made(name, Follower()) for name in (name, "agemem-norl")}
    assert len({agent.top_k for agent in agents.values()}) == 1
    assert len({agent.env_kwargs.get("token_budget") for agent in agents.values()}) == 1
    assert len({agent.env_kwargs["on_overflow"] for agent in agents.values()}) == 1


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
