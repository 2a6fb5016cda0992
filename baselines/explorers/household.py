"""What everybody knows of a household in ALFWorld: which furniture may hold which things, and how much usually lies there.

>>> promise("mug", "cabinet") > 0, promise("mug", "drawer")
(True, 0.01)
"""

from __future__ import annotations

from collections.abc import Mapping

OPENS = frozenset({"cabinet", "drawer", "fridge", "microwave", "safe"})
"""Furniture that is closed as a rule."""

TOOLS: Mapping[str, str] = {"clean": "sinkbasin", "heat": "microwave", "cool": "fridge"}
"""Where a thing is cleaned, heated or cooled."""

_FOOD = "apple bread egg lettuce potato tomato"
_DISHES = "bowl cup mug plate glassbottle"
_POTS = "kettle pan pot"
_CUTLERY = "butterknife fork knife ladle spatula spoon"
_SHAKERS = "peppershaker saltshaker"
_BATH = (
    "cloth dishsponge handtowel soapbar soapbottle spraybottle tissuebox toiletpaper toiletpaperroll candle papertowel"
)
_SMALL = "cd cellphone creditcard keychain pen pencil remotecontrol watch book newspaper"
_SEATED = "cellphone creditcard keychain remotecontrol book newspaper basketball box cloth laptop pillow"
_ORNAMENTS = "alarmclock box candle statue vase wateringcan winebottle laptop"
_DESKTOP = f"{_SMALL} {_ORNAMENTS} {_DISHES} basketball cloth spraybottle tennisracket tissuebox "
_DESKTOP += "toiletpaper toiletpaperroll desklamp"

_HOLDS: Mapping[str, tuple[str, float]] = {
    "cabinet": (
        f"{_DISHES} {_POTS} {_SHAKERS} {_BATH} ladle book box cd newspaper plunger vase wateringcan winebottle",
        1.0,
    ),
    "drawer": (f"{_CUTLERY} {_SHAKERS} {_BATH} {_SMALL} wateringcan", 1.0),
    "fridge": (f"{_FOOD} {_DISHES} pan pot winebottle", 3.5),
    "microwave": ("apple bowl bread cup egg glassbottle mug plate potato tomato", 1.0),
    "sinkbasin": (f"{_FOOD} {_DISHES} {_POTS} {_CUTLERY} cloth dishsponge handtowel soapbar", 2.0),
    "bathtubbasin": ("cloth dishsponge handtowel soapbar", 1.5),
    "stoveburner": (_POTS, 0.8),
    "garbagecan": (f"{_BATH} apple bread cd egg lettuce newspaper pen pencil potato tomato winebottle", 1.0),
    "safe": ("cd cellphone creditcard keychain statue vase watch", 1.0),
    "toilet": (f"{_BATH} newspaper", 2.0),
    "cart": (f"{_BATH} mug plunger statue vase", 2.0),
    "handtowelholder": ("handtowel", 1.0),
    "towelholder": ("towel", 1.0),
    "toiletpaperhanger": ("toiletpaper toiletpaperroll", 0.5),
    "laundryhamper": ("cloth", 0.5),
    "coffeemachine": ("mug", 0.5),
    "tvstand": ("tissuebox", 1.0),
    "bed": ("baseballbat basketball book cellphone laptop newspaper pillow tennisracket", 4.0),
    "sofa": (_SEATED, 3.0),
    "armchair": (_SEATED, 1.0),
    "ottoman": (_SEATED, 1.0),
    "shelf": (f"{_DISHES} {_SHAKERS} {_BATH} {_SMALL} {_ORNAMENTS} kettle pot desklamp", 1.3),
    "desk": (f"{_DESKTOP} soapbottle", 5.0),
    "dresser": (_DESKTOP, 3.5),
}
"""Furniture, what may lie in or on it, and how many things usually do."""

_NEVER = {
    "cabinet": "papertowel",
    "drawer": "papertowel",
    "sinkbasin": "bread",
    "garbagecan": "candle",
    "shelf": "laptop",
}
_SURFACES: Mapping[str, float] = {"countertop": 5.5, "diningtable": 8.0, "sidetable": 2.0, "coffeetable": 3.5}
"""What nearly everything may lie on."""

_NOT_ON_SURFACES = frozenset("pillow towel plunger toiletpaperhanger".split())
_UNHEARD_OF = 0.01


def promise(thing: str, furniture: str) -> float:
    """How promising it is to look for a kind of thing in a kind of furniture; never nothing."""
    if furniture in _SURFACES:
        return _UNHEARD_OF if thing in _NOT_ON_SURFACES else _SURFACES[furniture]
    held, usual = _HOLDS.get(furniture, ("", 0.0))
    known = thing in held.split() and thing not in _NEVER.get(furniture, "").split()
    return usual if known else _UNHEARD_OF
