"""Summarisers for SUMMARY (AgeMem, arXiv:2601.01885, eq. 14): an extractive one that needs no model, or any chat callable.

The extractive one is SumBasic (Nenkova and Vanderwende, 2005): take the sentence whose words are the most probable on average,
square the probabilities of the words that it used, repeat until the length is reached, and print in the original order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from agemem_gym.context import Message, Summariser
from agemem_gym.errors import ConfigurationError

ChatCallable = Callable[[Sequence[dict[str, str]]], str]
"""Takes chat messages, returns the text of the model's reply."""

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


def make_summariser(spec: str | Summariser | ChatCallable, *, words: int = 120) -> Summariser:
    """``"extractive"``, or a callable that takes the messages of the span and returns the summary."""
    if spec == "extractive":
        return lambda messages: extractive_summary(messages, words=words)
    if callable(spec):
        return spec  # type: ignore[return-value]
    raise ConfigurationError(
        f"summariser={spec!r}: expected 'extractive' or a callable that takes messages and returns text"
    )


def chat_summariser(chat: ChatCallable, *, words: int = 120) -> Summariser:
    """A summariser that asks a chat model, e.g. the policy itself."""

    def summarise(messages: Sequence[Message]) -> str:
        text = "\n".join(f"[{message.role}] {message.content}" for message in messages)
        return chat([{"role": "user", "content": f"{SUMMARY_PROMPT.format(words=words)}\n\n{text}"}]).strip()

    return summarise


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
    texts = (message.content for message in messages)
    return [
        " ".join(found.group().split()) for text in texts for found in _SENTENCE.finditer(text) if found.group().strip()
    ]


def _content_words(sentence: str) -> list[str]:
    return [word for word in _WORD.findall(sentence.lower()) if word not in _STOP_WORDS]
