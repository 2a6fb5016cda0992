"""Train an algorithm of SB3, as it comes, on one of our envs, and save it for the board.

    python -m agemem_gym.baselines.sb3.train --env AgeMem-HotpotQA-ThreeStage-v0 --steps 200000 --out FOLDER
    agemem leaderboard --agents sb3-ppo --agent-arg model=FOLDER

``FOLDER/sb3.zip`` is SB3's own file, for going on; ``FOLDER/policy.npz`` and ``settings.json`` are what the board plays with.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from agemem_gym.baselines.sb3.wrappers import FEATURES, HashedTextObservation, make_sb3_env
from agemem_gym.checks import one_of
from agemem_gym.errors import ConfigurationError, import_extra
from agemem_gym.versions import installed_versions

ALGORITHMS = ("ppo", "dqn", "maskable-ppo")
_EVALUATION_SEEDS = 1_000_000


def make_algorithm(name: str, env: Any, seed: int = 0, **kwargs: Any) -> Any:
    """PPO, DQN or MaskablePPO with a small network of two tanh layers.

    Raises:
        MissingDependencyError: stable-baselines3, or sb3-contrib for ``"maskable-ppo"``, is not installed.
    """
    one_of("algorithm", name, ALGORITHMS)
    torch = import_extra("torch", "train")
    torch.set_num_threads(1)  # for networks as small as this, more threads only wait for each other
    package = import_extra("sb3_contrib" if name == "maskable-ppo" else "stable_baselines3", "train")
    algorithm = getattr(package, {"ppo": "PPO", "dqn": "DQN", "maskable-ppo": "MaskablePPO"}[name])
    shape = [64, 64] if name == "dqn" else {"pi": [64, 64], "vf": [64, 64]}
    policy = {"net_arch": shape, "activation_fn": torch.nn.Tanh}
    own = {"learning_starts": 500, "exploration_fraction": 0.4} if name == "dqn" else {"n_steps": 512, "ent_coef": 0.01}
    return algorithm("MlpPolicy", env, seed=seed, policy_kwargs=policy, device="cpu", **{**own, **kwargs})


def train(
    env_id: str,
    *,
    algorithm: str = "maskable-ppo",
    steps: int = 100_000,
    envs: int = 4,
    processes: bool = False,
    seed: int = 0,
    features: int = FEATURES,
    evaluate_every: int = 20_000,
    episodes: int = 20,
    out: Path | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
) -> Any:
    """Train, with SB3's Monitor, VecEnv and EvalCallback, and save.

    Returns:
        The trained algorithm.
    """
    import_extra("stable_baselines3", "train")
    from stable_baselines3.common.callbacks import EvalCallback
    from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

    given = dict(env_kwargs or {})
    makers: list[Callable[[], Any]] = [partial(_monitored, env_id, features, given) for _ in range(envs)]
    venv = SubprocVecEnv(makers, start_method="spawn") if processes else DummyVecEnv(makers)
    venv.seed(seed)
    held_out = DummyVecEnv([partial(_monitored, env_id, features, {**given, "split": "validation"})])
    held_out.seed(_EVALUATION_SEEDS + seed)
    try:
        model = make_algorithm(algorithm, venv, seed)
        callback = _evaluation(algorithm, EvalCallback)(
            held_out,
            n_eval_episodes=episodes,
            eval_freq=max(1, evaluate_every // envs),
            deterministic=False,
            log_path=None if out is None else str(out),
            verbose=0,
        )
        model.learn(steps, callback=callback)
        if out is not None:
            settings = {"env": env_id, "env_kwargs": given, "algorithm": algorithm, "steps": steps, "seed": seed}
            save(model, out, {**settings, "features": features, "masked": algorithm == "maskable-ppo"})
    finally:
        venv.close()
        held_out.close()
    return model


def save(model: Any, folder: Path, settings: Mapping[str, Any]) -> None:
    """Write SB3's file, and the policy network as plain arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "sb3.zip")
    policy = model.policy
    layers = (
        [*policy.q_net.q_net] if hasattr(policy, "q_net") else [*policy.mlp_extractor.policy_net, policy.action_net]
    )
    linear = [layer for layer in layers if hasattr(layer, "weight")]
    arrays = {}
    for number, layer in enumerate(linear):
        arrays[f"weight{number}"] = layer.weight.detach().numpy().astype(np.float32)
        arrays[f"bias{number}"] = layer.bias.detach().numpy().astype(np.float32)
    np.savez(folder / "policy.npz", **arrays)
    written = {**settings, "layers": len(linear), "versions": installed_versions()}
    (folder / "settings.json").write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


def _evaluation(algorithm: str, plain: Any) -> Any:
    """The EvalCallback that heeds masks, for what has some."""
    if algorithm != "maskable-ppo":
        return plain
    import_extra("sb3_contrib", "train")
    from sb3_contrib.common.maskable.callbacks import MaskableEvalCallback

    return MaskableEvalCallback


def _monitored(env_id: str, features: int, kwargs: Mapping[str, Any]) -> Any:
    from stable_baselines3.common.monitor import Monitor

    env: HashedTextObservation = make_sb3_env(env_id, features, **kwargs)
    return Monitor(env, info_keywords=("success",))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="AgeMem-HotpotQA-ThreeStage-v0")
    parser.add_argument("--env-kwargs", default="{}", help="keywords of gym.make, as JSON")
    parser.add_argument("--algorithm", choices=ALGORITHMS, default="maskable-ppo")
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--envs", type=int, default=4)
    parser.add_argument("--processes", action="store_true", help="one process an env")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    try:
        kwargs = json.loads(options.env_kwargs)
    except ValueError as error:
        raise ConfigurationError(f"--env-kwargs: no JSON: {error}") from None
    train(
        options.env,
        algorithm=options.algorithm,
        steps=options.steps,
        envs=options.envs,
        processes=options.processes,
        seed=options.seed,
        out=options.out,
        env_kwargs=kwargs,
    )


if __name__ == "__main__":
    main()
