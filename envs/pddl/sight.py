"""What can be seen where the facts are hidden (``sight="here"``): a rule for each of AgentBoard's four domains.

==========  ================================================  =================================================
domain      always in sight                                   seen only …
==========  ================================================  =================================================
gripper     the robot and what it carries                     which balls are in a room: from inside
blockworld  the tops of the towers, the hand                  what a block stands on: when nothing is on it
barman      hands, glasses and shaker with what is in them    what a dispenser holds, what a cocktail is made of:
                                                              never; they have to be tried
tyreworld   the hubs, what one has, which box is open         what is in a box: when it is open
==========  ================================================  =================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from agemem_gym.checks import did_you_mean
from agemem_gym.envs.pddl.language import Atom
from agemem_gym.errors import ConfigurationError

SIGHT = ("all", "here")


@dataclass(frozen=True)
class Sight:
    """What can be seen in a domain.

    Attributes:
        hidden: for each predicate that is not always in sight the atom that has to hold for it to be seen, ``None`` where
            there is none.
        unsaid: for each operator the places of its arguments that nobody can know by looking: they need not be named.
    """

    hidden: Mapping[str, Callable[[Atom], Atom | None]]
    unsaid: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def sees(self, atom: Atom, holding: frozenset[Atom] | set[Atom]) -> bool:
        """Whether an atom that holds is seen where `holding` does."""
        if atom[0] not in self.hidden:
            return True
        condition = self.hidden[atom[0]](atom)
        return condition is not None and condition in holding

    def seen(self, atoms: Iterable[Atom]) -> list[Atom]:
        """What of a state is seen, in its order."""
        state = list(atoms)
        holding = frozenset(state)
        return [atom for atom in state if self.sees(atom, holding)]


def _never(_: Atom) -> None:
    return None


def _when_clear(atom: Atom) -> Atom:
    return ("clear", atom[1])


_SIGHTS: Mapping[str, Sight] = {
    "gripper": Sight({"at": lambda atom: ("at-robby", atom[2])}),
    "blockworld": Sight({"on": _when_clear, "ontable": _when_clear}),
    "barman": Sight(
        dict.fromkeys(("dispenses", "cocktail-part1", "cocktail-part2"), _never),
        {"fill-shot": frozenset({1}), "refill-shot": frozenset({1}), "shake": frozenset({1, 2})},
    ),
    "tyreworld": Sight({"in": lambda atom: ("open", atom[2])}),
}


def sight_in(rules: str) -> Sight:
    """The rule of a domain.

    Raises:
        ConfigurationError: there is none for it.
    """
    if rules not in _SIGHTS:
        known = ", ".join(_SIGHTS)
        raise ConfigurationError(
            f"sight='here': it is not settled what can be seen in {rules!r}; choose domain='memory', or among {known}"
            f"{did_you_mean(rules, _SIGHTS)}"
        )
    return _SIGHTS[rules]
