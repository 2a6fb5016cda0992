"""Houses: laid out so that all can be reached, the same whenever they come back, changed by epochs."""

from collections import Counter
from itertools import pairwise

import pytest

from agemem_gym.envs.babyai.houses import HIDDEN, OPEN, House, house_name
from agemem_gym.envs.babyai.levels import MEMORY_LEVELS, LevelSeed
from agemem_gym.envs.babyai.view import DIRECTIONS
from agemem_gym.envs.babyai.world import World

SEEDS = range(4)


def house(level, seed, **changes):
    built = []
    World(
        LevelSeed(level, seed),
        lambda env: built.append(House(env, seed, **changes)) or built[0].env.instrs.reset_verifier(env),
    )
    return built[0]


def layout(built):
    """Where everything is."""
    return [
        (thing.name, thing.place, thing.thing.cur_pos, thing.box.name if thing.box else "") for thing in built.things
    ]


@pytest.mark.parametrize("level", MEMORY_LEVELS)
def test_a_house_holds_one_ball_or_key_of_a_name_and_one_box_of_a_colour_in_a_room(level):
    for seed in SEEDS:
        built = house(level, seed)
        loose = [thing for thing in built.things if thing.thing.type != "box"]
        assert len(loose) == HIDDEN + OPEN
        assert max(Counter(thing.name for thing in loose).values()) == 1
        boxes = Counter((thing.name, thing.place) for thing in built.things if thing.thing.type == "box")
        assert max(boxes.values()) == 1
        assert all(
            thing.box.thing.contains is thing.thing and thing.place == thing.box.place for thing in loose if thing.box
        )


@pytest.mark.parametrize("level", MEMORY_LEVELS)
def test_everything_can_be_walked_to_without_moving_anything_else(level):
    for seed in SEEDS:
        built = house(level, seed)
        grid = built.env.grid
        reached, queue = set(), [tuple(int(value) for value in built.env.agent_pos)]
        for x, y in queue:
            for dx, dy in DIRECTIONS:
                cell = x + dx, y + dy
                thing = grid.get(*cell)
                if cell not in reached:
                    reached.add(cell)
                    if thing is None or thing.type == "door":
                        queue.append(cell)
        for thing in built.things:
            assert thing.thing.cur_pos in reached


@pytest.mark.parametrize("level", MEMORY_LEVELS)
def test_keys_of_locked_doors_are_not_behind_them(level):
    for seed in SEEDS:
        built = house(level, seed, epoch=6, changes=0.5)
        for passage in built.passages:
            if passage.door and passage.door.is_locked:
                key = built.key_of(passage.door)
                assert built.route(built.start, key.place) is not None


def test_a_house_is_the_same_whenever_it_is_built():
    for level in MEMORY_LEVELS:
        assert layout(house(level, 7)) == layout(house(level, 7))
        assert layout(house(level, 7)) != layout(house(level, 8))


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_an_epoch_moves_its_share_of_things(share):
    for seed in SEEDS:
        before = {
            name: (place, box) for name, place, _, box in layout(house(MEMORY_LEVELS[0], seed)) if "box" not in name
        }
        after = {
            name: (place, box)
            for name, place, _, box in layout(house(MEMORY_LEVELS[0], seed, epoch=1, changes=share))
            if "box" not in name
        }
        assert set(before) == set(after)
        moved = [name for name in before if before[name] != after[name]]
        if share == 0.0:
            assert not moved
        if share == 1.0:
            assert len(moved) >= 0.8 * len(before)  # where a room or a box is full, a thing may stay
        if share == 0.25:
            assert 0 < len(moved) < len(before)


def test_epochs_build_on_each_other():
    def moved(one, other):
        return sum(a != b for a, b in zip(one, other, strict=True))

    at = [layout(house(MEMORY_LEVELS[0], 3, epoch=epoch, changes=0.2)) for epoch in range(4)]
    assert at[0] == layout(house(MEMORY_LEVELS[0], 3))
    assert all(0 < moved(one, other) < len(one) for one, other in pairwise(at))
    assert moved(at[0], at[3]) > moved(at[0], at[1])


def test_a_thousand_seeds_in_a_row_have_a_name_each():
    assert len({house_name(seed) for seed in range(5000, 6024)}) == 1024
    assert not any(
        word in f" {house_name(seed).lower()} " for seed in range(1024) for word in (" red ", " north ", " middle ")
    )
