"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from agemem_gym.errors import ConfigurationError

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]
    """What a command adds its parser to."""


def add_env_arg(command: argparse.ArgumentParser) -> None:
    """``--env-arg KEYWORD=VALUE``, as often as wanted."""
    command.add_argument(
        "--env-arg", action="append", default=[], metavar="KEYWORD=VALUE", help="keyword of gym.make; may be repeated"
    )


def env_kwargs(pairs: Sequence[str], option: str = "--env-arg") -> dict[str, Any]:
    """``["split=train", "token_budget=4096"]`` as keywords; values are JSON, or else text."""
    kwargs = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise ConfigurationError(f"{option} {pair!r}: expected KEYWORD=VALUE")
        try:
            kwargs[key] = json.loads(value, parse_constant=_no_number)
        except ValueError:
            kwargs[key] = value
    return kwargs


def _no_number(word: str) -> NoReturn:
    """``NaN`` and ``Infinity`` are no JSON, and no setting has use for them."""
    raise ValueError(word)


def positive(name: str, value: int) -> int:
    """`value`, the argument ``--name``, if it is at least 1.

    Raises:
        ConfigurationError: it is less.
    """
    if value < 1:
        raise ConfigurationError(f"--{name} {value}: expected a whole number of at least 1")
    return value
