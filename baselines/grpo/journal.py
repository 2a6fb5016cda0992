"""What a training measured: a row an iteration, as JSON Lines and as a table for spreadsheets.

``metrics.jsonl`` grows by a line an iteration; ``metrics.csv`` is made of it anew each time. When a training goes on from a
checkpoint, rows of iterations that are played again are dropped.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path

Row = Mapping[str, float]


class Journal:
    """The rows of a run.

    Args:
        folder: of the run.
        iteration: rows up to this one stay; None begins anew.

    Attributes:
        rows: all of them, in order.
    """

    def __init__(self, folder: Path, iteration: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lines, self._table = folder / "metrics.jsonl", folder / "metrics.csv"
        rows = [] if iteration is None else read_rows(folder)
        self.rows: list[Row] = [row for row in rows if row["iteration"] <= (iteration or 0)]
        _replace(self._lines, "".join(json.dumps(row) + "\n" for row in self.rows))

    def add(self, row: Row) -> None:
        """Write a row down."""
        self.rows.append(dict(row))
        with self._lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        _replace(self._table, _as_csv(self.rows))


def read_rows(folder: Path) -> list[Row]:
    """The rows of a run; a last line that was being written when the process was killed does not count."""
    path = folder / "metrics.jsonl"
    rows: list[Row] = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            row = json.loads(line)
        except ValueError:
            break
        rows.append(row)
    return rows


def _as_csv(rows: list[Row]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows([dict(row) for row in rows])
    return text.getvalue()


def _replace(path: Path, text: str) -> None:
    """Write a file so that nobody ever sees half of it."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)
