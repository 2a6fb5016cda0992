"""Search in paragraphs by words: Okapi BM25 (Robertson and Zaragoza, 2009) over an inverted index; titles count twice."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from agemem_gym.envs.hotpotqa.question import Paragraph

_WORD = re.compile(r"[^\W_]+")
_K1, _B = 1.2, 0.75
_STOP_WORDS = frozenset(
    "a an and are as at be by did do does for from had has have he her his in is it its of on or she that the their they "
    "this to was were what when where which who whom whose with".split()
)


class Corpus:
    """Paragraphs that can be searched."""

    def __init__(self, paragraphs: Sequence[Paragraph]) -> None:
        self.paragraphs = tuple(paragraphs)
        self._by_title = {normalised(paragraph.title): i for i, paragraph in enumerate(self.paragraphs)}
        counts = [Counter(words(f"{p.title} {p.title} {p.text}")) for p in self.paragraphs]
        lengths = [sum(count.values()) for count in counts]
        mean = sum(lengths) / max(1, len(lengths))
        self._postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for i, count in enumerate(counts):
            norm = _K1 * (1 - _B + _B * lengths[i] / mean)
            for word, n in count.items():
                self._postings[word].append((i, n * (_K1 + 1) / (n + norm)))

    def search(self, query: str, count: int) -> list[Paragraph]:
        """The best `count` paragraphs, best first; one whose title is the query comes before all. Ties in corpus order."""
        scores: dict[int, float] = defaultdict(float)
        total = len(self.paragraphs)
        for word in dict.fromkeys(words(query)):
            found = self._postings.get(word, ())
            idf = math.log(1 + (total - len(found) + 0.5) / (len(found) + 0.5))
            for i, weight in found:
                scores[i] += idf * weight
        exact = self._by_title.get(normalised(query))
        if exact is not None:
            scores[exact] = math.inf
        best = sorted(scores, key=lambda i: (-scores[i], i))[:count]
        return [self.paragraphs[i] for i in best]


def words(text: str) -> list[str]:
    """The words that count, in lower case."""
    return [word for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS]


def normalised(text: str) -> str:
    """Text as titles are compared: words in lower case."""
    return " ".join(_WORD.findall(text.lower()))
