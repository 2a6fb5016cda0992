"""ALFWorld as a :class:`~agemem_gym.task.Task`: household chores in a room that is known only by what one has looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from agemem_gym.checks import TASK_INDEX, at_least, chosen_index, file_at, flag, one_of, only_options, some_of
from agemem_gym.envs.moves import choose_moves, memory_limit
from agemem_gym.errors import ConfigurationError, EngineError
from agemem_gym.task import WORLD, Metric, TaskStart, TaskStep, World

from . import packaged
from .commands import CHECK_VALID_ACTIONS, COMMANDS, changes_view, normalised, only_looks, readings
from .expert import shortest_plan
from .facts import Scene, distractors
from .game import Game, load_game
from .generated import ALIASES, SPLITS, generate
from .goals import TASK_TYPES, Progress, parse_goal
from .homes import address, furnish, game_in, lead_type
from .official import GENERATED, OfficialGame, data_folder, index, select
from .rooms import ROOM_KINDS

if TYPE_CHECKING:
    from .engine import Engine, Frame

Protocol = Literal["agentboard", "full"]

MOVE_LIMITS: Mapping[str, int] = {"agentboard": 30, "full": 50}
"""AgentBoard's limit, and ``AlfredTWEnv``'s own (its default configuration's ``max_nb_steps_per_episode``)."""

DEFAULT_SPLITS: Mapping[str, str] = {"agentboard": "valid_unseen", "full": "train"}
BANNER = re.compile(r"^-= .*? =-\n\n")
ARRIVAL = re.compile(r"^You arrive at [^.]*\. ")


class ALFWorldTask:
    """Find, clean, heat, cool, light and put away household things, in words.

    The engine is TextWorld's with fast-downward behind it, as alfworld 0.4.2 drives it, and the texts are the same byte for
    byte; it runs many times faster because nothing is parsed twice (see :mod:`.engine`).

    **Games.** Without data, games are generated from the floor plans, object tables and goal sentences that the alfworld
    wheel ships (:mod:`.generated`): unlimited, seeded, solvable. Where ``$ALFWORLD_DATA`` holds the official ones
    (``alfworld-download``), those are played, in the standard order; ``data="generated"`` keeps to generated ones.

    **Observation.** At first what stands in the room; then what the last command showed. Things inside closed receptacles
    are not seen until those are opened. ``look`` repeats what was last seen where the agent stands (the engine's own ``look``
    says that one sees nothing).

    **Commands.** Case, spaces and final dots do not matter.

    ==================================  ==============================================================
    command                             effect
    ==================================  ==============================================================
    ``go to R``                         walk to a receptacle and see what is on it, or in it if open
    ``open R`` / ``close R``            open or close it
    ``take O from R``                   pick an object up; one at a time
    ``move O to R`` = ``put O in/on R`` put it down
    ``clean/heat/cool O with R``        at a sinkbasin / microwave / fridge, with the object in hand
    ``use O``                           switch a lamp on
    ``slice O with K``                  with a knife in hand
    ``examine X``, ``look``             see again
    ``inventory``, ``help``             what is carried; the commands
    ``check valid actions``             every command that would be understood now (AgentBoard); costs a move
    ==================================  ==============================================================

    What the engine does not understand yields ``Nothing happens.`` and ``valid=False``. Upstream says the same to ``go to``
    between two receptacles that are reached from one place (alfworld #131): the agent is there already.

    **Progress** is the share of subgoals that the state has met so far (:mod:`.goals`); **success** is the engine's ``won``,
    which ends the episode.

    **Splits.** ``train`` and ``valid_seen`` share rooms, not games; the rooms of ``valid_unseen`` (floor plans 10, 219, 308,
    424) occur nowhere else. Official sizes: 3,553 / 140 / 134. ``validation`` and ``test`` are the names that every
    benchmark has for the last two; the record says ``valid_seen`` and ``valid_unseen``.

    ==============  ===================  ===========================================================================
    keyword         default              meaning
    ==============  ===================  ===========================================================================
    ``split``       by protocol          ``"train"``, ``"valid_seen"`` (or ``"validation"``), ``"valid_unseen"`` (or
                                         ``"test"``); ``full``: train, ``agentboard``: valid_unseen
    ``protocol``    ``"full"``           ``"full"``: 50 moves, the engine's text unchanged; ``"agentboard"``: 30 moves,
                                         without the banner and "You arrive at …", official tasks in sorted order
    ``task_types``  all six              names (:data:`.goals.TASK_TYPES`) or ids 1 to 6 as in ``AlfredTWEnv``
    ``rooms``       all four             ``"kitchen"``, ``"livingroom"``, ``"bedroom"``, ``"bathroom"``
    ``data``        ``None``             ``None``: official games where ``$ALFWORLD_DATA`` holds the split, else generated;
                                         ``"generated"``; or the folder that holds ``json_2.1.1``
    ``game``        ``None``             one game file (``*.tw-pddl``) to play in every episode
    ``max_moves``   by protocol          the move limit instead of the protocol's
    ``trust``       ``False``            also play game files whose domain or grammar is not a known one
    ``moves``       ``"protocol"``       ``"memory"``: half as many moves again as the walkthrough has, and 3: who knows where
                                         things are wins, who has to search does not
    ``games``       ``"any"``            ``"memory"``: generated homes in which searching takes too long, see below
    ==============  ===================  ===========================================================================

    **Memory.** ``games="memory"`` with ``moves="memory"`` (both are the three-stage env's defaults) makes tasks that need what
    stage 1 tells: where the wanted things are, and the lamp if one is asked for. These are all the key facts. A home
    (:mod:`.homes`) holds some dozen kinds of things; each is as likely to lie in a place as it takes moves to look there, so
    that no order of searching is better than another, and a quest is set only where searching everywhere takes so long that
    whoever knows nothing finds the thing within the limit with a chance of at most .35. The four rooms of ``valid_unseen``
    are too small for that: there it is the least that they allow (.34 to .65, by task type). Games of your own (``data=``,
    ``game=``, ``$ALFWORLD_DATA``) are played as they are, with the same limit and the same choice of key facts.

    **Worlds.** ``options={"world": {"seed": 3, "epoch": 1, "changes": 0.3}}`` sets the task in a home that comes back: the
    world's seed names the floor plan, the things and their first places, the episode's seed chooses one of its quests (ten or
    more), and each epoch moves a share of the things elsewhere. Each home has an address, which stands in the instruction and
    in all that is said of it ("At 5 Maple Street, the mug 1 is in the drawer 2."). :meth:`world_facts` says where everything
    is now. Worlds are generated, also where official games are found.

    Sources: ``alfworld/agents/environment/alfred_tw_env.py``, ``alfworld/data/*``, ``alfworld/gen/*``,
    ``textworld/envs/pddl/``; AgentBoard's ``environment/alfworld/alfworld_env.py`` for its protocol.

    Raises:
        ConfigurationError: a keyword that cannot be used.
    """

    benchmark: ClassVar[str] = "alfworld"
    names_worlds: ClassVar[bool] = True
    metric: ClassVar[Metric] = "success"

    def __init__(
        self,
        split: str | None = None,
        protocol: Protocol = "full",
        task_types: Sequence[str | int] | str | int | None = None,
        rooms: Sequence[str] | str | None = None,
        data: str | Path | None = None,
        game: str | Path | None = None,
        max_moves: int | None = None,
        trust: bool = False,
        moves: Literal["protocol", "memory"] = "protocol",
        games: Literal["any", "memory"] = "any",
    ) -> None:
        self._protocol = one_of("protocol", protocol, tuple(MOVE_LIMITS))
        split = one_of("split", DEFAULT_SPLITS[protocol] if split is None else split, (*SPLITS, *ALIASES))
        self._split = ALIASES.get(split, split)
        self._task_types = _task_types(task_types)
        self._rooms = some_of("rooms", rooms, tuple(ROOM_KINDS))
        self._max_moves = MOVE_LIMITS[protocol] if max_moves is None else at_least("max_moves", max_moves)
        self._moves = choose_moves(moves, protocol)
        if moves == "memory" and max_moves is not None:
            raise ConfigurationError("moves='memory' sets the limit itself; leave max_moves out")
        self._games = one_of("games", games, ("any", "memory"))
        self._folder = data_folder(data, self._split)
        self._own = data not in (None, GENERATED) or game is not None
        self._file = file_at("game", game, "a game file (*.tw-pddl)") if game is not None else None
        self._trust = flag("trust", trust)
        self._engine: Engine | None = None

    # -- Task -----------------------------------------------------------------------------------------------------------

    def reset(self, seed: int, options: Mapping[str, Any]) -> TaskStart:
        """See :meth:`agemem_gym.task.Task.reset`.

        ``options``: ``{"task_index": i}``, the i-th game of the split, or ``{"world": …}``, see the class.
        """
        options = only_options(options, (TASK_INDEX, WORLD), task="ALFWorld")
        self._world = self._checked_world(options)
        game = self._game_in(self._world, seed) if self._world else self._game(self._position(seed, options))
        self._goal = parse_goal(game.problem)
        frame = self._play(game)
        self._current, self._progress = game, Progress(self._goal)
        self._best = self._progress.update(self._live.world, frame.won)
        self._won, self._deviated, self._done_commands = frame.won, False, 0
        home = address(self._world.seed) if self._world else ""
        self._scene = Scene(self._live.world, self._live.names, home)
        observation, instruction = self._split_intro(frame.feedback, game.goal)
        self._last_view = observation
        return TaskStart(
            task_id=game.name,
            instruction=f"You are at {home}. {instruction}" if home else instruction,
            observation=observation,
            commands=COMMANDS,
            max_moves=self._limit(),
            key_facts=self._key_facts(),
            record=self._record(game, seed),
            key_phrases=tuple(name for name in (home, self._goal.kind, self._goal.place, self._goal.lamp) if name),
        )

    def act(self, command: str) -> TaskStep:
        """See :meth:`agemem_gym.task.Task.act`."""
        plain = normalised(command)
        if plain == CHECK_VALID_ACTIONS:
            return self._step(f"Valid actions: {', '.join(self.admissible())}.", True)
        frame, said = self._carry_out(command)
        if frame.understood and not only_looks(said):
            self._follow(said)
        self._won = frame.won
        observation = frame.feedback
        if frame.understood and changes_view(said):
            self._last_view = observation
        elif frame.understood and said == "look":
            observation = self._last_view
        if self._protocol == "agentboard":
            observation = ARRIVAL.sub("", observation)
        return self._step(observation, frame.understood)

    def answer(self, text: str) -> TaskStep:
        """See :meth:`agemem_gym.task.Task.answer`: the engine's state is the answer, whatever `text` says."""
        return TaskStep("", self._best, self._won, True)

    def admissible(self) -> list[str]:
        """See :meth:`agemem_gym.task.Task.admissible`: the engine's own list."""
        return self._live.admissible()

    def expert(self) -> Iterator[str]:
        """See :meth:`agemem_gym.task.Task.expert`: the game's walkthrough while the agent follows it from the start, else the
        shortest errands from the present state (:mod:`.expert`), else fast-downward's plan, asked once.
        """
        if not self._won and not self._deviated:
            yield from self._current.walkthrough[self._done_commands :]
        if not self._won:
            live = self._live
            yield from shortest_plan(live.world, live.names, self._goal) or live.plan()

    def background(self, rng: np.random.Generator) -> list[str]:
        """See :meth:`agemem_gym.task.Task.background`: true of the episode's first state."""
        return self._scene.casual_facts(rng)

    def distractor_pool(self, rng: np.random.Generator) -> list[str]:
        """See :meth:`agemem_gym.task.Task.distractor_pool`: the same kinds of things in other homes."""
        return distractors(rng, self._goal)

    def world_facts(self) -> tuple[str, ...]:
        """See :meth:`agemem_gym.task.LastingTask.world_facts`: where everything was when the episode began."""
        return self._scene.whereabouts()

    def size(self) -> int | None:
        """Number of official games in the split, 1 with ``game=``, ``None`` for generated ones."""
        if self._file is not None:
            return 1
        return len(self._official()) if self._folder else None

    def close(self) -> None:
        """See :meth:`agemem_gym.task.Task.close`."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def __getstate__(self) -> dict[str, Any]:
        """A task travels to another process without its engine; ``reset`` starts one there."""
        return {**self.__dict__, "_engine": None}

    # -- which game -----------------------------------------------------------------------------------------------------

    def _position(self, seed: int, options: Mapping[str, Any]) -> int:
        size = self.size()
        index = chosen_index(options, size)
        if index is not None:
            return index
        return seed if size is None else seed % size

    def _game(self, position: int) -> Game:
        if self._file is not None:
            return load_game(self._file, self._file.name, self._trust)
        if self._folder is None and self._games == "memory":
            return self._hidden_game(position)
        if self._folder is None:
            return generate(self._split, position, self._task_types, self._rooms)
        chosen = self._official()[position]
        return load_game(chosen.path, chosen.name, self._trust)

    def _official(self) -> tuple[OfficialGame, ...]:
        assert self._folder is not None
        return select(index(self._folder, self._split), self._task_types, self._rooms)

    def _hidden_game(self, position: int) -> Game:
        """The game of a home of its own that the position stands for."""
        home = furnish(self._split, position, self._task_types, self._rooms, hidden=True)
        quest = home.quests_of(lead_type(self._split, position, self._task_types, self._rooms, hidden=True))[0]
        return game_in(home, quest, f"memory/{self._split}/{quest.name}/{position}")

    def _game_in(self, world: World, seed: int) -> Game:
        """The game that the seed chooses in a world."""
        home = furnish(self._split, world.seed, self._task_types, self._rooms, hidden=self._games == "memory")
        home = home.later(world.epoch, world.changes)
        quests = home.quests()
        quest = quests[seed % len(quests)]
        now = f"{world.seed}.{world.epoch}-{world.changes:g}"
        return game_in(home, quest, f"world/{self._split}/{self._games}/{now}/{quest.name}")

    def _checked_world(self, options: Mapping[str, Any]) -> World | None:
        world = World.of(options)
        if world is not None and self._own:
            raise ConfigurationError(
                "options['world']: ALFWorld's worlds are generated; leave data= and game= out, or give data='generated'"
            )
        if world is not None and TASK_INDEX in options:
            raise ConfigurationError("options: 'world' and 'task_index' each choose the task; give one of them")
        return world

    # -- one episode ----------------------------------------------------------------------------------------------------

    @property
    def _live(self) -> Engine:
        if self._engine is None:
            raise EngineError("this ALFWorld task was closed or has not been reset; call reset() first")
        return self._engine

    def _play(self, game: Game) -> Frame:
        if self._engine is None:
            for package in ("textworld", "fast_downward"):
                packaged.require(package)
            from .engine import Engine

            self._engine = Engine()
        return self._engine.reset(game)

    def _limit(self) -> int:
        """The moves of the episode that has just begun."""
        plan = () if self._moves == "protocol" else self._plan()
        return memory_limit(len(plan)) if plan else self._max_moves

    def _key_facts(self) -> tuple[str, ...]:
        if self._games == "any" and self._world is None:
            return self._scene.key_facts(self._goal)
        return self._scene.facts_of(self._plan()) or self._scene.key_facts(self._goal)

    def _plan(self) -> Sequence[str]:
        """The commands that win from the first state: the stored ones, else the shortest errands, else fast-downward's."""
        live = self._live
        return self._current.walkthrough or shortest_plan(live.world, live.names, self._goal) or live.plan()

    def _split_intro(self, feedback: str, goal: str) -> tuple[str, str]:
        """The first observation and the task; together they are the engine's own first text."""
        observation, found, task = feedback.rpartition("\n\nYour task is to: ")
        if not found:
            observation, task = feedback, f"{goal}."
        if self._protocol == "agentboard":
            observation = BANNER.sub("", observation)
        return observation, f"Your task is to: {task}"

    def _record(self, game: Game, seed: int) -> dict[str, str | int | float | bool | None]:
        setting: dict[str, str | int | float | bool | None] = {}
        if self._moves != "protocol":
            setting |= {"moves": self._moves, "plan_length": len(self._plan())}
        if self._games != "any":
            setting["games"] = self._games
        if world := self._world:
            setting |= {"world": world.seed, "epoch": world.epoch, "changes": world.changes}
        generated = self._world is not None or (self._folder is None and self._file is None)
        return setting | {
            "engine": packaged.engine_versions(),
            "game_sha256": game.sha256,
            "source": "generated" if generated else "official",
            "split": self._split,
            "task_type": self._goal.task_type,
            "protocol": self._protocol,
            "seed": seed,
        }

    def _carry_out(self, command: str) -> tuple[Frame, str]:
        """Try the ways of saying `command` in turn; the last frame if none is understood."""
        frame, said = None, ""
        for said in readings(command):
            frame = self._live.step(said)
            if frame.understood:
                break
        assert frame is not None
        return frame, said

    def _follow(self, said: str) -> None:
        """Keep track of whether the agent walks along the stored walkthrough."""
        walkthrough, position = self._current.walkthrough, self._done_commands
        if position < len(walkthrough) and said == walkthrough[position]:
            self._done_commands += 1
        else:
            self._deviated = True

    def _step(self, observation: str, valid: bool) -> TaskStep:
        self._best = max(self._best, self._progress.update(self._live.world, self._won))
        return TaskStep(observation, self._best, self._won, self._won, valid)


def _task_types(given: Sequence[str | int] | str | int | None) -> tuple[str, ...]:
    if given is None or isinstance(given, str):
        return some_of("task_types", given, TASK_TYPES)
    listed = given if isinstance(given, Sequence) else [given]
    names = [TASK_TYPES[item - 1] if isinstance(item, int) and 1 <= item <= 6 else item for item in listed]
    return some_of("task_types", [str(name) for name in names], TASK_TYPES)
