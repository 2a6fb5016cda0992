"""Trees in parts: no more alive than the longest row has, and the same gradient."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from agemem_gym.baselines.grpo import logprobs  # noqa: E402
from agemem_gym.baselines.grpo.blocks import alive, blocks_of  # noqa: E402
from agemem_gym.baselines.grpo.config import GRPOConfig  # noqa: E402
from agemem_gym.baselines.grpo.rows import StepRow  # noqa: E402
from agemem_gym.baselines.grpo.scoring import logprobs_of  # noqa: E402
from agemem_gym.baselines.grpo.trie import packs_of  # noqa: E402
from agemem_gym.baselines.grpo.update import add_gradient  # noqa: E402

from .conftest import a_model, moved, sample_group  # noqa: E402
from .test_layouts import FULL, KINDS, gradient_of  # noqa: E402

LIVE = (1, 60, 120)  # of some 220 tokens; the longest row has 42

some_rows = st.lists(
    st.tuples(st.lists(st.integers(0, 1), min_size=1, max_size=9), st.lists(st.integers(0, 2), min_size=1, max_size=3)),
    min_size=1,
    max_size=14,
)


@given(some_rows, st.integers(1, 60))
def test_each_node_is_read_once_and_finds_its_path_in_what_is_open(given_rows, least):
    rows = [StepRow(prompt, reply, [0.0] * len(reply), 1.0) for prompt, reply in given_rows]
    (pack,) = packs_of(rows, GRPOConfig())
    ways = {s.start + n: s.path[: len(s.path) - s.count + n + 1] for s in pack.stretches for n in range(s.count)}
    trunk, read = np.full(alive(pack, least), -1), 0
    opened, targets = [], []
    for block in blocks_of(pack, least):
        assert block.start == read
        assert block.under <= len(opened)
        opened = opened[: block.under]
        assert block.offset == sum(opened)
        trunk[block.places] = np.arange(block.start, block.end)  # which fails where there is no room
        assert sum(chain.count for chain in block.chains) == block.end - block.start
        for chain in block.chains:
            first = chain.start - block.offset + block.start
            for number in range(chain.count):
                way = chain.path[: len(chain.path) - chain.count + number + 1]
                assert trunk[way].tolist() == ways[first + number].tolist()
        opened.append(block.end - block.start)
        read = block.end
        targets += block.targets.tolist()
        assert ((pack.sources[block.targets] >= block.start) & (pack.sources[block.targets] < block.end)).all()
    assert read == len(pack)
    assert sorted(targets) == list(range(len(pack.targets)))


def test_what_fits_is_read_at_once():
    rows = [StepRow([5, 6, word], [7], [0.0], 1.0) for word in range(9)]
    (pack,) = packs_of(rows, GRPOConfig())
    parts = {least: [(b.under, b.end - b.start) for b in blocks_of(pack, least)] for least in (20, 8, 1)}
    assert parts == {20: [(0, 20)], 8: [(0, 2), (1, 6), (1, 6), (1, 6)], 1: [(0, 2), *[(1, 2)] * 9]}


@pytest.mark.parametrize("kind", ["Llama", "Mistral", "Gemma2", "GPT2"])
@pytest.mark.parametrize("ratio", ["token", "step"])
def test_the_gradient_is_that_of_rows_however_few_tokens_are_alive(kind, ratio):
    model = a_model(kind, **KINDS.get(kind, {})).double()
    rows = moved(sample_group(model))
    wanted, oracle = gradient_of(model, rows, layout="rows", ratio=ratio, **FULL)
    (pack,) = packs_of(rows, GRPOConfig())
    for live in LIVE:
        assert len(list(blocks_of(pack, live))) > 4
        found, gradients = gradient_of(model, rows, live_tokens=live, ratio=ratio, **FULL)
        assert found.laid_out == len(pack)
        for name in ("loss", "gain", "divergence", "entropy", "clipped"):
            assert getattr(found, name) == pytest.approx(getattr(wanted, name), rel=1e-5), name
        for name, gradient in gradients.items():
            assert (gradient - oracle[name]).norm() <= 1e-5 * oracle[name].norm() + 1e-9, (live, name)


def test_log_probabilities_do_not_depend_on_how_many_tokens_are_alive(model, group):
    whole = logprobs_of(model, group, GRPOConfig(live_tokens=10_000))
    for live in LIVE:
        parts = logprobs_of(model, group, GRPOConfig(live_tokens=live))
        assert max(np.abs(np.subtract(a, b)).max() for a, b in zip(whole, parts, strict=True)) < 1e-5


@dataclass
class Kept:
    """A tensor that a backward pass has need of; the bytes of all that are alive are counted, and the most of them."""

    tensor: "torch.Tensor"
    counts: list

    def __post_init__(self):
        self.counts[0] += self.tensor.nbytes
        self.counts[1] = max(self.counts)

    def __del__(self):
        self.counts[0] -= self.tensor.nbytes


def most_kept(model, rows, **settings):
    """The most bytes that are kept for backward passes at a time, those of parameters left out."""
    weights = {parameter.data_ptr() for parameter in model.parameters()}
    counts = [0, 0]

    def keep(tensor):
        return tensor if tensor.data_ptr() in weights else Kept(tensor, counts)

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda kept: getattr(kept, "tensor", kept)):
        add_gradient(model, rows, GRPOConfig(**settings, **FULL))
    model.zero_grad(set_to_none=True)
    return counts[1]


def test_no_more_is_kept_than_for_the_longest_row(model, group):
    rows = moved(group)
    by_rows = most_kept(model, rows, layout="rows")
    assert most_kept(model, rows, live_tokens=1) <= 1.1 * by_rows
    assert most_kept(model, rows, live_tokens=10_000) > 3 * by_rows


@pytest.mark.parametrize("at_once", [2**20, 40])
def test_draws_have_the_gradients_of_plain_operations(monkeypatch, at_once):
    monkeypatch.setattr(logprobs, "_AT_ONCE", at_once)
    draws = torch.Generator().manual_seed(3)
    logits = torch.randn((7, 19), generator=draws, dtype=torch.float64).mul_(4).requires_grad_()
    rows, words = torch.tensor([0, 0, 0, 2, 6, 5, 6]), torch.tensor([3, 3, 4, 18, 0, 7, 9])
    weights = torch.randn((2, 7), generator=draws, dtype=torch.float64)
    plain = (logits / 0.7).log_softmax(-1)
    wanted = plain[rows, words], -(plain.exp() * plain).sum(-1)[rows]
    found = logprobs.of_draws(logits, 0.7, rows, words)
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one, other, rtol=1e-12)
    gradients = [torch.autograd.grad((weights * torch.stack(values)).sum(), logits)[0] for values in (found, wanted)]
    assert torch.allclose(*gradients, rtol=1e-10, atol=1e-14)
