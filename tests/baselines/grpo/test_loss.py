"""The loss, by hand-worked numbers."""

import math

import pytest

torch = pytest.importorskip("torch")

from agemem_gym.baselines.grpo.config import GRPOConfig  # noqa: E402
from agemem_gym.baselines.grpo.loss import k3, loss_of, shares_of, targets_of  # noqa: E402
from agemem_gym.baselines.grpo.rows import StepRow  # noqa: E402
from agemem_gym.errors import ConfigurationError  # noqa: E402

LOG2 = math.log(2)

# two episodes: the first of two steps (2 tokens and 1), the second of one step (3 tokens); A = 2, 2, -1
ROWS = [
    StepRow([1], [2, 3], [-2.0, -1.0], 2.0, 0, reference=[-2.0, -1.0 + LOG2]),
    StepRow([1], [4], [-1.0], 2.0, 0, reference=[-1.0]),
    StepRow([1], [5, 6, 7], [-1.0, -1.0, -1.0], -1.0, 1, reference=[-1.0, -1.0, -1.0 - LOG2]),
]
NOW = [-2.0 + LOG2, -1.0, -1.0, -1.0, -1.0 - LOG2, -1.0]  # ratios 2 1 | 1 | 1 1/2 1
# gains ρA: 4 2 | 2 | -1 -1/2 -1.  k3 = x - ln x - 1 with x = reference / policy: 1/2 2 | 1 | 1 2 1/2
HALF, TWICE = 0.5 + LOG2 - 1, 2 - LOG2 - 1


def loss(rows=ROWS, now=NOW, entropies=None, **settings):
    config = GRPOConfig(**{"beta": 0.0, **settings})
    logprobs = torch.tensor(now, requires_grad=True)
    given = torch.zeros(len(now)) if entropies is None else torch.tensor(entropies, requires_grad=True)
    found = loss_of(logprobs, given, targets_of(rows, shares_of(rows, config), config, logprobs), config)
    found.total.backward()
    return found, logprobs.grad.tolist()


@pytest.mark.parametrize(
    ("mean", "gain"),
    [
        ("step", ((4 + 2) / 2 + 2 + (-2.5) / 3) / 3),
        ("sequence", ((4 + 2 + 2) / 3 + (-2.5) / 3) / 2),
        ("token", (4 + 2 + 2 - 2.5) / 6),
        ("dr_grpo", (4 + 2 + 2 - 2.5) / (3 * 10)),
    ],
)
def test_each_mean_by_hand(mean, gain):
    found, _ = loss(mean=mean, longest_reply=10)
    assert found.total.item() == pytest.approx(-gain)
    assert found.gain == pytest.approx(gain)


def test_the_gradient_of_a_token_is_its_share_times_its_ratio_times_its_advantage():
    _, gradient = loss()
    assert gradient == pytest.approx([-4 / 6, -2 / 6, -2 / 3, 1 / 9, 0.5 / 9, 1 / 9])


def test_the_ratio_of_a_step_is_the_product_of_its_tokens_ratios():
    found, gradient = loss(ratio="step")  # 2·1 | 1 | 1·½·1
    assert found.gain == pytest.approx((2 * 2 + 1 * 2 + 0.5 * -1) / 3)
    assert gradient == pytest.approx([-4 / 3, -4 / 3, -2 / 3, 0.5 / 3, 0.5 / 3, 0.5 / 3])


def test_a_clipped_ratio_has_no_gradient_on_the_side_that_it_is_clipped_on():
    found, gradient = loss(clip=(0.2, 0.5), mean="token")
    # A > 0: ρ 2 is bounded to 1.5. A < 0: ρ ½ is bounded to .8, whose gain -.8 is less than -.5
    assert found.gain == pytest.approx((3 + 2 + 2 - 1 - 0.8 - 1) / 6)
    assert found.clipped == 2
    assert gradient == pytest.approx([0, -2 / 6, -2 / 6, 1 / 6, 0, 1 / 6])


def test_a_clip_leaves_ratios_that_already_lose():
    rows = [StepRow([1], [2, 3], [-1.0, -1.0], 1.0), StepRow([1], [2], [-1.0], -1.0)]
    found, gradient = loss(rows, [-1.0 - LOG2, -1.0, -1.0 + LOG2], clip=(0.2, 0.2), mean="token")
    assert (found.clipped, found.gain) == (0, pytest.approx((0.5 + 1 - 2) / 3))
    assert gradient == pytest.approx([-0.5 / 3, -1 / 3, 2 / 3])


def test_k3_by_hand_and_its_gradient():
    found, gradient = loss(beta=0.1)
    divergence = ((HALF + TWICE) / 2 + 0 + (0 + TWICE + HALF) / 3) / 3
    assert found.divergence == pytest.approx(divergence)
    assert found.total.item() == pytest.approx(-found.gain + 0.1 * divergence)
    # d k3 / d l = 1 - reference / policy
    assert gradient[1] == pytest.approx(-2 / 6 + 0.1 * (1 - 2) / 6)
    assert k3(torch.tensor([-1.0]), torch.tensor([-1.0])).item() == 0


def test_k3_is_the_divergence_in_the_mean():
    policy, reference = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.2, 0.2, 0.6])
    mean = (policy * k3(policy.log(), reference.log())).sum()
    assert mean.item() == pytest.approx((policy * (policy / reference).log()).sum().item())


def test_the_bonus_for_entropy():
    found, _ = loss(entropy=0.5, mean="token", entropies=[1.0, 2.0, 3.0, 0.0, 0.0, 0.0])
    assert found.entropy == pytest.approx(1.0)
    assert found.total.item() == pytest.approx(-found.gain - 0.5)


def test_how_far_sampler_and_learner_are_apart():
    assert loss()[0].off == pytest.approx(LOG2)


def test_tokens_of_weight_0_count_nowhere():
    heavy = StepRow([1], [2, 3], [-2.0, -1.0], 2.0, 0, weights=[1.0, 0.0])
    nothing = StepRow([1], [9], [-3.0], 5.0, 7, weights=[0.0])
    rows = [heavy, *ROWS[1:], nothing]
    for mean, gain in (
        ("step", (4 + 2 - 2.5 / 3) / 3),
        ("sequence", ((4 + 2) / 2 - 2.5 / 3) / 2),
        ("token", (4 + 2 - 2.5) / 5),
        ("dr_grpo", (4 + 2 - 2.5) / 30),
    ):
        found, gradient = loss(rows, [*NOW, -1.0], mean=mean, longest_reply=10)
        assert found.gain == pytest.approx(gain)
        assert gradient[1] == gradient[-1] == 0


def test_shares_of_all_means_but_dr_grpo_sum_to_1():
    for mean in ("step", "sequence", "token"):
        assert sum(map(sum, shares_of(ROWS, GRPOConfig(mean=mean)))) == pytest.approx(1)


def test_a_divergence_without_a_reference_is_refused():
    row = StepRow([1], [2], [-1.0], 1.0)
    config = GRPOConfig()
    with pytest.raises(ConfigurationError, match="reference"):
        targets_of([row], shares_of([row], config), config, torch.zeros(1))
