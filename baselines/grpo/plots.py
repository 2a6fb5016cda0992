"""Curves of a run, made of its metrics alone: ``curves.html``, a page of its own, and ``curves.png`` where matplotlib is there.

python -m agemem_gym.baselines.grpo.plots RUN
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from agemem_gym.baselines.grpo.journal import Row, read_rows
from agemem_gym.errors import ConfigurationError

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 420, 240, 48, 12, 26
_COLOURS = ("#1b6ca8", "#c8553d", "#3d8b5f", "#8a5fa8", "#b8860b", "#4a4a4a", "#d17a9b", "#5aa9a9")


@dataclass(frozen=True)
class Panel:
    """One picture: a title, and names of metrics."""

    title: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Curve:
    """One line: iterations, values, and half the width of a 95 % interval where it is known."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    error: tuple[float, ...] = ()


def panels_of(rows: Sequence[Row]) -> list[Panel]:
    """The pictures that these rows have something for."""
    known = list(dict.fromkeys(name for row in rows for name in row))
    terms = tuple(name for name in known if name.startswith("term/"))
    wanted = (
        Panel("success", ("success", "eval/success", "control/success")),
        Panel("return and its terms", ("return", *terms)),
        Panel("memory, held out", ("eval/mq", "eval/coverage", "control/mq")),
        Panel("KL to the reference", ("kl",)),
        Panel("entropy, a token", ("entropy",)),
        Panel("calls and replies an episode", ("tool_calls", "steps")),
        Panel("sampled tokens a second", ("tokens_per_second",)),
        Panel("share of time", ("share/env", "share/generation", "share/update")),
    )
    there = (Panel(panel.title, tuple(name for name in panel.names if name in known)) for panel in wanted)
    return [panel for panel in there if panel.names]


def curve_of(rows: Sequence[Row], name: str) -> Curve:
    """A metric over iterations."""
    found = [row for row in rows if name in row]
    error = f"{name}_error"
    widths = tuple(1.96 * row[error] for row in found) if found and all(error in row for row in found) else ()
    return Curve(name, tuple(row["iteration"] for row in found), tuple(row[name] for row in found), widths)


def write_curves(folder: Path, rows: Sequence[Row] | None = None) -> list[Path]:
    """Write the page, and the picture if it can be; which files there are.

    Raises:
        ConfigurationError: the folder holds no metrics.
    """
    rows = read_rows(folder) if rows is None else rows
    if not rows:
        raise ConfigurationError(f"{folder}: no metrics.jsonl of a training in it")
    drawn = [(panel.title, [curve_of(rows, name) for name in panel.names]) for panel in panels_of(rows)]
    page = folder / "curves.html"
    page.write_text(_page(folder.resolve().name, drawn), encoding="utf-8")
    if importlib.util.find_spec("matplotlib") is None:
        return [page]
    picture = folder / "curves.png"
    _draw(picture, drawn)
    return [page, picture]


def _page(name: str, drawn: Iterable[tuple[str, list[Curve]]]) -> str:
    figures = "\n".join(
        f"<figure><figcaption>{escape(title)}</figcaption>{_svg(curves)}{_legend(curves)}</figure>"
        for title, curves in drawn
    )
    style = (
        "body{font:14px system-ui,sans-serif;margin:1.5rem;color:#222}main{display:flex;flex-wrap:wrap;gap:1.5rem}"
        "figure{margin:0}figcaption{font-weight:600;margin-bottom:.3rem}text{font:11px system-ui,sans-serif;fill:#555}"
        "ul{list-style:none;margin:.2rem 0 0;padding:0;font-size:12px}li{display:inline-block;margin-right:.9rem}"
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(name)}</title>'
        f"<style>{style}</style></head>\n<body><h1>{escape(name)}</h1>\n<main>\n{figures}\n</main></body></html>\n"
    )


def _svg(curves: Sequence[Curve]) -> str:
    xs = [x for curve in curves for x in curve.x]
    ys = [value for curve in curves for y, width in _with_widths(curve) for value in (y - width, y + width)]
    left, right, low, high = min(xs), max(xs), min(ys), max(ys)
    right, high = (right if right > left else left + 1), (high if high > low else low + 1)

    def at(x: float, y: float) -> str:
        across = _LEFT + (x - left) / (right - left) * (_WIDTH - _LEFT - 8)
        down = _TOP + (high - y) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)
        return f"{across:.1f},{down:.1f}"

    parts = [f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img">']
    for share in (0.0, 0.5, 1.0):
        value = low + share * (high - low)
        across, down = at(left, value).split(",")
        parts.append(f'<line x1="{across}" x2="{_WIDTH - 8}" y1="{down}" y2="{down}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{float(down) + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    for value in (left, right):
        across = at(value, low).split(",")[0]
        parts.append(f'<text x="{across}" y="{_HEIGHT - 8}" text-anchor="middle">{value:.0f}</text>')
    for curve, colour in zip(curves, _cycled(curves), strict=True):
        if curve.error:
            upper = [at(x, y + e) for x, y, e in zip(curve.x, curve.y, curve.error, strict=True)]
            lower = [at(x, y - e) for x, y, e in zip(curve.x, curve.y, curve.error, strict=True)]
            parts.append(f'<polygon points="{" ".join(upper + lower[::-1])}" fill="{colour}" opacity=".15"/>')
        points = " ".join(at(x, y) for x, y in zip(curve.x, curve.y, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
    return "".join([*parts, "</svg>"])


def _with_widths(curve: Curve) -> Iterable[tuple[float, float]]:
    return zip(curve.y, curve.error or (0.0,) * len(curve.y), strict=True)


def _legend(curves: Sequence[Curve]) -> str:
    entries = (
        f'<li><span style="color:{colour}">■</span> {escape(curve.name)} {curve.y[-1]:.3g}</li>'
        for curve, colour in zip(curves, _cycled(curves), strict=True)
    )
    return f"<ul>{''.join(entries)}</ul>"


def _cycled(curves: Sequence[Curve]) -> list[str]:
    return [_COLOURS[place % len(_COLOURS)] for place in range(len(curves))]


def _draw(path: Path, drawn: Sequence[tuple[str, list[Curve]]]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = (len(drawn) + 1) // 2
    figure = Figure(figsize=(11, 2.9 * lines), layout="constrained")
    FigureCanvasAgg(figure)
    for place, (title, curves) in enumerate(drawn, start=1):
        axes: Any = figure.add_subplot(lines, 2, place)
        axes.set_title(title, fontsize=10)
        axes.grid(alpha=0.3)
        for curve, colour in zip(curves, _cycled(curves), strict=True):
            axes.plot(curve.x, curve.y, color=colour, label=curve.name)
            if curve.error:
                upper = [y + e for y, e in zip(curve.y, curve.error, strict=True)]
                lower = [y - e for y, e in zip(curve.y, curve.error, strict=True)]
                axes.fill_between(curve.x, lower, upper, color=colour, alpha=0.15)
        axes.legend(fontsize=7)
    figure.savefig(path, dpi=100)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a training")
    for path in write_curves(parser.parse_args().run):
        print(path)


if __name__ == "__main__":
    main()
