"""HotpotQA's reset against reading a row with ``datasets``, which is all that a wrapper round the data set does at a reset."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from report import Row, run

from agemem_gym.envs.hotpotqa import HotpotQATask
from agemem_gym.envs.hotpotqa.generated import generate
from agemem_gym.envs.hotpotqa.official import RealQuestions
from agemem_gym.envs.hotpotqa.question import Question

QUESTIONS = 300


def measure(quick: bool) -> list[Row]:
    """Resets per second on generated questions, which are new each time, and on the same ones from a file."""
    import datasets

    datasets.disable_progress_bars()
    repetitions = 2 if quick else 5
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "questions.jsonl"
        file.write_text("".join(json.dumps(_row(generate("validation", i))) + "\n" for i in range(QUESTIONS)))
        rows = datasets.load_dataset("json", data_files=[str(file)], split="train", cache_dir=folder)
        task, from_file = HotpotQATask(), HotpotQATask(data=file)
        RealQuestions(file, "train", None)
        from_file.reset(0, {})
        fresh = iter(range(10**9))  # a generated question is never asked twice here
        theirs = ours = ours_from_file = float("inf")
        for _ in range(repetitions):
            theirs = min(theirs, _seconds(lambda i: rows[i]))
            ours = min(ours, _seconds(lambda _: task.reset(next(fresh), {})))
            ours_from_file = min(ours_from_file, _seconds(lambda i: from_file.reset(i, {})))
    peer = "datasets, a row"
    return [
        Row.more_is_better("HotpotQA reset, generated", QUESTIONS / ours, QUESTIONS / theirs, peer, "1/s", repetitions),
        Row.more_is_better(
            "HotpotQA reset, from a file", QUESTIONS / ours_from_file, QUESTIONS / theirs, peer, "1/s", repetitions
        ),
    ]


def _seconds(reset: Callable[[int], object]) -> float:
    started = time.perf_counter()
    for i in range(QUESTIONS):
        reset(i)
    return time.perf_counter() - started


def _row(question: Question) -> dict[str, object]:
    titles, numbers = zip(*question.supporting, strict=True)
    return {
        "id": question.id,
        "question": question.question,
        "answer": question.answer,
        "type": question.kind,
        "level": question.level,
        "supporting_facts": {"title": list(titles), "sent_id": list(numbers)},
        "context": {
            "title": [paragraph.title for paragraph in question.paragraphs],
            "sentences": [list(paragraph.sentences) for paragraph in question.paragraphs],
        },
    }


if __name__ == "__main__":
    run(measure, __doc__)
