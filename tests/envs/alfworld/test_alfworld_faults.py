"""What goes wrong with ALFWorld's keywords and files, and how it is said."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from agemem_gym.envs.alfworld import ALFWorldTask
from agemem_gym.envs.alfworld.game import RELEASED_DOMAIN, RELEASED_GRAMMAR, trusted
from agemem_gym.envs.alfworld.generated import generate
from agemem_gym.envs.alfworld.goals import TASK_TYPES
from agemem_gym.envs.alfworld.rooms import ROOM_KINDS
from agemem_gym.errors import ConfigurationError

ROOMS = tuple(ROOM_KINDS)


@pytest.mark.parametrize(
    ("keywords", "named"),
    [
        ({"split": "valid_unsen"}, "did you mean 'valid_unseen'"),
        ({"trust": 1}, "trust"),
        ({"moves": "memry"}, "did you mean 'memory'"),
        ({"moves": "memory", "max_moves": 9}, "leave max_moves out"),
        ({"moves": "memory", "protocol": "agentboard"}, "limit of 30"),
        ({"game": "no/such/game.tw-pddl"}, "no such file"),
        ({"task_types": "pick_two"}, "did you mean 'pick_two_obj_and_place'"),
        ({"protocol": "fast"}, "protocol"),
        ({"task_types": "juggle"}, "task_types"),
        ({"task_types": [9]}, "task_types"),
        ({"task_types": []}, "task_types"),
        ({"rooms": "attic"}, "rooms"),
        ({"max_moves": 0}, "max_moves"),
        ({"data": "/no/such/folder"}, "alfworld-download"),
        ({"data": "genrated"}, "did you mean 'generated'"),
    ],
)
def test_a_bad_keyword_is_named(keywords: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        ALFWorldTask(**keywords)  # type: ignore[arg-type]


def test_tasks_that_no_room_can_hold_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="no room"):
        ALFWorldTask(task_types="pick_heat_then_place_in_recep", rooms="bathroom").reset(0, {})


@pytest.mark.parametrize("options", [{"task_index": -1}, {"task_index": "a"}, {"level": 3}])
def test_a_bad_option_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        ALFWorldTask().reset(0, options)


def saved(folder: Path, **changes: str) -> Path:
    game = generate("train", 1, TASK_TYPES, ROOMS)
    data = {
        "pddl_domain": game.domain,
        "grammar": game.grammar.replace("UNKNOWN GOAL", game.goal),
        "pddl_problem": game.problem,
        "walkthrough": list(game.walkthrough),
        "solvable": True,
    }
    path = folder / "game.tw-pddl"
    path.write_text(json.dumps({**data, **changes}), encoding="utf-8")
    return path


def test_a_game_file_of_ones_own_is_played(tmp_path: Path) -> None:
    task = ALFWorldTask(game=saved(tmp_path))
    assert task.size() == 1
    task.reset(7, {})
    assert [task.act(command) for command in task.expert()][-1].success
    task.close()


def test_a_game_file_with_a_byte_order_mark_or_gzipped_is_the_same_game(tmp_path: Path) -> None:
    path = saved(tmp_path)
    plain = ALFWorldTask(game=path).reset(0, {})
    content = path.read_bytes()
    for written in (b"\xef\xbb\xbf" + content, gzip.compress(content)):
        path.write_bytes(written)
        assert ALFWorldTask(game=path).reset(0, {}) == plain
    for broken in (content.replace(b"pddl_problem", b"pddl_\xff"), b"[" * 100_000):
        path.write_bytes(broken)
        with pytest.raises(ConfigurationError, match="cannot be read"):
            ALFWorldTask(game=path).reset(0, {})


def test_a_truncated_game_file_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path)
    path.write_text(path.read_text(encoding="utf-8")[:5000], encoding="utf-8")
    with pytest.raises(ConfigurationError, match="truncated"):
        ALFWorldTask(game=path).reset(0, {})
    path.write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="not an ALFWorld game"):
        ALFWorldTask(game=path).reset(0, {})
    with pytest.raises(ConfigurationError, match="no such file"):
        ALFWorldTask(game=tmp_path / "absent")


def test_a_problem_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    problem = generate("train", 1, TASK_TYPES, ROOMS).problem
    path = saved(tmp_path, pddl_problem=problem.replace("(:init", "(:init ((", 1))
    with pytest.raises(ConfigurationError, match="cannot translate"):
        ALFWorldTask(game=path).reset(0, {})


def test_a_split_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "json_2.1.1" / "valid_seen").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="train"):
        ALFWorldTask(data=tmp_path, split="train")
    monkeypatch.setenv("ALFWORLD_DATA", str(tmp_path))
    assert ALFWorldTask(split="train").size() is None


def test_an_unknown_grammar_is_refused_unless_trusted(tmp_path: Path) -> None:
    grammar = json.loads(saved(tmp_path).read_text(encoding="utf-8"))["grammar"]
    path = saved(tmp_path, grammar=grammar.replace("You open the", "You gently open the"))
    with pytest.raises(ConfigurationError, match="trust=True"):
        ALFWorldTask(game=path).reset(0, {})
    ALFWorldTask(game=path, trust=True).reset(0, {})


def test_even_a_trusted_grammar_runs_no_code(tmp_path: Path) -> None:
    grammar = json.loads(saved(tmp_path).read_text(encoding="utf-8"))["grammar"]
    evil = grammar.replace("-= Welcome to TextWorld, ALFRED! =-", "{__import__('os').getpid()}")
    assert evil != grammar
    with pytest.raises(ConfigurationError, match="expression"):
        ALFWorldTask(game=saved(tmp_path, grammar=evil), trust=True).reset(0, {})


def test_a_goal_sentence_cannot_carry_instructions(tmp_path: Path) -> None:
    grammar = json.loads(saved(tmp_path).read_text(encoding="utf-8"))["grammar"]
    evil = grammar.replace("Your task is to: ", "Your task is to: {r.name} ")
    with pytest.raises(ConfigurationError, match="goal sentence"):
        ALFWorldTask(game=saved(tmp_path, grammar=evil), trust=True).reset(0, {})


def test_the_release_is_known_by_its_hash(official: Path) -> None:
    assert (RELEASED_DOMAIN, RELEASED_GRAMMAR) in trusted()
    assert len(trusted()) == 2
