"""HotpotQA: how hard the questions are to guess, to answer from one paragraph, and from both.

- *most frequent*: always giving the most frequent answer of the question's kind (town, year, person, yes or no, …), counted on
  the very questions that it is scored on, so the guess is as good as a constant one can be.
- *closed book*: for two named things, always the first of them; else the most frequent answer.
- *one paragraph*: a reader gets the paragraph nearest to the question by cosine of embeddings.
- *both paragraphs*: the same reader gets the two gold paragraphs.
- *all paragraphs*: the same reader gets the ten paragraphs, mixed.
- *explorer, …*: the reader behind the agents ``explorer`` and ``store-all`` (``baselines/explorers/hotpotqa.py``), which knows
  the encyclopedia's words and was fitted to two hundred real questions: with nothing, with the two gold paragraphs, with the
  ten, and with what it retrieves, hop by hop, of the messages of stage 1 in long-term memory.

The first reader has no model: it takes the spans that could be an answer (names, years, numbers, dates, words of a list), and
scores each by the words that its sentence shares with the question; it follows a name to the paragraph about it.
*answer seen* is the share of questions whose answer stands in what the reader got: no reader can do better by reading.
For real questions (``--data``) the kind is the question's type and first word, since the data do not state it.

    python benchmarks/hotpotqa_difficulty.py --data ../shared/data/hotpotqa/train-100.jsonl
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from agemem_gym.answers import exact_match, f1
from agemem_gym.baselines.explorers.hotpotqa import HotpotQAExplorer
from agemem_gym.envs.hotpotqa.facts import background
from agemem_gym.envs.hotpotqa.generated import LEVELS, generate
from agemem_gym.envs.hotpotqa.kinds import MONTHS, VALUES
from agemem_gym.envs.hotpotqa.names import SPLITS
from agemem_gym.envs.hotpotqa.official import RealQuestions
from agemem_gym.envs.hotpotqa.question import Paragraph, Question
from agemem_gym.envs.hotpotqa.search import normalised, words
from agemem_gym.memory import Encoder, ExactIndex, MemoryStore, cosines, make_encoder

_DATE = re.compile(rf"\d{{1,2}} (?:{'|'.join(MONTHS)}) \d{{4}}|(?:{'|'.join(MONTHS)}) \d{{1,2}}, \d{{4}}")
_TOP_K = 5
_NUMBER = re.compile(r"\d[\d,]*")
_NAME = re.compile(r"[A-Z][\w'’&.-]*(?: (?:(?:of|the|and|upon|in|&) )*[A-Z0-9][\w'’&.-]*)*")
_LISTED = sorted({value for values in VALUES.values() for value in values}, key=len, reverse=True)


@dataclass(frozen=True)
class Score:
    """How one way of answering did, as means over questions."""

    way: str
    exact_match: float
    f1: float
    answer_seen: float | None


def candidates(question: str, sentence: str) -> list[str]:
    """The spans of a sentence that could be an answer to this question."""
    if re.search(r"^what year|in what year|^when\b|of what year", question.lower()):
        return re.findall(r"\b1[0-9]{3}\b|\b20[0-2][0-9]\b", sentence)
    if re.search(r"what date|birthday", question.lower()):
        return _DATE.findall(sentence)
    if re.search(r"how many|how large|how long|what height|number of|circulation|in metres|in pages", question.lower()):
        return [found.rstrip(",") for found in _NUMBER.findall(_DATE.sub("", sentence))]
    names = [name.strip(".") for name in _NAME.findall(sentence)]
    listed = [value for value in _LISTED if value in sentence]
    return [name for name in names if normalised(name) not in normalised(question)] + listed


def read(question: Question, paragraphs: Sequence[Paragraph]) -> str:
    """The reader's answer from these paragraphs."""
    asked = set(words(question.question))
    if question.kind == "comparison":
        return _compare(question.question, paragraphs)
    named = {p.title for p in paragraphs if normalised(p.title) in normalised(question.question)}
    best, best_score = "", -1.0
    for paragraph in paragraphs:
        linked = any(paragraph.title in p.text for p in paragraphs if p.title in named and p is not paragraph)
        for sentence in paragraph.sentences:
            overlap = len(asked & set(words(sentence))) + 3.0 * linked
            for place, span in enumerate(candidates(question.question, sentence)):
                score = overlap - 0.01 * place - 2.0 * (span == paragraph.title)
                if score > best_score:
                    best, best_score = span, score
    return best


def _compare(question: str, paragraphs: Sequence[Paragraph]) -> str:
    """Of two titles the one with the smaller or larger value; yes if their paragraphs share what is asked about."""
    named = [p for p in paragraphs if normalised(p.title) in normalised(question)]
    named.sort(key=lambda p: question.find(p.title))
    if not re.match(r"(which|who|what)\b", question.lower()):
        shared = [set(_NAME.findall(p.text)) | {v for v in _LISTED if v in p.text} for p in named]
        return "yes" if len(named) == 2 and shared[0] & shared[1] else "no"
    if len(named) < 2:
        return named[0].title if named else ""
    asked = set(words(question))
    years = re.search(r"first|earlier|younger|older|recent|founded|released|published", question.lower())

    def value(paragraph: Paragraph) -> float:
        ranked = sorted(paragraph.sentences, key=lambda s: -len(asked & set(words(s))))
        pattern = r"\b1[0-9]{3}\b|\b20[0-2][0-9]\b" if years else r"\d[\d,]*"
        found = [match for s in ranked for match in re.findall(pattern, s)]
        return float(found[0].replace(",", "")) if found else 0.0

    smaller = re.search(r"first|earlier|older", question.lower())
    return (min if smaller else max)(named[:2], key=value).title


def kind_of(question: Question) -> str:
    """What the question asks for."""
    return question.answer_kind or f"{question.kind}/{question.question.split()[0].lower()}"


def guesses(questions: Sequence[Question]) -> list[Score]:
    """Answering without having read anything."""
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    for question in questions:
        answers[kind_of(question)][question.answer] += 1

    def most_frequent(question: Question) -> str:
        return answers[kind_of(question)].most_common(1)[0][0]

    def closed_book(question: Question) -> str:
        choice = re.search(r", (.+?) or (.+?)\?$", question.question)
        return choice[1] if choice and question.kind == "comparison" else most_frequent(question)

    return [_score("most frequent", questions, most_frequent), _score("closed book", questions, closed_book)]


def readers(questions: Sequence[Question]) -> list[Score]:
    """The reader with what it may read."""
    encoder = make_encoder("minilm")

    def nearest(question: Question) -> list[Paragraph]:
        vectors = encoder.encode([question.question, *map(str, question.paragraphs)])
        return [question.paragraphs[int(cosines(vectors[1:], vectors[0]).argmax())]]

    def reader(name: str, select: Callable[[Question], Sequence[Paragraph]]) -> Score:
        got = {question.id: select(question) for question in questions}
        seen = sum(_seen(question, got[question.id]) for question in questions) / len(questions)
        return _score(name, questions, lambda question: read(question, got[question.id]), seen)

    return [
        reader("one paragraph", nearest),
        reader("both paragraphs", lambda question: question.gold),
        reader("all paragraphs", lambda question: question.paragraphs),
    ]


def explorers(questions: Sequence[Question]) -> list[Score]:
    """The explorer with what it may read."""
    encoder = make_encoder("minilm")

    def told(name: str, select: Callable[[Question], Sequence[str]]) -> Score:
        got = {question.id: select(question) for question in questions}
        seen = sum(_told(question, " ".join(got[question.id])) for question in questions) / len(questions)
        return _score(f"explorer, {name}", questions, lambda question: explore(question, got[question.id]), seen)

    return [
        told("nothing", lambda question: ()),
        told("both paragraphs", lambda question: [str(paragraph) for paragraph in question.gold]),
        told("all paragraphs", lambda question: [str(paragraph) for paragraph in question.paragraphs]),
        told("retrieved entries", lambda question: retrieved(question, encoder)),
    ]


def _told(question: Question, text: str) -> bool:
    """Whether a text holds the answer; for a comparison, something on both."""
    wanted = question.gold_titles if question.kind == "comparison" else (question.answer,)
    return all(normalised(name) in normalised(text) for name in wanted)


def explore(question: Question, texts: Sequence[str]) -> str:
    """The explorer's answer from these texts."""
    explorer = _explorer(question)
    for text in texts:
        explorer.learn(text)
    return explorer.answer()


def retrieved(question: Question, encoder: Encoder) -> list[str]:
    """What the explorer finds in a memory of all that stage 1 tells, asking until it has nothing left to ask."""
    memory = MemoryStore(encoder, ExactIndex())
    memory.add_many([(line, None) for line in background(question, _rng(question))])
    explorer, found = _explorer(question), {}
    while asked := explorer.questions():
        new = [match.record.content for text in asked for match in memory.search(text, _TOP_K)]
        for content in reversed(new):
            explorer.learn(content)
        found |= dict.fromkeys(new)
    return list(found)


def _explorer(question: Question) -> HotpotQAExplorer:
    explorer = HotpotQAExplorer()
    explorer.reset(_rng(question))
    explorer.begin({"instruction": f"Question: {question.question}"})
    return explorer


def _rng(question: Question) -> np.random.Generator:
    return np.random.default_rng(list(question.id.encode()))


def _score(
    way: str, questions: Sequence[Question], answer: Callable[[Question], str], seen: float | None = None
) -> Score:
    given = [(answer(question), question.answer) for question in questions]
    n = len(questions)
    return Score(way, sum(exact_match(*pair) for pair in given) / n, sum(f1(*pair) for pair in given) / n, seen)


def _seen(question: Question, paragraphs: Sequence[Paragraph]) -> bool:
    """Whether the paragraphs hold the answer; a comparison needs both gold ones."""
    if question.kind == "comparison":
        return {p.title for p in paragraphs} >= set(question.gold_titles)
    return any(normalised(question.answer) in normalised(str(p)) for p in paragraphs)


def show(title: str, rows: Sequence[Score]) -> None:
    """Print a table."""
    table = Table(title=title)
    for column in ("answering by", "exact match", "F1", "answer seen"):
        table.add_column(column, justify="left" if column == "answering by" else "right")
    for row in rows:
        seen = "" if row.answer_seen is None else f"{row.answer_seen:.3f}"
        table.add_row(row.way, f"{row.exact_match:.3f}", f"{row.f1:.3f}", seen)
    Console(width=110).print(table)


def _read(questions: Sequence[Question]) -> list[Score]:
    return [*readers(questions), *explorers(questions)]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=200, help="generated questions of each split to read")
    parser.add_argument("--data", action="append", default=[], help="also real questions, from this file")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    tables: dict[str, list[Score]] = {}
    for split in SPLITS:
        many = [generate(split, i) for i in range(10 * arguments.questions)]
        tables[f"generated, {split}, guessing, {len(many)} questions"] = guesses(many)
        tables[f"generated, {split}, reading, {arguments.questions} questions"] = _read(many[: arguments.questions])
    for level in LEVELS:
        questions = [generate("validation", i, (level,)) for i in range(arguments.questions // 3)]
        tables[f"generated, validation, {level}, {len(questions)} questions"] = _read(questions)
    for file in arguments.data:
        questions = list(RealQuestions(file, "train", None))
        rows = [*guesses(questions), *_read(questions)]
        tables[f"real, {Path(file).name}, {len(questions)} questions"] = rows
    for title, rows in tables.items():
        show(title, rows)
    if arguments.json:
        report = {title: [asdict(row) for row in rows] for title, rows in tables.items()}
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
