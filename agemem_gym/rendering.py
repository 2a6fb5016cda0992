"""``render_mode="human"``: each step in the terminal, with rich."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agemem_gym.episode import Episode
    from agemem_gym.terminal import Terminal


@cache
def _terminal() -> Terminal:
    from agemem_gym.terminal import Terminal

    return Terminal()


def print_step(episode: Episode, text: str, name: str) -> None:
    """Print what was said in this step, and where the episode of that name stands."""
    from rich.panel import Panel
    from rich.text import Text

    from agemem_gym.foreign import for_terminal

    tokens = episode.steps[-1].context_tokens if episode.steps else 0
    title = f"{name or '…'} · reply {len(episode.steps)}/{episode.max_rounds}"
    state = f"progress {episode.progress:.2f} · context {tokens}/{episode.token_budget} tokens"
    if episode.over:
        state += f" · {'solved' if episode.success else 'over'} · return {episode.reward:.2f}"
    # a panel takes titles for markup on every console, unless they are a Text
    _terminal().print(Panel(for_terminal(text.strip()), title=Text(for_terminal(title)), subtitle=Text(state)))
