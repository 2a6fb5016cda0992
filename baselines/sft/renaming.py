"""Other names in demonstrations: a model that is to read what it is told must not learn the names by heart.

In each episode words that stand for names are replaced, everywhere alike, by words made of random sounds. A name is told by
its shape: it has a capital where no sentence begins, and few episodes have it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from agemem_gym.baselines.sft.demos import Demo
from agemem_gym.checks import within

_WORD = re.compile(r"[A-Z][a-z]+")
_WITHIN = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+")
_COMMON = 0.1  # of the episodes: what so many have is no name
_CONSONANTS = "bcdfghjklmnpqrstvwxz"
_VOWELS = ("a", "e", "i", "o", "u", "y", "ai", "ea", "ie", "io", "oo", "ou", "ua")


class Renaming:
    """Gives names of an episode's demonstrations other forms.

    Args:
        demos: from which it is learnt what no name is.
        share: of the names that are replaced in an episode, 0 to 1.
        seed: of the draws.
    """

    def __init__(self, demos: Iterable[Demo], share: float, seed: int = 0) -> None:
        self._share = within("rename", share, 0.0, 1.0)
        self._rng = np.random.default_rng([seed, 0x4E])
        counts: Counter[str] = Counter()
        episodes = 0
        for _, group in groupby(demos, key=lambda demo: demo.episode):
            counts.update(_names(group))
            episodes += 1
        self._common = {word for word, count in counts.items() if count > _COMMON * episodes}

    def __call__(self, episode: Sequence[Demo]) -> list[Demo]:
        """The rows of one episode, renamed."""
        others = {
            name: self._made_up() for name in sorted(_names(episode) - self._common) if self._rng.random() < self._share
        }
        known: dict[str, str] = {}

        def renamed(text: str) -> str:
            if text not in known:
                known[text] = _WORD.sub(lambda word: others.get(word[0], word[0]), text)
            return known[text]

        return [
            replace(
                demo,
                prompt=tuple(
                    message if message["role"] == "system" else {**message, "content": renamed(message["content"])}
                    for message in demo.prompt
                ),
                reply=renamed(demo.reply),
            )
            for demo in episode
        ]

    def _made_up(self) -> str:
        syllables = 1 + int(self._rng.choice(3, p=(0.35, 0.5, 0.15)))
        word = "".join(self._syllable() for _ in range(syllables)).capitalize()
        return word if len(word) > 1 else f"{word}n"

    def _syllable(self) -> str:
        before, after = self._rng.choice(3, p=(0.1, 0.6, 0.3)), self._rng.choice(3, p=(0.45, 0.45, 0.1))
        letters = [str(self._rng.choice(list(_CONSONANTS))) for _ in range(before + after)]
        vowel = str(self._rng.choice(_VOWELS))
        return "".join((*letters[:before], vowel, *letters[before:]))


def _names(demos: Iterable[Demo]) -> set[str]:
    """The words of an episode that look like names."""
    texts = {m["content"] for demo in demos for m in demo.prompt if m["role"] != "system"}
    return {word for text in texts for word in _WITHIN.findall(text)}
