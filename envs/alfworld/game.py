"""A game: a PDDL problem, the domain and grammar it is played with, and its goal.

Game files are untrusted. The engine's own code would evaluate a grammar's expressions as Python; ours does not
(:mod:`.grammar`), and besides, a file's grammar and domain are taken only if they are known ones.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from agemem_gym.envs.rows import read_text
from agemem_gym.errors import ConfigurationError

from . import packaged

GOAL_SENTENCE = re.compile(r"(?<=Your task is to: )[^\"\n]*(?=\.\")")
PLAIN_SENTENCE = re.compile(r"[A-Za-z0-9 ,.'-]*")
UNKNOWN_GOAL = "UNKNOWN GOAL"

RELEASED_GRAMMAR = "cce0702cd250cc6af6c3ea047a21f6c4c1c8d29a1739efefb5221ef4c3dcac57"
"""sha256 of the grammar in every game of the official release (json_2.1.1), its goal sentence blanked."""

RELEASED_DOMAIN = "0af55e7f92d12b09d28515aa730e4d03fddd17228ef1fd7b18a3ee8ba49b27b9"
"""sha256 of the PDDL domain in every game of the official release."""


@dataclass(frozen=True)
class Game:
    """One game.

    Attributes:
        name: stable name, e.g. ``"generated/train/12"`` or ``"valid_seen/<folder>/<trial>"``.
        domain: PDDL domain.
        grammar: text grammar with ``UNKNOWN GOAL`` where the goal sentence goes.
        goal: the goal sentence; empty where the grammar has no place for one.
        problem: PDDL problem.
        walkthrough: commands that win from the first state, where they are known.
    """

    name: str
    domain: str
    grammar: str
    goal: str
    problem: str
    walkthrough: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """What identifies the game: domain, grammar, goal and problem."""
        return sha256("\0".join((self.domain, self.grammar, self.goal, self.problem)))


def sha256(text: str) -> str:
    """The hexadecimal SHA-256 of `text` in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


@lru_cache(maxsize=1)
def trusted() -> frozenset[tuple[str, str]]:
    """The (domain, grammar) pairs, by hash, that are taken without asking: the packaged one and the release's."""
    return frozenset({(sha256(packaged.domain()), sha256(packaged.grammar())), (RELEASED_DOMAIN, RELEASED_GRAMMAR)})


def load_game(path: Path, name: str, trust: bool = False) -> Game:
    """Read a ``game.tw-pddl`` file.

    Args:
        path: the file.
        name: the game's name.
        trust: also take a grammar and a domain that are not known ones.

    Raises:
        ConfigurationError: no such file, a truncated or ill-formed one, or one whose grammar or domain is not known.
    """
    data = _read(path)
    grammar, goal = split_goal(data["grammar"], path)
    if not trust:
        _check(path, data["pddl_domain"], grammar)
    walkthrough = data.get("walkthrough") or ()
    if not isinstance(walkthrough, (list, tuple)) or not all(isinstance(command, str) for command in walkthrough):
        raise ConfigurationError(f"{path}: 'walkthrough' is not a list of commands; download the game again")
    return Game(name, data["pddl_domain"], grammar, goal, data["pddl_problem"], tuple(walkthrough))


def split_goal(grammar: str, source: Path | str = "grammar") -> tuple[str, str]:
    """The grammar with its goal sentence blanked, and the sentence.

    Raises:
        ConfigurationError: the sentence holds more than plain words, which the grammar would take for instructions.
    """
    found = GOAL_SENTENCE.search(grammar)
    if found is None:
        return grammar, ""
    if not PLAIN_SENTENCE.fullmatch(found[0]):
        raise ConfigurationError(
            f"{source}: the goal sentence holds characters other than letters, digits, spaces and , . ' -: {found[0]!r}"
        )
    return GOAL_SENTENCE.sub(UNKNOWN_GOAL, grammar, count=1), found[0]


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise ConfigurationError(f"there is no game file {path}; get the games with: alfworld-download")
    try:
        text = read_text(path)
        text.encode()  # bytes that are not UTF-8 stand as surrogates in it
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"the game file {path} cannot be read ({error}); it may be truncated: get it again with "
            "alfworld-download --force"
        ) from error
    texts = ("pddl_domain", "grammar", "pddl_problem")
    if not isinstance(data, dict) or not all(isinstance(data.get(key), str) for key in texts):
        raise ConfigurationError(f"{path} is not an ALFWorld game: expected a JSON object with the texts {texts}")
    return data


def _check(path: Path, domain: str, grammar: str) -> None:
    given = (sha256(domain), sha256(grammar))
    if given not in trusted():
        raise ConfigurationError(
            f"{path}: its PDDL domain (sha256 {given[0]}) or grammar (sha256 {given[1]}, goal sentence blanked) is neither "
            "alfworld's packaged one nor the official release's. If you know where the file comes from, allow it with "
            "trust=True"
        )
