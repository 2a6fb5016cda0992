"""A memory layer: long-term memory that stands outside the tools, writing by itself and recalling before each reply.

That is how Mem0, A-Mem and the paper's RAG variants work. The layer is a :class:`gymnasium.Wrapper`; what it recalls stands as
one message in the context, replaced each time, and what it did (calls and tokens of its own models included) in the record::

    reset, step ─► layer.write(what is new) ─► layer.recall(the context) ─► a message of kind "layer"

- :class:`MemoryLayer`: what a layer does; :class:`LayerWork`: what it took
- :class:`Layered`: puts one round an env
- :class:`AutoRecall`: the top-k entries of the env's own long-term memory (AgeMem-RAG: RETRIEVE without being asked)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import gymnasium as gym
from gymnasium.utils import RecordConstructorArgs

from agemem_gym.context import Message
from agemem_gym.env import MemoryEnv
from agemem_gym.errors import ConfigurationError
from agemem_gym.memory import Memory
from agemem_gym.plain import plain
from agemem_gym.protocol import Reply
from agemem_gym.tools.ltm import format_matches

KIND = "layer"
_HEADING = "From memory:"


@dataclass(frozen=True)
class LayerWork:
    """What one call of a layer came to.

    Attributes:
        text: what it recalled, as the agent is to read it; empty for nothing.
        entries: how many entries it recalled or wrote.
        calls: calls of language models.
        prompt_tokens, completion_tokens: of those calls.
        failures: calls that came to nothing; the layer goes on without them.
        cost: of those calls, where their model says.
    """

    text: str = ""
    entries: int = 0
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    failures: int = 0
    cost: float = 0.0


@runtime_checkable
class MemoryLayer(Protocol):
    """Long-term memory that needs no tool."""

    name: str

    def begin(self, memory: Memory, keep: bool) -> None:
        """An episode begins; `memory` is the env's own, cleared already unless `keep`."""

    def write(self, messages: Sequence[Message]) -> LayerWork:
        """Take what came into the context since the last call, in order."""

    def recall(self, messages: Sequence[Message]) -> LayerWork:
        """What belongs to the context, before the agent is asked."""


class AutoRecall:
    """The entries of the env's own long-term memory that are nearest to the newest message that is not the agent's own.

    Args:
        top_k: how many.
    """

    name = "auto-recall"

    def __init__(self, top_k: int = 3) -> None:
        if isinstance(top_k, bool) or not isinstance(top_k, int) or top_k < 1:
            raise ConfigurationError(f"top_k={top_k!r}: expected a whole number of at least 1")
        self.top_k = top_k

    def begin(self, memory: Memory, keep: bool) -> None:
        """Look into this memory from now on."""
        self._memory = memory

    def write(self, messages: Sequence[Message]) -> LayerWork:
        """Nothing: the agent writes, with its tools."""
        return LayerWork()

    def recall(self, messages: Sequence[Message]) -> LayerWork:
        """The top-k by cosine similarity."""
        asked = next((m for m in reversed(messages) if m.role == "user"), None)
        if asked is None or not len(self._memory):
            return LayerWork()
        matches = self._memory.search(asked.content, self.top_k)
        return LayerWork(format_matches(matches), entries=len(matches))


class Layered(gym.Wrapper[str, str, str, str], RecordConstructorArgs):
    """Puts a memory layer round an env.

    Args:
        env: a :class:`~agemem_gym.env.MemoryEnv`, or wrappers round one. Give it ``tools=`` without what the layer does in
            their place.
        layer: the layer; :class:`AutoRecall` by default.
        top_k: of the default one.

    ``Episode.layer`` holds one entry a call: ``{"step", "what": "write" | "recall", "entries", "calls", "prompt_tokens",
    "completion_tokens", "failures", "cost"}``. A layer that raises ends the episode as a broken engine does.

    Example:
        >>> import agemem_gym, gymnasium
        >>> from agemem_gym.protocol import call_reply
        >>> env = Layered(gymnasium.make("AgeMem-BabyAI-v0", encoder="hash", index="exact"), top_k=1)
        >>> obs, info = env.reset(seed=0)
        >>> *_, info = env.step(call_reply(("Add_memory", {"content": "The wall is grey."})))
        >>> print(info["messages"][-1]["content"])
        From memory:
        m1 (0.08): The wall is grey.
        >>> env.close()

    Version history: v0, the first.
    """

    def __init__(self, env: gym.Env[str, str], layer: MemoryLayer | None = None, *, top_k: int = 3) -> None:
        RecordConstructorArgs.__init__(self, _disable_deepcopy=True, layer=layer, top_k=top_k)
        gym.Wrapper.__init__(self, env)
        if not isinstance(env.unwrapped, MemoryEnv):
            raise ConfigurationError(f"Layered goes round a MemoryEnv, not round {type(env.unwrapped).__name__}")
        self._base: MemoryEnv = env.unwrapped
        self.layer: MemoryLayer = AutoRecall(top_k) if layer is None else layer
        if not isinstance(self.layer, MemoryLayer):
            raise ConfigurationError(f"layer={layer!r}: expected a MemoryLayer, with begin, write, recall and a name")
        self._seen = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Start an episode; the layer sees what was said first."""
        _, info = self.env.reset(seed=seed, options=options)
        base = self._base
        base.note_wrapper(self, {})
        base.episode.curriculum["layer"] = self.layer.name
        base.after_replies(self._after_reply)
        self._seen = 0
        self.layer.begin(base.memory, base.episode.keep_memory)
        self._work()
        obs, now = base.view(base.opening_text())
        return obs, info | now

    def apply_settings(self, settings: Any) -> None:
        """There are none."""

    def restore(self, snapshot: Any) -> tuple[str, dict[str, Any]]:
        """Go back to a snapshot; what the layer itself keeps outside the env's memory stays as it is."""
        obs, info = self.env.get_wrapper_attr("restore")(snapshot)
        self._base.after_replies(self._after_reply)
        self._seen = len(self._base.episode.messages)
        self.layer.begin(self._base.memory, keep=True)
        return obs, info

    def _after_reply(self, reply: Reply) -> None:
        self._work()

    def _work(self) -> None:
        """Let the layer write down what is new, and put what it recalls in the place of what it recalled before."""
        base = self._base
        self._note("write", self.layer.write(self._new()))
        recalled = self.layer.recall(base.context.messages())
        self._note("recall", recalled)
        with base.recorder.acting("layer"):
            base.context.remove([m.id for m in base.context if m.kind == KIND])
            if recalled.text:
                base.say("tool", f"{_HEADING}\n{recalled.text}", kind=KIND)

    def _new(self) -> list[Message]:
        """Messages since the last call, the layer's own and the system's apart."""
        messages = self._base.episode.messages
        new, self._seen = messages[self._seen :], len(messages)
        return [m for m in new if m.kind not in (KIND, "system")]

    def _note(self, what: str, work: LayerWork) -> None:
        spent = plain(work)
        del spent["text"]
        if any(spent.values()):
            self._base.episode.layer.append({"step": self._base.recorder.number, "what": what, **spent})
