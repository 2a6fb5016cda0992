"""MemoryEnv on real engines: Gymnasium's contract, tools, budgets, branching, records."""

import json
import os
import pickle
import subprocess
import sys

import gymnasium as gym
import psutil
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

import agemem_gym
from agemem_gym.episode import Episode
from agemem_gym.errors import AgeMemError, ConfigurationError
from agemem_gym.protocol import FORMAT_ERRORS, call_reply
from agemem_gym.registration import BENCHMARKS, make_env
from agemem_gym.tools import PAPER_TOOLS, Arguments, Tool, ToolResult

LEVEL = {"level": "GoToObj", "encoder": "hash", "index": "exact"}
ADD = call_reply(("Add_memory", {"content": "the red key is in the kitchen"}))


@pytest.fixture
def env():
    env = gym.make("AgeMem-BabyAI-v0", **LEVEL)
    yield env
    env.close()


def call(env, name, **arguments):
    return env.step(call_reply((name, arguments)))[4]["tool_results"][0]


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda benchmark: benchmark.name)
@pytest.mark.filterwarnings("ignore")
def test_gymnasiums_checker_passes(benchmark):
    env = gym.make(benchmark.env_id, encoder="hash", index="exact")
    check_env(env, skip_render_check=True)
    env.close()


def test_import_is_light():
    code = "import sys, agemem_gym; print([m for m in ('torch', 'chromadb', 'onnxruntime', 'minigrid') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_gym_make_returns_the_env_itself(env):
    assert env is env.unwrapped
    assert gym.make("agemem_gym:AgeMem-BabyAI-v0", **LEVEL).unwrapped.task.benchmark == "babyai"


def test_the_observation_is_the_context_and_info_says_the_rest(env):
    obs, info = env.reset(seed=3)
    assert obs in env.observation_space
    assert info["instruction"] in obs
    assert [schema["function"]["name"] for schema in info["tools"]] == list(PAPER_TOOLS)
    assert info["messages"][0]["role"] == "system"
    assert info["observation"] in obs
    obs, reward, terminated, truncated, info = env.step("turn left")
    assert (reward, terminated, truncated) == (0.0, False, False)
    assert (info["step"], info["moves"], info["stage"], info["format_error"]) == (1, 1, 3, None)
    assert info["messages"][-2] == {"role": "assistant", "content": "turn left"}


def test_the_six_tools_in_one_story(env):
    env.reset(seed=0)
    assert (
        call(env, "Add_memory", content="the red key is in the kitchen", memory_type="fact", metadata={"a": 1})["data"][
            "id"
        ]
        == "m1"
    )
    assert call(env, "Add_memory", content="lunch was nice")["text"] == "Stored as m2."
    found = call(env, "Retrieve_memory", query="where is the red key", top_k=1)
    assert found["data"]["ids"] == ["m1"]
    assert "the red key is in the kitchen" in found["text"]
    assert call(env, "Retrieve_memory", query="red key", metadata_filter={"memory_type": "fact"})["data"]["ids"] == [
        "m1"
    ]
    assert call(env, "Update_memory", memory_id="m1", content="the red key is in the bedroom")["ok"]
    assert env.unwrapped.memory.get("m1").metadata == {
        "a": 1, "memory_type": "fact", "timestamp": 1, "source": "agent", "stage": 3, "modified": 5,
    }  # fmt: skip
    assert not call(env, "Delete_memory", memory_id="m2", confirmation=False)["ok"]
    assert call(env, "Delete_memory", memory_id="m2", confirmed=True)["ok"]
    assert [record.id for record in env.unwrapped.memory] == ["m1"]
    before = len(env.unwrapped.context)
    assert call(env, "Summary_context", span="all")["ok"]
    assert len(env.unwrapped.context) < before
    kinds = [message.kind for message in env.unwrapped.context]
    assert kinds[:3] == ["system", "task", "summary"]
    env.step("<think>noise noise noise</think>turn left")
    assert call(env, "Filter_context", criteria="<think>noise noise noise</think>turn left")["data"]["removed"]
    assert "noise" not in " ".join(
        message.content for message in env.unwrapped.context if message.kind == "observation"
    )


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("Fly", {}, "no tool 'Fly'"),
        ("Add_memory", {}, "content: field required"),
        ("Add_memory", {"content": 3}, "content: input should be a valid string"),
        ("Add_memory", {"content": "x", "colour": 1}, "colour: extra inputs"),
        ("Add_memory", {"content": " "}, "blank"),
        ("Update_memory", {"memory_id": "m7", "content": "x"}, "no entry 'm7'"),
        ("Delete_memory", {"memory_id": "m7", "confirmation": True}, "no entry 'm7'"),
        ("Delete_memory", {"memory_id": "m1"}, "field required"),
        ("Retrieve_memory", {"query": "x", "top_k": 0}, "greater than or equal to 1"),
        ("Retrieve_memory", {"query": "x", "metadata_filter": {"a": {"$like": 1}}}, "unknown operator"),
        ("Summary_context", {"span": "some"}, "positive number"),
        ("Summary_context", {"span": "0"}, "positive number"),
        ("Filter_context", {"criteria": ""}, "at least 1 character"),
    ],
)
def test_a_refused_call_says_why_and_changes_nothing(env, name, arguments, message):
    env.reset(seed=0)
    env.step(ADD)
    before, tokens = env.unwrapped.memory.snapshot().records, len(env.unwrapped.context)
    result = call(env, name, **arguments)
    assert not result["ok"]
    assert message in result["text"]
    assert env.unwrapped.memory.snapshot().records == before
    assert len(env.unwrapped.context) == tokens + 2


class Shout(Tool):
    """A seventh tool."""

    name = "Shout"
    target = "STM"
    description = "Shout."

    class Arguments(Arguments):
        """What to shout."""

        text: str

    def run(self, arguments, scene):
        return ToolResult(arguments.text.upper())


def test_a_tool_of_the_users_own():
    env = gym.make("AgeMem-BabyAI-v0", tools=["Add_memory", Shout()], **LEVEL)
    _, info = env.reset(seed=0)
    assert [schema["function"]["name"] for schema in info["tools"]] == ["Add_memory", "Shout"]
    assert call(env, "Shout", text="hey")["text"] == "HEY"
    assert "no tool 'Delete_memory'" in call(env, "Delete_memory", memory_id="m1", confirmation=True)["text"]


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"encoder": "bert"}, "unknown encoder 'bert'"),
        ({"index": "faiss"}, "unknown index 'faiss'"),
        ({"tools": ["Fly"]}, "unknown tool 'Fly'"),
        ({"tools": ["Add_memory", "Add_memory"]}, "more than once"),
        ({"token_budget": -1}, "token_budget=-1"),
        ({"token_budget": True}, "token_budget=True"),
        ({"max_rounds": 0}, "max_rounds=0"),
        ({"filter_threshold": 2}, "filter_threshold=2"),
        ({"summariser": "magic"}, "summariser='magic'"),
        ({"reward": "gold"}, "reward='gold'"),
        ({"render_mode": "video"}, "render_mode='video'"),
        ({"colour": "red"}, "unknown keyword colour"),
        ({"split": "valid"}, "split='valid'"),
        ({"level": "Nowhere"}, "Nowhere"),
    ],
)
def test_a_wrong_configuration_is_one_clear_error_at_once(keywords, message):
    with pytest.raises(ConfigurationError, match=message):
        gym.make("AgeMem-BabyAI-v0", **{**LEVEL, **keywords})


def test_other_wrong_configurations():
    with pytest.raises(gym.error.NameNotFound):
        gym.make("AgeMem-Chess-v0")
    env = gym.make("AgeMem-BabyAI-v0", **{**LEVEL, "index": "chroma"}, chroma_url="http://127.0.0.1:9")
    with pytest.raises(AgeMemError, match="no Chroma server"):
        env.reset(seed=0)
    with pytest.raises(ConfigurationError, match="no module"):
        make_env("nowhere.at_all:Task")
    with pytest.raises(ConfigurationError, match="num_envs=0"):
        agemem_gym.make_vec("AgeMem-BabyAI-v0", 0)


def test_order_of_calls_is_enforced(env):
    with pytest.raises(ResetNeeded):
        env.step("look")
    env.reset(seed=0)
    with pytest.raises(TypeError, match="a reply is a str or a Reply"):
        env.step(3)
    env.step("<answer>done</answer>")
    with pytest.raises(ResetNeeded, match="over"):
        env.step("look")


def test_running_out_of_replies_truncates_and_costs():
    env = gym.make("AgeMem-BabyAI-v0", max_rounds=2, **LEVEL)
    env.reset(seed=0)
    env.step(ADD)
    _, reward, terminated, truncated, info = env.step(ADD)
    assert (terminated, truncated) == (False, True)
    terms = info["reward_terms"]
    assert (terms["task"], terms["penalty_rounds"], terms["penalty_overflow"], terms["total"]) == (0.0, -1.0, 0.0, -1.0)
    assert reward == -1.0


def test_exactly_the_token_budget_is_no_overflow():
    def total(budget):
        env = gym.make("AgeMem-BabyAI-v0", token_budget=budget, token_counter="words", **LEVEL)
        env.reset(seed=0)
        used = env.unwrapped.context.tokens
        return used, env.step("<answer>x</answer>")[4]["reward_terms"]["penalty_overflow"]

    used, _ = total(9999)
    assert total(used) == (used, 0.0)
    assert total(used - 1) == (used, -0.5)


def test_a_solved_task_terminates_with_reward_one():
    env = gym.make("AgeMem-BabyAI-v0", info_expert=True, info_admissible=True, **LEVEL)
    _, info = env.reset(seed=5)
    over = False
    while not over:
        env.step(ADD)
        assert info["expert"] in info["admissible"]
        _, reward, terminated, over, info = env.step(info["expert"])
        over = over or terminated
    assert terminated
    assert (reward, info["success"], info["progress"]) == (1.0, True, 1.0)


def test_memory_is_cleared_or_kept_over_episodes(env):
    env.reset(seed=0)
    env.step(ADD)
    env.reset(seed=1, options={"keep_memory": True})
    assert [record.content for record in env.unwrapped.memory] == ["the red key is in the kitchen"]
    assert env.unwrapped.episode.initial_memory[0]["id"] == "m1"
    env.reset(seed=1)
    assert len(env.unwrapped.memory) == 0


def test_branches_from_a_snapshot_are_alike_and_apart():
    env = gym.make("AgeMem-BabyAI-v0", info_admissible=True, **LEVEL)
    env.reset(seed=2)
    env.step(ADD)
    env.step("turn left")
    snapshot = pickle.loads(pickle.dumps(env.snapshot()))
    replies = ["turn right", call_reply(("Retrieve_memory", {"query": "key"})), "turn right", "move forward"]
    first = [env.step(reply) for reply in replies]
    env.step(call_reply(("Delete_memory", {"memory_id": "m1", "confirmation": True})))
    env.restore(snapshot)
    assert [env.step(reply) for reply in replies] == first
    other = gym.make("AgeMem-BabyAI-v0", info_admissible=True, **LEVEL)
    _, info = other.restore(snapshot)
    assert (info["step"], info["moves"]) == (2, 1)
    assert [other.step(reply) for reply in replies] == first
    state = env.np_random.bit_generator.state
    env.restore(snapshot)
    assert env.np_random.bit_generator.state == state


def test_an_episode_survives_json(env):
    env.reset(seed=0)
    for reply in (ADD, "<answer>", "turn left", call_reply(("Summary_context", {"span": "all"})), "<answer>ü</answer>"):
        env.step(reply)
    episode = env.unwrapped.episode
    again = Episode.from_json(episode.to_json())
    assert again.to_json() == episode.to_json()
    assert again.answer == "ü"
    assert json.loads(episode.to_json())["env_kwargs"]["level"] == "GoToObj"
    assert {message.id for message in again.final_context()} == {message.id for message in env.unwrapped.context}
    with pytest.raises(ConfigurationError, match="not an episode"):
        Episode.from_json("{}")


def test_rendering(capsys):
    env = gym.make("AgeMem-BabyAI-v0", render_mode="ansi", **LEVEL)
    obs, _ = env.reset(seed=0)
    assert env.render() == obs
    human = gym.make("AgeMem-BabyAI-v0", render_mode="human", **LEVEL)
    human.reset(seed=0)
    human.step("turn left")
    assert "reply 1/" in capsys.readouterr().out


_ENGINE = """
import hashlib, sys, gymnasium as gym, agemem_gym
from agemem_gym.protocol import call_reply
env = gym.make(sys.argv[1], info_admissible=True)
digest = hashlib.sha256()
for seed in (0, 1):
    obs, info = env.reset(seed=seed)
    digest.update(obs.encode())
    for number in range(6):
        commands = info["admissible"] or ["x"]
        note = call_reply(("Add_memory", {"content": info["observation"] or "-"}), ("Retrieve_memory", {"query": "where"}))
        for reply in (note, commands[number * 7 % len(commands)]):
            obs, reward, terminated, truncated, info = env.step(reply)
            digest.update(obs.encode() + str(reward).encode())
            if terminated or truncated:
                break
        if terminated or truncated:
            break
env.close()
print(digest.hexdigest())
"""


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda benchmark: benchmark.name)
def test_transcripts_are_the_same_in_processes_with_other_hash_seeds(benchmark):
    def digest(seed):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        run = [sys.executable, "-c", _ENGINE, benchmark.env_id]
        return subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout

    assert digest("1") == digest("2") != ""


_TAGS = st.sampled_from(
    ["<think>", "</think>", "<tool_call>", "</tool_call>", "<answer>", "</answer>", "<action>", "</action>",
     "[", "]", "{", "}", '"',
     '"name"', ":", "Add_memory", '"arguments"', '{"name": "Add_memory", "arguments": {"content": "x"}}',
     "turn left", "\x00", "\ud800"]
)  # fmt: skip
_GOOD = st.sampled_from(
    [ADD, "turn left", "<action>check available actions</action>",
     call_reply(("Retrieve_memory", {"query": "key", "top_k": 2})),
     call_reply(("Update_memory", {"memory_id": "m1", "content": "new"})), call_reply(("Summary_context", {"span": "2"})),
     call_reply(("Delete_memory", {"memory_id": "m1", "confirmation": True})),
     call_reply(("Filter_context", {"criteria": "wall"}))]
)  # fmt: skip


@st.composite
def _mutated(draw):
    text = draw(_GOOD)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        text = text[:start] + draw(_TAGS | st.text(max_size=4)) + text[end:]
    return text


_REPLIES = st.lists(
    st.one_of(_GOOD, _mutated(), st.lists(_TAGS, max_size=8).map("".join), st.text(max_size=30)),
    min_size=40,
    max_size=40,
)
_played = 0


@settings(max_examples=500, deadline=None, database=None, derandomize=True)
@given(_REPLIES)
def test_twenty_thousand_arbitrary_replies_never_raise(shared_env, replies):
    global _played
    shared_env.reset(seed=0)
    for reply in replies:
        before = shared_env.memory.snapshot().records
        obs, _, terminated, truncated, info = shared_env.step(reply)
        assert obs in shared_env.observation_space
        obs.encode("utf-8")
        if info["format_error"] is not None:
            assert info["format_error"] in FORMAT_ERRORS
            assert info["format_error"] in info["observation"]
        if not any(result["ok"] for result in info["tool_results"]):
            assert shared_env.memory.snapshot().records == before
        for result in info["tool_results"]:
            assert result["ok"] or result["text"].startswith("Error: ")
        records = list(shared_env.memory)
        assert len({record.id for record in records}) == len(records)
        _played += 1
        if terminated or truncated:
            shared_env.reset(seed=0)
    json.loads(shared_env.episode.to_json())


def test_they_were_twenty_thousand():
    assert _played == 0 or _played >= 20_000


@pytest.fixture(scope="module")
def shared_env():
    env = gym.make("AgeMem-BabyAI-v0", **LEVEL)
    yield env.unwrapped
    env.close()


def test_a_thousand_resets_with_twenty_memory_operations_leak_nothing():
    env = gym.make("AgeMem-BabyAI-v0", level="GoToObj", encoder="hash", token_counter="words")
    process = psutil.Process()
    writes = call_reply(*(("Add_memory", {"content": f"entry number {i}"}) for i in range(12)))
    reads = call_reply(
        *(("Retrieve_memory", {"query": f"number {i}", "top_k": 2}) for i in range(4)),
        *(("Update_memory", {"memory_id": f"m{i}", "content": f"changed {i}"}) for i in (1, 2)),
        *(("Delete_memory", {"memory_id": f"m{i}", "confirmation": True}) for i in (3, 4)),
    )

    def episodes(count):
        for seed in range(count):
            env.reset(seed=seed % 20)
            env.step(writes)
            env.step(reads)

    episodes(60)
    memory, descriptors = process.memory_info().rss, process.num_fds()
    episodes(1000)
    assert process.memory_info().rss - memory < 50e6
    assert process.num_fds() <= descriptors
    env.close()


def test_filter_can_be_told_what_to_keep_instead():
    env = gym.make("AgeMem-HotpotQA-v0", encoder="hash", index="exact", filter_mode="keep", filter_threshold=0.99)
    _, info = env.reset(seed=3)
    assert "KEEP" in info["messages"][0]["content"]
    kept = info["messages"][4]["content"]
    call = call_reply(("Filter_context", {"criteria": kept}))
    _, _, _, _, info = env.step(call)
    contents = [message["content"] for message in info["messages"]]
    assert contents[2:-2] == [kept]
    assert info["tool_results"][0]["text"].startswith("Removed 9 messages")


def test_filter_by_default_removes_as_the_paper_says():
    env = gym.make("AgeMem-HotpotQA-v0", encoder="hash", index="exact")
    _, info = env.reset(seed=3)
    assert "Describes what to REMOVE." in info["messages"][0]["content"]
    with pytest.raises(ConfigurationError, match="filter_mode"):
        gym.make("AgeMem-HotpotQA-v0", filter_mode="drop")
