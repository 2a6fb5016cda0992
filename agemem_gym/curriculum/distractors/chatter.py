"""Sources that have nothing to do with the episode: small talk, and what tools leave in a log."""

from __future__ import annotations

import numpy as np

from agemem_gym.curriculum.distractors.source import Chooser, Distractor, DistractorScene

_MORE = 4  # candidates for each distractor wanted, where a range of similarity is asked for

_PEOPLE = (
    "my sister|my neighbour|an old colleague|my dentist|the new intern|my aunt|a friend from school|our landlord".split(
        "|"
    )
)
_HOBBIES = (
    "baking sourdough bread|learning the accordion|restoring a bicycle|growing tomatoes|collecting stamps|bouldering|"
    "knitting socks|watching birds|painting miniatures|keeping bees|playing chess by post|swimming in cold lakes"
).split("|")
_PLACES = (
    "Lisbon|the Alps|a lake in Finland|Kyoto|the seaside|Marrakesh|a village in Wales|Buenos Aires|the desert".split(
        "|"
    )
)
_FEELINGS = (
    "tiring|wonderful|a little dull|better than expected|louder than I like|surprisingly cheap|a bit too long".split(
        "|"
    )
)
_DAYS = "On Monday|Last weekend|Yesterday|This morning|Two weeks ago|On my day off|Over the holidays".split("|")
_FOODS = "mushroom soup|lemon cake|dumplings|a very hot curry|pancakes|beetroot salad|plum jam|a cheese toastie".split(
    "|"
)
_WEATHER = (
    "It has been raining for days|The first frost has come|It is far too hot|The wind kept me awake|Fog again".split(
        "|"
    )
)
_QUESTIONS = (
    "Have you seen anything good at the cinema?|What do you do at weekends?|Do you like jazz?|Any plans for the summer?|"
    "Can you recommend a podcast?|Are you more of a cat person?"
).split("|")
_TALK = (
    "{day} I was in {place}; it was {feeling}.",
    "{person} has taken up {hobby} and talks of nothing else.",
    "{weather}, so I stayed in and made {food}.",
    "I keep thinking about {hobby}. {question}",
    "{person} says that {place} is {feeling} at this time of the year.",
    "{day} {person} brought {food} along. {question}",
    "Do you know what goes well with {food}? I had it in {place} once.",
)

_SERVICES = "search|calendar|mail|files|weather|translate|maps|billing".split("|")
_ERRORS = (
    "TimeoutError: no answer within {n} ms",
    "HTTP 503 from upstream, retry {n}",
    "KeyError: 'item_{n}'",
    "rate limit reached, {n} requests left",
    "certificate expires in {n} days",
    "cache miss for key {hex}",
)
_LOGS = (
    "[{service}] INFO request {hex} took {n} ms",
    "[{service}] WARN {error}",
    "[{service}] ERROR {error}\n  at handler line {n}\n  at dispatch line {m}",
    "{service}: {n} results (page 1 of {m}); none above the threshold",
    '{{"tool": "{service}", "status": "error", "detail": "{error}", "trace": "{hex}"}}',
    "{service} exited with code {m} after {n} ms; output truncated",
)


class ChatSource:
    """Off-topic small talk."""

    name = "chat"

    def __init__(self, chooser: Chooser) -> None:
        self._chooser = chooser

    def draw(self, scene: DistractorScene, count: int, rng: np.random.Generator) -> list[Distractor]:
        """Composed anew for each episode."""
        return self._chooser.choose([_talk(rng) for _ in range(_MORE * count)], scene, count, self.name)


class ToolNoiseSource:
    """Outputs as tools leave them: logs, errors, empty results. The forms are recorded, the figures drawn."""

    name = "tool_noise"

    def __init__(self, chooser: Chooser) -> None:
        self._chooser = chooser

    def draw(self, scene: DistractorScene, count: int, rng: np.random.Generator) -> list[Distractor]:
        """Composed anew for each episode."""
        return self._chooser.choose([_log(rng) for _ in range(_MORE * count)], scene, count, self.name)


def _talk(rng: np.random.Generator) -> str:
    text = _pick(_TALK, rng).format(
        day=_pick(_DAYS, rng),
        place=_pick(_PLACES, rng),
        feeling=_pick(_FEELINGS, rng),
        person=_pick(_PEOPLE, rng),
        hobby=_pick(_HOBBIES, rng),
        food=_pick(_FOODS, rng),
        weather=_pick(_WEATHER, rng),
        question=_pick(_QUESTIONS, rng),
    )
    return text[0].upper() + text[1:]


def _log(rng: np.random.Generator) -> str:
    figures = {"n": int(rng.integers(3, 5000)), "m": int(rng.integers(1, 90)), "hex": f"{int(rng.integers(2**32)):08x}"}
    error = _pick(_ERRORS, rng).format(**figures)
    return _pick(_LOGS, rng).format(service=_pick(_SERVICES, rng), error=error, **figures)


def _pick(items: list[str] | tuple[str, ...], rng: np.random.Generator) -> str:
    return items[int(rng.integers(len(items)))]
