"""The form of the encyclopedia's data: kinds of entities, relations between them, and lists of values.

A :class:`Relation` leads from an entity to another entity or to a value. Its templates name the subject ``{s}`` and the object
``{o}``; a :class:`Kind` opens its paragraphs with one of its introductions, which name relations directly.
"""

from __future__ import annotations

from dataclasses import dataclass

VALUES: dict[str, tuple[str, ...]] = {
    "profession": tuple(
        "actor,architect,astronomer,botanist,cellist,chemist,choreographer,conductor,economist,engineer,essayist,explorer,"
        "geologist,historian,illustrator,inventor,journalist,lawyer,linguist,mathematician,painter,philosopher,"
        "photographer,physician,physicist,pianist,playwright,poet,sculptor,surgeon,violinist,zoologist".split(",")
    ),
    "genre": tuple(
        "comedy,courtroom drama,crime,disaster,documentary,espionage,family drama,fantasy,ghost story,heist,historical,horror,"
        "mystery,musical,political satire,road movie,romance,science fiction,silent,thriller,war,western".split(",")
    ),
    "music": tuple(
        "acid jazz,baroque pop,bluegrass,blues rock,chamber pop,country,dream pop,electronic,folk rock,funk,garage rock,"
        "glam rock,gothic rock,indie pop,krautrock,new wave,post-punk,progressive rock,reggae,ska,soul,surf rock".split(
            ","
        )
    ),
    "industry": tuple(
        "aircraft,beverage,bicycle,book publishing,brewing,broadcasting,cement,chemicals,clockmaking,film production,furniture,"
        "glass,insurance,optics,paper,pharmaceuticals,porcelain,radio,railway,recording,shipbuilding,steel,textiles,toys".split(
            ","
        )
    ),
    "field": tuple(
        "architecture,astronomy,botany,chemistry,children's literature,choral music,cinematography,dance,economics,engineering,"
        "geography,history,journalism,landscape painting,mathematics,medicine,peace work,philosophy,photography,poetry,"
        "sculpture,stage design,translation,zoology".split(",")
    ),
    "colour": tuple(
        f"{one} and {other}"
        for one in ("red", "blue", "green", "black", "maroon", "orange", "purple")
        for other in ("white", "yellow", "silver", "grey", "gold")
    ),
    "collection": tuple(
        "armour,astronomical instruments,carpets,carriages,ceramics,coins,costumes,fossils,glassware,icons,insects,jewellery,"
        "lace,locomotives,maps,masks,minerals,musical instruments,playing cards,posters,stamps,tapestries,toys".split(
            ","
        )
    ),
}
"""Lists that a relation's object may come from; long, so that the most frequent one is a poor guess."""

MONTHS = "January February March April May June July August September October November December".split()


@dataclass(frozen=True)
class Relation:
    """A relation with its wording.

    Attributes:
        name: unique within its kind.
        target: a kind, a list of :data:`VALUES`, ``"year"``, ``"date"`` or ``"number"``.
        sentences: ways to state it.
        ask: ways to ask for the object: a plain one, in the article's words, then a reworded one.
        phrase: noun phrases for the object, plain and reworded; empty where the object is a value.
        earlier: for years and numbers: question for the one with the smaller value of ``{a}`` and ``{b}``.
        larger: likewise for the larger value.
        same: question whether ``{a}`` and ``{b}`` have the same object.
        low, high: range of a number.
        after: for a year: the relation to a person who has to be grown up by then, or to what has to exist.
    """

    name: str
    target: str
    sentences: tuple[str, ...]
    ask: tuple[str, str]
    phrase: tuple[str, ...] = ()
    earlier: str = ""
    larger: str = ""
    same: str = ""
    low: int = 0
    high: int = 0
    after: str = ""


@dataclass(frozen=True)
class Kind:
    """A kind of entity.

    Attributes:
        name: e.g. ``"film"``.
        count: how many a world has.
        introductions: first sentences; ``{t}`` is the title, other slots are relations of this kind.
        relations: in the order in which a world draws them.
        fillers: sentences that state nothing one could ask for.
    """

    name: str
    count: int
    introductions: tuple[str, ...]
    relations: tuple[Relation, ...]
    fillers: tuple[str, ...]
