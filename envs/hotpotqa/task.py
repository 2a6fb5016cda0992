"""HotpotQA as a :class:`~agemem_gym.task.Task`; its documentation stands in the docstring of :class:`HotpotQATask`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from agemem_gym.answers import exact_match, f1
from agemem_gym.checks import TASK_INDEX, chosen_index, one_of, only_options, some_of
from agemem_gym.envs.hotpotqa import facts
from agemem_gym.envs.hotpotqa.editions import ask, corpus_of_edition, edition
from agemem_gym.envs.hotpotqa.generated import LEVELS, QUESTIONS_PER_WORLD, corpus_of, generate
from agemem_gym.envs.hotpotqa.names import ALIASES, SPLITS
from agemem_gym.envs.hotpotqa.official import RealQuestions, check_source, form_of
from agemem_gym.envs.hotpotqa.question import Paragraph, Question
from agemem_gym.envs.hotpotqa.search import Corpus
from agemem_gym.errors import ConfigurationError
from agemem_gym.task import WORLD, Metric, TaskStart, TaskStep, World

MODES = ("open", "closed", "search")
MOVE_LIMITS: Mapping[str, int] = {"full": 20, "agentboard": 30}
_SEARCH = re.compile(r"search\s*[\[(:]?\s*(?P<query>.*?)\s*[\])]?", re.IGNORECASE | re.DOTALL)
_SEARCH_RESULTS = 5
_CORPUS_QUESTIONS = 100
_ANSWER_FORM = "Answer with a name, a number, a date, yes or no: <answer>…</answer>."
_HELP = {
    "open": f"none here. Read the documents in your context. {_ANSWER_FORM}",
    "closed": f"none here. What is needed was said before; search your memory. {_ANSWER_FORM}",
    "search": f"search[QUERY] to look up the encyclopedia by title or words. {_ANSWER_FORM}",
}


class HotpotQATask:
    """Questions that need two paragraphs at once.

    **Questions.** By default they are asked about a generated encyclopedia (:mod:`.generated`): fictional worlds of 18 kinds of
    entities and 97 relations, so that no model has read the answers; bridge and comparison questions, two gold paragraphs
    and eight related ones, without end. With ``data=`` HotpotQA's own questions are asked.

    **Modes.** ``open``: the ten paragraphs stand in the context, a message each, mixed. ``closed``: nothing is shown; the facts
    were said before, in stage 1 of the ThreeStage env, or are in a memory carried over with ``keep_memory``. ``search``: the
    command ``search[query]`` looks up the encyclopedia and shows the best paragraph and the titles of the next four.

    **Answer.** The episode ends with the answer. **Success** is the official exact match, **progress** the official F1
    (:mod:`agemem_gym.answers`); both stand in ``info["metrics"]`` as ``em`` and ``f1``.

    **Splits.** ``train``, ``validation`` and ``test``: of generated worlds no entity occurs in two of them, and the names of
    ``test`` are made of other sounds and words. HotpotQA itself has published ``train`` and ``validation`` (``dev``) only; its
    test questions have no public answers, so ``split="test"`` is refused for them, unless a folder has ``test*`` files.

    ==============  ==============  ===========================================================================
    keyword         default         meaning
    ==============  ==============  ===========================================================================
    ``mode``        ``"open"``      ``"open"``, ``"closed"`` or ``"search"``, see above
    ``split``       ``"train"``     ``"train"``, ``"validation"`` (or ``"dev"``), ``"test"``
    ``level``       all three       ``"easy"``, ``"medium"``, ``"hard"``, or a list of these
    ``data``        ``None``        ``None``: generated questions; a ``.json`` or ``.jsonl`` file (also ``.gz``), HotpotQA's
                                    release or the hub's columns; a ``.parquet`` file; a folder with ``train*`` and
                                    ``validation*`` (``dev*``) files, also under the release's names; or a data set of
                                    the hub by name, such as ``"hotpotqa/hotpot_qa"``, which is fetched
    ``protocol``    ``"full"``      move limit: ``"full"`` 20, ``"agentboard"`` 30
    ==============  ==============  ===========================================================================

    ``reset(options=…)`` takes ``task_index``: the i-th question of the split. Seeds walk a finite split round-robin. With
    ``world`` (``{"seed": 3, "epoch": 1, "changes": 0.3}``, :class:`agemem_gym.task.World`) questions keep to a chapter of one
    encyclopedia, some twenty facts that stage 1 tells; in each epoch a new edition says some of them otherwise
    (:mod:`.editions`), and the expected answers follow. :meth:`world_facts` lists them.

    Sources: Yang et al. 2018 (data, schema, metrics: ``hotpot_evaluate_v1.py``); Yao et al. 2023 (ReAct) for
    ``search[…]``.

    Raises:
        ConfigurationError: a keyword that cannot be used.
    """

    benchmark: ClassVar[str] = "hotpotqa"
    names_worlds: ClassVar[bool] = True
    metric: ClassVar[Metric] = "success"

    def __init__(
        self,
        mode: str = "open",
        split: str = "train",
        level: str | Sequence[str] | None = None,
        data: str | Path | None = None,
        protocol: str = "full",
    ) -> None:
        self._mode = one_of("mode", mode, MODES)
        self._split = ALIASES.get(split, one_of("split", split, (*SPLITS, *ALIASES)))
        self._protocol = one_of("protocol", protocol, tuple(MOVE_LIMITS))
        self._levels = some_of("level", level, LEVELS)
        self._data = data
        if data is not None:
            check_source(data, self._split)
        self._real: RealQuestions | None = None

    # ------------------------------------------------------------------------------------------------- the episode

    def reset(self, seed: int, options: Mapping[str, Any]) -> TaskStart:
        """Ask the question that `seed` or ``options["task_index"]`` stands for."""
        chosen = only_options(options, (TASK_INDEX, WORLD), task="HotpotQA")
        self._world = self._named_world(chosen)
        self._index = self._position(seed, chosen)
        self._question = question = self._ask(self._index)
        self._corpus: Corpus | None = None
        self._seen_titles: set[str] = set()
        self._over = False
        documents = question.paragraphs if self._mode == "open" else ()
        return TaskStart(
            task_id=f"HotpotQA/{question.id}",
            instruction=f"Question: {question.question}",
            observation="",
            commands=_HELP[self._mode],
            max_moves=MOVE_LIMITS[self._protocol],
            key_facts=question.facts,
            answer=question.answer,
            record={
                "engine": _engine(self._data),
                "source": "generated" if self._data is None else str(self._data),
                "split": self._split,
                "mode": self._mode,
                "level": question.level,
                "type": question.kind,
                "protocol": self._protocol,
                **({} if self._world is None else {f"world_{name}": x for name, x in asdict(self._world).items()}),
            },
            documents=tuple(map(str, documents)),
            key_phrases=facts.key_phrases(question),
            takes_commands=self._mode == "search",
        )

    def act(self, command: str) -> TaskStep:
        """Search; any other command only says what there is."""
        if self._over:
            return TaskStep("The episode is over.", 0.0, False, True, valid=False)
        found = _SEARCH.fullmatch(command.strip()) if self._mode == "search" else None
        if found is None:
            return TaskStep(f"There is no such command. Commands: {_HELP[self._mode]}", 0.0, False, False, valid=False)
        return TaskStep(self._search(found["query"]), 0.0, False, False)

    def answer(self, text: str) -> TaskStep:
        """Compare with the expected answer."""
        self._over = True
        em, share = exact_match(text, self._question.answer), f1(text, self._question.answer)
        return TaskStep("", max(em, share), em == 1.0, True, metrics={"em": em, "f1": share})

    def admissible(self) -> list[str]:
        """In ``search``: the question itself and every title that was shown; nothing in the other modes."""
        if self._mode != "search" or self._over:
            return []
        return sorted(f"search[{text}]" for text in {self._question.question, *self._seen_titles})

    def expert(self) -> Iterator[str]:
        """Look up the gold paragraphs where that can be done, and answer."""
        if self._mode == "search":
            for title in self._question.gold_titles:
                yield f"search[{title}]"
        yield f"<answer>{self._question.answer}</answer>"

    def background(self, rng: np.random.Generator) -> list[str]:
        """The supporting facts and a few further true sentences of this question's gold paragraphs, in mixed order.

        In a world that comes back: the supporting facts and all other facts of the world.
        """
        return facts.background(self._question, rng, () if self._world is None else self.world_facts())

    def distractor_pool(self, rng: np.random.Generator) -> list[str]:
        """This question's other paragraphs."""
        return facts.distractors(self._question, rng)

    def world_facts(self) -> tuple[str, ...]:
        """All that holds in the present world's chapter; without a world, the supporting facts."""
        if self._world is None:
            return self._question.facts
        return edition(self._split, self._world).sentences()

    def size(self) -> int | None:
        """Number of questions in the data; ``None`` for generated ones."""
        return None if self._data is None else len(self._rows())

    def close(self) -> None:
        """Let go of the data."""
        self._real = None

    def __getstate__(self) -> dict[str, Any]:
        """A task travels to another process without the data; they are opened there."""
        return {**self.__dict__, "_real": None}

    # ------------------------------------------------------------------------------------------------- the parts

    def _named_world(self, options: Mapping[str, Any]) -> World | None:
        world = World.of(options)
        if world is not None and self._data is not None:
            raise ConfigurationError(
                f"options[{WORLD!r}]={options[WORLD]!r}: only generated encyclopedias come back; "
                f"leave out data={str(self._data)!r:.80}"
            )
        return world

    def _position(self, seed: int, options: Mapping[str, Any]) -> int:
        size = self.size()
        index = chosen_index(options, size)
        if index is not None:
            return index
        return seed if size is None else seed % size

    def _ask(self, index: int) -> Question:
        if self._data is not None:
            return self._rows()[index]
        if self._world is not None:
            return ask(self._split, self._world, index, self._levels)
        return generate(self._split, index, self._levels)

    def _rows(self) -> RealQuestions:
        if self._real is None:
            assert self._data is not None
            self._real = RealQuestions(self._data, self._split, None if self._levels == LEVELS else self._levels)
        return self._real

    def _search(self, query: str) -> str:
        if self._corpus is None:
            self._corpus = self._make_corpus()
        found = self._corpus.search(query, _SEARCH_RESULTS)
        if not found:
            return "Nothing was found."
        self._seen_titles.update(paragraph.title for paragraph in found)
        further = "; ".join(paragraph.title for paragraph in found[1:])
        return f"{found[0]}" + (f"\nFurther results: {further}" if further else "")

    def _make_corpus(self) -> Corpus:
        """The whole world, or the paragraphs of this and the next hundred questions of the data."""
        if self._world is not None:
            return corpus_of_edition(self._split, self._world)
        if self._data is None:
            return corpus_of(self._split, self._index, self._levels)
        rows = self._rows()
        near = [rows.readable((self._index + i) % len(rows)) for i in range(min(len(rows), _CORPUS_QUESTIONS))]
        unique: dict[str, Paragraph] = {p.title: p for q in reversed(near) if q is not None for p in q.paragraphs}
        return Corpus(tuple(unique.values()))


def _engine(data: str | Path | None) -> str:
    """What the questions come from: the generator's parameters, or what read them."""
    if data is None:
        return f"generated encyclopedia, {QUESTIONS_PER_WORLD} questions a level and world"
    return "JSON" if form_of(Path(data)) == "json" else _datasets()


@cache
def _datasets() -> str:
    try:
        return f"datasets {version('datasets')}"
    except PackageNotFoundError:
        return "datasets"
