"""Templates of replies: what they send, and that none of them earns by effects what only success should."""

import gymnasium
import numpy as np
import pytest

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.agent import env_kwargs_of, make_agent
from agemem_gym.baselines.templates import TEMPLATES, VOCABULARY, LibrarianAgent, TemplateAgent, random_templates
from agemem_gym.reward import Reward
from agemem_gym.reward.diagnosis import diagnose
from agemem_gym.rollout import play_episode

ENVS = ("AgeMem-HotpotQA-ThreeStage-v0", "AgeMem-BabyAI-ThreeStage-v0", "AgeMem-PDDL-ThreeStage-v0")
DEGENERATE = ("amnesic", "wiper", "librarian", *TEMPLATES)
STRICT = Reward("composite", variant="strict")


def played(agent, env_id=ENVS[0], seeds=(0,)):
    env = gymnasium.make(env_id, encoder="hash", index="exact", **env_kwargs_of(agent))
    try:
        return [(play_episode(env, agent, seed), env.unwrapped) for seed in seeds]
    finally:
        env.close()


def made(name):
    return LibrarianAgent() if name == "librarian" else TemplateAgent(name) if name in TEMPLATES else make_agent(name)


def calls(name):
    ((episode, _),) = played(TemplateAgent(name))
    return episode, [
        (step.stage, result.name, result.arguments) for step in episode.steps for result in step.tool_results
    ]


def test_a_template_copies_messages_and_query_and_reads_neither():
    episode, made_calls = calls("clerk")
    told = [message.content for message in episode.messages if message.kind == "talk"]
    noise = [message.content for message in episode.messages if message.kind == "distractor"]
    assert [a["content"] for stage, tool, a in made_calls if tool == "Add_memory"] == told
    assert [a["criteria"] for stage, tool, a in made_calls if tool == "Filter_context"] == noise
    assert [(stage, a["query"]) for stage, tool, a in made_calls if tool == "Retrieve_memory"] == [
        (3, episode.start.instruction)
    ]
    assert episode.answer == "unknown"


def test_first_is_the_first_message_and_hear_every_one():
    _, once = calls("no-op farmer")
    assert [(stage, tool) for stage, tool, _ in once] == [
        (1, "Add_memory"),
        (1, "Update_memory"),
        (1, "Filter_context"),
    ]
    episode, always = calls("no-op farmer, always")
    told = sum(message.kind == "talk" for message in episode.messages)
    assert sum(tool == "Update_memory" for _, tool, _ in always) == told > 1
    assert "farming" in [finding.kind for finding in diagnose(episode)]


def test_templates_drawn_at_random_are_different_and_the_same_again():
    one, again = (random_templates(np.random.default_rng(3), 50) for _ in range(2))
    assert one == again
    assert len({tuple(map(str, parts)) for parts in one}) == 50
    assert {len(parts) for parts in one} == {1, 2, 3, 4, 5, 6}
    assert {str(part) for parts in one for part in parts} <= {str(part) for part in VOCABULARY}


@pytest.mark.parametrize("env_id", ENVS)
def test_without_success_none_earns_more_than_a_third_of_the_strict_return(env_id):
    """Of the perfect agent's; ``benchmarks/reward_audit.py`` compares with store-all, on more seeds and under other returns."""

    def returns(name):
        return [(e, STRICT.terms(e, env.task.metric, env.judge)) for e, env in played(made(name), env_id, (0, 1))]

    whole = np.mean([terms["total"] for _, terms in returns("perfect")])
    assert whole > 0.8
    for name in DEGENERATE:
        for episode, terms in returns(name):
            if not episode.success:
                own = terms["total"] - terms["task"] / 3  # PDDL's problems begin with some of their goals reached
                assert own <= 0.35 * whole, name
                assert episode.progress > episode.start.progress or own <= 2 / 9 + 1e-9, name


def test_under_the_papers_letter_a_farmer_earns_half():
    ((episode, env),) = played(TemplateAgent("first message only"))
    paper = Reward("composite").terms(episode, env.task.metric, env.judge)
    assert not episode.success
    assert paper["total"] > 0.4
