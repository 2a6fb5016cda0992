"""Why an episode could not be played to its end: what is written down of an error."""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

from agemem_gym.episode import Episode

LONGEST_REPLY = 2000
"""Characters of the last reply that a failure keeps."""


@dataclass(frozen=True)
class Failure:
    """Why an episode could not be played to its end.

    Attributes:
        error: type and text.
        where: file and line that raised it, the user's own where there is one.
        step: replies that had been carried out.
        last_reply: the last one of them.
        traceback: the whole of it.
    """

    error: str
    where: str = ""
    step: int = 0
    last_reply: str = ""
    traceback: str = ""


def failure_of(error: BaseException, episode: Episode | None) -> Failure:
    """What is written down of an error that ended an episode."""
    steps = episode.steps if episode is not None else []
    return Failure(
        f"{type(error).__name__}: {error}",
        _where(error),
        len(steps),
        steps[-1].reply[:LONGEST_REPLY] if steps else "",
        "".join(traceback.format_exception(error)),
    )


def _where(error: BaseException) -> str:
    """File and line of the innermost frame of the user's own code, or else of any."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = Path(__file__).parent
    own = [
        frame
        for frame in frames
        if not Path(frame.filename).is_relative_to(ours)
        and not frame.filename.startswith(("<", sys.base_prefix))
        and "site-packages" not in frame.filename
    ]
    frame = next(iter(reversed(own or frames)), None)
    if frame is None:
        return ""
    path = Path(frame.filename)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f"{shown}:{frame.lineno}"
