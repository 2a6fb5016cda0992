"""What a completion costs, by prices that the user gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agemem_gym.errors import ConfigurationError

_MILLION = 1_000_000
_EXPECTED = "{model: {'prompt': …, 'completion': …}}, for a million tokens"


@dataclass(frozen=True)
class Price:
    """Price of a million tokens, in any currency.

    Attributes:
        prompt, completion: of what is read and of what is written.
        cached: of prompt tokens that the endpoint had in its cache; by default as `prompt`.

    Example:
        >>> Price(prompt=2.0, completion=8.0, cached=0.5).of(prompt_tokens=1000, completion_tokens=100, cached_tokens=400)
        0.0022
    """

    prompt: float
    completion: float
    cached: float | None = None

    def __post_init__(self) -> None:
        for name in ("prompt", "completion", "cached"):
            value = getattr(self, name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if value is None and name == "cached":
                continue
            if not number or not 0.0 <= value < float("inf"):
                raise ConfigurationError(
                    f"price of {name} tokens {value!r}: expected a number of at least 0, for a million"
                )

    def of(self, *, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> float:
        """What so many tokens cost."""
        cached = self.prompt if self.cached is None else self.cached
        fresh = prompt_tokens - cached_tokens
        return (fresh * self.prompt + cached_tokens * cached + completion_tokens * self.completion) / _MILLION


def read_prices(path: Path | str) -> dict[str, Price]:
    """The price table in a JSON file: ``{"MODEL": {"prompt": 2.0, "completion": 8.0, "cached": 0.5}}``, for a million tokens.

    Raises:
        ConfigurationError: there is no such file, or it holds no price table.
    """
    try:
        table = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"prices: cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(f"prices: {path} is no JSON: {error}") from None
    if not isinstance(table, dict) or not table:
        raise ConfigurationError(f"prices: {path} holds no table: expected {_EXPECTED}")
    return {model: price for model in table if (price := price_of(model, table)) is not None}


def price_of(model: str, prices: Mapping[str, Any] | Price | None) -> Price | None:
    """The price of a model: `prices` itself, or what stands in it under the model's name.

    Raises:
        ConfigurationError: a table that cannot be read.
    """
    if prices is None or isinstance(prices, Price):
        return prices
    if not isinstance(prices, Mapping):
        raise ConfigurationError(f"prices={prices!r}: expected {_EXPECTED}")
    entry = prices.get(model)
    if entry is None or isinstance(entry, Price):
        return entry
    try:
        return Price(**entry)
    except TypeError:
        raise ConfigurationError(
            f"prices[{model!r}]={entry!r}: expected 'prompt' and 'completion', and perhaps 'cached', for a million tokens"
        ) from None
