"""A question in HotpotQA's schema: ten paragraphs, of which some hold the supporting facts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Paragraph:
    """One paragraph of an encyclopedia.

    Attributes:
        title: unique within a question.
        sentences: its sentences in order; real ones may begin with a space.
    """

    title: str
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """The whole paragraph in one line."""
        return " ".join(sentence.strip() for sentence in self.sentences if sentence.strip())

    def __str__(self) -> str:
        return f"{self.title}: {self.text}"


@dataclass(frozen=True)
class Question:
    """One question with its paragraphs.

    Attributes:
        id: stable name.
        question: the query.
        answer: the expected answer: a few words, or yes, or no.
        kind: ``"bridge"`` or ``"comparison"`` (HotpotQA's ``type``).
        level: ``"easy"``, ``"medium"`` or ``"hard"``.
        paragraphs: gold and distracting ones, mixed.
        supporting: the supporting facts as (title, index of the sentence), in the order in which they are needed.
        answer_kind: what is asked for, e.g. ``"town"`` or ``"year"``; empty where the source does not say.
    """

    id: str
    question: str
    answer: str
    kind: str
    level: str
    paragraphs: tuple[Paragraph, ...]
    supporting: tuple[tuple[str, int], ...]
    answer_kind: str = ""

    @property
    def gold_titles(self) -> tuple[str, ...]:
        """Titles of the paragraphs that hold supporting facts, in order, once each."""
        return tuple(dict.fromkeys(title for title, _ in self.supporting))

    @property
    def gold(self) -> tuple[Paragraph, ...]:
        """The paragraphs that hold supporting facts."""
        by_title = {paragraph.title: paragraph for paragraph in self.paragraphs}
        return tuple(by_title[title] for title in self.gold_titles)

    @property
    def distracting(self) -> tuple[Paragraph, ...]:
        """The other paragraphs."""
        return tuple(paragraph for paragraph in self.paragraphs if paragraph.title not in self.gold_titles)

    @property
    def facts(self) -> tuple[str, ...]:
        """The supporting sentences, each understandable alone: the title stands before it where it does not name it."""
        by_title = {paragraph.title: paragraph for paragraph in self.paragraphs}
        return tuple(standing_alone(by_title[title], index) for title, index in self.supporting)


def standing_alone(paragraph: Paragraph, index: int) -> str:
    """A sentence of a paragraph, with the title before it unless the sentence names it."""
    sentence = paragraph.sentences[index].strip()
    return sentence if paragraph.title in sentence else f"{paragraph.title}: {sentence}"
