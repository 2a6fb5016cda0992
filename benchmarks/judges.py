"""The offline judge against labels: answers, and memories of known coverage, from generated and real questions.

Every question gives labelled items: answers that are right, paraphrased, wrong and empty; memories that hold the gold facts
verbatim, within longer texts, reworded, half of them, facts with a name or number exchanged, and sentences of other
paragraphs. One half of the questions calibrates the recall limits and the cosine threshold, for the judge and for each peer;
all figures are of the other half. With ``--data`` the questions are HotpotQA's own, in its schema::

    python benchmarks/judges.py --data validation-100.jsonl train-100.jsonl
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from report import Row, print_table, write_json

from agemem_gym.agent import agent_env_kwargs, make_agent
from agemem_gym.env import MemoryEnv
from agemem_gym.envs.hotpotqa.generated import generate
from agemem_gym.envs.hotpotqa.official import RealQuestions
from agemem_gym.envs.hotpotqa.question import Question, standing_alone
from agemem_gym.facts import HIGH, LOW, compare, key_phrases, stretches
from agemem_gym.memory import Encoder, cosines, make_encoder
from agemem_gym.reward import OfflineJudge, memory_metrics
from agemem_gym.reward.offline import THRESHOLD, THRESHOLDS
from agemem_gym.rollout import play_episode

_LOWS, _HIGHS = (0.3, 0.4, 0.5, 0.6), (0.7, 0.75, 0.8, 0.85, 0.9, 1.0)
_THRESHOLDS = tuple(round(0.3 + 0.02 * step, 2) for step in range(35))


@dataclass(frozen=True)
class AnswerItem:
    """A predicted answer and whether it is right."""

    kind: str
    question: str
    predicted: str
    expected: str
    right: bool


@dataclass(frozen=True)
class MemoryItem:
    """A memory, and for each fact and entry whether the entry states the fact, bool, shape (facts, entries)."""

    kind: str
    question: Question
    entries: tuple[str, ...]
    states: np.ndarray

    @property
    def covered(self) -> np.ndarray:
        """For each fact whether an entry states it."""
        return self.states.any(axis=1)


# ----------------------------------------------------------------------------------------------------- labelled items


def answer_items(question: Question, others: Sequence[str]) -> Iterator[AnswerItem]:
    """Right, paraphrased by rule, wrong (an answer of the same type), empty."""
    answer = question.answer
    paraphrases = {
        "article": f"the {answer}",
        "case": answer.upper(),
        "punctuation": f'"{answer}".',
        "typographic quotes": "“" + answer.replace("'", "’") + "”",
        "extra words": f"It was {answer}",
    }
    wrong = next(
        other for other in others if answer_type(other) == answer_type(answer) and other.lower() != answer.lower()
    )
    for kind, text, right in (
        ("right", answer, True),
        *((f"paraphrased: {kind}", text, True) for kind, text in paraphrases.items()),
        ("wrong", wrong, False),
        ("empty", "", False),
    ):
        yield AnswerItem(kind, question.question, text, answer, right)


def answer_type(answer: str) -> str:
    """What kind of answer it is, roughly: closed, date or number, name, other."""
    if answer.lower() in ("yes", "no"):
        return "closed"
    return "number" if any(map(str.isdigit, answer)) else "name" if answer[:1].isupper() else "other"


def memory_items(question: Question, other: Question) -> Iterator[MemoryItem]:
    """Memories with known coverage."""
    facts = tuple(dict.fromkeys(question.facts))
    noise = [
        standing_alone(paragraph, index)
        for paragraph in question.distracting
        for index, sentence in enumerate(paragraph.sentences)
        if sentence.strip()
    ][: 2 * len(facts)]
    one_each, nothing = np.eye(len(facts), dtype=bool), np.zeros((len(facts), len(noise)), dtype=bool)
    swapped = [(i, text) for i, fact in enumerate(facts) if (text := exchanged(fact, question.answer, other))]
    merged = tuple(" ".join((noise[i % len(noise)], fact, noise[-1])) for i, fact in enumerate(facts))
    half = len(facts) // 2
    halved = np.hstack([one_each[:, :half], nothing])
    yield MemoryItem("exact", question, facts, one_each)
    yield MemoryItem("within longer text", question, merged, one_each)
    yield MemoryItem("reworded", question, tuple(map(reworded, facts)), one_each)
    yield MemoryItem("half of them, and noise", question, (*facts[:half], *noise), halved)
    yield MemoryItem("noise", question, tuple(noise), nothing)
    if swapped:
        none = np.zeros((len(facts), len(swapped)), dtype=bool)
        yield MemoryItem("name or number exchanged", question, tuple(text for _, text in swapped), none)


_SYNONYMS = {
    "film": "movie", "movie": "film", "founded": "established", "established": "founded", "located": "situated",
    "directed": "made", "wrote": "penned", "written": "penned", "known": "famous", "born": "who came from", "author": "writer",
    "won": "was awarded", "begun": "started", "actress": "film star", "actor": "film star", "team": "side", "town": "place",
    "city": "place", "built": "erected", "large": "big", "company": "firm", "book": "volume", "novel": "book", "song": "tune",
    "album": "record", "band": "group", "lies": "is found", "includes": "has", "opened": "was opened", "teacher": "tutor",
    "university": "college", "produced": "made", "released": "brought out", "called": "named", "leads": "heads",
}  # fmt: skip


def reworded(fact: str) -> str:
    """The fact in other words, by rule: no bracketed remarks, other nouns and verbs, the title or the first clause last."""
    text = re.sub(r"\s*\([^)]*\)", "", fact).strip().rstrip(".")
    text = " ".join(_SYNONYMS.get(word.lower(), word) for word in text.split(" "))
    title, colon, rest = text.partition(": ")
    if colon:
        return f"{rest} – {title}"
    first, comma, rest = text.partition(", ")
    return f"{rest}: that is {first}" if comma else f"As I recall, {text}"


def exchanged(fact: str, answer: str, other: Question) -> str | None:
    """The fact with its last telling phrase, or the answer, exchanged for one of another question's; None if it has none."""
    phrases = [answer] if answer in fact else [phrase for phrase in key_phrases(fact)[1:] if len(phrase) > 1]
    if not phrases:
        return None
    old = phrases[-1]
    pool = [phrase for text in (other.answer, *other.facts) for phrase in (text, *key_phrases(text))]
    same = [
        phrase for phrase in pool if answer_type(phrase) == answer_type(old) and len(phrase) < 40 and phrase not in fact
    ]
    return fact.replace(old, same[-1]) if same else None


# -------------------------------------------------------------------------------------------------------------- judges


class Encoded:
    """Cosines of pairs of texts, all encoded once."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def best(self, fact: str, texts: Sequence[str]) -> float:
        """The highest cosine of `fact` with one of `texts`; -1 without any."""
        vectors = self._encoder.encode([fact, *texts])
        return float(cosines(vectors[1:], vectors[0]).max()) if texts else -1.0


Scores = list[np.ndarray]  # by item, shape (facts, entries): 1 stated, -1 not stated, between: the cosine that decides


def by_words_and_encoder(items: Sequence[MemoryItem], encoded: Encoded, low: float, high: float) -> Scores:
    """What the offline judge goes by."""

    def score(fact: str, entry: str) -> float:
        stated, left_open = compare(fact, entry, low=low, high=high)
        return 1.0 if stated else encoded.best(fact, left_open)

    return _scores(items, score)


def by_encoder(items: Sequence[MemoryItem], encoded: Encoded) -> Scores:
    """The peer that most code uses: cosine of the fact with the entry, or with the nearest of its sentences."""
    return _scores(items, lambda fact, entry: encoded.best(fact, (entry, *stretches(entry, 1))))


def _scores(items: Sequence[MemoryItem], score: Callable[[str, str], float]) -> Scores:
    return [
        np.array([[score(fact, entry) for entry in item.entries] for fact in dict.fromkeys(item.question.facts)])
        for item in items
    ]


def accuracy(items: Sequence[MemoryItem], scores: Scores, threshold: float) -> float:
    """Balanced over kinds: share of the facts of which the judge says rightly whether the memory states them."""
    by_kind: dict[str, list[float]] = {}
    for item, table in zip(items, scores, strict=True):
        by_kind.setdefault(item.kind, []).append(float(np.mean((table >= threshold).any(axis=1) == item.covered)))
    return float(np.mean([np.mean(shares) for shares in by_kind.values()]))


def best_threshold(items: Sequence[MemoryItem], scores: Scores) -> tuple[float, float]:
    """The threshold with the highest accuracy (in the middle of those that share it), and that accuracy."""
    found = [accuracy(items, scores, threshold) for threshold in _THRESHOLDS]
    top = [threshold for threshold, value in zip(_THRESHOLDS, found, strict=True) if value >= max(found) - 1e-12]
    return top[len(top) // 2], max(found)


# ------------------------------------------------------------------------------------------------------------ measures


def measure(questions: Sequence[Question], encoder: Encoder, quick: bool) -> list[Row]:
    """All rows: answers, calibration, memories, and what the reward costs."""
    answers = [question.answer for question in questions] + ["yes", "no", "1901", "Paris", "a mill"]
    halves: tuple[list[int], list[int]] = (list(range(0, len(questions), 2)), list(range(1, len(questions), 2)))
    rows = answer_rows([item for i in halves[1] for item in answer_items(questions[i], answers[i + 1 :] + answers)])
    calibration, held_out = (
        [item for i in half for item in memory_items(questions[i], questions[i - 1])] for half in halves
    )
    return rows + memory_rows(calibration, held_out, encoder) + cost_rows(2 if quick else 10)


def answer_rows(items: Sequence[AnswerItem]) -> list[Row]:
    """Accuracy at 0.5, by kind and together, and correlation."""
    judge = OfflineJudge(make_encoder("hash"))
    scores = np.array([judge.answer(item.question, item.predicted, item.expected) for item in items])
    labels = np.array([item.right for item in items])
    exact = np.array([item.predicted == item.expected for item in items])
    rows = [
        Row.alone(f"answers, {kind}: accuracy", float(np.mean(right)), "share", len(right))
        for kind, right in _by_kind(items, (scores >= 0.5) == labels)
    ]
    hits, plain = np.mean((scores >= 0.5) == labels), np.mean(exact == labels)
    rows.append(Row.more_is_better("answers: accuracy", hits, plain, "equal strings", "share", len(items)))
    ours, plain = _correlation(scores, labels), _correlation(exact, labels)
    return [*rows, Row.more_is_better("answers: correlation", ours, plain, "equal strings", "r", len(items))]


def memory_rows(calibration: Sequence[MemoryItem], items: Sequence[MemoryItem], encoder: Encoder) -> list[Row]:
    """The calibrated limits, and how the judge does with the limits that it ships with."""
    encoded, shipped = Encoded(encoder), THRESHOLDS.get(encoder.name, THRESHOLD)
    limits = {}
    for low, high in product(_LOWS, _HIGHS):
        threshold, value = best_threshold(calibration, by_words_and_encoder(calibration, encoded, low, high))
        limits[low, high, threshold] = value
    low, high, threshold = max(limits, key=lambda key: limits[key])
    peer_threshold, _ = best_threshold(calibration, by_encoder(calibration, encoded))
    peer = by_encoder(items, encoded)
    ours = by_words_and_encoder(items, encoded, LOW, HIGH)
    rows = [
        Row("calibrated recall: not stated below", low, LOW, "as shipped", "recall", None, len(calibration)),
        Row("calibrated recall: stated from", high, HIGH, "as shipped", "recall", None, len(calibration)),
        Row("calibrated cosine", threshold, shipped, "as shipped", "cosine", None, len(calibration)),
    ]
    name = f"cosine ≥ {peer_threshold}"
    right = _right(items, ours, shipped), _right(items, peer, peer_threshold)
    for (kind, our), (_, their) in zip(*(_by_kind(items, values) for values in right), strict=True):
        rows.append(
            Row.more_is_better(f"memory, {kind}: accuracy", np.mean(our), np.mean(their), name, "share", len(our))
        )
    both = accuracy(items, ours, shipped), accuracy(items, peer, peer_threshold)
    rows.append(Row.more_is_better("memory: accuracy, mean of kinds", *both, name, "share", len(items)))
    words = accuracy(items, ours, 1.0)
    rows.append(
        Row.more_is_better("memory: accuracy, mean of kinds", both[0], words, "words alone", "share", len(items))
    )
    coverage = [item.covered.mean() for item in items]
    found = [
        [(table >= t).any(axis=1).mean() for table in tables] for tables, t in ((ours, shipped), (peer, peer_threshold))
    ]
    both = tuple(_correlation(values, coverage) for values in found)
    rows.append(Row.more_is_better("memory: correlation with coverage", *both, name, "r", len(items)))
    quality = [_quality(item.states) for item in items]
    found = [[_quality(table >= t) for table in tables] for tables, t in ((ours, shipped), (peer, peer_threshold))]
    both = tuple(_correlation(values, quality) for values in found)
    return [*rows, Row.more_is_better("memory: correlation of MQ", *both, name, "r", len(items))]


class Timed:
    """A judge or reward whose calls are timed."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.seconds = 0.0

    def terms(self, *arguments: Any) -> dict[str, float]:
        """As :meth:`agemem_gym.reward.Reward.terms`."""
        started = time.perf_counter()
        terms: dict[str, float] = self._inner.terms(*arguments)
        self.seconds += time.perf_counter() - started
        return terms


def cost_rows(episodes: int) -> list[Row]:
    """What the reward costs at the end of an episode, and the metrics of its row, as a share of the episode's time."""
    rows = []
    for env_id, agent_name in product(("AgeMem-BabyAI-v0", "AgeMem-HotpotQA-v0"), ("random", "scripted")):
        env, agent = gym.make(env_id, reward="composite", **agent_env_kwargs(agent_name)), make_agent(agent_name)
        base = env.unwrapped
        assert isinstance(base, MemoryEnv)
        play_episode(env, agent, 0)  # loads the encoder
        base.reward = timed = Timed(base.reward)  # type: ignore[assignment]
        whole = metrics = 0.0
        for seed in range(1, episodes + 1):
            started = time.perf_counter()
            episode = play_episode(env, agent, seed)
            whole += time.perf_counter() - started
            started = time.perf_counter()
            memory_metrics(episode, base.judge)
            metrics += time.perf_counter() - started
        env.close()
        for name, seconds in (("reward", timed.seconds), ("metrics", metrics)):
            rows.append(
                Row.alone(f"{name}, {env_id}, {agent_name}", 100 * seconds / whole, "% of the episode", episodes)
            )
    return rows


def _right(items: Sequence[MemoryItem], scores: Scores, threshold: float) -> np.ndarray:
    """By item, the share of facts judged rightly."""
    return np.array(
        [np.mean((table >= threshold).any(axis=1) == item.covered) for item, table in zip(items, scores, strict=True)]
    )


def _quality(states: np.ndarray) -> float:
    coverage, precision = states.any(axis=1).mean(), states.any(axis=0).mean()
    return float(2 * coverage * precision / (coverage + precision)) if coverage else 0.0


def _by_kind(items: Sequence[AnswerItem] | Sequence[MemoryItem], values: np.ndarray) -> list[tuple[str, list[float]]]:
    by_kind: dict[str, list[float]] = {}
    for item, value in zip(items, values, strict=True):
        by_kind.setdefault(item.kind, []).append(float(value))
    return list(by_kind.items())


def _correlation(one: Sequence[float] | np.ndarray, other: Sequence[float] | np.ndarray) -> float:
    return float(np.corrcoef(np.asarray(one, dtype=float), np.asarray(other, dtype=float))[0, 1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer questions, under 50 seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows as JSON")
    parser.add_argument(
        "--data", type=Path, nargs="*", default=[], metavar="FILE", help="questions in HotpotQA's schema"
    )
    parser.add_argument("--encoder", default="minilm", help="as the env's keyword (default: minilm)")
    arguments = parser.parse_args()
    generated = [generate("validation", index) for index in range(30 if arguments.quick else 100)]
    real = [question for path in arguments.data for question in RealQuestions(path, "validation", None)]
    rows = measure(
        [*generated, *(real[:30] if arguments.quick else real)], make_encoder(arguments.encoder), arguments.quick
    )
    print_table(rows, f"The offline judge, {len(generated)} generated and {len(real)} real questions")
    if arguments.json:
        write_json(rows, arguments.json)


if __name__ == "__main__":
    sys.exit(main())
