"""What a run will ask of language models, measured without asking one.

::

    a few episodes of each env ─► the agent's own prompts, with an honest script's replies ─► tokens ─► x episodes, x prices

The agents are the real ones, memory systems included; in the place of their model stands one that only counts. Its replies are
those of ``store-all`` (``explorer`` for an agent without tools), and to a memory system what its prompts ask for. With prefix
caching a prompt's leading messages are not read again where a prompt before began with the same ones.
"""

from __future__ import annotations

import importlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import gymnasium as gym

from agemem_gym.agent import AgentSpec, close_agent, env_kwargs_of, make_agent
from agemem_gym.chat.making import name_of_model, options_of
from agemem_gym.chat.model import GREEDY, ChatMessages, Completion, Sampling
from agemem_gym.chat.prices import Price, price_of
from agemem_gym.leaderboard.costs import model_of, price_for
from agemem_gym.leaderboard.plan import Entry, Wanted
from agemem_gym.memory import make_encoder
from agemem_gym.memory.tokens import make_token_counter

_FOLLOWER = "agemem_gym.baselines.agents.following:Follower"
_AROUND = 4  # tokens that a chat template puts round a message, where the counter knows no template


@dataclass
class Reading:
    """Tokens of some calls: all that is read, what of it is new with prefix caching, and what is written."""

    calls: int = 0
    prompt: int = 0
    fresh: int = 0
    completion: int = 0

    def add(self, prompt: int, fresh: int, completion: int) -> None:
        """One call more."""
        self.calls += 1
        self.prompt += prompt
        self.fresh += fresh
        self.completion += completion


@dataclass(frozen=True)
class Demand:
    """What one agent will ask for in one env.

    Attributes:
        entry: who and where.
        episodes: those that are to be played.
        measured: those that were rehearsed.
        replies, memory: calls and tokens of the rehearsed ones, of the agent and of its memory; all zero for an agent without a
            language model.
        most_replies: the most that an episode may take.
        longest: tokens of the longest reply.
        price: of the model, where a table has it.
    """

    entry: Entry
    episodes: int
    measured: int = 0
    replies: Reading = field(default_factory=Reading)
    memory: Reading = field(default_factory=Reading)
    most_replies: int = 0
    longest: int = 0
    price: Price | None = None

    def total(self, name: str, whose: Sequence[str] = ("replies", "memory")) -> float:
        """All that the run will take: the mean of what was rehearsed, times the episodes."""
        counted = sum(getattr(getattr(self, part), name) for part in whose)
        return counted / self.measured * self.episodes if self.measured else 0.0

    def cost(self, *, cached: bool) -> float | None:
        """By the price, with prefix caching or without; None where there is no price."""
        if self.price is None:
            return None
        prompt, fresh = round(self.total("prompt")), round(self.total("fresh"))
        return self.price.of(
            prompt_tokens=prompt,
            completion_tokens=round(self.total("completion")),
            cached_tokens=prompt - fresh if cached else 0,
        )

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        names = ("calls", "prompt", "fresh", "completion")
        return {
            "env": self.entry.env_id,
            "control": dict(self.entry.control),
            "agent": self.entry.agent.label,
            "model": model_of(self.entry.agent.kwargs),
            "episodes": self.episodes,
            "measured_episodes": self.measured,
            "replies": {name: round(self.total(name, ["replies"])) for name in names},
            "memory": {name: round(self.total(name, ["memory"])) for name in names},
            "completion_at_most": self.episodes * self.most_replies * self.longest,
            "cost": self.cost(cached=False),
            "cost_with_prefix_caching": self.cost(cached=True),
        }


class Tokens:
    """Counts the tokens of chats, and what of them was read before.

    Args:
        count: from a text to its length; a counter that knows a chat template has ``count_message``.
    """

    def __init__(self, count: Callable[[str], int]) -> None:
        self._count = count
        self._seen: set[int] = set()

    def of(self, text: str) -> int:
        """Tokens of a text."""
        return self._count(text)

    def prompt(self, messages: ChatMessages, tools: Sequence[Mapping[str, Any]] | None, reply: str) -> tuple[int, int]:
        """Tokens of a prompt, and those that are new; the reply, too, is known from now on."""
        prefix = hash(json.dumps(tools)) if tools else 0
        total = fresh = self._count(json.dumps(tools)) if tools else 0
        if prefix in self._seen:
            fresh = 0
        chain = [prefix]
        for message in messages:
            prefix = hash((prefix, json.dumps(message, sort_keys=True)))
            length = self._length(message)
            total += length
            fresh += length
            if prefix in self._seen:
                fresh = 0
            chain.append(prefix)
        chain.append(hash((prefix, json.dumps({"content": reply, "role": "assistant"}, sort_keys=True))))
        self._seen.update(chain)
        return total, fresh

    def _length(self, message: Mapping[str, Any]) -> int:
        calls = self._count(json.dumps(message["tool_calls"])) if message.get("tool_calls") else 0
        content = str(message.get("content") or "")
        counted = getattr(self._count, "count_message", None)
        around = counted(message["role"], content) if counted else self._count(content) + _AROUND
        return int(around) + calls


class Rehearsal:
    """A chat model that asks none: it counts, and says what it is told to say.

    Attributes:
        reply: what it says next, for the agent; where None, a memory asks, and it follows what the prompt wants.
        replies, memory: what was counted.
    """

    name = "rehearsal"

    def __init__(self, tokens: Tokens, window: int | None = None) -> None:
        self.window = window
        self.reply: str | None = None
        self.replies, self.memory = Reading(), Reading()
        module, _, name = _FOLLOWER.partition(":")
        self._follow = getattr(importlib.import_module(module), name)()
        self._tokens = tokens
        self._lock = threading.Lock()

    def __deepcopy__(self, memo: dict[int, Any]) -> Rehearsal:
        return self  # Gymnasium copies an env's keywords; what is counted is counted here

    def complete(
        self,
        batch: Sequence[ChatMessages],
        sampling: Sampling = GREEDY,
        tools: Sequence[Mapping[str, Any]] | None = None,
    ) -> list[Completion]:
        """See :class:`~agemem_gym.chat.model.ChatModel`."""
        with self._lock:
            return [self._complete(messages, tools) for messages in batch]

    def _complete(self, messages: ChatMessages, tools: Sequence[Mapping[str, Any]] | None) -> Completion:
        text = self.reply if self.reply is not None else str(self._follow(messages))
        counted = self.replies if self.reply is not None else self.memory
        prompt, fresh = self._tokens.prompt(messages, tools, text)
        written = self._tokens.of(text)
        counted.add(prompt, fresh, written)
        return Completion(text, model=self.name, prompt_tokens=prompt, completion_tokens=written)


def rehearse(
    missing: Iterable[Wanted],
    *,
    tokenizer: str = "encoder",
    measure: int = 3,
    prices: Mapping[str, Price] | None = None,
) -> list[Demand]:
    """What episodes that are to be played will ask for, agent by agent and env by env.

    Args:
        missing: the episodes.
        tokenizer: as ``token_counter`` of ``gym.make``; of models that are run here their own is taken.
        measure: how many episodes of each are rehearsed, at most.
        prices: by model.
    """
    groups: dict[int, list[Wanted]] = {}
    for wanted in missing:
        groups.setdefault(id(wanted.entry), []).append(wanted)
    return [_demand(group, tokenizer, measure, prices or {}) for group in groups.values()]


def asks_a_model(agent: AgentSpec) -> bool:
    """Whether an agent is made with a language model."""
    return bool(model_of(agent.kwargs)) or "model" in agent.kwargs


def _demand(group: Sequence[Wanted], tokenizer: str, measure: int, prices: Mapping[str, Price]) -> Demand:
    entry = group[0].entry
    demand = Demand(entry, len(group), price=_price(entry.agent, prices))
    if not asks_a_model(entry.agent):
        return demand
    real = entry.agent.make()
    try:
        brought = env_kwargs_of(real)
        counter = str(brought.get("token_counter", tokenizer))
        model = Rehearsal(
            Tokens(make_token_counter(counter, make_encoder("minilm"))),
            getattr(getattr(real, "model", None), "window", None),
        )
        longest = int(getattr(real, "longest_reply", 0))
    finally:
        close_agent(real)
    agent = _with_model(entry.agent, model)
    keywords = env_kwargs_of(agent)
    keywords |= {name: brought[name] for name in ("token_counter", "token_budget") if name in brought}
    script = make_agent("explorer" if keywords.get("tools") == [] else "store-all")
    env = gym.make(entry.env_id, **{**keywords, **env_kwargs_of(script), **entry.given})
    seeds = list(dict.fromkeys(wanted.job.seed for wanted in group))[:measure]
    try:
        most = [_play(env, agent, script, model, seed) for seed in seeds]
    finally:
        env.close()
        close_agent(agent)
    return replace(
        demand,
        measured=len(seeds),
        replies=model.replies,
        memory=model.memory,
        most_replies=max(most),
        longest=longest,
    )


def _price(agent: AgentSpec, prices: Mapping[str, Price]) -> Price | None:
    """Of the table that the user gives, or else of the agent's own."""
    return price_for(agent.kwargs, prices) or price_of(model_of(agent.kwargs), agent.kwargs.get("prices"))


def _with_model(agent: AgentSpec, model: Rehearsal) -> Any:
    """The agent with a model that counts in the place of its own, and without the keywords of that one."""
    place = "checkpoint" if "checkpoint" in agent.kwargs else "model"
    options = options_of(agent.kwargs.get(place)) or ()
    kwargs = {name: value for name, value in agent.kwargs.items() if name not in options}
    return make_agent(agent.target, **{**kwargs, place: model})


def _play(env: Any, agent: Any, script: Any, model: Rehearsal, seed: int) -> int:
    """One episode with the script's replies, for each of which the agent makes its prompt; the most replies it may take."""
    obs, info = env.reset(seed=seed)
    most = int(info["limits"]["rounds"])
    for player in (script, agent):
        player.reset({**info, "sample": 0})
    over = False
    while not over:
        model.reply = str(script.act(obs, info))
        agent.act(obs, info)
        reply, model.reply = model.reply, None
        obs, _, terminated, truncated, info = env.step(reply)
        over = terminated or truncated
    return most


def tokenizer_of(agent: AgentSpec, tokenizer: str) -> str:
    """How the tokens of an agent's model are counted, in words."""
    spec = agent.kwargs.get("model") or agent.kwargs.get("checkpoint")
    local = options_of(spec) is not None and "slots" in (options_of(spec) or ())
    return f"the tokenizer of {name_of_model(spec)}" if local else f"the tokenizer {tokenizer!r}"
