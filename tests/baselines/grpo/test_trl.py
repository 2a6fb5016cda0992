"""TRL: our loss and gradient on a fixed batch are its GRPOTrainer's, and it trains on our envs."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
trl = pytest.importorskip("trl")

from agemem_gym.baselines.grpo.config import GRPOConfig  # noqa: E402
from agemem_gym.baselines.grpo.rows import StepRow  # noqa: E402
from agemem_gym.baselines.grpo.scoring import logprobs_of  # noqa: E402
from agemem_gym.baselines.grpo.update import add_gradient  # noqa: E402
from agemem_gym.chat.local.loading import load  # noqa: E402
from agemem_gym.errors import ConfigurationError  # noqa: E402
from agemem_gym.interop.trl import EnvRollout, episode_return  # noqa: E402

from .conftest import ENV, SHORT, a_model, moved, sample_group  # noqa: E402

MEANS = {"step": "grpo", "token": "bnpo", "dr_grpo": "dr_grpo"}
LONGEST = 24


@pytest.fixture(scope="module")
def batch():
    model = a_model().double()
    return model, moved(sample_group(a_model()))


def padded(sequences, *, left, value=0.0):
    longest = max(map(len, sequences))
    out = np.full((len(sequences), longest), value, np.float64)
    for row, sequence in zip(out, sequences, strict=True):
        row[longest - len(sequence) if left else 0 :][: len(sequence)] = sequence
    return torch.from_numpy(out)


def inputs_of(rows):
    """Rows as TRL takes them: prompts padded to the left, completions to the right."""
    prompts, replies = [row.prompt for row in rows], [row.reply for row in rows]
    return {
        "prompt_ids": padded(prompts, left=True).long(),
        "prompt_mask": padded([np.ones(len(ids)) for ids in prompts], left=True).long(),
        "completion_ids": padded(replies, left=False).long(),
        "completion_mask": padded([np.ones(len(ids)) for ids in replies], left=False).long(),
        "advantages": torch.tensor([row.advantage for row in rows], dtype=torch.float64),
        "old_per_token_logps": padded([row.sampled for row in rows], left=False),
        "ref_per_token_logps": padded([row.reference for row in rows], left=False),
    }


def theirs(model, rows, folder, tmp_path, **settings):
    import datasets
    import transformers

    args = trl.GRPOConfig(
        output_dir=str(tmp_path),
        use_cpu=True,
        bf16=False,
        report_to=[],
        per_device_train_batch_size=4,
        num_generations=4,
        gradient_accumulation_steps=1,
        max_completion_length=LONGEST,
        use_bias_correction_kl=False,  # by default TRL weighs the divergence by the ratio; the paper does not
        temperature=0.8,
        **settings,
    )
    model.config._name_or_path = str(folder)  # TRL reads a reference of its own from there, which is not asked here
    trainer = trl.GRPOTrainer(
        model=model,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=args,
        train_dataset=datasets.Dataset.from_list([{"prompt": "x"}] * 4),
        processing_class=transformers.AutoTokenizer.from_pretrained(folder),
    )
    trainer.current_gradient_accumulation_steps = 1
    model.train()  # in evaluation TRL takes other means of some losses; these models have no dropout
    model.zero_grad()
    loss = trainer._compute_loss(model, inputs_of(rows))
    loss.backward()
    return float(loss.detach()), {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("layout", ["rows", "trie"])
@pytest.mark.parametrize("mean", MEANS)
def test_loss_and_gradient_are_trls(batch, folder, tmp_path, mean, layout):
    model, rows = copy.deepcopy(batch[0]), batch[1]
    settings = {"loss_type": MEANS[mean], "beta": 0.1, "epsilon": 0.2, "epsilon_high": 0.3}
    loss, gradients = theirs(model, rows, folder, tmp_path, **settings)
    model.zero_grad()
    config = GRPOConfig(mean=mean, layout=layout, beta=0.1, clip=(0.2, 0.3), longest_reply=LONGEST, temperature=0.8)
    ours = add_gradient(model, rows, config)
    assert ours.clipped > 0
    assert ours.loss == pytest.approx(loss, rel=1e-5)
    for name, parameter in model.named_parameters():
        assert (parameter.grad - gradients[name]).norm() <= 1e-5 * gradients[name].norm() + 1e-12, name


# ----------------------------------------------------------------------------------------------------------- rollout_func

SHORT_ENV = {**SHORT, "max_rounds": 3, "reward": "composite"}


def a_trainer(folder, tmp_path, play, **settings):
    import datasets

    args = trl.GRPOConfig(
        output_dir=str(tmp_path),
        use_cpu=True,
        bf16=False,
        report_to=[],
        max_steps=2,
        learning_rate=1e-2,
        num_generations=2 * play.steps,
        per_device_train_batch_size=2 * play.steps,
        max_completion_length=8,
        logging_steps=1,
        save_strategy="no",
        **settings,
    )
    return trl.GRPOTrainer(
        str(folder),
        reward_funcs=episode_return,
        args=args,
        rollout_func=play,
        train_dataset=datasets.Dataset.from_list(play.dataset(range(4))),
    )


def test_trls_trainer_learns_from_episodes_a_row_a_step(folder, tmp_path):
    seen = []

    class Watched(EnvRollout):
        def __call__(self, prompts, trainer):
            seen.append(super().__call__(prompts, trainer))
            return seen[-1]

    play = Watched(str(folder), ENV, SHORT_ENV, steps=10, seed=1)
    trainer = a_trainer(folder, tmp_path, play)
    before = {name: value.detach().clone() for name, value in trainer.model.named_parameters()}
    trainer.train()
    play.close()
    assert any(not torch.equal(before[name], value) for name, value in trainer.model.named_parameters())
    assert len(seen) == 2
    rows = seen[0]
    assert {len(values) for values in rows.values()} == {20}
    assert len(set(rows["episode_return"])) == 2  # of two episodes
    played = [sum(mask) > 0 for mask in rows["env_mask"]]
    assert played[0]
    assert not all(played)  # filled up
    log = trainer.state.log_history[0]
    assert log["rewards/episode_return/mean"] == pytest.approx(np.mean(rows["episode_return"]), rel=1e-5)
    policy = load(str(folder)).model  # what the first batch was drawn with
    for number in np.flatnonzero(played):
        row = StepRow(*(rows[name][number] for name in ("prompt_ids", "completion_ids", "logprobs")), 0.0)
        (again,) = logprobs_of(policy, [row], GRPOConfig(layout="rows"))
        assert np.abs(np.subtract(again, row.sampled)).max() < 1e-4


def test_what_does_not_fit_into_trls_rows_is_answered_with_a_sentence(folder, tmp_path):
    play = EnvRollout(str(folder), ENV, SHORT_ENV, steps=2)
    trainer = a_trainer(folder, tmp_path, play)
    (task,) = play.dataset([3])
    with pytest.raises(ConfigurationError, match="multiple of steps=2"):
        play([task["prompt"]] * 3, trainer)
    with pytest.raises(ConfigurationError, match="names no task"):
        play(["Hello"] * 2, trainer)
    with pytest.raises(ConfigurationError, match=r"took \d replies"):
        play([task["prompt"]] * 2, trainer)
    play.close()


def test_an_episode_that_failed_is_left_out(folder):
    (first, *_) = rows = EnvRollout(str(folder), ENV, steps=3)._rows(None, 1)
    assert len(rows) == 3
    assert (first["env_mask"], first["episode_return"]) == ([0], None)
    assert episode_return(["", ""], [0.5, None], stage=[1, 1]) == [0.5, None]
