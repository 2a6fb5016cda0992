"""One function for cosines: a similarity depends on the two texts alone."""

import re
from pathlib import Path

import numpy as np
import pytest

import agemem_gym
from agemem_gym.context import Context
from agemem_gym.memory import EncoderError, MemoryStore, cosines, make_encoder, make_index, similarities

TEXTS = [f"text number {i} about {'doors' if i % 3 else 'keys'}" for i in range(257)]


def test_a_cosine_does_not_depend_on_its_neighbours():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((257, 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    whole = cosines(rows, rows[0])
    for count in (1, 2, 3, 7, 64, 256):
        assert cosines(rows[:count], rows[0]).tolist() == whole[:count].tolist()
        assert cosines(rows[1 : 1 + count], rows[0]).tolist() == whole[1 : 1 + count].tolist()
    assert cosines(rows[::2], rows[0]).tolist() == whole[::2].tolist()
    assert cosines(np.asfortranarray(rows), rows[0]).tolist() == whole.tolist()
    pairs = cosines(rows[[3, 5]], rows[[0, 5]])
    assert pairs.tolist() == [whole[3], cosines(rows[5:6], rows[5])[0]]


@pytest.mark.parametrize("name", ["hash", "minilm"])
def test_a_similarity_is_the_same_alone_in_filter_and_in_memory(name):
    encoder = make_encoder(name)
    texts = TEXTS[:40]
    together = similarities(encoder, "where are the keys?", texts)
    assert [similarities(encoder, "where are the keys?", [text])[0] for text in texts] == together.tolist()

    context = Context(10_000, lambda text: 1)
    for text in texts:
        context.append("user", text, kind="observation")
    ask = lambda text, others: similarities(encoder, text, others)  # noqa: E731
    dropped = context.filter("where are the keys?", ask, -1.0)
    assert [score for _, score in dropped] == together.tolist()

    store = MemoryStore(encoder, make_index("exact"))
    store.add_many([(text, None) for text in texts])
    found = {match.record.content: match.score for match in store.search("where are the keys?", 40)}
    assert [found[text] for text in texts] == [round(float(score), 6) + 0.0 for score in together]


def test_similarities_of_nothing_are_none():
    assert similarities(make_encoder("hash"), "x", []).tolist() == []


def test_an_encoder_that_fails_is_an_encoder_error():
    def fail(texts):
        raise RecursionError("too deep")

    with pytest.raises(EncoderError, match="RecursionError: too deep"):
        similarities(make_encoder(fail), "x", ["y"])


def test_nothing_computes_a_cosine_of_its_own():
    root = Path(agemem_gym.__file__).parent
    product = re.compile(r"\w\]? @ \w")
    others = {
        root / "chat" / "local" / "attention.py",
        root.parent / "benchmarks" / "reader_weights.py",
    }  # no texts compared
    found = [
        f"{file.name}:{number}"
        for folder in (root, root.parent / "benchmarks")
        for file in folder.rglob("*.py")
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if product.search(line) and "``" not in line and file not in others
    ]
    assert found == []
