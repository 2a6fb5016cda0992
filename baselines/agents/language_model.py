"""``llm``: a language model that is shown the context and replies in the env's own words.

::

    info["messages"] ─► fitting ─► model ─► Completion ─► Act(reply, usage) ─► env.step

    agemem run AgeMem-HotpotQA-ThreeStage-v0 --agent llm --agent-arg model=openai:NAME@http://127.0.0.1:8080/v1 --slots 16

Nothing is added to what the env says: the system prompt tells the tools and the form of a reply. With ``native_tools=True`` an
endpoint is given the tools as functions instead (:mod:`.native`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from hashlib import sha256
from typing import Any

from agemem_gym.agent import Act, LiveTurn
from agemem_gym.baselines.agents.native import CallIds, check_native, reply_of
from agemem_gym.baselines.agents.shots import Exchange, check_shots, examples, with_examples
from agemem_gym.chat import ChatError, ChatMessages, ChatModel, Completion, Sampling, complete_each, make_chat_model
from agemem_gym.chat.local.model import LocalModel
from agemem_gym.chat.making import is_endpoint
from agemem_gym.chat.turns import ENDPOINT, TemplateRules
from agemem_gym.chat.turns import turns as as_turns
from agemem_gym.checks import at_least, flag
from agemem_gym.context import Message
from agemem_gym.episode import PolicyRecord
from agemem_gym.errors import ConfigurationError

TOP_K = 3
"""Entries recalled, for all agents alike: RETRIEVE's default, and the paper's."""

RULES = TemplateRules(system="merge", alternate=True, tool_role="user")
"""What every template and endpoint takes: one system message, then user and assistant by turns; tools speak as users."""


LONGEST_REPLY = 1024
"""Tokens of a reply where nobody says otherwise."""
_BUDGET = 8192  # of the env, where a window holds more
_BETWEEN = 32  # tokens that joining messages may cost beyond what each is counted for
_SHOT = 1200  # tokens of one, at most, in the tokens of larger models
_LEAST_PROMPT = 256


class LanguageModelAgent:
    """Plays with a language model, in as many live episodes as it is given.

    Endpoints and local models are asked for each turn by itself, and whichever turn is answered goes on; any other model is
    asked for all turns that wait, in one batch. With a local model the context is counted in the model's own tokens, and its
    budget leaves room for a reply in the model's window.

    Args:
        model: a chat model in any form that :func:`agemem_gym.chat.make_chat_model` takes: ``"openai:NAME@URL"``,
            ``"http://host/v1#NAME"``, ``"local:FOLDER_OR_HUB_NAME"``, ``"smollm"``, ``"small"``, a callable, or a ChatModel.
        temperature, top_p, max_tokens, stop: how replies are drawn; `max_tokens` is by default what a local model's own
            generation settings name (``max_new_tokens``), or else 1,024.
        seed: for models that take one; each sample of a task gets its own, and with a local model each reply.
        summarise: let the model write the summaries of SUMMARY, too.
        on_overflow: what the env does when the context outgrows its budget; ``"drop_oldest"`` keeps prompts within a model's
            window.
        shots: few-shot examples before the conversation, 0 to 3; see :mod:`.shots`.
        native_tools: give the endpoint the env's tools as functions (``tools=``), and take its calls as replies; results go
            back under the ids of their calls. The env then says nothing of the tools (``prompt_style="native"``).
        top_k: entries that whatever recalls for this agent brings, at most; the tools take their own.
        model_options: keywords of an endpoint's model: ``timeout``, ``attempts``, ``concurrency``, ``prices``, …; or of a local
            one: ``slots``, ``window``, ``threads``, …
    """

    def __init__(
        self,
        model: str | ChatModel | Any,
        *,
        temperature: float = 0.7,
        top_p: float = 1.0,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        seed: int | None = None,
        summarise: bool = False,
        on_overflow: str = "drop_oldest",
        shots: int = 0,
        top_k: int = TOP_K,
        native_tools: bool = False,
        **model_options: Any,
    ) -> None:
        self.model = make_chat_model(model, **({"concurrency": 64} if is_endpoint(model) else {}) | model_options)
        max_tokens = _longest_reply(self.model) if max_tokens is None else at_least("max_tokens", max_tokens)
        self.longest_reply = max_tokens
        self._sampling = Sampling(temperature=temperature, top_p=top_p, max_tokens=max_tokens, stop=tuple(stop))
        self._seed = seed
        self._shots = check_shots(shots)
        self._examples: dict[int, tuple[Exchange, ...]] = {}
        self._native = CallIds() if flag("native_tools", native_tools) else None
        self._tools: dict[int, list[dict[str, Any]] | None] = {}
        self.top_k = at_least("top_k", top_k)
        self.limits: dict[str, int] = {"top_k": self.top_k}
        self._asked: dict[tuple[int, int], tuple[LiveTurn, Future[Completion]]] = {}
        self.env_kwargs: dict[str, Any] = {"on_overflow": on_overflow, **_own_budget(self.model, max_tokens, shots)}
        if native_tools:
            check_native(self.model)
            self.env_kwargs["prompt_style"] = "native"
        if summarise:
            self.env_kwargs["summariser"] = self.model

    def reset(self, info: Mapping[str, Any]) -> None:
        """Nothing to prepare: all that the model knows stands in the context, and in examples."""

    def act(self, obs: str, info: Mapping[str, Any]) -> str:
        """The reply to one context, for a loop by hand."""
        (completion,) = self.model.complete([self._prompt(info)], self._sampling, self._tools.get(0))
        return str(self._acted(completion, 0).reply)

    def notice(self, turn: LiveTurn) -> None:
        """Ask an endpoint at once."""
        submit = getattr(self.model, "submit", None)
        asked = self._asked.get(turn.key)
        if submit and (asked is None or asked[0] is not turn):  # is not: a turn of an earlier rollout, given up
            options = {"conversation": conversation_of(turn)} if _works_here(self.model) else {}
            prompt = self._prompt(turn.info, turn.job.number)
            tools = self._tools.get(turn.job.number)
            self._asked[turn.key] = turn, submit(prompt, self._sampling_of(turn), tools, **options)

    def act_batch(self, turns: Sequence[LiveTurn]) -> Mapping[int, Act | Exception]:
        """The replies that are there; waits until there is at least one."""
        if not hasattr(self.model, "submit"):
            return self._complete(turns)
        for turn in turns:
            self.notice(turn)
        futures = {turn.slot: self._asked[turn.key][1] for turn in turns}
        while _works_here(self.model) and not any(future.done() for future in futures.values()):
            self.model.advance()  # type: ignore[attr-defined]
        done, _ = wait(futures.values(), return_when=FIRST_COMPLETED)
        answered = [turn for turn in turns if futures[turn.slot] in done]
        for turn in answered:
            del self._asked[turn.key]
        return {turn.slot: self._result(futures[turn.slot], turn.job.number) for turn in answered}

    def close(self) -> None:
        """Give up what was asked for and is not there yet."""
        for _, future in self._asked.values():
            future.cancel()
        self._asked = {}

    def _complete(self, turns: Sequence[LiveTurn]) -> dict[int, Act | Exception]:
        """All turns of one sampling and tools in one batch: each sample of a task has its own seed, where there is one."""
        batches: dict[tuple[Sampling, str], list[tuple[LiveTurn, ChatMessages]]] = {}
        for turn in turns:
            prompt = self._prompt(turn.info, turn.job.number)
            tools = json.dumps(self._tools.get(turn.job.number))
            batches.setdefault((self._sampling_of(turn), tools), []).append((turn, prompt))
        replies: dict[int, Act | Exception] = {}
        for (sampling, tools), batch in batches.items():
            results = self._results([prompt for _, prompt in batch], sampling, json.loads(tools))
            for (turn, _), result in zip(batch, results, strict=True):
                number = turn.job.number
                replies[turn.slot] = result if isinstance(result, Exception) else self._acted(result, number)
        return replies

    def _results(
        self, prompts: Sequence[ChatMessages], sampling: Sampling, tools: Sequence[Mapping[str, Any]] | None
    ) -> Sequence[Completion | ChatError]:
        """All in one batch; where it fails as a whole, one by one, so that each episode pays for itself only."""
        try:
            return self.model.complete(prompts, sampling, tools)
        except ChatError:
            return complete_each(self.model, prompts, sampling, tools)

    def _result(self, future: Future[Completion], number: int) -> Act | Exception:
        error = future.exception()
        if error is None:
            return self._acted(future.result(), number)
        return error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")

    def _acted(self, completion: Completion, number: int) -> Act:
        """The reply, whose native calls are remembered by their ids."""
        act = act_of(completion)
        if self._native is not None and completion.tool_calls:
            self._native.note(number, str(act.reply), completion.tool_calls)
        return act

    def _prompt(self, info: Mapping[str, Any], number: int = 0) -> list[dict[str, Any]]:
        if self._shots and info["step"] == 0:
            names = tuple(schema["function"]["name"] for schema in info["tools"])
            self._examples[number] = examples(info["benchmark"], info["stage"] != 3, names, self._shots)
        shots = self._examples.get(number, ())
        if self._native is None:
            return as_turns(with_examples(self.shown(info, number), shots), RULES)
        if info["step"] == 0:
            self._native.begin(number)
            tools = info["tools"] or None
            self._tools[number] = next((known for known in self._tools.values() if known == tools), tools)
        messages = self._native.put_into(number, self.shown(info, number))
        return as_turns(with_examples(messages, shots, results=True), ENDPOINT)

    def shown(self, info: Mapping[str, Any], number: int) -> Sequence[Mapping[str, Any]]:
        """The messages that the model is asked with; `number` tells live episodes apart."""
        messages: Sequence[Mapping[str, Any]] = info["messages"]
        return messages if self._native is None else [as_shown(message) for message in info["context"]]

    def _sampling_of(self, turn: LiveTurn) -> Sampling:
        if _works_here(self.model):
            return replace(self._sampling, seed=seed_of_reply(turn, self._seed or 0))
        return self._sampling if self._seed is None else replace(self._sampling, seed=self._seed + turn.job.sample)


def as_shown(message: Message) -> dict[str, Any]:
    """A message as :meth:`LanguageModelAgent.shown` gives it."""
    return {"id": message.id, "kind": message.kind, "role": message.role, "content": message.shown}


def conversation_of(turn: LiveTurn) -> tuple[Any, ...]:
    """What tells a turn's episode from the others that are live."""
    job = turn.job
    return job.number, job.env_id, job.seed, job.sample


def seed_of_reply(turn: LiveTurn, seed: int) -> int:
    """The seed of one reply: a function of what is played and of the step, whatever else is played."""
    job = turn.job
    named = f"{seed} {job.env_id} {job.seed} {job.sample} {turn.info['step']}"
    return int.from_bytes(sha256(named.encode()).digest()[:8], "big")


def _works_here(model: ChatModel) -> bool:
    """Whether a model works in this thread, as far as it is told to."""
    return hasattr(model, "advance")


def _longest_reply(model: ChatModel) -> int:
    own = model.longest_reply if isinstance(model, LocalModel) else None
    return own or LONGEST_REPLY


def _own_budget(model: ChatModel, max_tokens: int, shots: int) -> dict[str, Any]:
    """With a local model: the context's budget in the model's own tokens, as far as its window reaches beside the rest."""
    if not isinstance(model, LocalModel):
        return {}
    room = model.window - max_tokens - shots * _SHOT - _BETWEEN
    if room < _LEAST_PROMPT:
        raise ConfigurationError(
            f"max_tokens={max_tokens}, shots={shots}: the window of {model.name} holds {model.window} tokens, a shot takes up "
            f"to {_SHOT}, and the context needs some of them"
        )
    return {"token_counter": f"hf:{model.spec}", "token_budget": min(_BUDGET, room)}


def act_of(completion: Completion) -> Act:
    """The reply of a completion, and what its model counted."""
    policy = PolicyRecord(
        model=completion.model,
        finish_reason=completion.finish_reason,
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
        cached_tokens=completion.cached_tokens,
        cost=completion.cost,
        seconds=completion.seconds,
    )
    return Act(reply_of(completion), policy)
