"""The engine gives what upstream's gives, and leaves no trace in the process."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agemem_gym.envs.alfworld.engine import Engine
from agemem_gym.envs.alfworld.game import UNKNOWN_GOAL, Game, load_game
from agemem_gym.envs.alfworld.generated import generate
from agemem_gym.envs.alfworld.goals import TASK_TYPES
from agemem_gym.envs.alfworld.official import index
from agemem_gym.envs.alfworld.rooms import ROOM_KINDS
from agemem_gym.errors import ConfigurationError


def generated(seed: int, split: str = "valid_seen") -> Game:
    return generate(split, seed, TASK_TYPES, tuple(ROOM_KINDS))


def assert_same_transcript(game: Game, upstream: Any, steps: int) -> int:
    """Random commands, then the walkthrough, on both engines; the number of strings compared."""
    data = {"pddl_domain": game.domain, "pddl_problem": game.problem, "walkthrough": list(game.walkthrough)}
    upstream.load({**data, "grammar": game.grammar.replace(UNKNOWN_GOAL, game.goal)})
    state, engine, rng, compared = upstream.reset(), Engine(), np.random.default_rng(0), 0
    frame = engine.reset(game)
    waiting = [*game.walkthrough]
    for turn in range(steps + len(waiting) + 1):
        listed = engine.admissible()
        assert (frame.feedback, listed, frame.won) == (state.feedback, state["admissible_commands"], state["won"])
        compared += 1 + len(listed)
        choices = [*listed, "dance", "GO TO fridge 1"]
        command = choices[int(rng.integers(len(choices)))] if turn < steps or not waiting else waiting.pop(0)
        state, _, _ = upstream.step(command)
        frame = engine.step(command)
    engine.close()
    return compared


def test_generated_games_read_as_upstream_plays_them(upstream: Any) -> None:
    for seed in range(2):
        assert assert_same_transcript(generated(seed), upstream, steps=12) > 100


def test_official_games_read_as_upstream_plays_them(upstream: Any, official: Path) -> None:
    entries = index(official / "json_2.1.1", "valid_seen")
    for entry in (entries[0], entries[-1]):
        assert_same_transcript(load_game(entry.path, entry.name), upstream, steps=12)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_fifty_games_read_as_upstream_plays_them(upstream: Any) -> None:
    for seed in range(50):
        assert_same_transcript(generated(seed, ("train", "valid_seen", "valid_unseen")[seed % 3]), upstream, steps=30)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_official_game_is_won_by_its_walkthrough_and_reads_as_upstream_plays_it(
    upstream: Any, official: Path
) -> None:
    entries = index(official / "json_2.1.1", "valid_seen")
    assert len(entries) == 140
    for entry in entries:
        game = load_game(entry.path, entry.name)
        assert_same_transcript(game, upstream, steps=6)
        engine = Engine()
        engine.reset(game)
        assert [engine.step(command).won for command in game.walkthrough][-1]
        engine.close()


def test_several_live_games_do_not_disturb_each_other() -> None:
    games = [generated(seed) for seed in (1, 13, 25)]
    alone = []
    for game in games:
        engine = Engine()
        alone.append([engine.reset(game).feedback, *(engine.step(command).feedback for command in game.walkthrough)])
        engine.close()
    engines = [Engine() for _ in games]
    together = [[engine.reset(game).feedback] for engine, game in zip(engines, games, strict=True)]
    for turn in range(max(len(game.walkthrough) for game in games)):
        for engine, game, seen in zip(engines, games, together, strict=True):
            seen += [engine.step(command).feedback for command in game.walkthrough[turn : turn + 1]]
    assert together == alone


def test_threads_get_the_same_texts_as_one_thread() -> None:
    games = [generated(seed) for seed in (1, 13, 25, 37)]
    expected = [_played(game) for game in games]
    found: dict[int, list[str]] = {}
    threads = [
        threading.Thread(target=lambda i=i, game=game: found.update({i: _played(game)})) for i, game in enumerate(games)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[i] for i in range(len(games))] == expected


def _played(game: Game) -> list[str]:
    engine = Engine()
    texts = [engine.reset(game).feedback, *(engine.step(command).feedback for command in game.walkthrough)]
    engine.close()
    return texts


def test_a_reset_leaves_arguments_output_and_random_state_alone(capsys: pytest.CaptureFixture[str]) -> None:
    arguments, output, drawn = list(sys.argv), sys.stdout, str(np.random.get_state())  # noqa: NPY002
    _played(generated(7))
    assert (sys.argv, sys.stdout, str(np.random.get_state())) == (arguments, output, drawn)  # noqa: NPY002
    assert capsys.readouterr().out == ""


def test_textworld_is_not_patched() -> None:
    from textworld.envs.pddl import PddlEnv, textgen
    from textworld.logic import Rule

    _played(generated(7))
    assert {PddlEnv.step.__module__, PddlEnv.reset.__module__} == {"textworld.envs.pddl.pddl"}
    assert textgen._parse_and_convert.__module__ == "textworld.envs.pddl.textgen"
    assert Rule.parse_conjunctive_query.__func__.__module__ == "textworld.logic"


def test_a_closed_engine_starts_again() -> None:
    engine, game = Engine(), generated(1)
    engine.reset(game)
    engine.close()
    engine.close()
    assert engine.reset(game).feedback == _played(game)[0]


def test_an_expression_of_a_grammar_is_never_run_as_code() -> None:
    from agemem_gym.envs.alfworld.grammar import evaluate

    for expression in ("__import__('os').getcwd()", "o.__class__", "[].append(1)", "1 +", "lambda: 0"):
        with pytest.raises(ConfigurationError, match="expression"):
            evaluate(expression, {"o": "mug"})
