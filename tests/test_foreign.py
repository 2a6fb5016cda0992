"""Foreign text: what agents, files and servers wrote is shown, never obeyed."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agemem_gym import rendering
from agemem_gym.foreign import code_span, for_markdown, for_terminal
from agemem_gym.terminal import Terminal

NASTY = "[/INST] [red]x[/red] :fire: \x1b[31mred\x1b[0m \x1b]0;title\x07 \r\x08 \u202egnp.exe | a`b"
SHOWN = (
    r"[/INST] [red]x[/red] :fire: \x1b[31mred\x1b[0m \x1b]0;title\x07 \r\x08 \u202egnp.exe | a`b"  # one line, as it is
)


def terminal():
    return Terminal(file=io.StringIO(), width=200, force_terminal=True, color_system="truecolor")


def test_control_characters_become_visible_escapes():
    assert for_terminal(NASTY) == SHOWN
    assert for_terminal("a\n\tb") == "a\n\tb"
    assert for_terminal("\x9b31m \ud800 \u2028") == r"\x9b31m \ud800 \u2028"


@given(st.text(st.characters()))
def test_nothing_that_a_terminal_obeys_is_left_and_escaping_twice_changes_nothing(text):
    safe = for_terminal(text)
    assert not any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 for c in safe)
    assert for_terminal(safe) == safe
    safe.encode("utf-8")


@pytest.mark.parametrize(
    "put",
    [
        pytest.param(lambda t: t.print(NASTY), id="print"),
        pytest.param(lambda t: t.rule(NASTY), id="rule"),
        pytest.param(lambda t: t.print(Panel(NASTY)), id="panel"),
        pytest.param(lambda t: t.print(table(NASTY)), id="cell"),
        pytest.param(lambda t: t.print(table("", title=NASTY)), id="title"),
    ],
)
def test_the_terminal_obeys_no_text(put):
    console = terminal()
    put(console)
    printed = console.file.getvalue()
    assert "\x1b[31m" not in printed
    assert "\x07" not in printed
    assert SHOWN in printed


def test_a_text_made_by_others_is_made_safe_when_it_is_printed():
    console = terminal()
    console.print(Text("a \x1b[31mb\x9b[/INST] :fire:", style="bold"))
    assert r"a \x1b[31mb\x9b[/INST] :fire:" in console.file.getvalue()


def table(cell, title=None):
    made = Table(title=title)
    made.add_column(NASTY)
    made.add_row(cell)
    return made


def test_styles_of_our_own_are_kept():
    console = terminal()
    console.print(Text("ok", style="green"))
    assert "\x1b[32mok" in console.file.getvalue()


def test_a_printed_step_obeys_neither_the_task_nor_the_text(monkeypatch):
    import gymnasium

    console = terminal()
    monkeypatch.setattr(rendering, "_terminal", lambda: console)
    env = gymnasium.make("AgeMem-BabyAI-v0", render_mode="human", encoder="hash", index="exact")
    env.reset(seed=0)
    base = env.unwrapped
    rendering.print_step(base.episode, NASTY, NASTY)
    assert SHOWN in console.file.getvalue()
    env.step(NASTY)  # an agent's reply: whatever the engine says of it is printed
    env.close()
    assert "\x1b[31mred" not in console.file.getvalue()


def test_a_cell_of_markdown_is_one_line_and_means_nothing():
    assert for_markdown("a | b\n[x](y) `c` <b> *d* ~~e~~") == r"a \| b\n\[x\](y) \`c\` \<b\> \*d\* \~\~e\~\~"
    assert for_markdown("my_agents:Good, level=GoToObj") == "my_agents:Good, level=GoToObj"
    assert for_markdown("_emphasis_ &amp; R&D") == r"\_emphasis\_ \&amp; R&D"
    assert for_markdown("\x1b[31m") == r"\x1b\[31m"


@given(st.text(st.sampled_from("ab |`\\\n\r\x1b[]*_<>&;")))
def test_a_table_row_keeps_its_number_of_cells(text):
    row = f"| {for_markdown(text)} | end |"
    bars = [at for at, c in enumerate(row) if c == "|" and (len(row[:at]) - len(row[:at].rstrip("\\"))) % 2 == 0]
    assert len(bars) == 3
    assert len(row.splitlines()) == 1


@given(st.text(st.sampled_from("ab `\n\x1b|")))
def test_a_code_span_ends_where_it_should(text):
    span = code_span(text)
    fence = span[: len(span) - len(span.lstrip("`"))]
    assert span.endswith(fence)
    assert fence not in span[len(fence) : -len(fence)].split()
    assert "\n" not in span
