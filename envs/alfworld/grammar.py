"""TextWorld's text grammar, parsed once: same sentences as upstream's ``ContextSensitiveGrammar``, without its price.

Upstream parses every rule's query and every template with a generated parser each time they are used, deep-copies the
context at every symbol, and evaluates ``{expression}`` with Python's ``eval``. Here a grammar is compiled once into a
tree; a query is compiled once into TextWorld's own ``Predicate`` list; expressions are a small closed language
(attributes of a variable, string constants, ``+`` and ``or``), evaluated by :func:`evaluate`, so that no text of a game
file is ever run as code.

A sentence is derived like this::

    "#look.feedback#" ── first rule whose condition holds ─► "You are facing the [{r.name | query}]. Next to it, …"
    {e | query}       ── e once for every assignment of the query's variables in the present state
    [{e | query}]     ── the same as an English list
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agemem_gym.errors import ConfigurationError

Placeholder = tuple[str, str]
"""A variable of a query: its name and its type."""

Predicate = tuple[str, tuple[Placeholder, ...]]
"""A predicate's name and its parameters."""

Variables = Mapping[str, Any]
"""The entity (``EntityInfo``) behind each variable's name."""


@dataclass(frozen=True)
class Context:
    """What a derivation knows: the state to query, the placeholders bound so far, and the entities behind them."""

    assign: Callable[[str, Mapping[Placeholder, str]], Iterator[Mapping[Placeholder, str]]]
    entities: Mapping[str, Any]
    mapping: Mapping[Placeholder, str]

    def extended(self, query: str) -> Iterator[Context]:
        """One context for every assignment that makes `query` true in the present state, in TextWorld's order."""
        for mapping in self.assign(query, self.mapping):
            yield Context(self.assign, self.entities, mapping)

    def holds(self, query: str) -> bool:
        """Whether `query` is true for some assignment; the first one found is enough."""
        return next(iter(self.assign(query, self.mapping)), None) is not None

    def variables(self) -> dict[str, Any]:
        """The entities by the name of their placeholder."""
        return {placeholder[0]: self.entities[entity] for placeholder, entity in self.mapping.items()}


@dataclass(frozen=True)
class Rule:
    """``condition`` may be empty, which always holds."""

    condition: str
    symbols: tuple[Any, ...]


class Grammar:
    """Production rules by name. Derivations do not change it, so that games share one."""

    def __init__(self, rules: Mapping[str, tuple[Rule, ...]]) -> None:
        self.rules = rules

    def with_text(self, name: str, text: str) -> Grammar:
        """The same grammar, but for rule `name`, which becomes the plain text `text`."""
        from textworld.envs.pddl.textgen import TerminalSymbol

        return Grammar({**self.rules, name: (Rule("", (TerminalSymbol(text),)),)})

    def derive(self, start: str, context: Context) -> str:
        """The sentence that `start` stands for in `context`."""
        pieces: list[str] = []
        self._expand(parse_symbols(start), context, pieces)
        return "".join(pieces)

    def conditions(self, start: str) -> Iterator[str]:
        """Every query that deriving `start` may ask of the state."""
        seen: set[str] = set()
        waiting = list(parse_symbols(start))
        while waiting:
            symbol = waiting.pop()
            kind = type(symbol).__name__
            if kind == "ListSymbol":
                waiting += [symbol.symbol, _reference("list_separator"), _reference("list_last_separator")]
                waiting.append(_reference("list_empty"))
            elif kind == "ConditionalSymbol":
                waiting.append(symbol.expression)
                if symbol.given:
                    yield symbol.given
            elif kind == "NonterminalSymbol" and symbol.symbol not in seen:
                seen.add(symbol.symbol)
                for rule in self.rules.get(symbol.symbol, ()):
                    if rule.condition:
                        yield rule.condition
                    waiting += rule.symbols

    def _expand(self, symbols: tuple[Any, ...], context: Context, pieces: list[str]) -> None:
        for symbol in symbols:
            kind = type(symbol).__name__
            if kind == "TerminalSymbol":
                pieces.append(str(symbol.symbol))
            elif kind == "NonterminalSymbol":
                self._expand(self._applicable(symbol.symbol, context), context, pieces)
            elif kind == "EvalSymbol":
                pieces.append(str(evaluate(symbol.expression, context.variables())))
            elif kind == "ConditionalSymbol":
                for inner in self._contexts(symbol, context):
                    self._expand((symbol.expression,), inner, pieces)
            else:
                self._expand_list(symbol.symbol, context, pieces)

    def _applicable(self, name: str, context: Context) -> tuple[Any, ...]:
        for rule in self.rules.get(name, ()):
            if not rule.condition or context.holds(rule.condition):
                return rule.symbols
        raise ConfigurationError(
            f"the game's grammar has no rule for '#{name}#' that applies; use the packaged grammar"
        )

    def _contexts(self, symbol: Any, context: Context) -> Iterator[Context]:
        return context.extended(symbol.given) if symbol.given else iter((context,))

    def _expand_list(self, symbol: Any, context: Context, pieces: list[str]) -> None:
        """``a``, ``a, and b``, ``a, b, and c``: separators come from the grammar, as upstream's ``display_list`` does it."""
        items: list[str] = []
        for inner in self._contexts(symbol, context):
            item: list[str] = []
            self._expand((symbol.expression,), inner, item)
            items.append("".join(item))
        if not items:
            self._expand((_reference("list_empty"),), context, pieces)
        for position, item_text in enumerate(items):
            if position:
                last = position == len(items) - 1
                self._expand((_reference("list_last_separator" if last else "list_separator"),), context, pieces)
            pieces.append(item_text)


@lru_cache(maxsize=64)
def _reference(name: str) -> Any:
    from textworld.envs.pddl.textgen import NonterminalSymbol

    return NonterminalSymbol(name)


@lru_cache(maxsize=512)
def parse_symbols(text: str) -> tuple[Any, ...]:
    """TextWorld's own parse of a right-hand side or a template, kept. Nobody writes to the symbols afterwards."""
    from textworld.envs.pddl import textgen

    return tuple(textgen._parse_and_convert(text, rule_name="symbols"))


@lru_cache(maxsize=512)
def parse_query(text: str) -> tuple[Predicate, ...]:
    """TextWorld's own parse of a conjunctive query, kept as plain tuples."""
    from textworld.logic import Rule as LogicRule

    return tuple(
        (predicate.name, tuple((parameter.name, parameter.type) for parameter in predicate.parameters))
        for predicate in LogicRule.parse_conjunctive_query(text).preconditions
    )


@dataclass(frozen=True)
class Action:
    """How a PDDL action is said: the template of its command, and the rule for its feedback."""

    template: str
    feedback: str


@lru_cache(maxsize=4)
def parse_grammar(text: str) -> tuple[Grammar, Mapping[str, Action]]:
    """A game's grammar and its actions by lower-case name, parsed by TextWorld once per text.

    Raises:
        ConfigurationError: TextWorld cannot parse it.
    """
    from textworld.envs.pddl.logic import GameLogic

    try:
        logic = GameLogic(domain="", grammar=text)
    except Exception as error:
        raise ConfigurationError(f"the game's grammar cannot be parsed ({error}); use the packaged grammar") from error
    rules = {
        name: tuple(Rule(rule.condition, tuple(rule.rhs)) for rule in alternatives)
        for name, alternatives in logic.grammar._rules.items()
    }
    return Grammar(rules), {name: Action(a.template, a.feedback_rule) for name, a in logic.actions.items()}


@lru_cache(maxsize=256)
def _expression(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ConfigurationError(f"the game's grammar has an expression that cannot be read: {text!r}") from error


def evaluate(text: str, variables: Variables) -> Any:
    """The value of a grammar's ``{expression}``.

    Raises:
        ConfigurationError: it is more than attributes of variables, string constants, ``+`` and ``or``.
    """
    return _value(_expression(text), variables, text)


def _value(node: ast.expr, variables: Variables, text: str) -> Any:
    match node:
        case ast.Name(id=name) if name in variables:
            return variables[name]
        case ast.Constant(value=str() as constant):
            return constant
        case ast.Attribute(value=ast.Name() as owner, attr=attribute) if not attribute.startswith("_"):
            return getattr(_value(owner, variables, text), attribute)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _value(left, variables, text) + _value(right, variables, text)
        case ast.BoolOp(op=ast.Or(), values=[*alternatives]):
            found = None
            for alternative in alternatives:
                found = _value(alternative, variables, text)
                if found:
                    return found
            return found
    raise ConfigurationError(
        f"the game's grammar has an expression that is not allowed: {text!r}; expected attributes of the query's "
        "variables, string constants, '+' and 'or'. Use a game with the packaged grammar"
    )
