"""What ``info`` says; its keys are listed in the docstring of :class:`~agemem_gym.env.MemoryEnv`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agemem_gym.errors import EngineError
from agemem_gym.protocol import Reply
from agemem_gym.tools import ToolResult

if TYPE_CHECKING:
    from agemem_gym.env import MemoryEnv


def step_info(
    env: MemoryEnv, observation: str, reply: Reply | None = None, results: Sequence[ToolResult] = ()
) -> dict[str, Any]:
    """The keys that stand at every step, and those of the end.

    Args:
        env: whose state it is.
        observation: what is new.
        reply: the one that has been carried out, if any.
        results: what its tool calls came to.
    """
    episode, standing, context = env.episode, env.standing, env.context
    prompt_tokens, reply_tokens = env.tokens_so_far
    info: dict[str, Any] = {
        "messages": context.chat(),
        "context": context.messages(),
        "observation": observation,
        "stage": env.stage.number,
        "step": len(episode.steps),
        "moves": len(env.task_stage.commands),
        "token_usage": {
            "context": context.tokens,
            "budget": context.token_budget,
            "prompt": prompt_tokens,
            "reply": reply_tokens,
        },
        "tool_results": [result.as_info() for result in results],
        "format_error": reply.format_error if reply else None,
        "dialect": reply.dialect if reply else "",
        "valid": standing.valid,
        "progress": standing.progress,
        "success": standing.success,
        "metrics": dict(standing.metrics),
        "task_id": "" if env.stage.hides_task else episode.start.task_id,
        "seed": episode.seed,
        **env.stage.info(),
        **_asked_of_the_engine(env),
    }
    if episode.engine_error is not None:
        info["engine_error"] = episode.engine_error
    if episode.over:
        info["ended_by"] = episode.ended_by
        info["reward_terms"] = dict(episode.reward_terms)
        info["judge_fallbacks"] = list(episode.judge_fallbacks)
    return info


def start_info(env: MemoryEnv) -> dict[str, Any]:
    """The keys that stand only at a reset."""
    episode = env.episode
    start: dict[str, Any] = {
        "benchmark": env.task.benchmark,
        "commands": episode.start.commands,
        "tools": env.tools.schemas(),
        "limits": {"moves": episode.start.max_moves, "rounds": episode.max_rounds},
    }
    if env.info_expert:
        start["key_facts"] = episode.start.key_facts
    return start if env.stage.hides_task else start | task_info(env)


def task_info(env: MemoryEnv) -> dict[str, Any]:
    """What is said of the task when it begins."""
    start = env.episode.start
    return {"instruction": start.instruction, "record": {**start.record, **env.episode.curriculum}}


def _asked_of_the_engine(env: MemoryEnv) -> dict[str, Any]:
    """What ``info_admissible`` and ``info_expert`` ask for; nothing of it where the task is not playing."""
    playing = not env.episode.over and not env.stage.hides_task
    asked: dict[str, Any] = {}
    try:
        if env.info_admissible:
            asked["admissible"] = env.stage.admissible() if playing else []
        if env.info_expert:
            asked["expert"] = env.stage.expert() if playing else None
    except EngineError:  # the next command meets the same dead engine and ends the episode
        nothing: dict[str, Any] = {"admissible": [], "expert": None}
        wanted = {"admissible": env.info_admissible, "expert": env.info_expert}
        asked = {key: value for key, value in nothing.items() if wanted[key]}
    return asked
