"""What there is in a fictional world, as data: eighteen kinds of entities, with 97 relations and their wording.

- :mod:`.schema`: the form of a kind and of a relation
- :mod:`.people`, :mod:`.bodies`, :mod:`.works`, :mod:`.places`: the kinds
"""

from agemem_gym.envs.hotpotqa.kinds.bodies import BODIES
from agemem_gym.envs.hotpotqa.kinds.people import PEOPLE
from agemem_gym.envs.hotpotqa.kinds.places import PLACES
from agemem_gym.envs.hotpotqa.kinds.schema import MONTHS, VALUES, Kind, Relation
from agemem_gym.envs.hotpotqa.kinds.works import WORKS

KINDS: tuple[Kind, ...] = (*PEOPLE, *BODIES, *WORKS, *PLACES)
"""Persons first: the years of what they did are drawn after their births."""

KIND: dict[str, Kind] = {kind.name: kind for kind in KINDS}

__all__ = ["KIND", "KINDS", "MONTHS", "VALUES", "Kind", "Relation"]
