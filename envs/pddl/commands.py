"""What an agent may write: an operator and the names of its objects in order, with other words between them left out."""

from __future__ import annotations

from agemem_gym.envs.pddl import wording
from agemem_gym.envs.pddl.attempts import Attempts
from agemem_gym.envs.pddl.grounding import Action, Ground
from agemem_gym.envs.pddl.library import Case

CHECK, LOOK = "check valid actions", "look around"
HINT = f"Use '{CHECK}' to see what can be done."
_LONGEST_NAME = 4


class Commands:
    """The commands of one problem.

    Args:
        case: the problem.
        attempts: what can be tried in it, where not everything is seen.
    """

    def __init__(self, case: Case, attempts: Attempts | None = None) -> None:
        self._attempts = attempts
        self._ground: Ground = case.ground
        self._things = frozenset(thing for thing, _ in case.problem.objects)
        self._hidden = _sole_arguments(case)
        self._names = self._things | frozenset(self._hidden)
        self._by_words = {
            (action.name, *(a for i, a in enumerate(action.arguments) if i not in self._hidden[action.name])): action
            for action in case.ground.actions
        }

    def words(self, text: str) -> list[str]:
        """The words of a command."""
        return wording.words(text, self._names)

    def written(self, action: Action) -> str:
        """An action as the agent writes it."""
        return wording.command(action, self._hidden[action.name])

    def understood(self, words: list[str], state: int) -> Action | str | None:
        """The action that the words name; where not everything is seen, the one that they come to, or why to none."""
        for length in range(min(_LONGEST_NAME, len(words)), 0, -1):
            name = "-".join(words[:length])
            if name in self._hidden:
                named = tuple(word for word in words[length:] if word in self._things)
                if self._attempts is not None:
                    return self._attempts.result(name, named, state) or None
                return self._by_words.get((name, *named)) or self._ground.find(name, named)
        return None

    def admissible(self, state: int) -> list[str]:
        """All commands that can be carried out in a state, as far as can be seen."""
        if self._attempts is not None:
            return sorted({*self._attempts.admissible(state), CHECK, LOOK})
        return sorted({*(self.written(action) for action in self._ground.applicable(state)), CHECK, LOOK})

    def told(self, state: int) -> str:
        """What an agent is told about its commands."""
        forms = sorted({action.name for action in self._ground.actions})
        if self._attempts is not None:
            examples = self._attempts.admissible(state)[:2]
        else:
            examples = [self.written(action) for action in self._ground.applicable(state)[:2]]
        hint = self._attempts.hint() if self._attempts is not None else ""
        return (
            f"an operator ({', '.join(forms)}) followed by the names of its objects in order"
            f"{', e.g. ' + ' or '.join(examples) if examples else ''}{hint}; {LOOK}; {CHECK}."
        )


def _sole_arguments(case: Case) -> dict[str, frozenset[int]]:
    """For each operator the places of arguments that are the same in all its actions: nobody has to name them."""
    values: dict[str, list[set[str]]] = {}
    for action in case.ground.actions:
        places = values.setdefault(action.name, [set() for _ in action.arguments])
        for place, argument in zip(places, action.arguments, strict=True):
            place.add(argument)
    robots = {thing for thing, kind in case.problem.objects if kind in ("robot", "player")}
    return {
        name: frozenset(i for i, place in enumerate(places) if len(place) == 1 and place <= robots)
        for name, places in values.items()
    }
