"""The folders of AI-Planning/classical-domains: the first problem of each is loaded and compared with the naive executor.

The files are not part of this project: clone github.com/AI-Planning/classical-domains, and give its folder ``classical``.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pddl_agreement import Agreement, compare

from agemem_gym.envs.pddl.library import Limits
from agemem_gym.errors import AgeMemError

LIMITS = Limits(max_search=5_000_000)  # about a second of planning; where no plan is found, a random walk is compared


@dataclass(frozen=True)
class Outcome:
    """What came of a domain: an agreement, a refusal in one sentence, or a difference."""

    name: str
    problem: str
    agreement: Agreement | None = None
    refusal: str = ""
    difference: str = ""

    def __str__(self) -> str:
        how = self.refusal or self.difference
        if self.agreement is not None:
            path = "of the plan" if self.agreement.planned else "of a walk"
            how = f"{self.agreement.actions:,} actions, {self.agreement.steps} steps {path}"
        return f"{self.name:28} {self.problem:32} {how}"


def folders(root: Path) -> list[Path]:
    """The folders with one ``domain.pddl`` for all problems."""
    return sorted(path.parent for path in root.glob("*/domain.pddl"))


def first_problem(folder: Path) -> Path:
    """The first file that holds a problem, numbers counted as numbers."""
    files = sorted(folder.glob("*.pddl"), key=lambda path: [p.zfill(9) for p in re.split(r"(\d+)", path.name)])
    return next(path for path in files if "(problem" in path.read_text(encoding="utf-8", errors="replace").lower())


def outcomes(root: Path, seconds: float = 20.0) -> Iterator[Outcome]:
    """Load and compare the first problem of each folder, for at most `seconds` each."""
    for folder in folders(root):
        yield outcome(folder, seconds)


def outcome(folder: Path, seconds: float = 20.0) -> Outcome:
    """Load and compare one."""
    problem = first_problem(folder)
    end = time.monotonic() + seconds
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = compare(
                folder / "domain.pddl", problem, walk=8, limits=LIMITS, within=lambda: time.monotonic() > end
            )
    except AgeMemError as error:
        return Outcome(folder.name, problem.name, refusal=str(error).replace(f"{folder}/", ""))
    except AssertionError as error:
        return Outcome(folder.name, problem.name, difference=f"DIFFERS: {error}".splitlines()[0])
    return Outcome(folder.name, problem.name, agreement=found)
