"""Names of worlds, so that what is told of one is not taken for another: floor plans have a "mug 1" each.

What is said in stage 1 begins with the name, and the agent is told the name of the place in which its task is set::

    At Maple Court: The mug 1 is in the drawer 2.
"""

from __future__ import annotations

import re
from itertools import islice

import numpy as np

_FIRST = (
    "Alder Aspen Beech Birch Briar Cedar Cherry Clover Cypress Elder Elm Fern Fir Hawthorn Hazel Heather Holly Hornbeam Ivy "
    "Juniper Larch Laurel Lilac Linden Maple Medlar Mulberry Myrtle Oak Olive Pear Pine Plane Poplar Quince Rowan Sorrel "
    "Spruce Sycamore Tamarisk Thistle Walnut Willow Yarrow Yew"
).split()
_SECOND = "Bank Close Corner Court Cross End Gate Green Grove Hill Lane Lodge Mead Park Place Row Side Square Walk Yard".split()
_SAID = re.compile(r"At (?P<place>[A-Z]\w+ [A-Z]\w+): (?P<text>.*)", re.DOTALL)
_TAG = 0x91ACE


def place_names(number: int, count: int) -> tuple[str, ...]:
    """Names of the worlds of stream `number`, no two of which have a word in common as long as there are words (for 20).

    Example:
        >>> place_names(0, 2)
        ('Pear Square', 'Thistle Hill')
    """
    rng = np.random.default_rng([_TAG, number])
    first, second = ([words[int(i)] for i in rng.permutation(len(words))] for words in (_FIRST, _SECOND))
    pairs = (
        f"{one} {second[(position + start) % len(second)]}"
        for start in range(len(second))
        for position, one in enumerate(first)
    )
    return tuple(islice(pairs, count))


def at_place(place: str, text: str) -> str:
    """What is said of a place."""
    return f"At {place}: {text}"


def place_of(text: str) -> tuple[str, str]:
    """The place of which a text is said, empty where it names none, and the rest of it.

    Example:
        >>> place_of("At Maple Court: The mug 1 is in the drawer 2."), place_of("At Rome they cook.")
        (('Maple Court', 'The mug 1 is in the drawer 2.'), ('', 'At Rome they cook.'))
    """
    said = _SAID.fullmatch(text)
    return (said["place"], said["text"]) if said else ("", text)
