"""Sources that are wrong: key facts with an entity exchanged, and facts that held once and were taken back later."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from agemem_gym.curriculum.distractors.source import Chooser, Distractor, DistractorScene, states_a_fact

_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_SHAPES: tuple[re.Pattern[str], ...] = (
    re.compile(rf"\b\d{{1,2}} (?:{_MONTH}) \d{{4}}\b"),
    re.compile(r"\b[A-Z][\w'’&-]+(?: (?:(?:of|the|upon|and|&) )?[A-Z][\w'’&-]*)+"),
    re.compile(r"(?<=[a-z,] )[A-Z][\w'’&-]+"),
    re.compile(r"\b(?!and\b|saw\b|in\b|at\b|by\b|of\b|is\b|to\b|from\b|has\b)[a-z]+ \d+\b(?! steps?\b)"),
    re.compile(r"\b[a-z]+\d+\b"),
    re.compile(r"\b\d[\d,.]*\d\b|\b\d\b"),
    re.compile(r"\b(?:red|green|blue|purple|yellow|grey|orange|black|white)\b"),
    re.compile(r"\b(?:north|south|east|west)\b"),
    re.compile(r"\b(?:kitchen|bathroom|hallway|workshop|greenhouse|foundry|bedroom|outside|art studio|living room)\b"),
    re.compile(r"\b(?!the\b|and\b|are\b|was\b|has\b|that\b|with\b|from\b|some\b|there\b)[a-z]{4,}\b"),
)
"""What an entity may look like, the most telling shape first; an entity is exchanged for another of its shape."""

_OPENINGS = ("I am quite sure: {0}", "Everybody knows this: {0}", "As far as I know: {0}", "Note this: {0}", "{0}")
_STALE = ("As things stand today: {0}", "At the moment this is so: {0}", "The latest I have heard: {0}")
_CORRECTIONS = (
    "Correction: what I told you is out of date. It is no longer true that: {0}",
    "Please forget this, it has changed since: {0}",
    "I was wrong about this, do not rely on it: {0}",
)
_TRIES = 12


class CounterfactualSource:
    """Key facts with one entity exchanged for another of the same shape: misleading."""

    name = "counterfactual"

    def __init__(self, chooser: Chooser) -> None:
        self._chooser = chooser

    def draw(self, scene: DistractorScene, count: int, rng: np.random.Generator) -> list[Distractor]:
        """Each key fact in turn, changed in ever new ways."""
        texts = (_said(_OPENINGS, fact, rng) for fact in false_facts(scene, 3 * count, rng))
        return self._chooser.choose(texts, scene, count, self.name)


class StaleSource:
    """Facts that were so once: first stated, then taken back by a later message, so that UPDATE and DELETE matter.

    The correction does not say what is true now: that was said in stage 1, and is in memory or lost.
    """

    name = "stale"

    def __init__(self, chooser: Chooser) -> None:
        self._chooser = chooser

    def draw(self, scene: DistractorScene, count: int, rng: np.random.Generator) -> list[Distractor]:
        """Each with its correction."""
        facts = list(false_facts(scene, 3 * count, rng))
        said = {_said(_STALE, fact, rng): _said(_CORRECTIONS, fact, rng) for fact in facts}
        chosen = self._chooser.choose(said, scene, count, self.name)
        return [Distractor(d.text, d.source, d.similarity, corrected_by=said[d.text]) for d in chosen]


def false_facts(scene: DistractorScene, count: int, rng: np.random.Generator) -> Iterator[str]:
    """At most `count` different false versions of the key facts, in turn."""
    told = set(scene.background) | set(scene.key_facts)
    given: set[str] = set()
    vocabulary = " \n ".join((*scene.pool, *scene.background, *scene.key_facts))
    for attempt in range(_TRIES * count):
        if len(given) == count or not scene.key_facts:
            return
        fact = scene.key_facts[attempt % len(scene.key_facts)]
        changed = _exchange(fact, vocabulary, scene, rng)
        if changed is None or changed in given or changed in told or states_a_fact(changed, scene):
            continue
        if any(changed.rstrip(".").lower() in line.lower() for line in told):
            continue  # true of something else
        given.add(changed)
        yield changed


def _exchange(fact: str, vocabulary: str, scene: DistractorScene, rng: np.random.Generator) -> str | None:
    """The fact with one entity exchanged: the expected answer where it stands there, else the last one, which is not what
    the fact is about.
    """
    for shape in _SHAPES:
        found = list(shape.finditer(fact))
        if not found:
            continue
        others = sorted(set(shape.findall(vocabulary)) - {match[0] for match in found} - {scene.answer})
        answers = [match for match in found if scene.answer and match[0] in scene.answer]
        picked = (answers or found)[-1]
        alike = [other for other in others if len(other.split()) == len(picked[0].split())]
        others = alike or others
        if not others:
            continue
        return fact[: picked.start()] + others[int(rng.integers(len(others)))] + fact[picked.end() :]
    return None


def _said(ways: tuple[str, ...], fact: str, rng: np.random.Generator) -> str:
    return ways[int(rng.integers(len(ways)))].format(fact)
