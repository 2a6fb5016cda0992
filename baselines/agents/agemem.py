"""``agemem-norl`` and its kin: the paper's agent (arXiv:2601.01885, sec. 4.1), a language model with memory tools.

==================  =========================  ==========================================================================
name                long-term memory           short-term memory
==================  =========================  ==========================================================================
agemem-norl         ADD UPDATE DELETE          SUMMARY and FILTER
                    RETRIEVE
agemem-norl-rag     the same                   the top-k entries nearest to what was said last, before each reply
agemem, agemem-rag  as above, with trained weights: ``--agent-arg checkpoint=FOLDER``
==================  =========================  ==========================================================================
"""

from __future__ import annotations

from typing import Any

from agemem_gym.baselines.agents.language_model import LanguageModelAgent
from agemem_gym.chat import ChatModel
from agemem_gym.errors import ConfigurationError
from agemem_gym.registration import RECALL

LTM_TOOLS = ("Add_memory", "Update_memory", "Delete_memory", "Retrieve_memory")


class AgeMemNoRLAgent(LanguageModelAgent):
    """The six tools and an untrained model.

    Args:
        model: which model.
        tools: ``"pointer"`` for the tools that point at messages, or whatever else ``tools=`` of ``gym.make`` takes; the six of
            the paper if left out.
        kwargs: keywords of :class:`.LanguageModelAgent`.
    """

    def __init__(self, model: Any, *, tools: Any = None, **kwargs: Any) -> None:
        super().__init__(model, **kwargs)
        if tools is not None:
            self.env_kwargs |= {"tools": tools}


class AgeMemNoRLRAGAgent(LanguageModelAgent):
    """Long-term memory by tools; in place of SUMMARY and FILTER, what is near to the last message is recalled each time."""

    def __init__(self, model: Any, **kwargs: Any) -> None:
        super().__init__(model, **kwargs)
        self.env_kwargs |= {"tools": list(LTM_TOOLS), "layer": RECALL, "layer_options": {"top_k": self.top_k}}


def _trained(checkpoint: Any) -> Any:
    """The model of a checkpoint's folder; a chat model is one already."""
    if isinstance(checkpoint, ChatModel):
        return checkpoint
    if not isinstance(checkpoint, str) or not checkpoint:
        raise ConfigurationError(f"checkpoint={checkpoint!r}: expected the folder of a trained model")
    return checkpoint if ":" in checkpoint else f"local:{checkpoint}"


class AgeMemAgent(AgeMemNoRLAgent):
    """The six tools and trained weights.

    Args:
        checkpoint: folder of a model that ``agemem sft`` or ``agemem train`` wrote.
        kwargs: keywords of :class:`AgeMemNoRLAgent`.
    """

    def __init__(self, checkpoint: str, **kwargs: Any) -> None:
        super().__init__(_trained(checkpoint), **kwargs)


class AgeMemRAGAgent(AgeMemNoRLRAGAgent):
    """As :class:`AgeMemNoRLRAGAgent`, with trained weights."""

    def __init__(self, checkpoint: str, **kwargs: Any) -> None:
        super().__init__(_trained(checkpoint), **kwargs)
