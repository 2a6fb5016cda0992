"""Summarisers for SUMMARY (AgeMem, arXiv:2601.01885, eq. 14): an extractive one that needs no model, or any chat model.

The extractive one is SumBasic (Nenkova and Vanderwende, 2005): take the sentence whose words are the most probable on average,
square the probabilities of the words that it used, repeat until the length is reached, and print in the original order.

Whatever a summariser is made of, it gives one text without reply tags, or raises :class:`SummariserError`.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from agemem_gym.chat import ChatError, ChatModel, Sampling, make_chat_model, text_of
from agemem_gym.chat.making import options_of
from agemem_gym.checks import at_least, did_you_mean
from agemem_gym.context import Message, Summariser
from agemem_gym.endpoints import described
from agemem_gym.errors import ConfigurationError, EngineError
from agemem_gym.urls import masked

SUMMARY_PROMPT = (
    "Summarise the following messages in at most {words} words. Keep names, numbers, places, dates, ids and anything that a "
    "later question may ask about; leave out small talk and repetition. Reply with the summary only."
)

_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?]+(?=\s|$)|\n|$|[.!?]+)")
_WORD = re.compile(r"[^\W_]+")
_STOP_WORDS = frozenset(
    "a an and are as at be been but by for from had has have he her his i in is it its of on or she that the their them "
    "there they this to was we were which who will with you your".split()
)
_TAG = re.compile(r"</?\s*(?:think|tool_call|action|answer)\s*>", re.IGNORECASE)
_OF_THE_FORM = (
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
)  # what a function raises that expects another kind of message


class SummariserError(EngineError):
    """A summariser gave no text."""


def make_summariser(spec: Any, *, words: int = 120) -> Summariser:
    """The summariser that `spec` stands for.

    Args:
        spec: ``"extractive"``; a chat model in any form that :func:`~agemem_gym.chat.make_chat_model` takes; or a function that
            takes the :class:`~agemem_gym.context.Message` objects of the span and returns the summary. A function that expects
            chat messages instead, ``{"role", "content"}``, is asked as a chat model.
        words: the longest summary.

    Raises:
        ConfigurationError: anything else.
    """
    at_least("words", words)
    if spec == "extractive":
        return ExtractiveSummariser(words)
    if options_of(spec) is not None or (isinstance(spec, ChatModel) and not isinstance(spec, type)):
        return ChatSummariser(make_chat_model(spec), words)
    if isinstance(spec, (ExtractiveSummariser, ChatSummariser, FunctionSummariser)):
        return spec
    if callable(spec) and not isinstance(spec, type) and _takes_one(spec):
        return FunctionSummariser(spec, words)
    shown = masked(repr(spec)) if isinstance(spec, str) else repr(spec)
    raise ConfigurationError(
        f"summariser={shown:.200}: expected 'extractive', a chat model or its URL, or a callable that takes messages and "
        f"returns text{did_you_mean(spec, ('extractive',))}"
    )


def chat_summariser(chat: Any, *, words: int = 120) -> Summariser:
    """A summariser that asks a chat model, e.g. the policy itself; `chat` is what make_chat_model takes."""
    return ChatSummariser(make_chat_model(chat), at_least("words", words))


class ExtractiveSummariser:
    """The most telling sentences, see :func:`extractive_summary`."""

    def __init__(self, words: int = 120) -> None:
        self._words = words

    def __call__(self, messages: Sequence[Message]) -> str:
        """One text of the messages."""
        return extractive_summary(messages, words=self._words)


class ChatSummariser:
    """A chat model is asked for the summary."""

    def __init__(self, model: ChatModel, words: int = 120) -> None:
        self._model = model
        self._words = words

    def __call__(self, messages: Sequence[Message]) -> str:
        """One text of the messages; SummariserError where the model gives none."""
        text = "\n".join(f"[{message.role}] {message.content}" for message in messages)
        prompt = f"{SUMMARY_PROMPT.format(words=self._words)}\n\n{text}"
        sampling = Sampling(max_tokens=8 * self._words)  # thoughts included
        try:
            summary = text_of(self._model, [{"role": "user", "content": prompt}], sampling)
        except ChatError as error:
            raise SummariserError(f"the summariser {self._model.name} failed: {error}") from error
        return _plain(summary, self._model.name)


class FunctionSummariser:
    """A function of the user's: it gets the messages, or, where it turns out to expect a chat, is asked as a chat model."""

    def __init__(self, function: Callable[[Any], Any], words: int = 120) -> None:
        self._function = function
        self._words = words
        self._chats = False

    def __call__(self, messages: Sequence[Message]) -> str:
        """One text of the messages; SummariserError where the function gives none."""
        if self._chats:
            return self._asked(messages)
        name = getattr(self._function, "__qualname__", type(self._function).__name__)
        try:
            summary = self._function(messages)
        except _OF_THE_FORM as error:
            try:
                summary = self._asked(messages)
            except SummariserError:
                raise SummariserError(f"summariser={name}: {masked(described(error))}") from error
            self._chats = True
            return summary
        except Exception as error:  # a user's function may raise anything
            raise SummariserError(f"summariser={name}: {masked(described(error))}") from error
        return _plain(summary, name)

    def _asked(self, messages: Sequence[Message]) -> str:
        return ChatSummariser(make_chat_model(self._function), self._words)(messages)


def _takes_one(function: Callable[..., Any]) -> bool:
    """Whether a function can be called with one argument, as far as it tells."""
    try:
        inspect.signature(function).bind(object())
    except TypeError:
        return False
    except ValueError:  # built in, without a signature
        return True
    return True


def _plain(summary: Any, name: str) -> str:
    """A summary as it may stand in the context: one text, without thoughts and reply tags."""
    if not isinstance(summary, str):
        raise SummariserError(f"the summariser {name} gave {summary!r:.60}, which is no text")
    thought_about = _without(summary, "<think>", "</think>").rpartition("</think>")[2]  # a template may have opened it
    text = _TAG.sub(" ", thought_about).strip()
    if not text:
        raise SummariserError(f"the summariser {name} gave no text: {summary!r:.60}")
    return text


def _without(text: str, opening: str, closing: str) -> str:
    """`text` without all that stands between the two marks, and without these."""
    kept, start = [], 0
    while (begin := text.find(opening, start)) >= 0 and (end := text.find(closing, begin)) >= 0:
        kept.append(text[start:begin])
        start = end + len(closing)
    return " ".join((*kept, text[start:]))


def extractive_summary(messages: Sequence[Message], *, words: int = 120) -> str:
    """The most telling sentences of `messages`, at most `words` words together (but at least one sentence, cut)."""
    sentences = list(dict.fromkeys(_sentences(messages)))
    bags = [_content_words(sentence) for sentence in sentences]
    counts = Counter(word for bag in bags for word in bag)
    total = sum(counts.values()) or 1
    probability = {word: count / total for word, count in counts.items()}
    chosen: list[int] = []
    left = words
    remaining = [index for index, bag in enumerate(bags) if bag]
    while remaining and left > 0:
        best = max(remaining, key=lambda i: (sum(probability[word] for word in bags[i]) / len(bags[i]), -i))
        remaining.remove(best)
        length = len(sentences[best].split())
        if length > left and chosen:
            continue
        chosen.append(best)
        left -= length
        for word in set(bags[best]):
            probability[word] **= 2
    text = " ".join(sentences[index] for index in sorted(chosen))
    return " ".join(text.split()[:words]) or "(nothing of note)"


def _sentences(messages: Sequence[Message]) -> list[str]:
    # a call is no sentence, and a quoted tag must not be taken for a given one
    texts = (_TAG.sub(" ", _without(message.content, "<tool_call>", "</tool_call>")) for message in messages)
    return [
        " ".join(found.group().split()) for text in texts for found in _SENTENCE.finditer(text) if found.group().strip()
    ]


def _content_words(sentence: str) -> list[str]:
    return [word for word in _WORD.findall(sentence.lower()) if word not in _STOP_WORDS]
