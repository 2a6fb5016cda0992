"""``agemem sft``: a model imitates demonstrations."""

from __future__ import annotations

import argparse
import importlib
from typing import TYPE_CHECKING

from agemem_gym.cli.status import Status

if TYPE_CHECKING:
    from agemem_gym.cli.arguments import Commands
    from agemem_gym.terminal import Terminal

_TRAIN = "agemem_gym.baselines.sft.train"
_EVERY = 10


def add(commands: Commands) -> None:
    """Add the command's parser."""
    command = commands.add_parser(
        "sft",
        help="train a model on demonstrations",
        description="Supervised fine-tuning on the replies of demonstrations (`agemem demos`), all weights or LoRA; writes a "
        "folder that `--agent-arg model=local:FOLDER` and `--agents agemem --agent-arg checkpoint=FOLDER` play.",
    )
    command.add_argument("model", metavar="MODEL", help="a folder, a name on the hub, or smollm")
    command.add_argument("data", nargs="+", metavar="FILE", help="demonstrations")
    command.add_argument("--out", required=True, metavar="FOLDER", help="where the model goes")
    command.add_argument("--epochs", type=int, default=2, help="passes over all episodes (default: 2)")
    command.add_argument("--lr", type=float, default=2e-4, help="learning rate at its peak (default: 2e-4)")
    command.add_argument("--batch-tokens", type=int, default=8192, help="tokens of a step (default: 8192)")
    command.add_argument("--longest", type=int, default=4096, help="longest prompt and reply in tokens (default: 4096)")
    command.add_argument("--final-weight", type=float, default=1.0, help="weight of stage 3 (default: 1)")
    command.add_argument(
        "--early",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="of the episodes of which all is learned; of the others stage 3 alone (default: 1)",
    )
    command.add_argument(
        "--rename",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="of the names in an episode that are replaced by made-up ones (default: 0)",
    )
    command.add_argument(
        "--held-out", type=float, default=0.05, help="share of episodes to validate on (default: 0.05)"
    )
    command.add_argument(
        "--lora", type=int, default=0, metavar="RANK", help="train adapters of this rank (default: all weights)"
    )
    command.add_argument("--seed", type=int, default=0, help="of the order of rows and of adapters (default: 0)")
    command.add_argument("--threads", type=int, default=0, help="of torch (default: its own choice)")
    command.add_argument(
        "--bf16", action="store_true", help="multiply in bfloat16: faster where the processor has units for it"
    )
    command.add_argument(
        "--store", choices=("float32", "float16", "bfloat16"), default="float32", help="format of the written weights"
    )
    command.add_argument(
        "--tree", action="store_true", help="read what the sequences of a step begin with in common once"
    )
    command.set_defaults(command=sft)


def sft(options: argparse.Namespace, terminal: Terminal) -> Status:
    """Train, with a line every ten steps."""
    room = importlib.import_module(_TRAIN)
    config = room.SFTConfig(
        model=options.model.removeprefix("local:"),
        data=tuple(options.data),
        out=options.out,
        epochs=options.epochs,
        learning_rate=options.lr,
        batch_tokens=options.batch_tokens,
        longest=options.longest,
        final_weight=options.final_weight,
        early=options.early,
        rename=options.rename,
        held_out=options.held_out,
        lora=options.lora,
        seed=options.seed,
        threads=options.threads,
        bf16=options.bf16,
        store=options.store,
        tree=options.tree,
    )

    def report(point: dict[str, float]) -> None:
        if point["step"] % _EVERY == 0 or point["step"] == point["steps"]:
            terminal.print(
                f"step {point['step']:.0f}/{point['steps']:.0f}  loss {point['loss']:.4f}  {point['seconds']:.0f} s"
            )

    trained = room.sft(config, report)
    before, after = trained.validation
    if after:
        terminal.print(
            f"validation: loss {before['loss']:.3f} -> {after['loss']:.3f}, "
            f"token accuracy {before['accuracy']:.3f} -> {after['accuracy']:.3f}"
        )
    terminal.print(
        f"{trained.steps} steps, {trained.tokens:,} tokens read, {trained.replied:,} learned; in {options.out}"
    )
    return Status.OK
