"""The scientist: knows what a message is about, goes where it was told, searches where it was not."""

import numpy as np
import pytest

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.agent import AgentSpec
from agemem_gym.baselines.explorers import make_explorer
from agemem_gym.baselines.explorers.scienceworld import ScienceWorldExplorer
from agemem_gym.curriculum.distractors import DistractorScene, make_source
from agemem_gym.envs.scienceworld import ScienceWorldTask
from agemem_gym.jobs import Job
from agemem_gym.memory import make_encoder
from agemem_gym.rollout import rollout

ENV = "AgeMem-ScienceWorld-ThreeStage-v0"
LOOK = "This room is called the hallway. In it, you see: \n\tthe agent\nYou also see:\n\tA door to the kitchen (that is {})"
CONDUCTS = "whether unknown substance b conducts electricity"
MELTS = "melting point of solid unknown substance F"
BLUE, YELLOW = "There is a cup with blue paint in the kitchen.", "There is a cup with yellow paint outside."
PAINT = "Your task is to use chemistry to create green paint. When you are done, focus on the green paint."


def explorer(*told, instruction=PAINT, door="closed"):
    made = ScienceWorldExplorer()
    made.reset(np.random.default_rng(0))
    for text in told:
        made.learn(text)
    made.begin({"instruction": instruction, "observation": f"{instruction}\n{LOOK.format(door)}"})
    return made


def replies(player, *observations):
    return [player.act({"observation": text}) for text in ("", *observations)]


def success(agent, seeds, **kwargs):
    options = {"encoder": "hash", "index": "exact", "info_admissible": False, **kwargs}
    jobs = [Job(seed, ENV, seed, options) for seed in seeds]
    played = list(rollout(AgentSpec.parse(agent), jobs, stop_at_error=True))
    return sum(each.episode.success for each in played) / len(played)


def test_it_is_the_explorer_of_the_benchmark():
    assert isinstance(make_explorer("scienceworld"), ScienceWorldExplorer)


def test_memory_is_worth_more_than_half_of_the_tasks():
    """A taste of benchmarks/memory_dependence.py, which plays a hundred episodes of each."""
    seeds = range(1, 8)  # without use-thermometer, the longest
    assert success("store-all", seeds) >= 0.8
    assert success("explorer", seeds) <= 0.3


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("By the way, there is a red box on the table in the kitchen.", "where red box is"),
        ("There is a cup with blue paint outside.", "where blue paint is"),
        (
            "I was just there: unknown substance B does not conduct electricity.",
            "whether unknown substance b conducts electricity",
        ),
        (
            "The melting point of solid unknown substance F is -3.5 degrees celsius.",
            "melting point of solid unknown substance F",
        ),
        (
            "In the unknown E plant, one gene for blue seed color is not enough to show it.",
            "whether blue seed color, unknown E plant is dominant",
        ),
        ("To make smores, you need to mix chocolate, marshmallow.", "recipe of smores"),
        (
            "Of the inclined plane B and the inclined plane D, the inclined plane D has the steepest angle.",
            "steepest angle of inclined plane B and inclined plane D",
        ),
        ("If I remember right, from the kitchen a door leads to the hallway and outside.", "doors of kitchen"),
        ("In the house next door, there is a red box in the kitchen.", None),
        ("At my aunt's place unknown substance B conducts electricity.", None),
        ("I once read that the boiling point of water falls the higher you climb.", None),
        ("There is a red box in the garage.", None),
    ],
)
def test_it_knows_what_a_message_is_about(text, subject):
    assert explorer().subject(text) == subject


def test_every_message_of_stage_one_states_something_and_no_distractor_does():
    task = ScienceWorldTask(task_names="memory")
    player, rng, places = explorer(), np.random.default_rng(0), []
    for seed in (0, 2, 3, 5, 6):
        start = task.reset(seed, {})
        told = task.background(rng)
        assert all(player.subject(line) for line in (*told, *start.key_facts))
        subjects = [player.subject(fact) for fact in start.key_facts]
        assert len(set(subjects)) == len(subjects)
        assert sum(player.subject(line) in subjects for line in told) == len(subjects)  # nothing else of the same
        pool = tuple(task.distractor_pool(rng))
        assert not any(map(player.subject, pool))
        scene = DistractorScene(start.instruction, start.key_facts, None, tuple(told), pool, seed)
        stale = make_source("stale", make_encoder("hash")).draw(scene, 4, rng)
        places += [distractor.text for distractor in stale if "in the" in distractor.text]  # others may make no sense
    assert len(places) > 10
    assert all(map(player.subject, places))
    task.close()


def test_it_goes_straight_to_what_it_was_told_of():
    player = explorer(
        "There is a cup with blue paint in the cupboard in the kitchen.", "There is a cup with yellow paint outside."
    )
    said = replies(player, "The door is now open.", "You move to the kitchen.", "The cupboard is now open.")
    wanted = ["open door to kitchen", "go to kitchen", "open cupboard", "pick up cup containing blue paint"]
    assert said == [f"<action>{command}</action>" for command in wanted]


def test_it_does_not_open_a_door_that_it_sees_open():
    player = explorer(BLUE, door="open")
    assert replies(player) == ["<action>go to kitchen</action>"]


def test_the_later_message_counts():
    player = explorer("There is a cup with blue paint in the bedroom.", BLUE, door="open")
    assert replies(player) == ["<action>go to kitchen</action>"]


def test_told_wrong_it_looks_and_searches_on():
    player = explorer(BLUE, door="open")
    said = replies(
        player, "You move to the kitchen.", "No known action matches that input.", "This room is called the kitchen."
    )
    assert said[1:3] == ["<action>pick up cup containing blue paint</action>", "<action>look around</action>"]
    assert said[3].startswith(("<action>open door to", "<action>go to"))


def test_a_recipe_that_names_a_thing_is_not_the_thing():
    task = "Your task is to use chemistry to create the substance 'jam sandwich'."
    look = "This room is called the workshop. In it, you see: \n\tA recipe titled instructions to make jam sandwich\n"
    told = ("To make jam sandwich, you need to mix jam, bread.", "There is some jam in the kitchen.")
    player = explorer(*told, "There is a bread in the kitchen.", instruction=task)
    player.begin({"instruction": task, "observation": look})
    assert replies(player) == ["<action>open door to hallway</action>"]


def test_it_asks_for_what_the_task_needs_and_for_ingredients_once_it_knows_the_recipe():
    player = explorer(BLUE)
    assert player.questions() == ["where yellow paint is"]
    assert player.questions() == []
    smores = "Your task is to use chemistry to create the substance 'smores'. A recipe might be found near the kitchen."
    player = explorer(instruction=smores)
    assert player.questions() == ["recipe of smores"]
    player.learn("To make smores, you need to mix chocolate, marshmallow.")
    assert player.questions() == ["where chocolate is", "where marshmallow is"]
    assert player.questions() == []


def test_it_forgets_the_episode_before():
    player = explorer(BLUE)
    player.reset(np.random.default_rng(0))
    player.begin({"instruction": PAINT, "observation": LOOK.format("open")})
    assert player.questions() == ["where blue paint is", "where yellow paint is"]


def test_it_walks_the_house_for_a_task_that_it_does_not_know_and_gives_up():
    player = explorer(instruction="Your task is to boil water.")
    said, room = [player.act({"observation": ""})], "hallway"
    while said[-1].startswith("<action>") and len(said) < 100:
        command = said[-1].removeprefix("<action>").removesuffix("</action>")
        room = command.removeprefix("go to ") if command.startswith("go to ") else room
        said.append(player.act({"observation": f"This room is called the {room}. In it, you see: \n"}))
    assert said[-1] == "<answer>I do not know how to go on.</answer>"
    assert sum("look around" in text for text in said) == 9
