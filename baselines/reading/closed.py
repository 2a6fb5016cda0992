"""Questions that offer their answers: yes or no, and one of two named things.

- *Are both A and B magazines?* yes where what is said of each holds the words of the property
- *Are A and B of the same nationality?* yes where what is said of the two names the same one
- *Who was born first, A or B?* the one with the smaller date; likewise for numbers, and for what only one of them is
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agemem_gym.baselines.reading.ranking import Sentence
from agemem_gym.baselines.reading.spans import spans
from agemem_gym.baselines.reading.words import bare, stems
from agemem_gym.envs.hotpotqa.kinds import MONTHS

_YES_NO = re.compile(r"\W*(?:is|are|was|were|do|does|did|has|have|had|can|could)\b", re.IGNORECASE)
_OPEN = re.compile(r"\b(?:what|which|who|whom)\b", re.IGNORECASE)
_FIRST = r"[\"“]?[A-Z0-9À-Þ][\w'’.&!?\"”-]*"
_NEXT = r"(?:of|the|and|in|on|for|de|la|von|van|der|a|to|at|[A-Z0-9À-Þ\"“(][\w'’.&!\"”)-]*)"
_OPTION = rf"(?:{_FIRST}(?: {_NEXT})*)"
_REST = r"(?: ?\?| (?:happen|born|released|come|founded|formed|first)[^?]*\?|$)"
_CHOICE = re.compile(
    rf"(?:\b(?:the|a|an) )?(?P<one>{_OPTION}) ?,? or (?:the |a |an )?(?P<other>[\"“]?[A-Z0-9À-Þ][^?]*?|[^?,]+?){_REST}"
)
_BETWEEN = re.compile(
    rf"\bbetween (?:the )?(?P<one>{_OPTION}) and (?:the )?(?P<other>[^,?]+), *(?:which|who|what)\b", re.IGNORECASE
)
_BEGINNING = re.compile(r"^(?:Which|Who|What|Did|Is|Was|Are|Were|Does|Do|Has|Have|In|On|Of) (?:the )?")
_SMALLER = re.compile(
    r"\b(?:first|earlier|older|oldest|elder|before|fewer|smaller|less|shorter|least)\b", re.IGNORECASE
)
_LARGER = re.compile(
    r"\b(?:younger|youngest|later|latest|recent|recently|newer|more|most|larger|largest|longer|higher|taller|bigger|"
    r"greater|last|second)\b",
    re.IGNORECASE,
)
_TIMES = re.compile(
    r"\b(?:born|first|earlier|older|oldest|younger|youngest|later|recent|recently|newer|founded|formed|released|published|"
    r"established|opened|started|before|elder|last)\b",
    re.IGNORECASE,
)
_SAME = re.compile(r"\bsame (\w+)")
_TRADES = ("prof", "occup", "genre", "type", "kind", "job", "field", "career")
_AT = re.compile(
    r"(?:\b(?:in|at|of|from|near|for|by|band|group)|,|eastern|western|northern|southern|central)(?: the)? $"
)
_COUNTRIES = frozenset(("United States", "United Kingdom", "China", "England", "Canada", "Australia", "India", "U.S"))
_MONTH = "|".join(MONTHS)
_DATE = re.compile(
    rf"(?:(\d{{1,2}}) ({_MONTH}),? |({_MONTH}) (\d{{1,2}}), )?\b(1\d{{3}}|20\d\d|[3-9]\d\d)\b"
)  # with the year alone, too
_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")
_IDLE = frozenset(stems("same person people considered known type kind either different located each other"))
_ALIKE = 0.34  # share of words that a name and a title have in common
_HELD = 0.6  # share of a property's words that count as all


def is_closed(question: str) -> bool:
    """Whether the question is to be answered by yes or no."""
    return bool(_YES_NO.match(question)) and not _OPEN.search(question) and choice(question) is None


def choice(question: str) -> tuple[str, str] | None:
    """The two things that a question offers.

    Example:
        >>> choice("Which band was formed first, The Exies or Circus Diablo?")
        ('The Exies', 'Circus Diablo')
    """
    match = _BETWEEN.search(question) or _CHOICE.search(question)
    return (_BEGINNING.sub("", match["one"].strip(" ,")), match["other"].strip(" ,")) if match else None


def answer(question: str, sentences: Sequence[Sentence]) -> str | None:
    """The answer that what was read speaks for; None where nothing was read of it, or the question offers nothing."""
    pair = choice(question)
    if pair is not None:
        return _choose(question, pair, sentences)
    titles = _titles_in(question, sentences)[:2] if is_closed(question) else []
    return _yes_or_no(question, titles, sentences) if len(titles) == 2 else None


def _yes_or_no(question: str, titles: Sequence[str], sentences: Sequence[Sentence]) -> str:
    texts = [_said_of(title, sentences) for title in titles]
    same = _SAME.search(question)
    if same:
        return "yes" if _share(same[1], texts) else "no"
    wanted = set(stems(question)) - _IDLE - set(stems(" ".join(titles)))
    held = [len(wanted & set(stems(text))) / len(wanted) if wanted else 1.0 for text in texts]
    return "yes" if min(held) >= _HELD else "no"


def _choose(question: str, pair: tuple[str, str], sentences: Sequence[Sentence]) -> str | None:
    """By the smaller or the larger date or number, or else by what only one of the two is."""
    texts = [_said_of(option, sentences) for option in pair]
    if not all(texts):
        return None
    smaller, larger = _SMALLER.search(question), _LARGER.search(question)
    if smaller or larger:
        one, other = (_time(text) if _TIMES.search(question) else _size(text, question) for text in texts)
        if one is not None and other is not None and one != other:
            return pair[(one < other) != bool(smaller)]
    asked = set(stems(question)) - set(stems(" ".join(pair)))
    one_is, other_is = (len(asked & set(stems(text))) for text in texts)
    return pair[other_is > one_is]


def _titles_in(question: str, sentences: Sequence[Sentence]) -> list[str]:
    """The titles that stand in the question, in its order; of one inside another the longer."""
    titles = sorted({bare(sentence.title) for sentence in sentences} - {""})
    places = {title: question.lower().find(title.lower()) for title in titles}
    there = [title for title in titles if places[title] >= 0]
    whole = [one for one in there if not any(one != other and one.lower() in other.lower() for other in there)]
    return sorted(whole, key=lambda title: places[title])


def _said_of(name: str, sentences: Sequence[Sentence]) -> str:
    """All that was read of a thing: the sentences whose title shares most words with its name, or that name it."""
    words = set(stems(name))
    titles = sorted({sentence.title for sentence in sentences})
    likeness = {title: len(words & set(stems(title))) / max(1, len(words | set(stems(title)))) for title in titles}
    best = max(titles, key=lambda title: likeness[title], default="")
    if likeness.get(best, 0.0) < _ALIKE:
        return " ".join(sentence.text for sentence in sentences if name.lower() in sentence.text.lower())
    return " ".join(sentence.text for sentence in sentences if sentence.title == best)


def _share(noun: str, texts: Sequence[str]) -> bool:
    """Whether two texts name the same thing of a kind: a nationality, a place, a body; or speak of the same trade."""
    if noun.startswith(_TRADES):
        one, other = (set(stems(text)) for text in texts)
    elif noun.startswith("nation"):
        one, other = ({span.text for span in spans(text) if span.looks == "nation"} for text in texts)
    else:
        one, other = (_names(text) - (set() if noun == "country" else _COUNTRIES) for text in texts)
    return bool(one & other)


def _names(text: str) -> set[str]:
    """The names in a text that stand behind a word of place or membership."""
    return {
        part.strip()
        for span in spans(text)
        if span.looks in ("place", "name", "full name", "body") and _AT.search(text[: span.start])
        for part in span.text.split(",")
    }


def _time(text: str) -> float | None:
    """The first date behind "born", or else the first one, in years."""
    born = re.search(r"\bborn\b", text)
    match = (_DATE.search(text, born.start()) if born else None) or _DATE.search(text)
    if match is None:
        return None
    day, month = match[1] or match[4], match[2] or match[3]
    return int(match[5]) + ((MONTHS.index(month) + int(day) / 31) / 12 if month else 0.0)


def _size(text: str, question: str) -> float | None:
    """The first number of the part that shares most words with the question."""
    asked = set(stems(question))
    parts = sorted(re.split(r"(?<=[.;]) ", text), key=lambda part: -len(asked & set(stems(part))))
    numbers = [number for part in parts for number in _NUMBER.findall(part)]
    return float(numbers[0].replace(",", "")) if numbers else None
