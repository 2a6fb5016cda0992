"""Golden transcripts of ScienceWorld: the simulator's own text, and AgentBoard's protocol."""

from agemem_gym.envs.scienceworld import ScienceWorldTask


def test_golden_episodes(golden):
    golden(ScienceWorldTask(), "golden_full.json", options={"task_name": "power-component", "variation": 0})
    golden(
        ScienceWorldTask(protocol="agentboard"),
        "golden_agentboard.json",
        options={"task_name": "find-animal", "variation": 225},
    )


def test_a_memory_task_is_told_and_played_as_written(golden):
    golden(ScienceWorldTask(task_names="memory", moves="memory"), "golden_memory.json", seed=4)
