"""What every benchmark script shares: rows with a ratio against a named peer, a table for people, JSON for programs.

A script is ``main(sys.argv)`` around one function ``measure(quick: bool) -> list[Row]``::

    if __name__ == "__main__":
        run(measure, __doc__)

which gives it ``--quick`` (under 50 s) and ``--json FILE``.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agemem_gym.versions import installed_versions


@dataclass(frozen=True)
class Row:
    """One measured comparison. ``ratio`` > 1 means that ours is better; ``None`` where there is no peer.

    Attributes:
        name: what was measured.
        ours: our figure, in `unit`.
        peer: the peer's figure, in the same unit, measured in the same run.
        peer_name: who the peer is.
        unit: e.g. ``"steps/s"`` or ``"ms"``.
        ratio: how many times better ours is.
        n: number of repetitions behind each figure.
        low, high: the 95 % interval of our figure, where there is one.
    """

    name: str
    ours: float
    peer: float | None
    peer_name: str | None
    unit: str
    ratio: float | None
    n: int
    low: float | None = None
    high: float | None = None

    @classmethod
    def more_is_better(cls, name: str, ours: float, peer: float, peer_name: str, unit: str, n: int) -> Row:
        """A row of a rate, a score, …"""
        return cls(name, ours, peer, peer_name, unit, ours / peer, n)

    @classmethod
    def less_is_better(cls, name: str, ours: float, peer: float, peer_name: str, unit: str, n: int) -> Row:
        """A row of a time, a size, …"""
        return cls(name, ours, peer, peer_name, unit, peer / ours, n)

    @classmethod
    def alone(cls, name: str, ours: float, unit: str, n: int) -> Row:
        """A row without a peer."""
        return cls(name, ours, None, None, unit, None, n)


def print_table(rows: Sequence[Row], title: str) -> None:
    """Print `rows` as a table; on a pipe it is as wide as it needs to be."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table(title=title)
    table.add_column("measured")
    for column in ("ours", "peer", "unit", "ratio", "n"):
        table.add_column(column, justify="right" if column != "unit" else "left")
    table.add_column("peer is")
    for row in rows:
        peer = "" if row.peer is None else f"{row.peer:,.4g}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}x"
        table.add_row(row.name, f"{row.ours:,.4g}", peer, row.unit, ratio, f"{row.n:,}", row.peer_name or "")
    console.print(table)


_COMMAND = shlex.join(sys.argv)  # before an engine overwrites it


def write_json(rows: Sequence[Row], path: Path) -> None:
    """Write ``{"command", "versions", "rows"}`` to `path`."""
    report = {"command": _COMMAND, "versions": installed_versions(), "rows": [asdict(row) for row in rows]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def run(measure: Callable[[bool], list[Row]], doc: str | None) -> None:
    """The command line that every benchmark script has."""
    summary = (doc or "").strip()
    parser = argparse.ArgumentParser(description=summary, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, under 50 seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows as JSON")
    arguments = parser.parse_args()
    rows = measure(arguments.quick)
    print_table(rows, summary.splitlines()[0] if summary else "")
    if arguments.json:
        write_json(rows, arguments.json)
