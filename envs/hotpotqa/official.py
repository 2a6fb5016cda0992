"""HotpotQA's own questions: from files as people have them, or from the Hugging Face hub when asked for by name.

    .json  .jsonl (also .gz)   read by :mod:`agemem_gym.envs.rows`        the release's files, or one object a line
    .parquet, the hub          read by ``datasets``

Both forms of the schema are understood: the hub's columns of lists, and the release's lists of pairs
(``hotpot_train_v1.1.json``, ``hotpot_dev_distractor_v1.json``). The rows are data, never code, and they are not trusted: a
row that is no question with its answer and its facts is refused with its line, and breaks no other row.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from agemem_gym.checks import nearest_path
from agemem_gym.envs.hotpotqa.question import Paragraph, Question
from agemem_gym.envs.rows import read_rows
from agemem_gym.errors import ConfigurationError, MissingDependencyError, import_extra

HUB_NAME = "hotpotqa/hotpot_qa"
CONFIGURATION = "distractor"
COLUMNS = ("question", "answer", "supporting_facts", "context")
_JSON = (".jsonl", ".json", ".jsonl.gz", ".json.gz")
_FORMATS = (*_JSON, ".parquet")
_FILES = {
    "train": ("train", "hotpot_train"),
    "validation": ("validation", "dev", "hotpot_dev_distractor", "hotpot_dev"),
    "test": ("test",),
}
_NO_TEST = (
    "HotpotQA's own test questions were published without answers: play split='validation', on which results are reported, "
    "and hold out a part of train for tuning"
)
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);")
_SHOWN = 80


def check_source(data: str | Path, split: str) -> None:
    """Refuse what can be neither a file, nor a folder, nor a name on the hub.

    Raises:
        ConfigurationError: saying what was expected.
    """
    path, name = Path(data), str(data)
    if path.is_dir() or (path.is_file() and form_of(path)):
        return
    if path.is_file():
        raise ConfigurationError(f"data={name!r}: expected a file that ends in {', '.join(_FORMATS)}")
    if form_of(path) or name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise ConfigurationError(
            f"data={name!r}: there is no such file or folder; expected one, or a name on the hub such as "
            f"{HUB_NAME!r}{nearest_path(path)}"
        )
    if name == HUB_NAME and split == "test":
        raise ConfigurationError(f"split='test': {_NO_TEST}")


class Rows(Protocol):
    """Parsed rows by position, and where each of them stands."""

    def __len__(self) -> int: ...

    def __getitem__(self, position: int, /) -> Any: ...

    def place(self, position: int) -> str:
        """File and line or row, for messages."""


class RealQuestions(Sequence[Question]):
    """The questions of a split, read row by row.

    Args:
        data: a JSON or parquet file; a folder with files of each split; or a name on the hub.
        split: ``"train"``, ``"validation"`` or ``"test"``; a single file is taken whole.
        levels: levels to keep, or None for all.

    Raises:
        ConfigurationError: a folder without files of that split, a file without rows, or a row that is no question.
        MissingDependencyError: ``datasets`` is needed and not installed, or the hub cannot be reached.
    """

    def __init__(self, data: str | Path, split: str, levels: Sequence[str] | None) -> None:
        self._name = Path(data).name.split(".")[0]
        self._rows = _load(data, split)
        self._index: Sequence[int] = range(len(self._rows))
        if levels is not None:
            self._index = [row for row in self._index if self._level(row) in levels]
        if not self._index:
            wanted = f" of level {', '.join(levels)}" if levels else ""
            raise ConfigurationError(f"{data}: there is no question{wanted} in split {split!r}")

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, position: Any) -> Any:
        if isinstance(position, slice):
            return [self[i] for i in range(*position.indices(len(self)))]
        row = self._index[position]
        try:
            return question_of(self._rows[row], f"{self._name}-{row}")
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ConfigurationError(f"{self._rows.place(row)}: no question of HotpotQA: {error}") from None

    def readable(self, position: int) -> Question | None:
        """The question, or None where its row is none: for those who only look past it."""
        try:
            return self[position]
        except ConfigurationError:
            return None

    def _level(self, row: int) -> object:
        try:
            return self._rows[row].get("level")
        except (ValueError, AttributeError):
            return None


# --------------------------------------------------------------------------------------------- a row as a question


def question_of(row: Any, name: str) -> Question:
    """A row of the data set as a Question.

    Supporting facts that point to no sentence or to a blank one, of which the official data have some, are left out.

    Raises:
        ValueError: what is missing or of another form.
    """
    if not isinstance(row, Mapping):
        raise ValueError(f"it is {_shown(row)}; expected an object")
    if missing := [column for column in COLUMNS if column not in row]:
        raise ValueError(f"it has no {', '.join(missing)}; HotpotQA's columns are {', '.join(COLUMNS)}")
    paragraphs = tuple(
        Paragraph(_text(title, "a title"), _sentences(sentences))
        for title, sentences in _pairs(row["context"], "context", "sentences")
    )
    sentences_of = {paragraph.title: paragraph.sentences for paragraph in paragraphs}
    supporting = tuple(
        (title, index)
        for title, index in (
            (_text(title, "a title"), _number(index))
            for title, index in _pairs(row["supporting_facts"], "supporting_facts", "sent_id")
        )
        if 0 <= index < len(sentences_of.get(title, ())) and sentences_of[title][index].strip()
    )
    question = Question(
        id=str(row.get("id") or row.get("_id") or name),
        question=_text(row["question"], "the question"),
        answer=_text(row["answer"], "the answer"),
        kind=str(row.get("type") or ""),
        level=str(row.get("level") or ""),
        paragraphs=paragraphs,
        supporting=supporting,
    )
    if not supporting:
        raise ValueError("none of its supporting_facts is a sentence of its context")
    return question


def _pairs(value: Any, column: str, second: str) -> Iterator[tuple[Any, Any]]:
    """(title, …) pairs: from the hub's columns, from the release's list of pairs, or from a list of objects."""
    if isinstance(value, Mapping):
        titles, others = value.get("title"), value.get(second)
        if not isinstance(titles, list) or not isinstance(others, list) or len(titles) != len(others):
            raise ValueError(f"{column}: title and {second} are not lists of one length")
        yield from zip(titles, others, strict=True)
        return
    if not isinstance(value, list):
        raise ValueError(f"{column} is {_shown(value)}; expected pairs of title and {second}")
    for item in value:
        if isinstance(item, Mapping) and "title" in item and second in item:
            yield item["title"], item[second]
        elif isinstance(item, list) and len(item) == 2:
            yield item[0], item[1]
        else:
            raise ValueError(f"{column} holds {_shown(item)}; expected a pair of title and {second}")


def _sentences(value: Any) -> tuple[str, ...]:
    """A paragraph's sentences; one that is given as a single text has that one."""
    listed = [value] if isinstance(value, str) else value
    try:
        whole = "".join(listed)
    except TypeError:
        raise ValueError(f"sentences is {_shown(value)}; expected a list of texts") from None
    if not isinstance(listed, list):
        raise ValueError(f"sentences is {_shown(value)}; expected a list of texts")
    return tuple(listed) if _plain(whole) is whole else tuple(map(_plain, listed))


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{what} is {_shown(value)}; expected a text")
        value = str(value)
    stripped = _plain(value).strip()
    if not stripped:
        raise ValueError(f"{what} is {_shown(value)}; expected a text")
    return stripped


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or int(value) != float(value):
        raise ValueError(f"a sent_id is {_shown(value)}; expected a whole number")
    return int(value)


def _plain(text: str) -> str:
    """The text with its HTML entities as the characters that they stand for; half of a character pair is refused."""
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    if not text.isascii():
        text.encode()  # a lone surrogate cannot be written anywhere: UnicodeEncodeError is a ValueError
    return text


def _shown(value: Any) -> str:
    said = "null" if value is None else repr(value)
    return said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"


# --------------------------------------------------------------------------------------------- where rows come from


def _load(data: str | Path, split: str) -> Rows:
    path = Path(data)
    if not path.exists():
        return _FromDatasets(str(data), _from_hub(str(data), split))
    files = [path] if path.is_file() else _files_of_split(path, split)
    if form_of(files[0]) == "json":
        return _Joined([read_rows(file) for file in files])
    return _FromDatasets(str(path), _from_parquet(files))


def form_of(path: Path) -> str:
    """``"json"``, ``"parquet"``, or nothing."""
    name = path.name.lower()
    return "json" if name.endswith(_JSON) else "parquet" if name.endswith(".parquet") else ""


def _files_of_split(folder: Path, split: str) -> list[Path]:
    files = sorted(file for file in folder.iterdir() if file.is_file() and form_of(file))
    for begin in _FILES[split]:
        found = [file for file in files if file.name.lower().startswith(begin)]
        for form in ("json", "parquet"):
            if of_form := [file for file in found if form_of(file) == form]:
                return of_form
    if (folder / CONFIGURATION).is_dir():
        return _files_of_split(folder / CONFIGURATION, split)
    hint = f"; {_NO_TEST}" if split == "test" else ""
    raise ConfigurationError(f"{folder}: there is no {split}*.jsonl, .json or .parquet{hint}")


class _Joined:
    """Several files as one."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __getitem__(self, position: int) -> Any:
        part, within = self._find(position)
        return part[within]

    def place(self, position: int) -> str:
        part, within = self._find(position)
        return str(part.place(within))

    def _find(self, position: int) -> tuple[Any, int]:
        for part in self._parts:
            if position < len(part):
                return part, position
            position -= len(part)
        raise IndexError(position)


class _FromDatasets:
    """A table of ``datasets``."""

    def __init__(self, source: str, rows: Any) -> None:
        self._source, self._rows = source, rows
        if missing := [column for column in COLUMNS if column not in rows.column_names]:
            raise ConfigurationError(
                f"{source}: it has no {', '.join(missing)}; HotpotQA's columns are {', '.join(COLUMNS)}"
            )

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, position: int) -> Any:
        return self._rows[position]

    def place(self, position: int) -> str:
        return f"{self._source}, row {position}"


def _from_parquet(files: Sequence[Path]) -> Any:
    datasets = import_extra("datasets", "hotpotqa")
    datasets.disable_progress_bars()
    try:
        return datasets.load_dataset("parquet", data_files=[str(file) for file in files], split="train")
    except Exception as error:  # datasets wraps what pyarrow raises in types of its own
        raise ConfigurationError(f"{files[0]}: cannot be read as parquet: {error.__cause__ or error}") from None


def _from_hub(name: str, split: str) -> Any:
    datasets = import_extra("datasets", "hotpotqa")
    configuration = CONFIGURATION if name == HUB_NAME else None
    try:
        return datasets.load_dataset(name, configuration, split=split)
    except Exception as error:  # connection errors come in many types
        raise MissingDependencyError(
            f"the data set {name!r} could not be fetched ({type(error).__name__}); with a network, run "
            f"`hf download {name} --repo-type dataset` first, or give data=FILE.jsonl, or leave data= out for "
            "generated questions"
        ) from error
