"""The terminal on which commands and ``render_mode="human"`` print: no text is markup, an emoji code or an escape sequence.

Styles are given by :class:`rich.text.Text` or ``style=``, never inside a text.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from agemem_gym.foreign import for_terminal

_PIPE_WIDTH = 160


class Terminal(Console):
    """A console that shows every text as it is, control characters as visible escapes.

    Args:
        kwargs: those of :class:`rich.console.Console`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, "highlight": False, **kwargs})

    def render_str(self, text: str, **kwargs: Any) -> Text:
        """A text as it is; escapes are put in here, where widths are not yet measured."""
        return super().render_str(for_terminal(text), **kwargs)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is printed in the end; whatever came past :meth:`render_str`, in a ``Text`` for example, is made safe here."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=for_terminal(segment.text))


def make_terminal() -> Terminal:
    """The terminal of a command: as wide as the window, or wide enough for a line where the output goes into a file."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")  # a name that the terminal's encoding lacks is no reason to stop
    return Terminal(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
