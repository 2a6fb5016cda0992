"""Distractor sources: seeded, in the range that was asked for, and never a help."""

import subprocess
import sys
import threading

import gymnasium
import numpy as np
import pytest

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.curriculum import DistractorInjection, ThreeStage
from agemem_gym.curriculum.distractors import (
    SOURCES,
    ChatModelSource,
    Chooser,
    DistractorScene,
    NeighbourSource,
    make_source,
)
from agemem_gym.curriculum.distractors.source import states_a_fact
from agemem_gym.errors import ConfigurationError
from agemem_gym.memory import make_encoder
from agemem_gym.registration import BENCHMARKS

ENCODER = make_encoder("hash")
NAMES = sorted(SOURCES)


def scene_of(env_id, seed):
    env = gymnasium.make(env_id, encoder="hash", index="exact")
    env.reset(seed=seed)
    start, task = env.unwrapped.episode.start, env.unwrapped.task
    rng = np.random.default_rng(seed)
    scene = DistractorScene(
        start.instruction,
        start.key_facts,
        start.answer,
        tuple(task.background(rng)),
        tuple(task.distractor_pool(rng)),
        seed,
    )
    env.close()
    return scene


SCENES = [scene_of(benchmark.env_id, seed) for benchmark in BENCHMARKS for seed in range(3)]


@pytest.mark.parametrize("name", NAMES)
def test_every_source_gives_different_texts_that_state_no_fact_of_any_benchmark(name):
    source = make_source(name, ENCODER)
    for scene in SCENES:
        drawn = source.draw(scene, 4, np.random.default_rng(0))
        texts = [distractor.text for distractor in drawn]
        assert 1 <= len(texts) <= 4
        assert len(set(texts)) == len(texts)
        assert not any(states_a_fact(text, scene) for text in texts)
        assert not set(texts) & set(scene.key_facts)
        assert not any("the answer is" in text.lower() for text in texts)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_and_another_seed_others(name):
    source, scene = make_source(name, ENCODER), SCENES[6]
    assert source.draw(scene, 5, np.random.default_rng(3)) == source.draw(scene, 5, np.random.default_rng(3))
    if name != "neighbours":  # the nearest are the nearest
        assert source.draw(scene, 5, np.random.default_rng(3)) != source.draw(scene, 5, np.random.default_rng(4))


def test_other_processes_draw_the_same():
    code = (
        "import numpy as np; from agemem_gym.memory import make_encoder\n"
        "from agemem_gym.curriculum.distractors import *\n"
        "s = DistractorScene('Who?', ('Ann Lee lives in Port Bay.', 'Port Bay lies on the River Dun.'), None, (), "
        "('Bo Fox lives in Mill Town.', 'Mill Town is small.'), 1)\n"
        "for n in sorted(SOURCES): print(make_source(n, make_encoder('hash')).draw(s, 3, np.random.default_rng(1)))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("1", "7")
    }
    assert len(outputs) == 1


def test_the_similarity_is_the_encoders_cosine_to_the_query():
    scene = SCENES[6]
    for distractor in make_source("benchmark", ENCODER).draw(scene, 4, np.random.default_rng(0)):
        one, other = ENCODER.encode([scene.query, distractor.text])
        assert distractor.similarity == pytest.approx(float(one @ other), abs=1e-6)


def test_a_range_of_similarity_is_honoured_where_candidates_allow():
    scene = SCENES[6]
    every = [d.similarity for d in make_source("benchmark", ENCODER).draw(scene, 8, np.random.default_rng(0))]
    middle = sorted(every)[len(every) // 2]
    low = make_source("benchmark", ENCODER, (-1.0, middle)).draw(scene, 3, np.random.default_rng(0))
    assert all(distractor.similarity <= middle for distractor in low)
    far = make_source("benchmark", ENCODER, (0.99, 1.0)).draw(scene, 2, np.random.default_rng(0))
    assert sorted(d.similarity for d in far) == sorted(every)[-2:], "nearest to the range, and recorded as they are"


def test_counterfactuals_change_one_entity_of_a_key_fact():
    scene = SCENES[6]
    for distractor in make_source("counterfactual", ENCODER).draw(scene, 4, np.random.default_rng(0)):
        words = [set(fact.split()) for fact in scene.key_facts]
        assert any(len(fact & set(distractor.text.split())) >= 0.4 * len(fact) for fact in words)


def test_a_stale_fact_has_a_correction_that_does_not_tell_the_truth_of_it():
    scene = SCENES[6]
    for distractor in make_source("stale", ENCODER).draw(scene, 3, np.random.default_rng(0)):
        assert distractor.corrected_by is not None
        assert not states_a_fact(distractor.corrected_by, scene)


def test_neighbours_come_from_the_corpus_nearest_first_without_the_answer():
    scene = DistractorScene("Where was the poet Ann Lee born?", ("Ann Lee was born in Ulm.",), "Ulm", (), (), 0)
    corpus = [
        "Lunch is ready.",
        "The poet Ann Lee was born somewhere.",
        "The poet was born in Ulm.",
        "A poet was born.",
    ]
    drawn = NeighbourSource(Chooser(ENCODER), corpus).draw(scene, 2, np.random.default_rng(0))
    assert [distractor.text for distractor in drawn] == [corpus[1], corpus[3]]
    assert drawn[0].similarity >= drawn[1].similarity


def test_a_chat_model_writes_and_what_it_gives_away_is_dropped():
    scene = DistractorScene("Where was Ann born?", ("Ann was born in Ulm.",), "Ulm", (), ("Bo likes tea.",), 0)
    asked = []

    def chat(messages):
        asked.append(messages[0]["content"])
        return "1. Bo was born in Bonn.\n- It is Ulm.\n\n* " + "x" * 5000

    drawn = ChatModelSource(Chooser(ENCODER), chat).draw(scene, 2, np.random.default_rng(0))
    assert [distractor.text for distractor in drawn] == ["Bo was born in Bonn.", "x" * 600]
    assert {distractor.source for distractor in drawn} == {"llm"}
    assert scene.query in asked[0]


def test_a_chat_model_that_fails_is_replaced_and_the_record_says_so():
    scene = DistractorScene("Where was Ann born?", ("Ann was born in Ulm.",), "Ulm", (), ("Bo likes tea.",), 0)

    def broken(messages):
        raise TimeoutError("too slow")

    (distractor,) = ChatModelSource(Chooser(ENCODER), broken).draw(scene, 1, np.random.default_rng(0))
    assert distractor.text == "Bo likes tea."
    assert distractor.source == "llm, replaced by benchmark (TimeoutError)"


def test_several_sources_take_turns():
    drawn = make_source(["chat", "tool_noise"], ENCODER).draw(SCENES[0], 5, np.random.default_rng(0))
    assert [distractor.source for distractor in drawn] == ["chat", "tool_noise", "chat", "tool_noise", "chat"]


@pytest.mark.parametrize("spec", ["rumours", [], 3, ["chat", "rumours"]])
def test_unknown_sources_are_refused(spec):
    with pytest.raises(ConfigurationError):
        make_source(spec, ENCODER)


def test_an_empty_corpus_is_refused():
    with pytest.raises(ConfigurationError, match="corpus"):
        NeighbourSource(Chooser(ENCODER), [])


class LockedClient:
    """A client that cannot be copied or pickled."""

    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, messages):
        with self.lock:
            return "People talk of the weather.\nThe market is busy today."


def test_a_source_with_a_client_that_holds_a_lock_serves_both_wrappers():
    client = LockedClient()
    env = gymnasium.make("AgeMem-HotpotQA-v0", summariser=client, judge=client, encoder="hash", index="exact")
    source = ChatModelSource(Chooser(make_encoder("hash")), client)
    staged = ThreeStage(env, n1=1, n2=2, source=source)
    injected = DistractorInjection(staged, source=source, rate=1.0)
    injected.reset(seed=0)
    injected.step("<answer>Noted.</answer>")
    assert env.unwrapped.episode.distractors[0]["source"] == "llm"
    assert env.unwrapped.episode.to_json()
    injected.close()
