"""The planning task is the one that fast-downward's own translator makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agemem_gym.envs.alfworld.game import Game, load_game
from agemem_gym.envs.alfworld.generated import generate
from agemem_gym.envs.alfworld.goals import TASK_TYPES
from agemem_gym.envs.alfworld.grounding import Unsupported, sas_text
from agemem_gym.envs.alfworld.official import index
from agemem_gym.envs.alfworld.rooms import ROOM_KINDS
from agemem_gym.envs.alfworld.translation import TRANSLATIONS, TranslationCache, _ask_fast_downward, _parse


def meaning(sas: str) -> tuple[Any, ...]:
    """Initial state, goal, operators and axioms in terms of atoms, whatever the numbering."""
    lines = iter(sas.splitlines())
    for _ in range(6):
        next(lines)
    values = [_variable(lines) for _ in range(int(next(lines)))]
    for _ in range(int(next(lines))):  # mutex groups
        next(lines)
        for _ in range(int(next(lines)) + 1):
            next(lines)

    def atom(variable: str, value: str) -> str:
        return values[int(variable)][int(value)]

    next(lines)
    state = frozenset(values[i][int(next(lines))] for i in range(len(values)))
    next(lines)
    next(lines)
    goal = frozenset(atom(*next(lines).split()) for _ in range(int(next(lines))))
    next(lines)
    operators = Counter(_operator(lines, atom) for _ in range(int(next(lines))))
    axioms = set()
    for _ in range(int(next(lines))):
        next(lines)
        conditions = frozenset(atom(*next(lines).split()) for _ in range(int(next(lines))))
        variable, _, after = next(lines).split()
        axioms.add((conditions, atom(variable, after)))
        next(lines)
    return state, goal, operators, axioms


def _variable(lines: Iterator[str]) -> list[str]:
    for _ in range(3):
        next(lines)
    values = [next(lines) for _ in range(int(next(lines)))]
    next(lines)
    return values


def _operator(lines: Iterator[str], atom: Any) -> tuple[Any, ...]:
    next(lines)
    name = next(lines)
    needed = {atom(*next(lines).split()) for _ in range(int(next(lines)))}
    effects = set()
    for _ in range(int(next(lines))):
        count, *words = next(lines).split()
        asked = frozenset(atom(words[2 * i], words[2 * i + 1]) for i in range(int(count)))
        variable, before, after = words[2 * int(count) :]
        needed |= {atom(variable, before)} if before != "-1" else set()
        effects.add((asked, atom(variable, after)))
    next(lines)
    next(lines)
    return name, frozenset(needed), frozenset(effects)


def assert_same_task(game: Game) -> None:
    ours = TranslationCache().get(game).sas.decode()
    assert meaning(ours) == meaning(_ask_fast_downward(game, optimize=False)[1].decode())


def test_generated_games_of_every_type_mean_the_same() -> None:
    for seed in range(6):
        assert_same_task(generate("train", seed, TASK_TYPES, tuple(ROOM_KINDS)))


def test_official_games_mean_the_same(official: Path) -> None:
    for entry in index(official / "json_2.1.1", "valid_seen")[::35]:
        assert_same_task(load_game(entry.path, entry.name))


@pytest.mark.slow
def test_every_official_game_means_the_same(official: Path) -> None:
    for entry in index(official / "json_2.1.1", "valid_seen"):
        assert_same_task(load_game(entry.path, entry.name))


def test_what_is_not_covered_goes_to_fast_downward() -> None:
    game = generate("train", 1, TASK_TYPES, tuple(ROOM_KINDS))
    domain = game.domain.replace("(checked ?l)", "(forall (?x - receptacle) (checked ?x))", 1)
    other = Game("other", domain, game.grammar, game.goal, game.problem)
    assert domain != game.domain
    with pytest.raises(Unsupported):
        sas_text(_parse(other))
    assert TranslationCache().get(other).sas.startswith(b"begin_version")


def test_the_cache_is_bounded() -> None:
    for seed in range(8):
        TRANSLATIONS.get(generate("train", 6 * seed + 1, TASK_TYPES, tuple(ROOM_KINDS)))
    assert len(TRANSLATIONS._kept) == TRANSLATIONS._size
