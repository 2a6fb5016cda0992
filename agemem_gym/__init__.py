"""agemem-gym: Gymnasium environments for agents that manage their own memory (AgeMem, arXiv:2601.01885)."""

from __future__ import annotations

__version__ = "0.1.0"
