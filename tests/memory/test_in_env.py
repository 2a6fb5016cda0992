"""Memory behind an env's tools: a clock that goes on, a user's own memory, a server that dies in the midst of an episode."""

import gymnasium
import pytest

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.errors import ConfigurationError
from agemem_gym.memory import MemoryStore, UnknownMemoryError, make_encoder, make_index
from agemem_gym.protocol import call_reply
from agemem_gym.reward.metrics import memory_metrics
from agemem_gym.vector import make_vec


def make(**keywords):
    return gymnasium.make("AgeMem-BabyAI-v0", encoder="hash", **({"index": "exact"} | keywords))


def add(env, *texts):
    return env.step(call_reply(*(("Add_memory", {"content": text}) for text in texts)))


def retrieve(env, metadata_filter, query="note"):
    arguments = {"query": query, "top_k": 20, "metadata_filter": metadata_filter}
    _, _, _, _, info = env.step(call_reply(("Retrieve_memory", arguments)))
    return info["tool_results"][0]["data"]["ids"]


def test_times_of_kept_episodes_do_not_mix():
    env = make(keep_memory=True)
    env.reset(seed=0)
    for i in range(3):
        add(env, f"note {i} of the first episode")
    end = env.unwrapped.memory.now
    env.reset(seed=1)
    for i in range(2):
        add(env, f"note {i} of the second episode")
    times = [record.metadata["timestamp"] for record in env.unwrapped.memory]
    assert times == sorted(set(times)) == [record.created for record in env.unwrapped.memory]
    assert retrieve(env, {"timestamp": {"$gt": end}}) == ["m4", "m5"]
    assert retrieve(env, {"timestamp": {"$lte": end}}) == ["m1", "m2", "m3"]
    env.close()


def test_without_keeping_an_episode_begins_at_time_one():
    env = make()
    for _ in range(2):
        env.reset(seed=0)
        add(env, "note")
        assert [record.metadata["timestamp"] for record in env.unwrapped.memory] == [1]
    env.close()


def test_a_branch_goes_on_at_its_own_time():
    env = make(keep_memory=True)
    env.reset(seed=0)
    add(env, "a"), add(env, "b")
    env.reset(seed=1)
    add(env, "c")
    snapshot = env.unwrapped.snapshot()
    add(env, "d")
    once = [record.created for record in env.unwrapped.memory]
    env.unwrapped.restore(snapshot)
    add(env, "d")
    assert [record.created for record in env.unwrapped.memory] == once == [1, 2, 3, 4]
    env.close()


def test_times_go_on_over_processes_in_a_folder(tmp_path):
    for expected in ([1, 2], [1, 2, 3, 4]):
        env = make(index="chroma", chroma_path=str(tmp_path), keep_memory=True)
        env.reset(seed=0)
        add(env, "note"), add(env, "note")
        assert [record.created for record in env.unwrapped.memory] == expected
        env.close()


def test_a_reset_does_not_wipe_what_was_there_before(tmp_path):
    env = make(index="chroma", chroma_path=str(tmp_path))
    env.reset(seed=0)
    add(env, "earlier")
    env.close()
    env = make(index="chroma", chroma_path=str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"holds 1 entries that were there before.*chroma_existing='wipe'"):
        env.reset(seed=0)
    env.reset(seed=0, options={"keep_memory": True})
    assert [record.content for record in env.unwrapped.memory] == ["earlier"]
    env.close()
    env = make(index="chroma", chroma_path=str(tmp_path), chroma_existing="wipe")
    env.reset(seed=0)
    assert len(env.unwrapped.memory) == 0
    env.close()


CALLS = {
    "ADD": ("Add_memory", {"content": "m2"}),
    "UPDATE": ("Update_memory", {"memory_id": "m1", "content": "changed"}),
    "DELETE": ("Delete_memory", {"memory_id": "m1", "confirmation": True}),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_server_killed_in_an_episode_ends_it_and_changes_nothing(call, own_chroma):
    env = make(index="chroma", chroma_url=own_chroma.url)
    env.reset(seed=0)
    add(env, "the red key")
    before = list(env.unwrapped.memory)
    own_chroma.kill()
    _, _, terminated, truncated, info = env.step(call_reply(CALLS[call]))
    assert (terminated, truncated) == (False, True)
    assert "Chroma server at http://127.0.0.1" in info["engine_error"]
    assert list(env.unwrapped.memory) == before
    own_chroma.start()
    env.reset(seed=0)
    add(env, "next")
    expected = list(env.unwrapped.memory)
    env.close()
    encoder = make_encoder("hash")
    again = MemoryStore(encoder, make_index("chroma", chroma_url=own_chroma.url, encoder=encoder))
    assert [(r.id, r.content) for r in again] == [(r.id, r.content) for r in expected] == [("m1", "next")]
    again.close()


class Stubborn(MemoryStore):
    """A user's memory that raises what it likes."""

    def delete(self, memory_id):
        raise OSError("not today")


def test_a_users_memory_stands_behind_the_tools_and_is_counted():
    env = make(memory=lambda encoder: Stubborn(encoder, make_index("exact")), info_expert=True)
    _, info = env.reset(seed=3)
    fact = info["key_facts"][0]
    add(env, fact, "nothing of use")
    assert retrieve(env, None, fact)[0] == "m1"
    _, _, _, truncated, info = env.step(call_reply(CALLS["DELETE"]))
    assert truncated
    assert "not today" in info["engine_error"]
    episode = env.unwrapped.episode
    metrics = memory_metrics(episode, env.unwrapped.judge)
    assert metrics.entries == 2
    assert metrics.coverage > 0
    assert [record["content"] for record in episode.final_memory] == [fact, "nothing of use"]
    env.close()


def test_an_unknown_id_of_a_users_memory_is_told_to_the_agent():
    class Own(MemoryStore):
        def get(self, memory_id):
            raise UnknownMemoryError("mine has no such thing")

    env = make(memory=lambda encoder: Own(encoder, make_index("exact")))
    env.reset(seed=0)
    _, _, _, truncated, info = env.step(call_reply(CALLS["DELETE"]))
    assert not truncated
    assert not info["tool_results"][0]["ok"]
    env.close()


def test_envs_of_a_vector_share_no_collection(tmp_path):
    place = {"encoder": "hash", "chroma_path": str(tmp_path)}
    envs = make_vec("AgeMem-BabyAI-v0", 2, **place)
    with pytest.raises(ConfigurationError, match=r"in use by another env of this process: .*'notes-\{n\}'"):
        envs.reset(seed=0)
    envs.close()
    envs = make_vec("AgeMem-BabyAI-v0", 2, **place, collection="notes-{n}")
    envs.reset(seed=0)
    envs.step(tuple(call_reply(("Add_memory", {"content": f"of env {i}"})) for i in range(2)))
    held = [[record.content for record in env.unwrapped.memory] for env in envs.envs]
    assert held == [["of env 0"], ["of env 1"]]
    envs.close()


def test_envs_in_worker_processes_share_no_collection_of_a_server(chroma_url):
    place = {"encoder": "hash", "chroma_url": chroma_url, "collection": "worker-{n}", "keep_memory": True}
    envs = make_vec("AgeMem-BabyAI-v0", 2, "async", workers=2, start_method="spawn", **place)
    envs.reset(seed=0)
    for step in range(3):
        envs.step(tuple(call_reply(("Add_memory", {"content": f"{step} of env {i}"})) for i in range(2)))
    envs.close()
    encoder = make_encoder("hash")
    notes = set()
    for number in range(2):
        index = make_index("chroma", chroma_url=chroma_url, collection=f"worker-{number}", encoder=encoder)
        store = MemoryStore(encoder, index)
        assert len(store) == 3
        notes |= {record.content for record in store}
        store.close()
    assert len(notes) == 6
