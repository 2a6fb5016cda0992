"""ALFWorld as a task: games, commands, progress, expert, and what goes wrong."""

from __future__ import annotations

import json
import math
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agemem_gym.envs.alfworld import ALFWorldTask
from agemem_gym.envs.alfworld.commands import normalised, readings
from agemem_gym.envs.alfworld.generated import generate
from agemem_gym.envs.alfworld.goals import TASK_TYPES, parse_goal
from agemem_gym.envs.alfworld.official import index
from agemem_gym.envs.alfworld.rooms import ROOM_KINDS, UNSEEN_FLOOR_PLANS, floor_plans
from agemem_gym.task import Task, TaskStep

ROOMS = tuple(ROOM_KINDS)
OWN_NAMES = {"train": "train", "validation": "valid_seen", "test": "valid_unseen"}


def play_expert(task: ALFWorldTask) -> TaskStep:
    step = None
    for command in task.expert():
        step = task.act(command)
    assert step is not None
    return step


def transcript(seed: int, **keywords: object) -> str:
    task = ALFWorldTask(**keywords)  # type: ignore[arg-type]
    start = task.reset(seed, {})
    rng = np.random.default_rng(0)
    texts = [repr(start), *task.background(rng), *task.distractor_pool(rng)]
    for command in task.expert():
        texts += [repr(task.act(command)), repr(task.admissible())]
    task.close()
    return "\n".join(texts)


def random_success(seed: int) -> bool:
    task, rng = ALFWorldTask(), np.random.default_rng(seed)
    start = task.reset(seed, {})
    for _ in range(start.max_moves):
        choices = task.admissible()
        step = task.act(choices[int(rng.integers(len(choices)))])
        if step.done:
            break
    task.close()
    return step.success


# -- games --------------------------------------------------------------------------------------------------------------


def test_golden_episodes(golden) -> None:  # type: ignore[no-untyped-def]
    golden(ALFWorldTask(), "golden_full.json", seed=2)
    golden(ALFWorldTask(protocol="agentboard"), "golden_agentboard.json", seed=5)


def test_it_is_a_task() -> None:
    assert isinstance(ALFWorldTask(), Task)


def test_small_seeds_cover_every_task_type_and_kind_of_room() -> None:
    names = [generate("train", seed, TASK_TYPES, ROOMS).name for seed in range(120)]
    assert {name.split("/")[2].split("-")[0] for name in names} == set(TASK_TYPES)
    assert {int(name.split("/")[2].split("-")[3]) // 100 for name in names} == {0, 2, 3, 4}


def test_the_splits_have_no_game_in_common() -> None:
    """By construction: other draws of the same rooms in validation, other rooms in test; under both names the same."""
    games: dict[str, set[str]] = {}
    for split in ("train", "validation", "test"):
        task = ALFWorldTask(split=split)
        starts = [task.reset(seed, {}) for seed in range(6)]
        games[split] = {str(start.record["game_sha256"]) for start in starts}
        assert {start.record["split"] for start in starts} == {OWN_NAMES[split]}
        assert starts[0] == ALFWorldTask(split=OWN_NAMES[split]).reset(0, {})
        task.close()
    assert len(set.union(*games.values())) == 18


def test_unseen_rooms_are_unseen_in_train() -> None:
    assert set(floor_plans("train")) & UNSEEN_FLOOR_PLANS == set()
    assert set(floor_plans("valid_unseen")) == UNSEEN_FLOOR_PLANS
    for seed in range(60):
        number = int(generate("valid_unseen", seed, TASK_TYPES, ROOMS).name.split("/")[2].split("-")[3])
        assert number in UNSEEN_FLOOR_PLANS


def test_splits_are_other_games_of_the_same_rooms() -> None:
    train, seen = (generate(split, 5, TASK_TYPES, ROOMS) for split in ("train", "valid_seen"))
    assert train.sha256 != seen.sha256


@given(st.integers(0, 10**9), st.sampled_from(TASK_TYPES))
@settings(max_examples=30, deadline=None)
def test_every_seed_gives_a_game_of_the_type_asked_for(seed: int, task_type: str) -> None:
    game = generate("train", seed, (task_type,), ROOMS)
    goal = parse_goal(game.problem)
    assert goal.task_type == task_type
    assert goal.kind in game.goal
    assert 3 <= len(game.walkthrough) <= 9
    assert game == generate("train", seed, (task_type,), ROOMS)


def test_things_start_where_they_may_lie_and_every_door_is_shut() -> None:
    from agemem_gym.envs.alfworld.rooms import holds

    for seed in range(12):
        problem = generate("train", seed, TASK_TYPES, ROOMS).problem
        kinds = dict(line.strip(" ()").split()[1:] for line in problem.splitlines() if "(receptacleType" in line)
        lying = [line.strip(" ()").split()[1:] for line in problem.splitlines() if line.startswith("    (inReceptacle")]
        assert "(opened" not in problem.split("(:goal")[0]
        for thing, place in lying:
            kind = thing.split("_bar_")[0]
            assert kind == "DeskLamp" or kind in holds(kinds[place].removesuffix("Type"))


# -- playing ------------------------------------------------------------------------------------------------------------


def test_the_expert_wins_and_progress_rises_from_zero_to_one() -> None:
    task = ALFWorldTask()
    for seed in range(12):
        task.reset(seed, {})
        progress = [task.act("inventory").progress] if seed % 2 else [0.0]
        for command in task.expert():
            step = task.act(command)
            progress.append(step.progress)
        assert step.success
        assert step.done
        assert progress[0] == 0.0
        assert progress == sorted(progress)
        assert progress.index(1.0) == len(progress) - 1
    task.close()


def test_the_expert_finds_its_way_from_wherever_the_agent_strayed() -> None:
    task = ALFWorldTask()
    for seed in range(8):
        task.reset(seed, {})
        rng = np.random.default_rng(seed)
        for _ in range(15):
            choices = task.admissible()
            step = task.act(choices[int(rng.integers(len(choices)))])
        if not step.done:
            assert play_expert(task).success
    task.close()


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "valid_seen", "valid_unseen"])
def test_the_oracle_wins_fifty_games_of_each_split(split: str) -> None:
    task = ALFWorldTask(split=split)
    won = 0
    for seed in range(50):
        task.reset(seed, {})
        won += play_expert(task).success
    assert won == 50


@pytest.mark.slow
def test_a_random_agent_wins_less_than_a_tenth_of_fifty_games() -> None:
    assert sum(random_success(seed) for seed in range(50)) < 5


def test_both_ways_of_putting_down_are_understood() -> None:
    for template in ("move {} to {}", "put {} in/on {}", "Put  {} in {}.", "put {} on {}", "place {} into {} ."):
        task = ALFWorldTask(task_types="pick_and_place_simple")
        task.reset(3, {})
        *before, last = list(task.expert())
        for command in before:
            task.act(command)
        thing, place = last.removeprefix("move ").split(" to ")
        assert task.act(template.format(thing, place)).success
        task.close()


@given(st.text(max_size=60))
def test_any_text_has_a_reading(text: str) -> None:
    assert next(readings(text)) == normalised(text)


def test_what_is_not_understood_changes_nothing() -> None:
    task = ALFWorldTask()
    task.reset(0, {})
    before = task.admissible()
    for command in ("", "fly away", "go to nowhere 7", "{o.name}", "take mug", "\0", "É" * 500):
        step = task.act(command)
        assert (step.observation, step.valid, step.done) == ("Nothing happens.", False, False)
    assert task.admissible() == before
    task.close()


def test_look_repeats_what_was_last_seen() -> None:
    task = ALFWorldTask()
    start = task.reset(0, {})
    assert task.act("look").observation == start.observation
    seen = task.act(next(command for command in task.admissible() if command.startswith("go to"))).observation
    assert task.act("LOOK.").observation == seen
    task.close()


def test_check_valid_actions_lists_them_all() -> None:
    task = ALFWorldTask()
    task.reset(0, {})
    step = task.act("Check valid actions.")
    assert step.valid
    assert all(command in step.observation for command in task.admissible())
    task.close()


def test_protocols_set_moves_split_and_text() -> None:
    full, board = ALFWorldTask(), ALFWorldTask(protocol="agentboard")
    first, second = full.reset(0, {}), board.reset(0, {})
    assert (first.max_moves, second.max_moves) == (50, 30)
    assert first.observation.startswith("-= Welcome")
    assert second.observation.startswith("You are in the middle of a room.")
    assert (first.record["split"], second.record["split"]) == ("train", "valid_unseen")
    go = next(command for command in board.admissible() if command.startswith("go to"))
    assert not board.act(go).observation.startswith("You arrive")
    full.close()
    board.close()


def test_memorys_limit_follows_the_plan_and_the_expert_keeps_it() -> None:
    task, plain = ALFWorldTask(moves="memory"), ALFWorldTask()
    for seed in range(6):
        start, usual = task.reset(seed, {}), plain.reset(seed, {})
        length = start.record["plan_length"]
        assert isinstance(length, int)
        assert start.max_moves == math.ceil(1.5 * length) + 3 < usual.max_moves
        assert (start.observation, start.key_facts) == (usual.observation, usual.key_facts)
        assert "moves" not in usual.record
        steps = [task.act(command) for command in task.expert()]
        assert len(steps) == length <= start.max_moves
        assert steps[-1].success


def test_memorys_limit_is_kept_by_a_game_without_a_walkthrough(tmp_path: Path) -> None:
    game = generate("train", 1, TASK_TYPES, ROOMS)
    data = {"pddl_domain": game.domain, "grammar": game.grammar, "pddl_problem": game.problem, "walkthrough": []}
    (tmp_path / "game.tw-pddl").write_text(json.dumps(data), encoding="utf-8")
    start = ALFWorldTask(game=tmp_path / "game.tw-pddl", moves="memory").reset(0, {})
    assert start.record["plan_length"] == len(game.walkthrough)


def test_an_answer_ends_the_episode_with_the_state_as_it_is() -> None:
    task = ALFWorldTask()
    task.reset(0, {})
    step = task.answer("done")
    assert (step.done, step.success) == (True, False)
    task.close()


# -- official games -----------------------------------------------------------------------------------------------------


def test_official_games_come_in_sorted_order_and_round_robin(official: Path) -> None:
    task = ALFWorldTask(data=official, split="valid_seen")
    assert task.size() == 140
    names = [entry.name for entry in index(official / "json_2.1.1", "valid_seen")]
    assert names == sorted(names)
    assert task.reset(141, {}).task_id == names[1] == task.reset(0, {"task_index": 1}).task_id
    assert play_expert(task).success
    assert task.reset(1, {}).record["source"] == "official"
    task.close()


def test_official_games_are_found_through_the_environment(official: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALFWORLD_DATA", str(official))
    assert ALFWorldTask(split="valid_seen").size() == 140
    assert ALFWorldTask(split="valid_seen", task_types=[2]).size() == 13
    assert ALFWorldTask(data="generated").size() is None


def test_an_index_opens_no_game(official: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.open", lambda *a, **k: pytest.fail("a file was opened"))
    assert ALFWorldTask(data=official, split="valid_seen").size() == 140


# -- reproducible, and clean --------------------------------------------------------------------------------------------


def test_a_task_travels_to_another_process_unstarted() -> None:
    task = ALFWorldTask(rooms="kitchen")
    task.reset(0, {})
    copy = pickle.loads(pickle.dumps(task))
    assert copy.reset(3, {}) == task.reset(3, {})
    copy.close()
    task.close()


def test_transcripts_are_the_same_in_every_process(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_alfworld_task import transcript;"
        "print(transcript(4), transcript(5, protocol='agentboard'))"
    )
    texts = []
    for hash_seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "HOME": str(tmp_path)}
        command = [sys.executable, "-c", code, str(Path(__file__).parent)]
        texts.append(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert texts[0] == texts[1]
    assert len(texts[0]) > 1000
    assert not (tmp_path / ".cache" / "alfworld").exists()


@pytest.mark.slow
def test_three_hundred_resets_grow_by_less_than_fifty_megabytes() -> None:
    task, process = ALFWorldTask(), psutil.Process()
    for seed in range(20):
        task.reset(seed, {})
    before, files = process.memory_info().rss, process.num_fds()
    for seed in range(300):
        task.reset(seed, {})
        task.act(task.admissible()[0])
    task.close()
    assert process.memory_info().rss - before < 50e6
    assert process.num_fds() <= files


@pytest.mark.slow
def test_tasks_that_come_and_go_leave_no_memory_behind() -> None:
    process = psutil.Process()
    sizes = []
    for _ in range(60):
        task = ALFWorldTask(task_types=2)
        task.reset(0, {})
        del task  # not closed: the library goes back when the task is garbage
        sizes.append(process.memory_info().rss)
    assert sizes[-1] - sizes[20] < 20e6
