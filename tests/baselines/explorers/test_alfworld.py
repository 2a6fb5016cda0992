"""The ALFWorld explorer: searches hard, goes straight where it was told, and needs to be told where memory counts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

pytest.importorskip("textworld")

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.agent import AgentSpec, make_agent
from agemem_gym.baselines.explorers import make_explorer
from agemem_gym.baselines.explorers.alfworld import ALFWorldExplorer, Errand, understood_errand
from agemem_gym.baselines.explorers.household import OPENS, promise
from agemem_gym.curriculum.distractors import DistractorScene, make_source
from agemem_gym.envs.alfworld import ALFWorldTask
from agemem_gym.envs.alfworld.goals import TASK_TYPES, TREATMENTS, parse_goal
from agemem_gym.envs.alfworld.packaged import constants, goal_library
from agemem_gym.envs.alfworld.rooms import holds
from agemem_gym.jobs import Job
from agemem_gym.memory import make_encoder
from agemem_gym.rollout import rollout
from agemem_gym.task import TaskStart

EPISODES = 18
GIVEN = os.environ.get("ALFWORLD_DATA")  # before the fixture below takes it away
MEMORY: dict[str, Any] = {"games": "memory", "moves": "memory"}


class Shown(dict[str, Any]):
    """What an explorer is shown; anything else that it asks for is a failure."""

    def __missing__(self, key: str) -> Any:
        raise AssertionError(f"an explorer must not look at {key!r}")

    def get(self, key: str, default: Any = None) -> Any:
        return self[key]


@pytest.fixture
def task() -> Iterator[ALFWorldTask]:
    made = ALFWorldTask(**MEMORY)
    yield made
    made.close()


def explorer(*told: str, order: Callable[[str, str], float] = promise) -> ALFWorldExplorer:
    made = ALFWorldExplorer(order)
    made.reset(np.random.default_rng(0))
    for text in told:
        made.learn(text)
    return made


def play(
    task: ALFWorldTask, start: TaskStart, *told: str, order: Callable[[str, str], float] = promise
) -> tuple[bool, list[str]]:
    """Whether an explorer that was told this wins within the limit, and its commands."""
    player = explorer(*told, order=order)
    info = Shown(instruction=start.instruction, observation=start.observation, commands=start.commands)
    info["admissible"] = task.admissible()
    player.begin(info)
    done: list[str] = []
    while len(done) < start.max_moves:
        reply = player.act(info)
        if reply.startswith("<answer>"):
            return False, done
        done.append(reply.removeprefix("<action>").removesuffix("</action>"))
        step = task.act(done[-1])
        assert step.valid, (start.task_id, done)
        if step.success:
            return True, done
        info = Shown(instruction=start.instruction, observation=step.observation, admissible=task.admissible())
    return False, done


def successes(agent: str, **kwargs: Any) -> list[bool]:
    options = {"encoder": "hash", "index": "exact", **kwargs}
    jobs = [Job(seed, "AgeMem-ALFWorld-ThreeStage-v0", seed, options) for seed in range(EPISODES)]
    played = [each.episode for each in rollout(AgentSpec.parse(agent), jobs, stop_at_error=True)]
    return [episode.success for episode in sorted((e for e in played if e), key=lambda episode: episode.seed)]


def share(won: list[bool]) -> float:
    return sum(won) / len(won)


# -- what memory is worth -----------------------------------------------------------------------------------------------


def test_memory_is_worth_more_than_half_of_the_tasks() -> None:
    without, stored = successes("explorer"), successes("store-all")
    assert share(stored) >= 0.9
    assert share(successes("explorer", order="all_at_once", n2=0)) >= 0.9
    assert share(stored) - share(without) >= 0.5
    assert successes("store-all", n1=0) == without


def test_in_a_stream_store_all_keeps_up_with_a_home_that_changes() -> None:
    won = {name: stream_successes(name) for name in ("explorer", "store-all")}
    assert won["store-all"] == [True] * 4
    assert sum(won["explorer"]) <= 2


def stream_successes(name: str) -> list[bool]:
    kwargs: dict[str, Any] = {"tasks": 4, "worlds": 2, "change_rate": 0.5, "encoder": "hash", "index": "exact"}
    env = gym.make("AgeMem-ALFWorld-Stream-v0", info_admissible=True, **kwargs)
    agent, won = make_agent(name), []
    for task in range(4):
        obs, info = env.reset(seed=2) if task == 0 else env.reset()
        agent.reset(info)
        over = False
        while not over:
            obs, _, terminated, truncated, info = env.step(agent.act(obs, info))
            over = terminated or truncated
        won.append(bool(info["success"]))
    env.close()
    return won


def test_the_key_facts_are_enough_and_each_of_them_is_needed(task: ALFWorldTask) -> None:
    all_told, one_untold = [], []
    for seed in range(18):
        start = task.reset(seed, {})
        all_told.append(play(task, start, *start.key_facts)[0])
        for fact in start.key_facts:
            if "desklamp" not in fact:
                told = [other for other in start.key_facts if other != fact]
                one_untold.append(play(task, task.reset(seed, {}), *told)[0])
    assert all(all_told)
    assert share(one_untold) <= 0.5


def test_told_it_is_as_fast_as_the_expert(task: ALFWorldTask) -> None:
    for seed in range(6):
        start = task.reset(seed, {})
        won, done = play(task, start, *start.key_facts)
        assert won
        assert len(done) <= int(str(start.record["plan_length"])) + 1


def test_it_tries_hard_where_there_is_time() -> None:
    task = ALFWorldTask()
    assert share([play(task, task.reset(seed, {}))[0] for seed in range(12)]) >= 0.9
    hidden = ALFWorldTask(games="memory")
    assert share([play(hidden, hidden.reset(seed, {}))[0] for seed in range(12)]) >= 0.7
    task.close()
    hidden.close()


def test_official_games_can_be_searched(official_games: ALFWorldTask) -> None:
    assert share([play(official_games, official_games.reset(seed, {}))[0] for seed in range(0, 140, 7)]) >= 0.9


@pytest.fixture(autouse=True)
def _no_data_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALFWORLD_DATA", raising=False)


@pytest.fixture
def official_games() -> Iterator[ALFWorldTask]:
    folder = Path(GIVEN) if GIVEN else Path(__file__).parents[3].parent / "shared" / "data" / "alfworld"
    if not (folder / "json_2.1.1" / "valid_seen").is_dir():
        pytest.skip("the official valid_seen games are not here (alfworld-download, $ALFWORLD_DATA)")
    made = ALFWorldTask(data=folder, split="valid_seen")
    yield made
    made.close()


def test_no_order_of_searching_is_much_better_than_another(task: ALFWorldTask) -> None:
    orders = {
        "common sense": promise,
        "doors first": lambda kind, place: promise(kind, place) * (100 if place in OPENS else 1),
        "doors last": lambda kind, place: promise(kind, place) * (1 if place in OPENS else 100),
    }
    won = {
        name: [play(task, task.reset(seed, {}), order=order)[0] for seed in range(24)] for name, order in orders.items()
    }
    assert max(map(share, won.values())) <= 0.5, won


def test_the_same_episode_is_played_the_same_way(task: ALFWorldTask) -> None:
    assert play(task, task.reset(3, {})) == play(task, task.reset(3, {}))


def test_it_plays_agentboards_protocol() -> None:
    task = ALFWorldTask(protocol="agentboard", data="generated")
    assert share([play(task, task.reset(seed, {}))[0] for seed in range(12)]) >= 0.8
    task.close()


# -- what it is told ----------------------------------------------------------------------------------------------------


def test_it_goes_on_searching_where_it_was_told_wrong(task: ALFWorldTask) -> None:
    hidden = ALFWorldTask(games="memory")
    start = hidden.reset(0, {})
    (fact,) = start.key_facts
    wrong = fact.replace(fact.rpartition(" the ")[2], "cabinet 1.")
    assert wrong != fact
    won, done = play(hidden, start, wrong)
    assert won
    assert done[0] == "go to cabinet 1"
    hidden.close()


def test_it_looks_last_where_nothing_is_said_to_be(task: ALFWorldTask) -> None:
    for seed in (0, 2, 3):
        start = task.reset(seed, {})
        first = play(task, start)[1][0].removeprefix("go to ")
        assert (
            play(task, task.reset(seed, {}), f"There is nothing in the {first}, I checked.")[1][0] != f"go to {first}"
        )


@pytest.mark.parametrize("world", [None, {"seed": 4}])
def test_each_thing_that_is_said_of_the_room_has_a_subject_of_its_own(
    task: ALFWorldTask, world: Mapping[str, int] | None
) -> None:
    reader = explorer()
    for seed in range(4):
        task.reset(seed, {"world": world} if world else {})
        told = task.background(np.random.default_rng(seed))
        subjects = [reader.subject(text) for text in told]
        assert None not in subjects
        assert len(set(subjects)) == len(told)
        assert None not in map(reader.subject, task.world_facts())


def test_other_homes_and_small_talk_are_about_nothing_here(task: ALFWorldTask) -> None:
    reader = explorer()
    start = task.reset(0, {})
    pool = task.distractor_pool(np.random.default_rng(0))
    scene = DistractorScene(start.instruction, start.key_facts, None, (), tuple(pool), 0)
    chat = make_source(["chat", "tool_noise"], make_encoder("hash")).draw(scene, 20, np.random.default_rng(1))
    for text in (*pool, *(each.text for each in chat), start.observation, start.instruction):
        assert reader.subject(text) is None, text


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("By the way, the mug 1 is in the drawer 2.", "where mug 1 is"),
        ("I am quite sure: The mug 1 is on the shelf 3.", "where mug 1 is"),
        ("The mug 1 is no longer in the drawer 2; now it is in the safe 1.", "where mug 1 is"),
        ("Please forget this, it has changed since: The mug 1 is in the drawer 2.", "where mug 1 is"),
        ("At 5 Maple Street, the mug 1 is in the drawer 2.", "where mug 1 is at 5 maple street"),
        ("Do not bother with the drawer 2: it is empty.", "what is in drawer 2"),
        ("In my neighbour's flat, the mug 1 is in the drawer 2.", None),
        ("The accordion is wonderful.", None),
    ],
)
def test_the_subject_of_a_message(text: str, subject: str | None) -> None:
    assert explorer().subject(text) == subject


@pytest.mark.parametrize(
    "told",
    [
        ("The {thing} is in the cabinet 1.", "{fact}"),
        ("The {thing} is in the cabinet 1.", "The {thing} is no longer in the cabinet 1; now it is {where}"),
        ("The {thing} is in the cabinet 1.", "{fact} It is no longer true that: The {thing} is in the cabinet 1."),
        ("{fact}", "At 7 Elm Street, the {thing} is in the cabinet 1."),
        ("{fact}", "In the office, the {thing} is in the cabinet 1."),
    ],
)
def test_what_was_said_last_of_this_home_counts(task: ALFWorldTask, told: tuple[str, ...]) -> None:
    start = task.reset(0, {})
    (fact,) = start.key_facts
    thing, _, where = fact.removeprefix("The ").partition(" is ")
    place = where.rpartition(" the ")[2].rstrip(".")
    assert place != "cabinet 1"
    assert (
        play(task, start, *(text.format(thing=thing, where=where, fact=fact) for text in told))[1][0]
        == f"go to {place}"
    )


def test_what_is_taken_back_is_not_believed(task: ALFWorldTask) -> None:
    start = task.reset(0, {})
    thing = start.key_facts[0].removeprefix("The ").partition(" is ")[0]
    stale = f"The {thing} is in the cabinet 1."
    for correction in (
        f"I was wrong about this, do not rely on it: {stale}",
        f"The {thing} is no longer in the cabinet 1.",
    ):
        assert play(task, task.reset(0, {}), stale, correction)[1] == play(task, task.reset(0, {}))[1]


def test_in_a_home_with_an_address_it_believes_what_was_said_of_that_home(task: ALFWorldTask) -> None:
    for seed in range(4):
        others = []
        for world in (1, 2, 3):
            task.reset(seed, {"world": {"seed": world}})
            others += task.world_facts()
        start = task.reset(seed, {"world": {"seed": 4}})
        own = task.world_facts()
        assert play(task, start, *own, *others)[0]


def test_questions_name_what_is_wanted_and_come_to_an_end(task: ALFWorldTask) -> None:
    start = task.reset(1, {"world": {"seed": 2}})
    player = explorer()
    assert player.questions() == []
    player.begin({"instruction": start.instruction, "observation": start.observation})
    asked = [player.questions() for _ in range(4)]
    kind = start.key_phrases[1]
    home = start.key_phrases[0].lower()
    assert asked[0] == [f"Where is the {kind} at {home}?"]
    assert all(kind in text and home in text for text in asked[1])
    assert asked[2] == asked[3] == []
    told = explorer(*task.world_facts())
    told.begin({"instruction": start.instruction, "observation": start.observation})
    assert told.questions() == []


# -- what it knows of households ----------------------------------------------------------------------------------------


def test_it_reads_every_wording_of_every_kind_of_task() -> None:
    for task_type in TASK_TYPES:
        treatment = next((verb for verb in TREATMENTS.values() if verb in task_type), "")
        for template in goal_library()[task_type]["templates"]:
            text = f"Your task is to: {str(template).format(obj='mug', recep='shelf', toggle='desklamp', mrecep='')}."
            errand = understood_errand(text)
            assert errand is not None
            assert (errand.thing, errand.verb, errand.count) == ("mug", treatment, 2 if "two" in task_type else 1)
            assert (errand.place, errand.lamp) == (("", "desklamp") if "light" in task_type else ("shelf", ""))
    assert understood_errand("Your task is to: sing.") is None


def test_it_reads_official_tasks(official_games: ALFWorldTask) -> None:
    for seed in range(0, 140, 10):
        start = official_games.reset(seed, {})
        goal = parse_goal(official_games._current.problem)
        errand = understood_errand(start.instruction)
        assert errand == Errand(goal.kind, goal.place, goal.lamp, TREATMENTS.get(goal.treatment, ""), goal.count)


def test_it_gives_up_a_task_that_it_does_not_understand() -> None:
    player = explorer()
    player.begin({"instruction": "Your task is to: sing.", "observation": ""})
    assert player.act({"observation": "", "admissible": ["look"]}).startswith("<answer>")


def test_it_knows_which_furniture_may_hold_what() -> None:
    places = [
        place
        for place in constants().VAL_RECEPTACLE_OBJECTS
        if place not in {"Bowl", "Box", "Cup", "Mug", "Pan", "Plate", "Pot"}
    ]
    things = frozenset().union(*map(holds, places))
    for place in places:
        promising = {thing for thing in things if promise(thing.lower(), place.lower()) > 0.1}
        assert promising == holds(place), place


def test_it_is_the_explorer_of_the_benchmark() -> None:
    assert isinstance(make_explorer("alfworld"), ALFWorldExplorer)
