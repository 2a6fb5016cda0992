"""What a person may type at ``agemem play``: an engine's command, a whole reply with tags, or a line that begins with a colon.

Lines of :data:`TOOLS` are short forms of replies and cost what a reply costs; those of :data:`FREE` cost nothing, and neither
does a line that cannot be used: :func:`as_reply` says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agemem_gym.checks import did_you_mean
from agemem_gym.errors import ConfigurationError
from agemem_gym.protocol import call_reply


class NotAReply(ConfigurationError):
    """A typed line that stands for no reply; the message says what to type instead."""


@dataclass(frozen=True)
class Shorthand:
    """A short form of a reply.

    Attributes:
        usage: what is typed behind the colon's word.
        help: what it does.
        tool: the tool that it calls; empty for the answer.
        arguments: makes the tool's arguments of the words behind it.
    """

    usage: str
    help: str
    tool: str
    arguments: Callable[..., dict[str, object]]


TOOLS: dict[str, Shorthand] = {
    ":add": Shorthand("TEXT", "store TEXT in long-term memory", "Add_memory", lambda text: {"content": text}),
    ":update": Shorthand(
        "ID TEXT", "replace an entry by TEXT", "Update_memory", lambda key, text: {"memory_id": key, "content": text}
    ),
    ":delete": Shorthand(
        "ID", "remove an entry", "Delete_memory", lambda key: {"memory_id": key, "confirmation": True}
    ),
    ":get": Shorthand("QUERY", "search long-term memory", "Retrieve_memory", lambda query: {"query": query}),
    ":sum": Shorthand("all|N", "summarise the context", "Summary_context", lambda span: {"span": span}),
    ":filter": Shorthand("WHAT", "remove WHAT from the context", "Filter_context", lambda what: {"criteria": what}),
    ":answer": Shorthand("TEXT", "give the final answer", "", lambda text: {"answer": text}),
}

FREE: dict[str, str] = {
    ":help": "this list",
    ":commands": "what the engine takes now",
    ":context": "the whole context, as an agent sees it",
    ":memory": "all entries of long-term memory",
    ":quit": "end; so does the end of the input (Ctrl-D)",
}

HELP = "\n".join(
    [
        "Type a command of the engine, a whole reply with tags, or",
        *(f"  {word + ' ' + form.usage:<16} {form.help}" for word, form in TOOLS.items()),
        "and, without spending a reply,",
        *(f"  {word:<16} {text}" for word, text in FREE.items()),
    ]
)


def as_reply(line: str) -> str:
    """The reply that a typed line stands for.

    Raises:
        NotAReply: an empty line, an unknown word with a colon, or one without what belongs behind it.

    Example:
        >>> as_reply("look"), as_reply(":answer Paris")
        ('look', '<answer>Paris</answer>')
    """
    word, _, rest = line.strip().partition(" ")
    if not word:
        raise NotAReply("type a command, a reply, or :help")
    if not word.startswith(":"):
        return line
    form = TOOLS.get(word)
    if form is None:
        meant = did_you_mean(word, [*TOOLS, *FREE]) or "; :help lists what there is"
        raise NotAReply(f"there is no {word}{meant}")
    wanted = form.usage.split()
    words = rest.split(maxsplit=len(wanted) - 1)
    if len(words) < len(wanted):
        raise NotAReply(f"usage: {word} {form.usage}")
    return call_reply((form.tool, form.arguments(*words))) if form.tool else f"<answer>{words[0]}</answer>"
