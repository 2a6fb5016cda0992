"""Which of many stretches answers a question: features of a candidate, and a weight for each (:mod:`.weights`).

No feature knows a word of an answer: they are what a candidate looks like beside what is asked for, how much of the question
stands round it, and how its paragraph hangs together with those that the question names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from agemem_gym.baselines.reading.asking import asks_for, head
from agemem_gym.baselines.reading.spans import Span, spans
from agemem_gym.baselines.reading.words import WORD, bare, stem, stems

_QUESTION_WORDS = frozenset("what which who whom whose where when how".split())
_EDGES = frozenset("in at by from the of as is and a to".split())  # words whose place before a candidate counts
_DIED = re.compile(r"\bdied?\b|\bdeath\b")
_WIDE = frozenset(("state", "country", "province"))
_WINDOW, _NARROW = 8, 6  # words on either side


@dataclass(frozen=True)
class Sentence:
    """A sentence that was read, and what it is about.

    Attributes:
        title: its heading, or the name it begins with.
        text: without the heading.
    """

    title: str
    text: str


@dataclass(frozen=True)
class Candidate:
    """A stretch that could be the answer, where it stands; `span` is None for the title itself."""

    text: str
    sentence: Sentence
    span: Span | None


def best(question: str, sentences: Sequence[Sentence], weights: Mapping[str, float]) -> Candidate | None:
    """The candidate with the greatest sum of weighted features; of equal ones the first."""
    found = candidates(question, sentences)
    scores = [
        sum(weights.get(name, 0.0) * value for name, value in each.items())
        for each in features(question, sentences, found)
    ]
    return found[max(range(len(found)), key=lambda i: (scores[i], -i))] if found else None


def candidates(question: str, sentences: Sequence[Sentence]) -> list[Candidate]:
    """All stretches and titles that the question does not name itself."""
    found: list[Candidate] = []
    for sentence in sentences:
        if sentence.title:
            found.append(Candidate(bare(sentence.title), sentence, None))
        found += [Candidate(span.text, sentence, span) for span in spans(sentence.text)]
    asked = question.lower()
    return [c for c in found if re.search(rf"(?<!\w){re.escape(c.text.lower())}(?!\w)", asked) is None]


def features(question: str, sentences: Sequence[Sentence], found: Sequence[Candidate]) -> list[dict[str, float]]:
    """What speaks for and against each candidate."""
    scene = _Scene(question, tuple(sentences))
    return [_of_whole(each, scene) | _of_place(each, scene) for each in found]


class _Scene:
    """How the sentences stand to the question and to each other."""

    def __init__(self, question: str, sentences: tuple[Sentence, ...]) -> None:
        self.question = question.lower()
        self.wanted = asks_for(question)
        self.head = frozenset(head(question))
        self.head_stems = frozenset(stems(" ".join(self.head)))
        self.asked = frozenset(stems(question))
        self.of_both = bool(re.search(r"\bboth\b|\bin common\b|\bshare\b", self.question))
        self._sentences = sentences
        in_sentences = [frozenset(stems(s.text)) for s in sentences]
        self._rare = {word: 1.0 / (1 + sum(word in each for each in in_sentences)) for word in sorted(self.asked)}
        self.overlap = {s: self._share(f"{s.title} {s.text}") for s in sentences}
        self.best = max(self.overlap.values(), default=0.0)
        self._texts: dict[str, str] = {}
        for s in sentences:
            self._texts[s.title] = f"{self._texts.get(s.title, s.title)} {s.text}"
        self.of_title = {title: self._share(text) for title, text in self._texts.items()}
        self.titles = {bare(title).lower(): share for title, share in self.of_title.items() if title}
        self.whole = "\n".join(f"{s.title}: {s.text}" for s in sentences).lower()

    def _share(self, text: str) -> float:
        """How much of the question stands in a text; a word that is in few sentences counts more."""
        there = frozenset(stems(text))
        return sum(rare for word, rare in self._rare.items() if word in there) / (sum(self._rare.values()) or 1.0)

    @cached_property
    def near_wh(self) -> frozenset[str]:
        """The words that stand near the question word: what is said of the thing that is asked for."""
        words = WORD.findall(self.question)
        place = next((i for i, word in enumerate(words) if word in _QUESTION_WORDS), 0)
        return frozenset(stems(" ".join(words[max(0, place - 4) : place + 7])))

    @cached_property
    def named(self) -> frozenset[str]:
        """The titles that stand in the question."""
        return frozenset(title for title in self._texts if title and bare(title).lower() in self.question)

    @cached_property
    def linked(self) -> frozenset[str]:
        """The titles that the sentences of another one name."""
        texts = {title: text.lower() for title, text in self._texts.items()}
        return frozenset(
            title
            for title in texts
            if title and any(bare(title).lower() in text for other, text in texts.items() if other != title)
        )

    @cached_property
    def of_several(self) -> frozenset[str]:
        """The stretches that are said under more than one title."""
        where: dict[str, set[str]] = {}
        for s in self._sentences:
            for span in spans(s.text):
                where.setdefault(span.text, set()).add(s.title)
        return frozenset(text for text, titles in where.items() if len(titles) > 1)


def _of_whole(candidate: Candidate, scene: _Scene) -> dict[str, float]:
    """What a candidate looks like, and how its sentence stands to the question."""
    sentence, span = candidate.sentence, candidate.span
    looks = "title" if span is None else span.looks
    own, text = frozenset(stems(candidate.text)), candidate.text.lower()
    return {
        f"{scene.wanted}:{looks}": 1.0,
        f"looks:{looks}": 1.0,
        "overlap": scene.overlap[sentence],
        "best overlap": float(scene.overlap[sentence] >= scene.best),
        "paragraph overlap": scene.of_title[sentence.title],
        "title is named": float(sentence.title in scene.named),
        "title is linked": float(sentence.title in scene.linked and sentence.title not in scene.named),
        "mentions": min(3.0, scene.whole.count(text) - 1.0),
        "is a title": float(span is not None and text in scene.titles),
        "its own paragraph": scene.titles.get(text, 0.0) if span is not None else 0.0,
        "told of two": float(candidate.text in scene.of_several),
        "told of two, asked of both": float(candidate.text in scene.of_several and scene.of_both),
        "words": min(6.0, len(candidate.text.split())),
        "holds the head": float(bool(scene.head_stems & own)),
        "holds words of the question": len(own & scene.asked) / (1 + len(own)),
    }


def _of_place(candidate: Candidate, scene: _Scene) -> dict[str, float]:
    """How near the question's words stand, and what stands at the edges; nothing for a title."""
    span, text = candidate.span, candidate.sentence.text
    if span is None:
        return {}
    before = [stem(word) for word in WORD.findall(text[: span.start].lower())]
    after = [stem(word) for word in WORD.findall(text[span.end :].lower())]
    last = WORD.findall(text[: span.start].lower())[-1:]
    edges = {f"after:{word}": 1.0 for word in last if word in _EDGES}
    return edges | {
        "near before": _nearness(before[::-1][:_WINDOW], scene.asked),
        "near after": _nearness(after[:_WINDOW], scene.asked),
        "wh before": _nearness(before[::-1][:_NARROW], scene.near_wh),
        "wh after": _nearness(after[:_NARROW], scene.near_wh),
        "wh in sentence": len(scene.near_wh & frozenset(stems(text))) / (1 + len(scene.near_wh)),
        "next to the head": float(bool(scene.head_stems & {*before[-2:], *after[:2]})),
        "place in sentence": len(before) / (1 + len(before) + len(after)),
        "at the beginning": float(not before),
        "part of a place": float(span.looks != "place" and _inside(span, text, "place")),
        "part of a name": float(span.looks != "place" and _inside(span, text, "full name", "name", "body")),
        "wide place": float(bool(_WIDE & scene.head) and text[: span.start].endswith(", ")),
        "born": float("born" in scene.question and bool(re.search(r"(?:born|\()(?: on| in)? ?$", text[: span.start]))),
        "died": float(bool(_DIED.search(scene.question)) and text[span.end : span.end + 1] == ")"),
        "in brackets": float(text[: span.start].count("(") > text[: span.start].count(")")),
    }


def _nearness(words: Sequence[str], wanted: frozenset[str]) -> float:
    """The sum of one over the distance of each word that is wanted."""
    return sum(1.0 / (1 + i) for i, word in enumerate(words) if word in wanted)


def _inside(span: Span, text: str, *looks: str) -> bool:
    """Whether a longer stretch that looks so holds this one."""
    return any(
        other.looks in looks and other.start <= span.start and span.end <= other.end and other.text != span.text
        for other in spans(text)
    )
