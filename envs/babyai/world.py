"""One minigrid level being played: made, reset silently, stepped without its image, and read.

minigrid computes an image after every step, most of a step's time, which text does not need. :class:`World` shadows
``gen_obs`` on its own env object; the rules of the level are minigrid's own code.

One rule is mended: in a strict "first …, then …" of doors (OpenDoorsOrderN*Debug) minigrid checks the second part against the
very action that completes the first, finds the wrong door and fails, so those missions cannot be won. Here the second
part's strictness begins when the first is completed.
"""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Callable
from typing import Any

from agemem_gym.envs.babyai.levels import LevelSeed
from agemem_gym.envs.babyai.paths import FORWARD, LEFT, RIGHT, TOGGLE
from agemem_gym.envs.babyai.view import View, look
from agemem_gym.errors import import_extra


class World:
    """A level in play.

    Args:
        task: the level and its seed.
        arrange: changes the level that was just reset, its mission included.

    Attributes:
        env: minigrid's unwrapped env.
        over: the level has ended (succeeded or failed beyond repair).
        success: the mission is completed.
    """

    def __init__(self, task: LevelSeed, arrange: Callable[[Any], None] | None = None) -> None:
        with contextlib.redirect_stdout(io.StringIO()):  # "pygame …", "Sampling rejected …"
            import_extra("minigrid", "babyai")
            gymnasium = import_extra("gymnasium", "babyai")
            self.env: Any = gymnasium.make(task.level, disable_env_checker=True).unwrapped
            self.env.gen_obs = _no_image
            self.env.reset(seed=task.seed)
            if arrange is not None:
                arrange(self.env)
        self.over = False
        self.success = False
        self._view: View | None = None
        self._not_yet_strict = _suspend_strictness(self.env.instrs)

    def copy(self) -> World:
        """An independent world in the same state, to try things out."""
        return copy.deepcopy(self)

    @property
    def carrying(self) -> Any:
        """minigrid's object in the agent's hands, or ``None``."""
        return self.env.carrying

    @property
    def view(self) -> View:
        """What is visible now."""
        if self._view is None:
            self._view = look(self.env)
        return self._view

    @property
    def front(self) -> Any:
        """minigrid's object in the cell that the agent faces, or ``None``."""
        x, y = self.view.front
        return self.env.grid.get(x, y)

    def step(self, action: int) -> bool:
        """Carry out a low-level action; whether it did anything.

        An opened or closed door, an opened box and a turn always count as something.
        """
        env = self.env
        before = env.agent_pos, env.carrying
        _, reward, terminated, _, _ = env.step(action)
        self._view = None
        if self._not_yet_strict and "success" in (env.instrs.a_done, env.instrs.b_done):
            self._not_yet_strict.strict, self._not_yet_strict = True, None
        if terminated and not self.over:
            self.over, self.success = True, reward > 0
        if action in (LEFT, RIGHT, TOGGLE):
            return True
        return env.agent_pos != before[0] if action == FORWARD else env.carrying is not before[1]

    def run(self, actions: list[int], by_picture: bool) -> None:
        """Carry out a macro action; it stops where a part of it comes to nothing.

        Args:
            actions: low-level actions.
            by_picture: judge that as AgentBoard does, by whether the image changed (it may stay the same in an empty hall
                although the agent moved). Otherwise by the state.
        """
        if by_picture and len(actions) > 1:
            picture = self.view.picture
            for action in actions:
                self.step(action)
                before, picture = picture, self.view.picture
                if picture == before:
                    return
            return
        for action in actions:
            if not self.step(action) or self.over:
                return

    def progress(self) -> float:
        """Share of the instruction's leaves ("go to …", "pick up …") that are completed now."""
        done, leaves = _leaves(self.env.instrs, self.success)
        return done / leaves


def _no_image() -> None:
    """Stands for minigrid's ``gen_obs``."""


def _suspend_strictness(instruction: Any) -> Any:
    """Make the later part of a strict sequence lenient for now; returns that part, or ``None`` where there is none."""
    order = type(instruction).__name__
    later = {"BeforeInstr": "instr_b", "AfterInstr": "instr_a"}.get(order)
    part = getattr(instruction, later) if later else None
    if getattr(part, "strict", False):
        part.strict = False
        return part
    return None


def _leaves(instruction: Any, done: bool) -> tuple[int, int]:
    """(completed leaves, leaves) of an instruction tree; `done`: all of it is known to be completed."""
    if not hasattr(instruction, "instr_a"):
        return int(done), 1
    first = _leaves(instruction.instr_a, done or instruction.a_done == "success")
    second = _leaves(instruction.instr_b, done or instruction.b_done == "success")
    return first[0] + second[0], first[1] + second[1]
