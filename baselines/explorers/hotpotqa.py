"""Answers HotpotQA's questions by reading what it is told: an extractive reader, with nothing but rules.

It knows how the generated encyclopedia words its relations and questions (:mod:`agemem_gym.baselines.reading.wording`), and
reads everybody else's sentences by their shape (:mod:`~agemem_gym.baselines.reading.prose`). Of the episode it knows the
question and what it has learned; where that is not enough, it guesses. A floor for readers, and a source of demonstrations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from agemem_gym.baselines.reading import prose
from agemem_gym.baselines.reading.guessing import guess
from agemem_gym.baselines.reading.knowledge import Knowledge, conclusion, lookups, missing, reasons
from agemem_gym.baselines.reading.wording import Asked, stated, understood

_MOST_SEARCHES = 6


class HotpotQAExplorer:
    """Reads, looks up what is missing hop by hop, and answers (:class:`agemem_gym.baselines.explorers.explorer.Explorer`)."""

    env_kwargs: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        self.reset(np.random.default_rng(0))

    def reset(self, rng: np.random.Generator) -> None:
        """Forget everything."""
        self._rng = rng
        self._knowledge = Knowledge()
        self._sentences: dict[str, str] = {}
        self._question = ""
        self._ways: tuple[Asked, ...] = ()
        self._looked_up: set[str] = set()
        self._searches = False

    def subject(self, text: str) -> str | None:
        """``"The Pioneer of Ciod|director"`` for the encyclopedia's words; for others the sentence without what may change."""
        said = stated(text)
        if not said:
            return prose.subject(text)
        facts = [fact for fact in said if fact.holds] or said
        entities = list(dict.fromkeys(fact.entity for fact in facts))
        sentences = {fact.sentence for fact in facts}
        relations = sorted({fact.relation for fact in facts}) if len(sentences) == 1 else ["*"]
        return f"{'+'.join(entities)}|{'+'.join(relations)}"

    def learn(self, text: str) -> None:
        """Take a text as true, and as newer than all before."""
        if not self._knowledge.take(text):
            prose.take(text, self._sentences)

    def begin(self, info: Mapping[str, Any]) -> None:
        """Take the question."""
        self._question = str(info.get("instruction", "")).removeprefix("Question: ").strip()
        self._ways = understood(self._question)
        self._searches = "search[" in str(info.get("commands", ""))
        self._looked_up = set()

    def questions(self) -> list[str]:
        """The question itself, then hop by hop what is still missing, in the words in which it may be stated."""
        asked = [self._question] if self._question else []
        if not self._solved():
            for way in self._ways:
                for wordings in lookups(way, self._knowledge):
                    asked += wordings if self._looked_up else wordings[:1]
            if not self._ways:
                asked += prose.names_to_look_up(self._question, self._sentences.values())
        new = [text for text in dict.fromkeys(asked) if text not in self._looked_up]
        self._looked_up.update(new)
        return new

    def act(self, info: Mapping[str, Any]) -> str:
        """Look up the encyclopedia where it can be searched; else answer."""
        if self._searches:
            self.learn(str(info.get("observation", "")))
            name = self._next_search()
            if name is not None:
                return f"<action>search[{name}]</action>"
        return f"<answer>{self.answer()}</answer>"

    def answer(self) -> str:
        """The answer that follows from what was learned, or the best guess."""
        found = next((answer for way in self._ways if (answer := conclusion(way, self._knowledge))), None)
        if found is None and not self._ways:
            found = prose.answer(self._question, list(self._sentences.values()))
        return found or guess(self._question, self._ways, self._knowledge, self._rng)

    def reasons(self) -> list[str]:
        """The facts that :meth:`answer` follows from, in order; none where it is a guess."""
        return next((reasons(way, self._knowledge) for way in self._ways if conclusion(way, self._knowledge)), [])

    def _solved(self) -> bool:
        return any(conclusion(way, self._knowledge) for way in self._ways)

    def _next_search(self) -> str | None:
        """A name that has not been looked up: of what is missing, or of what a real question names."""
        if self._solved() or len(self._looked_up) >= _MOST_SEARCHES:
            return None
        names = [name for way in self._ways for name, _ in missing(way, self._knowledge)]
        if not self._ways:
            names = [*prose.names_to_look_up(self._question, self._sentences.values()), self._question]
        new = next((name for name in names if name not in self._looked_up), None)
        self._looked_up.update([] if new is None else [new])
        return new
