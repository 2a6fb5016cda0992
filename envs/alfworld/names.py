"""Names: AI2-THOR's, as PDDL writes them, and as an agent reads them.

``Mug|-00.24|+01.01|+00.20``  ─ mangled ─►  ``mug_bar__minus_00_dot_24_bar_…``  ─ demangled ─►  ``mug 2``
"""

from __future__ import annotations

from collections.abc import Iterable


def mangled(name: str) -> str:
    """An AI2-THOR id as a PDDL name."""
    for plain, word in (("|", "_bar_"), ("+", "_plus_"), ("-", "_minus_"), (".", "_dot_")):
        name = name.replace(plain, word)
    return name


def demangled(identifiers: Iterable[str]) -> dict[str, str]:
    """The name that an agent reads for each PDDL identifier, numbered as alfworld's ``Demangler`` numbers them.

    Identifiers of one kind, sorted, get the numbers from the highest down.
    """
    kinds = {identifier: _kind(identifier) for identifier in sorted(identifiers)}
    left: dict[str, int] = {}
    for kind in kinds.values():
        if kind:
            left[kind] = left.get(kind, 0) + 1
    names = {}
    for identifier, kind in kinds.items():
        if not kind:
            names[identifier] = f"{_unmangled(identifier)} "
            continue
        names[identifier] = f"{kind} {left[kind]}"
        left[kind] -= 1
    return names


def _kind(identifier: str) -> str:
    """``"sink_bar_…_bar_sinkbasin"`` is a sinkbasin, ``"mug_bar_…"`` a mug; empty for what has no position."""
    kind, bar, _ = identifier.partition("_bar_")
    if not bar:
        return ""
    return f"{kind}basin" if "basin" in identifier else kind


def _unmangled(identifier: str) -> str:
    for mangled, plain in (("_minus_", "-"), ("_plus_", "+"), ("_dot_", "."), ("_comma_", ",")):
        identifier = identifier.replace(mangled, plain)
    return identifier
