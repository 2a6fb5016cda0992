"""An honest player of PDDL's memory domains: plans on what it believes, and guesses where it does not know.

::

    told  ─┐
    seen  ─┼─► beliefs ──► what the goal needs and nobody knows: a guess that nothing speaks against (:mod:`.pddl_guesses`)
    rules ─┘                        │
                                    ▼
               plan (:mod:`agemem_gym.envs.pddl.beliefs`) ──► command ──► what is seen now ──► the next guess, if it was wrong

What is seen beats what was told. It knows the four domains' rules and how facts are worded; of the episode only what it sees
and is told. Where the objects are not listed (``sight="all"``, other domains) it tries what can be done, at random.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from agemem_gym.baselines.explorers.pddl_guesses import GUESSES, Beliefs
from agemem_gym.baselines.explorers.pddl_statements import Statement, statement_in
from agemem_gym.envs.pddl.beliefs import Rules, Step
from agemem_gym.envs.pddl.language import Atom
from agemem_gym.envs.pddl.wording import OBJECTS, objects_in

_KINDS = {"room": "gripper", "block": "blockworld", "dispenser": "barman", "hub": "tyreworld"}
"""By which type of object each domain is known."""

_GOAL = "Reach a state in which "
_CANNOT = re.compile(r"It is not so that (.*)\.$|You try it, but nothing comes of it\.$|The action .* Use '")
_CHECK = "check valid actions"
_VALID = "Valid actions: "
_GIVES_UP = "<answer>I do not see how.</answer>"


class PDDLExplorer:
    """Plays ``domain="memory"``."""

    def reset(self, rng: np.random.Generator) -> None:
        """A new episode."""
        self._rng = rng
        self._told: dict[str, Statement] = {}
        self._asked: set[str] = set()
        self._beliefs: Beliefs | None = None
        self._plan: list[Step] = []
        self._step: Step | None = None
        self._valid: list[str] = []

    def subject(self, text: str) -> str | None:
        """``"where ball1 is"``; None for what is said of other places and times, and for small talk."""
        found = statement_in(text)
        return None if found is None else found.subject

    def learn(self, text: str) -> None:
        """Believe it, in the place of what was believed on the same subject."""
        found = statement_in(text)
        if found is None or not self._is_here(found):
            return
        if found.holds:
            self._told[found.subject] = found
        elif self._told.get(found.subject, found).clause == found.clause:
            self._told.pop(found.subject, None)

    def _is_here(self, statement: Statement) -> bool:
        """Whether a statement speaks of things that there are, once that is known."""
        known = self._beliefs
        return known is None or bool(known.rules.read(statement.clause, known.objects))

    def begin(self, info: Mapping[str, Any]) -> None:
        """Read what is wanted and what is seen."""
        shown = info["observation"][max(0, info["observation"].find(OBJECTS)) :]  # the instruction may stand before it
        objects = objects_in(shown)
        domain = next((name for kind, name in _KINDS.items() if kind in objects.values()), None)
        if domain is None:
            return
        rules = Rules.of(domain)
        goal = rules.read(info["instruction"].removeprefix(_GOAL), objects)
        self._beliefs = Beliefs(rules, objects, goal, set(rules.read(shown, objects)))
        self._plan = []

    def questions(self) -> list[str]:
        """What the goal needs and is not known yet, a question each, once."""
        if self._beliefs is None:
            return []
        self._believe_what_was_told()
        open_questions = [q for q in GUESSES[self._beliefs.rules.name].questions(self._beliefs) if q not in self._asked]
        self._asked.update(open_questions)
        return open_questions

    def act(self, info: Mapping[str, Any]) -> str:
        """The next step of a plan on what is believed."""
        if self._beliefs is None:
            return self._stumble(info["observation"])
        self._believe_what_was_told()
        if self._step is not None:
            self._look(self._step, info["observation"])
        if not self._plan:
            self._plan = self._new_plan(self._beliefs)
        self._step = self._plan.pop(0) if self._plan else None
        return _GIVES_UP if self._step is None else f"<action>{self._step.command}</action>"

    def _believe_what_was_told(self) -> None:
        beliefs = self._beliefs
        if beliefs is not None:
            clauses = (statement.clause for statement in self._told.values())
            beliefs.told = {atom for clause in clauses for atom in beliefs.rules.read(clause, beliefs.objects)}

    def _look(self, step: Step, observation: str) -> None:
        """What came of a step; where the plan does not lead to its end any more, it is given up."""
        beliefs = self._beliefs
        assert beliefs is not None
        refusal = _CANNOT.match(observation)
        if refusal:
            beliefs.refused(step, refusal[1] or "")
        else:
            beliefs.saw(step, set(beliefs.rules.read(observation, beliefs.objects)))
        if refusal or not beliefs.allow(self._plan):
            self._plan = []

    def _new_plan(self, beliefs: Beliefs) -> list[Step]:
        """The way to the whole goal with the best guesses, else to a part of it."""
        facts = beliefs.facts(GUESSES[beliefs.rules.name].guess(beliefs, self._rng))
        open_goals: list[Atom] = [atom for atom in beliefs.goal if atom not in beliefs.seen]
        if facts.issuperset(beliefs.goal) and open_goals:  # then all would be over: what was told of them is wrong
            beliefs.wrong |= set(open_goals)
            facts = beliefs.facts(GUESSES[beliefs.rules.name].guess(beliefs, self._rng))
        for wanted in (beliefs.goal, *([atom] for atom in open_goals)):
            plan = beliefs.rules.plan(beliefs.objects, facts, wanted)
            if plan:
                return plan
        return []

    def _stumble(self, observation: str) -> str:
        """Where the rules are not known: any valid action."""
        if observation.startswith(_VALID):
            commands = observation.removeprefix(_VALID).split(", ")
            self._valid = [command for command in commands if command not in (_CHECK, "look around")]
        if not self._valid:
            return f"<action>{_CHECK}</action>"
        picked = self._valid[int(self._rng.integers(len(self._valid)))]
        self._valid = []
        return f"<action>{picked}</action>"
