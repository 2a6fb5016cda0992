"""One running game: fast-downward's state and operators, alfworld's names, TextWorld's grammar.

It gives the same feedback and the same admissible commands, byte for byte, as
``AlfredDemangler(textworld.envs.pddl.PddlEnv(EnvInfos(won=True, admissible_commands=True)))``, which is what ``AlfredTWEnv``
steps, and shares its parts: the library that applies operators, the translator, the parsers of grammar and queries. What it
leaves out is repetition: upstream translates a problem four times for one load and reset, and parses the same grammar and
queries anew on every step. Nothing of textworld is patched; all of this lives in objects of this package.

What is left of a reset is the grounding of the PDDL problem into some 2,500 operators (:mod:`.grounding`), in Python; a game
that was played lately needs none. What is left of a step is the library's list of applicable operators.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .game import Game
from .grammar import Context, Placeholder, parse_grammar
from .library import Loan
from .names import demangled
from .state import WorldState
from .translation import TRANSLATIONS, Translation, engine_lock, translate_for_planning

NOTHING_HAPPENS = "Nothing happens."


@dataclass(frozen=True)
class Entity:
    """What the grammar may say about an object: the part of TextWorld's ``EntityInfo`` that it uses."""

    id: str
    name: str
    definite: str = "the"
    indefinite: str = "a"

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Operator:
    """One applicable operator of the present state."""

    index: int
    effects: int
    action: str
    mapping: Mapping[Placeholder, str]
    command: str


@dataclass(frozen=True)
class Frame:
    """What is seen after a reset or a step.

    Attributes:
        feedback: the engine's text, unchanged.
        understood: the command was one of the admissible ones.
        won: the goal holds in the present state.
    """

    feedback: str
    understood: bool
    won: bool


class Engine:
    """Plays one game at a time. Not for several threads at once, but different engines may live in one process."""

    def __init__(self) -> None:
        self._loan: Loan | None = None
        self._operators: dict[str, Operator] | None = None
        self._known: dict[str, Operator] = {}

    def reset(self, game: Game) -> Frame:
        """Start `game` from its first state.

        Raises:
            ConfigurationError: its problem or its grammar cannot be read.
        """
        with engine_lock():
            if self._loan is None:
                self._loan = Loan()
            self._library = self._loan.library
            self._game = game
            self._replannable = False
            self._translation = TRANSLATIONS.get(game)
            self._library.load_sas(self._translation.sas)
            self._read_task(self._translation)
            grammar, self._actions = parse_grammar(game.grammar)
            self._grammar = grammar.with_text("task", f"Your task is to: {game.goal}.") if game.goal else grammar
            self._fixed = self._fixed_commands(self._translation)
            self._known, self._operators = {}, None
            return Frame(self._grammar.derive("#intro#", self._context({})), True, self._library.check_goal())

    def step(self, command: str) -> Frame:
        """Carry out `command` if it is exactly an admissible one; otherwise nothing happens."""
        with engine_lock():
            operator = self._applicable().get(command)
            if operator is None:
                return Frame(NOTHING_HAPPENS, False, self._library.check_goal())
            self._apply(operator)
            self._operators = None
            feedback = self._grammar.derive(self._actions[operator.action].feedback, self._context(operator.mapping))
            return Frame(feedback, True, self._library.check_goal())

    def admissible(self) -> list[str]:
        """Every command that would be understood now, sorted."""
        with engine_lock():
            return sorted(self._applicable())

    def plan(self) -> list[str]:
        """The planner's commands from the present state to the goal; empty when there are none, or none are needed."""
        with engine_lock():
            if not self._replannable:
                if self._translation.replan_sas is None:
                    self._translation.replan_sas = translate_for_planning(self._game)
                self._library.load_sas_replan(self._translation.replan_sas)
                self._replannable = True
            if not self._library.replan(False):
                return []
            return [self._command_of(name) for name in self._last_plan()]

    def close(self) -> None:
        """Free the library; :meth:`reset` takes one again. Safe to call twice."""
        if self._loan is not None:
            self._loan.end()
            self._loan = None

    # -- reading the translated task ------------------------------------------------------------------------------------

    def _read_task(self, translation: Translation) -> None:
        task = translation.task
        types = {item.name: item.type_name for item in task.objects}
        self._parameters = {
            action.name: tuple((parameter.name.strip("?"), parameter.type_name) for parameter in action.parameters)
            for action in task.actions
        }
        self.world = WorldState(types, _subtypes(task.types))
        for atom in task.init:
            if hasattr(atom, "predicate") and atom.predicate != "=":
                self.world.add(atom.predicate, tuple(atom.args))
        for name, arguments in self._state_atoms():
            self.world.add(name, arguments)
        self.names = demangled(self.world.entities())
        self._entities = {name: Entity(name, said) for name, said in self.names.items()}

    def _state_atoms(self) -> list[tuple[str, tuple[str, ...]]]:
        import fast_downward

        atoms = (fast_downward.Atom * self._library.get_state_size())()
        self._library.get_state(atoms)
        parsed = [_parse_atom(atom.name) for atom in atoms]
        return [(name, arguments) for true, name, arguments in parsed if true]

    def _fixed_commands(self, translation: Translation) -> set[str]:
        """The actions whose command depends on nothing that an action can change, so that it is worked out only once."""
        changing = {effect.literal.predicate for action in translation.task.actions for effect in action.effects}
        changing |= {axiom.name for axiom in translation.task.axioms}
        return {
            name
            for name, action in self._actions.items()
            if not any(
                predicate.removeprefix("not_") in changing
                for query in self._grammar.conditions(action.template)
                for predicate in _predicates(query)
            )
        }

    # -- operators ------------------------------------------------------------------------------------------------------

    def _applicable(self) -> dict[str, Operator]:
        """The applicable operators by command; where two have one command, the first, as upstream takes it."""
        if self._operators is None:
            import fast_downward

            found = (fast_downward.Operator * self._library.get_applicable_operators_count())()
            self._library.get_applicable_operators(found)
            self._operators = {}
            for item in found:
                operator = self._operator(item.id, item.name, item.nb_effect_atoms)
                self._operators.setdefault(operator.command, operator)
        return self._operators

    def _operator(self, index: int, name: str, effects: int) -> Operator:
        known = self._known.get(name)
        if known is None or known.index != index or known.effects != effects:
            action, *arguments = name.split()
            mapping = dict(zip(self._parameters[action], arguments, strict=False))
            known = Operator(index, effects, action, mapping, self._say(action, mapping))
            if action in self._fixed:
                self._known[name] = known
        return known

    def _say(self, action: str, mapping: Mapping[Placeholder, str]) -> str:
        return self._grammar.derive(self._actions[action].template, self._context(mapping))

    def _apply(self, operator: Operator) -> None:
        import fast_downward

        effects = (fast_downward.Atom * operator.effects)()
        self._library.apply_operator(operator.index, effects)
        for effect in effects:
            true, name, arguments = _parse_atom(effect.name)
            self.world.discard(f"not_{name}" if true else name, arguments)
            self.world.add(name if true else f"not_{name}", arguments)

    def _last_plan(self) -> list[str]:
        import fast_downward

        operators = (fast_downward.Operator * self._library.get_last_plan_length())()
        self._library.get_last_plan(operators)
        return [operator.name for operator in operators]

    def _command_of(self, name: str) -> str:
        action, *arguments = name.split()
        return self._say(action, dict(zip(self._parameters[action], arguments, strict=False)))

    def _context(self, mapping: Mapping[Placeholder, str]) -> Context:
        return Context(self.world.assignments, self._entities, mapping)


def _parse_atom(text: str) -> tuple[bool, str, tuple[str, ...]]:
    """``"NegatedAtom holds(agent1, mug)"`` → ``(False, "holds", ("agent1", "mug"))``."""
    sign, _, atom = text.partition(" ")
    name, _, arguments = atom.partition("(")
    return sign == "Atom", name, tuple(argument for argument in arguments[:-1].split(", ") if argument)


def _subtypes(types: Any) -> dict[str, tuple[str, ...]]:
    """The types that count as each type, in the order in which TextWorld goes through them."""
    from textworld.logic import Type, TypeHierarchy

    hierarchy = TypeHierarchy()
    for item in types:
        try:
            hierarchy.add(Type(item.name, item.supertype_names))
        except ValueError:  # upstream skips a type that it has already
            continue
    return {kind.name: tuple(found.name for found in kind.subtypes) for kind in hierarchy}


def _predicates(query: str) -> list[str]:
    from .grammar import parse_query

    return [name for name, _ in parse_query(query)]
