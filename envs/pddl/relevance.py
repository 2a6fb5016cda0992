"""What of a world a goal can have to do with: planning looks at these things alone, and is quick in a world of any size."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from agemem_gym.envs.pddl.language import Atom

Objects = Mapping[str, str]


def involved(rules: str, objects: Objects, facts: Collection[Atom], goal: Collection[Atom]) -> dict[str, str]:
    """The objects that a plan for `goal` may have to name, if things stand as `facts` say."""
    names = _INVOLVED[rules](objects, facts, goal) if rules in _INVOLVED else set(objects)
    return {name: kind for name, kind in objects.items() if name in names}


def in_turn(rules: str, goal: Collection[Atom]) -> list[list[Atom]]:
    """The goal in the parts that are best reached one after the other; one part, where it is reached as a whole.

    A bar has one shaker, so drinks are made one at a time, those that need it first; planned together they take the planner
    twenty times as long.
    """
    if rules != "barman":
        return [sorted(goal)]
    drinks = sorted(goal, key=lambda atom: (not atom[-1].startswith("cocktail"), atom))
    return [drinks[: place + 1] for place in range(len(drinks))]


def _gripper(objects: Objects, facts: Collection[Atom], goal: Collection[Atom]) -> set[str]:
    carried = {atom[1] for atom in facts if atom[0] == "carry"}
    balls = carried | {atom[1] for atom in goal}
    rooms = {atom[-1] for atom in facts if atom[0] == "at-robby" or (atom[0] == "at" and atom[1] in balls)}
    return balls | rooms | _of_type(objects, "gripper") | _named(goal)


def _blockworld(objects: Objects, facts: Collection[Atom], goal: Collection[Atom]) -> set[str]:
    above = {atom[2]: atom[1] for atom in facts if atom[0] == "on"}
    below = {atom[1]: atom[2] for atom in facts if atom[0] == "on"}
    found = {atom[1] for atom in facts if atom[0] == "holding"}
    waiting = sorted(_named(goal) & set(objects))
    while waiting:
        block = waiting.pop()
        if block not in found:
            found.add(block)
            waiting += [above[block]] if block in above else []
    return found | {below[block] for block in found if block in below}


def _barman(objects: Objects, facts: Collection[Atom], goal: Collection[Atom]) -> set[str]:
    drinks = {atom[2] for atom in goal} | {atom[-1] for atom in facts if atom[0] in ("contains", "used")}
    parts = {atom[2] for atom in facts if atom[0].startswith("cocktail-part") and atom[1] in drinks}
    drinks |= parts
    dispensers = {atom[1] for atom in facts if atom[0] == "dispenses" and atom[2] in drinks}
    held = {atom[2] for atom in facts if atom[0] == "holding"}
    shots = {atom[1] for atom in goal} | held
    spare = sorted(atom[1] for atom in facts if atom[0] == "clean" and atom[1] not in shots | {"shaker1"})
    kinds = set().union(*(_of_type(objects, kind) for kind in ("hand", "shaker", "level")))
    return drinks | dispensers | shots | set(spare[:1]) | kinds


def _tyreworld(objects: Objects, facts: Collection[Atom], goal: Collection[Atom]) -> set[str]:
    fixed = set().union(*(_of_type(objects, kind) for kind in ("hub", "nuts", "tool")))
    things = fixed | _named(goal) | {atom[1] for atom in facts if atom[0] in ("have", "on")}
    places = {atom[2] for atom in facts if atom[0] == "in" and atom[1] in things}
    return things | places


def _named(goal: Collection[Atom]) -> set[str]:
    return {thing for atom in goal for thing in atom[1:]}


def _of_type(objects: Objects, kind: str) -> set[str]:
    return {name for name, its_kind in objects.items() if its_kind == kind}


_INVOLVED: Mapping[str, Callable[[Objects, Collection[Atom], Collection[Atom]], set[str]]] = {
    "gripper": _gripper,
    "blockworld": _blockworld,
    "barman": _barman,
    "tyreworld": _tyreworld,
}
