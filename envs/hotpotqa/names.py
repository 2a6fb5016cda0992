"""Names of a fictional world: pronounceable stems, and titles of works out of two word lists.

A name belongs to one split for ever, so the entities of the three are disjoint by construction, however many worlds are made.
Train and validation share sounds and words, and a name's checksum decides; test has sounds and words of its own: no stem of
test begins with a cluster of consonants that the others' stems can begin with, and no adjective or noun is in both lists.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

SPLITS = ("train", "validation", "test")
ALIASES = {"dev": "validation"}
"""The release's own name."""

_ONSETS = "b br c ch d dr f fl g gr h j k kl l m n p pr qu r s sh sk sl st t th tr v w y z".split()
_VOWELS = "a e i o u a e i o ai ea io ou".split()
_CODAS = "l n r s t m nd rn ll x th sk v d ck lm rt".split()
_TOWN_ENDS = "ford stead mouth wick haven berg dale ton bury moor gate field bridge holm cross".split()
_WOMEN = (
    "Ada Agnes Alma Amara Anneke Beatrix Bruna Camille Carmen Celia Clara Dagny Daria Edith Elena Elsa Esther Fatima Flora "
    "Freya Greta Hana Helga Ines Ingrid Irma Ivana Jana Judith Karin Lena Lidia Lotte Lucia Magda Maren Marta Mina Nadia Noor "
    "Olga Petra Ramona Rosa Ruth Sana Selma Signe Tamar Thea Ursula Vera Wanda Yasmin Zofia"
).split()
_MEN = (
    "Abel Adrian Albin Anton Arne Bela Benno Boris Bruno Casper Cyril Dario Dominik Edgar Emil Enzo Farid Felix Georg Gustav "
    "Hamid Hugo Igor Ivo Jakob Joran Julius Karel Kaspar Lars Leon Ludwig Marek Matteo Milan Moritz Nils Oskar Otto Pavel "
    "Quentin Rafael Ravi Ruben Samir Silas Stefan Sven Tariq Theo Tomas Ulrich Viktor Wilhelm Xaver Yuri Zoltan"
).split()
_ADJECTIVES = (
    "Amber Ancient Bitter Blind Blue Borrowed Broken Burning Copper Crimson Crooked Distant Drowned Early Electric Empty "
    "Eternal Fading Forgotten Fragile Frozen Gentle Gilded Golden Green Grey Hidden Hollow Hungry Idle Iron Ivory Last Late "
    "Lonely Lost Lucid Marble Midnight Modern Narrow Northern Old Pale Patient Perfect Quiet Restless Sacred Scarlet Second "
    "Secret Silent Silver Sleeping Small Southern Stolen Strange Sudden Tender Third Unseen Velvet Violet Wandering Western "
    "White Wild Winter Wooden Yellow Young"
).split()
_NOUNS = (
    "Anchor Archive Arrow Autumn Balcony Bell Bird Boundary Bridge Candle Canyon Captain Carnival Cathedral Circle Clock "
    "Comet Corridor Country Crown Curtain Dancer Daughter Desert Door Echo Ember Engine Evening Express Feather Ferry Fire "
    "Forest Fountain Garden Ghost Glacier Guest Harbour Harvest Heart Horizon Horse House Island Journey Kingdom Ladder Lake "
    "Lantern Letter Library Lighthouse Machine Map Market Mask Meadow Memory Mirror Monument Morning Mountain Museum Night "
    "Ocean Orchard Orchestra Painter Palace Passenger Pilot Pioneer Poem Portrait Promise Railway Rain Raven Road Sailor "
    "Season Shadow Shore Signal Sister Sky Snow Soldier Song Station Stone Storm Stranger Summer Theatre Tide Tower Train "
    "Treasure Valley Village Voyage Wall Watchmaker Wheel Window Witness Wolf Year"
).split()


_TEST_ONSETS = "bl cl cr dw gl gn kn kr ph pl sc sm sn sp spr str sw thr tw vl wr zw".split()
_TEST_CODAS = "b f g nt p rb rd sp ss st x z mp lf".split()
_TEST_ADJECTIVES = (
    "Absent Bronze Brittle Careless Clever Cobalt Cold Curious Dusty Faithful Feral Foreign Fortunate Grand Hasty Honest "
    "Inland Invisible Jade Jealous Kind Latent Level Loyal Mellow Merry Misty Muted Nimble Obscure Opal Polite Proud Rapid "
    "Ragged Robust Royal Rusted Salted Scattered Seventh Shallow Simple Slow Solemn Sombre Spare Steep Sullen Sunken Tame "
    "Thirsty Timid Tranquil Vacant Vast Weary Woven"
).split()
_TEST_NOUNS = (
    "Abbey Acorn Almanac Apprentice Arcade Atlas Avenue Banner Barge Basin Beacon Bishop Blossom Border Bottle Branch Cabin "
    "Cannon Caravan Cellar Chapel Chimney Cliff Coast Compass Copse Cradle Crossing Cupola Dagger Delta Diary Drum "
    "Eagle Eclipse Falcon Farmer Fiddle Flag Fog Fortress Fox Galleon Gate Grove Hammer Harp Hedge Hill Inn Jetty Judge Kite "
    "Lagoon Lamp Ledger Loom Magpie Mansion Miller Mill Minstrel Moat Needle Oak Organ Otter Parade Parish Pasture Pebble "
    "Pier Plough Prairie Prism Puppet Quarry Quilt Reef Ribbon Rook Saddle Scholar Seal Shepherd Sparrow Spire Stable "
    "Staircase Sundial Swan Tavern Tenant Thicket Thunder Torch Trumpet Tunnel Turret Umbrella Vault Vineyard Violin "
    "Weaver Well Willow"
).split()


@dataclass(frozen=True)
class Vocabulary:
    """The sounds and words that names are made of."""

    onsets: Sequence[str]
    codas: Sequence[str]
    adjectives: Sequence[str]
    nouns: Sequence[str]


_COMMON = Vocabulary(_ONSETS, _CODAS, _ADJECTIVES, _NOUNS)
_OF_TEST = Vocabulary(_TEST_ONSETS, _TEST_CODAS, _TEST_ADJECTIVES, _TEST_NOUNS)


def split_of(name: str) -> str:
    """Which of train and validation may use a name made of their common words: about one in five is of validation."""
    return SPLITS[zlib.crc32(name.encode()) % 5 == 0]


class Namer:
    """Draws names of one split, never the same twice."""

    def __init__(self, split: str, rng: np.random.Generator) -> None:
        self._split, self._rng = split, rng
        self.words = _OF_TEST if split == "test" else _COMMON
        self._taken: set[str] = set()

    def name(self, kind: str) -> str:
        """A new name for an entity of a kind of :mod:`.kinds`; a person's first name tells woman from man."""
        while True:
            name = _MAKERS[kind](self)
            if name not in self._taken and (self._split == "test" or split_of(name) == self._split):
                self._taken.add(name)
                return name

    def pick(self, items: Sequence[str]) -> str:
        """One of the items."""
        return items[int(self._rng.integers(len(items)))]

    def stem(self) -> str:
        """A pronounceable stem of one or two syllables, e.g. ``"Brolind"``."""
        syllables = 1 + int(self._rng.integers(2))
        body = "".join(self.pick(self.words.onsets) + self.pick(_VOWELS) for _ in range(syllables))
        return (body + self.pick(self.words.codas)).capitalize()

    def work(self) -> str:
        """Title of a film, a novel, an album, …"""
        pattern = self.pick(
            ("The {a} {n}", "{n} of {s}", "A {a} {n}", "{a} {n}", "The {n} and the {m}", "{n} in {s}", "The {n} of {s}")
        )
        words = self.words
        return pattern.format(
            a=self.pick(words.adjectives), n=self.pick(words.nouns), m=self.pick(words.nouns), s=self.stem()
        )


def is_woman(person: str) -> bool:
    """Whether a generated person is a woman."""
    return person.split()[0] in _WOMEN


def _person(n: Namer) -> str:
    return f"{n.pick(_WOMEN + _MEN)} {n.stem()}"


def _of(*patterns: str) -> Callable[[Namer], str]:
    def make(n: Namer) -> str:
        return n.pick(patterns).format(
            s=n.stem(), t=n.stem(), a=n.pick(n.words.adjectives), n=n.pick(n.words.nouns), e=n.pick(_TOWN_ENDS)
        )

    return make


_MAKERS: dict[str, Callable[[Namer], str]] = {
    "person": _person,
    "film": Namer.work,
    "novel": Namer.work,
    "album": Namer.work,
    "series": Namer.work,
    "band": _of("The {a} {n}s", "{s}", "{a} {n} Club", "The {s} Quartet", "{n} {s}", "{s} & the {n}s"),
    "company": _of("{s} & {t}", "{s} Industries", "{s} Works", "{s} Group", "{a} {n} Company", "{s} Brothers"),
    "town": _of("{s}{e}", "{s}{e}", "{s} upon {t}", "Port {s}", "Saint {s}", "{s}{e}"),
    "region": _of("{s}ia", "{s}land", "Upper {s}ia", "Lower {s}ia", "{s} County"),
    "river": _of("River {s}", "{s} River", "{s} Creek"),
    "mountain": _of("Mount {s}", "{s} Peak", "{s}horn", "Pico {s}"),
    "university": _of("{s} University", "University of {s}", "{s} College", "{s} Polytechnic"),
    "award": _of("{a} {n} Award", "{s} Medal", "{s} Prize", "Order of the {a} {n}"),
    "battle": _of("Battle of {s}", "Siege of {s}", "{s} War", "{s} Campaign"),
    "club": _of("{s} United", "{s} Rovers", "FC {s}", "{s} Athletic", "Sporting {s}"),
    "museum": _of("{s} Museum", "{a} {n} Museum", "{s} Gallery", "Museum of {s}"),
    "newspaper": _of("The {s} Herald", "{s} Gazette", "The {a} Courier", "The {s} Tribune", "{s} Observer"),
    "ship": _of("SS {s}", "MS {a} {n}", "SS {n} of {s}", "HMS {s}"),
}
