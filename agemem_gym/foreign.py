r"""Foreign text made safe to show: what agents, files and servers wrote is no markup, no Markdown and no escape sequence.

- :func:`for_terminal`: control characters become visible escapes, all else stays
- :func:`for_markdown`: besides, what Markdown would read as its own is escaped; on one line, fit for a cell of a table
- :func:`code_span`: text as inline code, whatever backticks it holds

Rich's square brackets are no concern here: :class:`agemem_gym.terminal.Terminal` takes no text for markup.
"""

from __future__ import annotations

import re

_BIDI = "\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069"  # they turn round what is shown: "Trojan Source", CVE-2021-42574
_UNSAFE = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff{_BIDI}]")
_MARKDOWN = re.compile(r"[\\`*|\[\]<>~]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")


def for_terminal(text: object) -> str:
    r"""`text` with its control characters as escapes; line feeds and tabs stay.

    Example:
        >>> print(for_terminal("a \x1b[31mred\x1b[0m word\r"))
        a \x1b[31mred\x1b[0m word\r
    """
    return _UNSAFE.sub(_escape, str(text))


def for_markdown(text: object) -> str:
    r"""`text` as it would be read, on one line of Markdown.

    Example:
        >>> print(for_markdown("a | b\n[link](to) `code` my_agent *x*"))
        a \| b\n\[link\](to) \`code\` my_agent \*x\*
    """
    marked = _MARKDOWN.sub(lambda found: "\\" + found[0], str(text))
    return _UNSAFE.sub(_escape, marked.replace("\n", r"\n").replace("\t", r"\t"))


def code_span(text: object) -> str:
    r"""`text` as inline code of Markdown, on one line.

    Example:
        >>> print(code_span("agemem list"), code_span("a `b` c"))
        `agemem list` `` a `b` c ``
    """
    line = _UNSAFE.sub(_escape, str(text).replace("\n", r"\n").replace("\t", r"\t"))
    runs = {len(run) for run in re.findall("`+", line)}
    fence = "`" * next(length for length in range(1, len(runs) + 2) if length not in runs)
    space = " " if line.startswith("`") or line.endswith("`") or runs else ""
    return f"{fence}{space}{line}{space}{fence}"


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")
