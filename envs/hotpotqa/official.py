"""HotpotQA's own questions: from the Hugging Face hub when asked for by name, or from a local file; all through ``datasets``.

The rows are data, never code, and they are not trusted: what does not have HotpotQA's schema is refused with the number of its
row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agemem_gym.envs.hotpotqa.question import Paragraph, Question
from agemem_gym.errors import ConfigurationError, MissingDependencyError, import_extra

HUB_NAME = "hotpotqa/hotpot_qa"
CONFIGURATION = "distractor"
_FORMATS = {".jsonl": "json", ".json": "json", ".parquet": "parquet"}


def check_source(data: str | Path) -> None:
    """Refuse what can be neither a file, nor a folder, nor a name on the hub.

    Raises:
        ConfigurationError: saying what was expected.
    """
    path = Path(data)
    if path.is_dir() or (path.is_file() and path.suffix in _FORMATS):
        return
    if path.is_file():
        raise ConfigurationError(f"data={str(data)!r}: expected a file that ends in {', '.join(_FORMATS)}")
    if path.suffix in _FORMATS or str(data).count("/") != 1 or str(data).startswith((".", "/", "~")):
        raise ConfigurationError(
            f"data={str(data)!r}: there is no such file or folder; expected one, or a name on the hub such as {HUB_NAME!r}"
        )


class RealQuestions(Sequence[Question]):
    """The questions of a split, read row by row.

    Args:
        data: a ``.jsonl`` or ``.parquet`` file; a folder with ``train*`` and ``validation*`` files; or a name on the hub.
        split: ``"train"`` or ``"validation"``; a single file is taken whole.
        levels: levels to keep, or None for all.

    Raises:
        ConfigurationError: a folder without files of that split, or rows of another schema.
        MissingDependencyError: ``datasets`` is not installed, or the hub cannot be reached.
    """

    def __init__(self, data: str | Path, split: str, levels: Sequence[str] | None) -> None:
        self._source = str(data)
        self._rows = _load(data, split)
        missing = {"question", "answer", "supporting_facts", "context"} - set(self._rows.column_names)
        if missing:
            raise ConfigurationError(
                f"{data}: HotpotQA's schema has columns {', '.join(sorted(missing))}; these do not"
            )
        self._index: Sequence[int] = range(len(self._rows))
        if levels is not None and "level" in self._rows.column_names:
            self._index = [i for i, level in enumerate(self._rows["level"]) if level in levels]
        if not self._index:
            raise ConfigurationError(f"{data}: no question of level {', '.join(levels or ())} in split {split!r}")

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, position: Any) -> Any:
        if isinstance(position, slice):
            return [self[i] for i in range(*position.indices(len(self)))]
        row = self._index[position]
        try:
            return question_of(self._rows[row], f"{Path(self._source).stem}-{row}")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigurationError(f"{self._source}, row {row}: not a question of HotpotQA: {error!r}") from None


def question_of(row: Mapping[str, Any], name: str) -> Question:
    """A row of the data set as a Question.

    Supporting facts that point to no sentence, of which the official data have some, are left out.
    """
    context, facts = row["context"], row["supporting_facts"]
    paragraphs = tuple(
        Paragraph(str(title), tuple(str(sentence) for sentence in sentences))
        for title, sentences in zip(context["title"], context["sentences"], strict=True)
    )
    lengths = {paragraph.title: len(paragraph.sentences) for paragraph in paragraphs}
    supporting = tuple(
        (str(title), int(index))
        for title, index in zip(facts["title"], facts["sent_id"], strict=True)
        if 0 <= int(index) < lengths.get(title, 0)
    )
    if not str(row["question"]).strip() or not str(row["answer"]).strip():
        raise ValueError("question or answer is blank")
    return Question(
        id=str(row.get("id") or name),
        question=str(row["question"]).strip(),
        answer=str(row["answer"]).strip(),
        kind=str(row.get("type") or ""),
        level=str(row.get("level") or ""),
        paragraphs=paragraphs,
        supporting=supporting,
    )


def _load(data: str | Path, split: str) -> Any:
    datasets = import_extra("datasets", "hotpotqa")
    path = Path(data)
    if not path.exists():
        return _from_hub(datasets, str(data), split)
    files = [path] if path.is_file() else _files_of_split(path, split)
    form = _FORMATS[files[0].suffix]
    datasets.disable_progress_bars()
    try:
        return datasets.load_dataset(form, data_files=[str(file) for file in files], split="train")
    except Exception as error:  # datasets wraps what pyarrow and json raise in types of its own
        raise ConfigurationError(f"{path}: cannot be read as {form}: {error.__cause__ or error}") from None


def _files_of_split(folder: Path, split: str) -> list[Path]:
    for suffix in _FORMATS:
        if files := sorted(folder.glob(f"{split}*{suffix}")):
            return files
    raise ConfigurationError(f"{folder}: there is no {split}*.jsonl and no {split}*.parquet")


def _from_hub(datasets: Any, name: str, split: str) -> Any:
    configuration = CONFIGURATION if name == HUB_NAME else None
    try:
        return datasets.load_dataset(name, configuration, split=split)
    except Exception as error:  # connection errors come in many types
        raise MissingDependencyError(
            f"the data set {name!r} could not be fetched ({type(error).__name__}); with a network, run "
            f"`hf download {name} --repo-type dataset` first, or give data=FILE.jsonl, or leave data= out for "
            "generated questions"
        ) from error
