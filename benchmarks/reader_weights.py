"""The weights of the reader of real questions (``baselines/reading/weights.py``): fit them, and say how good they are.

For each question the reader gets what stage 1 tells: the supporting facts and four further sentences, mixed anew three times.
Of all stretches that could be the answer the right ones shall have the greatest score: a softmax over a question's candidates,
with an L2 penalty, by full-batch Adam. Questions that offer their answers (yes or no, one of two) are not answered by weights
and are left out. Cross-validation over questions tells how well the weights do on what they have not seen.

    python benchmarks/reader_weights.py --data FILE FILE --check FILE [--write]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agemem_gym.answers import exact_match, f1
from agemem_gym.baselines.reading import closed, prose, ranking, weights
from agemem_gym.envs.hotpotqa.facts import background
from agemem_gym.envs.hotpotqa.official import RealQuestions
from agemem_gym.envs.hotpotqa.question import Question

_NEAR, _HALF = 0.75, 0.5  # a candidate with an F1 above the first counts as half right
_DRAWS, _FOLDS, _STEPS, _RATE = 3, 4, 200, 0.3


@dataclass(frozen=True)
class Reading:
    """One question as the reader meets it.

    Attributes:
        number: of the question, the same for all its draws.
        texts: the candidates.
        features: of each.
        right: 1 for the answer, 0.5 for what is near it.
    """

    number: int
    texts: tuple[str, ...]
    features: tuple[dict[str, float], ...]
    right: np.ndarray
    answer: str


def readings(questions: Sequence[Question], draws: int) -> list[Reading]:
    """Each question with what is told before it."""
    made = []
    for number, question in enumerate(questions):
        if closed.is_closed(question.question) or closed.choice(question.question):
            continue
        for draw in range(draws):
            read = prose.sentences(background(question, np.random.default_rng([number, draw])))
            found = ranking.candidates(question.question, read)
            right = [
                max(exact_match(each.text, question.answer), _HALF * (f1(each.text, question.answer) > _NEAR))
                for each in found
            ]
            texts = tuple(each.text for each in found)
            described = tuple(ranking.features(question.question, read, found))
            made.append(Reading(number, texts, described, np.array(right), question.answer))
    return made


def fit(seen: Sequence[Reading], penalty: float) -> dict[str, float]:
    """The weights."""
    names = sorted({name for reading in seen for each in reading.features for name in each})
    place = {name: i for i, name in enumerate(names)}
    data = []
    for reading in seen:
        if len(reading.texts) and reading.right.max() > 0:
            matrix = np.zeros((len(reading.texts), len(names)))  # (candidates, features)
            for row, each in enumerate(reading.features):
                for name, value in each.items():
                    matrix[row, place[name]] = value
            data.append((matrix, reading.right / reading.right.sum()))
    w, mean, square = np.zeros((3, len(names)))
    for step in range(1, _STEPS + 1):
        gradient = penalty * w
        for matrix, right in data:
            score = np.exp((z := matrix @ w) - z.max())
            gradient = gradient + matrix.T @ (score / score.sum() - right) / len(data)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.99 * square + 0.01 * gradient**2
        adam = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
        w = w - _RATE * (1 - step / _STEPS) * adam
    return {name: float(w[i]) for name, i in place.items()}


def scores(met: Sequence[Reading], w: dict[str, float]) -> tuple[float, float]:
    """Exact match and F1."""
    given = []
    for reading in met:
        values = [sum(w.get(name, 0.0) * value for name, value in each.items()) for each in reading.features]
        given.append((reading.texts[int(np.argmax(values))] if values else "", reading.answer))
    return tuple(sum(measure(*pair) for pair in given) / len(given) for measure in (exact_match, f1))  # type: ignore[return-value]


def cross_validated(met: Sequence[Reading], penalty: float) -> tuple[float, float]:
    """Mean over the folds."""
    folds = []
    for fold in range(_FOLDS):
        w = fit([reading for reading in met if reading.number % _FOLDS != fold], penalty)
        folds.append(scores([reading for reading in met if reading.number % _FOLDS == fold], w))
    return tuple(np.mean(folds, axis=0))


def write(w: dict[str, float]) -> None:
    """Put the weights into their module, behind its docstring."""
    file = Path(weights.__file__)
    head = file.read_text(encoding="utf-8").partition("WEIGHTS:")[0]
    rows = "".join(f'    "{name}": {value:.2f},\n' for name, value in sorted(w.items()) if abs(value) >= 0.005)
    file.write_text(f"{head}WEIGHTS: Mapping[str, float] = {{\n{rows}}}\n", encoding="utf-8")


def load(files: Sequence[str]) -> list[Question]:
    """The questions of some files."""
    return [question for file in files for question in RealQuestions(file, "train", None)]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", required=True, help="real questions to fit to")
    parser.add_argument("--check", nargs="+", default=[], help="others, to see how well the weights do there")
    parser.add_argument("--penalty", type=float, default=0.0005)
    parser.add_argument("--write", action="store_true", help="write them into the reader's module")
    options = parser.parse_args()
    seen = readings(load(options.data), _DRAWS)
    w = fit(seen, options.penalty)
    print("fitted to   EM {:.3f}  F1 {:.3f}".format(*scores(seen, w)))
    print("in folds    EM {:.3f}  F1 {:.3f}".format(*cross_validated(seen, options.penalty)))
    if options.check:
        print("unseen      EM {:.3f}  F1 {:.3f}".format(*scores(readings(load(options.check), 1), w)))
    if options.write:
        write(w)


if __name__ == "__main__":
    main()
