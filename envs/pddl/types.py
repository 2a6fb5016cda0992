"""Types and typed lists: ``a b - block c - (either x y) d``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from agemem_gym.envs.pddl.language import ANYTHING, Parameters
from agemem_gym.envs.pddl.text import Form, Node, Word, as_word, fail, refuse_name

DASH = "-"


def typed_list(nodes: Sequence[Node]) -> list[tuple[Word, tuple[Word, ...]]]:
    """The names of a typed list, each with the words of its type; ``()`` where it has none."""
    found: list[tuple[Word, tuple[Word, ...]]] = []
    waiting: list[Word] = []
    words = iter(_dashes_apart(nodes))
    for node in words:
        if isinstance(node, Word) and node.text == DASH:
            kind = next(words, None)
            if kind is None or not waiting:
                fail(node, "'-' stands between names and their type")
            found += [(name, _type_words(kind)) for name in waiting]
            waiting = []
        elif isinstance(node, Word):
            waiting.append(node)
        else:
            fail(node, "expected a name or '- type' in a typed list, not a list in parentheses")
    return found + [(name, ()) for name in waiting]


def _dashes_apart(nodes: Sequence[Node]) -> list[Node]:
    """``-block`` as ``- block``: a name never begins with a dash."""
    apart: list[Node] = []
    for node in nodes:
        if isinstance(node, Word) and node.text.startswith(DASH) and node.text != DASH:
            apart += [Word(DASH, node.line), Word(node.text[1:], node.line)]
        else:
            apart.append(node)
    return apart


def _type_words(node: Node) -> tuple[Word, ...]:
    if isinstance(node, Word):
        return (node,)
    if node.head != "either" or not node.rest:
        fail(node, "expected a type, or (either TYPE …)")
    for part in node.rest:
        as_word(part, "a type")
    return tuple(part for part in node.rest if isinstance(part, Word))


class Types:
    """The types of a domain; every declared type lies below ``object``.

    Attributes:
        subtypes: each type with itself and all types below it.
    """

    def __init__(self, subtypes: dict[str, frozenset[str]]) -> None:
        self.subtypes = subtypes

    @classmethod
    def declared(cls, section: Form | None) -> Types:
        """The types of a ``(:types …)``; a type that stands only as a supertype is one, too."""
        parents: dict[str, set[str]] = {}
        for name, above in typed_list(section.rest) if section is not None else ():
            for word in (name, *above):
                parents.setdefault(word.text, set())
            parents[name.text] |= {word.text for word in above} - {name.text, ANYTHING}
        parents.pop(ANYTHING, None)
        above_all = {name: _closure(name, parents) for name in parents}
        for name, closure in above_all.items():
            if name in closure and section is not None:
                fail(section, f"the type {name!r} stands above itself")
        return cls(
            {name: frozenset({name, *(n for n in above_all if name in above_all[n])}) for name in sorted(parents)}
        )

    def parameters(self, nodes: Sequence[Node]) -> Parameters:
        """A typed list as names with their types, ``object`` where none is given; an unknown type is refused."""
        return tuple((name.text, self._type(kinds)) for name, kinds in typed_list(nodes))

    def variables(self, nodes: Sequence[Node]) -> Parameters:
        """A typed list of variables."""
        for name, _ in typed_list(nodes):
            if not name.text.startswith("?") or len(name.text) == 1:
                fail(name, f"expected a variable such as ?x, not {name.text!r}")
        return self.parameters(nodes)

    def _type(self, kinds: Iterable[Word]) -> str:
        names = []
        for word in kinds:
            if word.text != ANYTHING and word.text not in self.subtypes:
                refuse_name(word, "type", word.text, [*self.subtypes, ANYTHING])
            names.append(word.text)
        return ANYTHING if not names or ANYTHING in names else "|".join(names)


def _closure(name: str, parents: Mapping[str, set[str]]) -> frozenset[str]:
    """All types above one."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for parent in parents[waiting.pop()] - found:
            found.add(parent)
            waiting.append(parent)
    return frozenset(found)
