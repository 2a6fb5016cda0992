"""A step of an optimiser: it moves what it should, and towards what pays."""

import pytest

torch = pytest.importorskip("torch")

from agemem_gym.baselines.grpo.advantages import Played, group_advantages  # noqa: E402
from agemem_gym.baselines.grpo.config import GRPOConfig  # noqa: E402
from agemem_gym.baselines.grpo.rows import StepRow  # noqa: E402
from agemem_gym.baselines.grpo.scoring import logprobs_of, with_reference  # noqa: E402
from agemem_gym.baselines.grpo.update import update  # noqa: E402
from agemem_gym.chat.local.engine import Request, SlotEngine  # noqa: E402

from .conftest import a_model, moved  # noqa: E402


def adam(model, rate):
    return torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.1)


def test_a_learning_rate_of_0_changes_nothing(group):
    model = a_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimiser = adam(model, 0.0)
    first, second = (update(model, optimiser, moved(group), GRPOConfig(clip=(0.2, 0.2), entropy=0.1)) for _ in range(2))
    assert first == second
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_before_the_first_step_sampler_and_learner_are_one_policy(group):
    model = a_model()
    rows = with_reference(model, group, GRPOConfig())
    found = update(model, adam(model, 1e-3), rows, GRPOConfig(clip=(0.2, 0.2)))
    assert found.off < 1e-4
    assert found.divergence == pytest.approx(0, abs=1e-7)
    assert found.clipped == 0
    assert update(model, adam(model, 1e-3), rows, GRPOConfig()).off > 1e-3


def test_a_step_makes_replies_of_positive_advantage_likelier_and_the_others_less(group):
    model, config = a_model(), GRPOConfig(beta=0.0)
    update(model, torch.optim.SGD(model.parameters(), lr=0.02), group, config)
    after = logprobs_of(model, group, config)
    gained = [
        row.advantage * (sum(now) - sum(row.sampled)) / len(row.reply) for row, now in zip(group, after, strict=True)
    ]
    assert sum(gained) > 0


def test_the_gradient_is_no_longer_than_max_norm(group):
    model = a_model()
    before = torch.nn.utils.parameters_to_vector(model.parameters()).detach()
    update(model, torch.optim.SGD(model.parameters(), lr=1.0), group, GRPOConfig(beta=0.0, max_norm=0.01))
    moved_by = (torch.nn.utils.parameters_to_vector(model.parameters()).detach() - before).norm()
    assert moved_by.item() == pytest.approx(0.01, rel=1e-3)


def test_the_divergence_holds_the_policy_near_the_reference(group):
    def distance(beta):
        model, config = a_model(), GRPOConfig(beta=beta)
        rows = with_reference(model, group, config)
        optimiser = torch.optim.SGD(model.parameters(), lr=0.05)
        for _ in range(8):
            update(model, optimiser, rows, config)
        return update(model, torch.optim.SGD(model.parameters(), lr=0.0), rows, GRPOConfig(beta=1.0)).divergence

    assert distance(5.0) < 0.5 * distance(0.0)


def test_a_batch_without_rows_is_refused():
    with pytest.raises(ValueError, match="spread"):
        update(a_model(), adam(a_model(), 1e-3), [], GRPOConfig())


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"clip": (0.2, 0.2), "mean": "token"},
        {"credit": "leave_one_out", "mean": "sequence"},
        {"mean": "dr_grpo", "longest_reply": 2, "ratio": "step"},
    ],
    ids=str,
)
def test_a_bandit_reaches_the_optimum(settings):
    """Two tokens a reply, of which each pays one half if it is the right one; sampled with this policy, learned, and again."""
    model, config = a_model(vocab_size=12, num_hidden_layers=1), GRPOConfig(beta=0.0, **settings)
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    right, skipped = (7, 4), 0
    for iteration in range(60):
        asked = [Request([2, 3, 5], max_tokens=2, temperature=1.0, seed=(iteration, k)) for k in range(16)]
        replies = SlotEngine(model, slots=16).run(asked)
        returns = [sum(a == b for a, b in zip(reply.ids, right, strict=True)) / 2 for reply in replies]
        found = group_advantages([Played(value, 1) for value in returns], config)
        if found is None:
            skipped += 1
            continue
        rows = [
            StepRow(reply.prompt, reply.ids, reply.logprobs, float(advantage[0]), k)
            for k, (reply, advantage) in enumerate(zip(replies, found, strict=True))
        ]
        gradient = update(model, optimiser, rows, config)
        assert gradient.off < 1e-3
    best = StepRow([2, 3, 5], right, [0.0, 0.0], 0.0)
    assert sum(logprobs_of(model, [best], config)[0]) > -0.1  # nine times of ten
    assert skipped > 0
