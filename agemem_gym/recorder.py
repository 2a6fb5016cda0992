"""Who writes an episode down: the context tells what it does, the env what came of a reply, and here it becomes the record.

::

    context.append / remove / … ─► Recorder.edited ─► episode.messages, episode.edits
    env.step                    ─► Recorder.step   ─► episode.steps

Writing costs the same at every length of the episode.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gymnasium.error import ResetNeeded

from agemem_gym.context import Context, ContextSnapshot, Message, replayed
from agemem_gym.context import Edit as ContextEdit
from agemem_gym.episode import Episode, StepRecord


@dataclass(frozen=True)
class Mark:
    """A point of the record to which :meth:`Recorder.roll_back` can go."""

    edits: int
    messages: int
    distractors: int


class Recorder:
    """Writes down what happens to one env's context.

    Attributes:
        number: of the reply that is being carried out, or was last; 0 before the first one.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._episode: Episode | None = None
        self._by = "env"
        self.number = 0
        context.listener = self.edited

    @property
    def episode(self) -> Episode:
        """The present record.

        Raises:
            ResetNeeded: there is none.
        """
        if self._episode is None:
            raise ResetNeeded("No episode yet: call reset() first.")
        return self._episode

    @property
    def recording(self) -> bool:
        """Whether there is an episode."""
        return self._episode is not None

    def forget(self) -> None:
        """There is no episode, until one begins."""
        self._episode = None

    def begin(self, episode: Episode) -> None:
        """Write into this record from now on; it may hold replies already."""
        self._episode = episode
        self.number = len(episode.steps)

    @contextmanager
    def acting(self, name: str) -> Iterator[None]:
        """Changes of the context are `name`'s doing as long as this lasts."""
        before, self._by = self._by, name
        try:
            yield
        finally:
            self._by = before

    def edited(self, removed: tuple[int, ...], added: Message | None, at: int | None) -> None:
        """The context has changed."""
        episode = self.episode
        if added is not None:
            episode.messages.append(added)
        message_id = None if added is None else added.id
        episode.edits.append(ContextEdit(removed, message_id, at, self.number, self._by))

    def step(self, record: StepRecord) -> None:
        """A reply has been carried out."""
        self.episode.steps.append(record)

    def new_since(self, message: Message) -> list[Message]:
        """What has come into the context after `message` and is still there, in the order of the context."""
        edits, messages = self.episode.edits, self.episode.messages
        first = len(messages)
        while first and messages[first - 1].id > message.id:
            first -= 1
        new = messages[first:]
        since = edits[self._edit_of(message) + 1 :]
        if any(edit.at is not None for edit in since):  # something came at another place than the end: look there
            return [m for m in self._context if m.id > message.id]
        gone = {message_id for edit in since for message_id in edit.removed}
        return [m for m in new if m.id not in gone]

    def _edit_of(self, message: Message) -> int:
        edits = self.episode.edits
        return next(i for i in range(len(edits) - 1, -1, -1) if edits[i].added == message.id)

    def mark(self) -> Mark:
        """This point."""
        episode = self.episode
        return Mark(len(episode.edits), len(episode.messages), len(episode.distractors))

    def roll_back(self, mark: Mark) -> None:
        """Undo what has happened to the context and the record since `mark`."""
        episode = self.episode
        del episode.edits[mark.edits :], episode.messages[mark.messages :], episode.distractors[mark.distractors :]
        messages = replayed(episode.edits, {message.id: message for message in episode.messages})
        following = episode.messages[-1].id + 1 if episode.messages else 1
        self._context.restore(ContextSnapshot(tuple(messages), following))
