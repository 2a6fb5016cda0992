"""What a question asks for: the kind of thing, and the words that stand for it.

By the noun behind "what" or "which" ("In what **city** …"), else by the question word::

    >>> asks_for("The album by Davido was produced by who?"), asks_for("Who wrote the book on which film is based?")
    ('person', 'person')
    >>> asks_for("In which city is the stadium?"), asks_for("How many rooms does it have?")
    ('place', 'number')
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_HOW_MANY = re.compile(
    r"\bhow (?:many|much|old|long|tall|far|large|high)\b|\bpopulation\b|\bwhat number\b", re.IGNORECASE
)
_WHEN = re.compile(r"^\W*(?:\w+ )?when\b|\bwhen ?\?|\b(?:first|founded|born|released) when\b", re.IGNORECASE)
_WHERE = re.compile(r"^\W*where\b|\bwhere ?\?|\b(?:based|located|headquartered|from) where\b", re.IGNORECASE)
_WHO = re.compile(
    r"^\W*who|\b(?:by|with|to|from|and|for|of|is|was) who(?:m|se)?\b|\bwho(?:m)?(?: else)?\W*$|\bwhose\b", re.IGNORECASE
)
_NO_NOUN = (
    "is was are were did does do has have had that who whom which of in to by from with for on at where can".split()
)
_HEAD = re.compile(
    r"\b(?:what|which)(?: (?:is|was|are|were) (?:the|a|an|this|his|her)(?: name of (?:the|a|this))?)?"
    rf"((?: (?!(?:{'|'.join(_NO_NOUN)})\b)[\w'’./-]+){{1,6}})",
    re.IGNORECASE,
)
_NOUNS: Mapping[str, frozenset[str]] = {
    kind: frozenset(words.split())
    for kind, words in {
        "year": "year years",
        "date": "date day month time century decade era birthday birthdate",
        "number": "number population height length distance percentage age",
        "nation": "nationality ethnicity language",
        "place": "city country state town county province region island continent location area district village borough "
        "suburb neighborhood neighbourhood place capital hometown birthplace municipality territory river mountain lake street",
        "work": "film movie book novel song album show series magazine newspaper play game musical sitcom single comedy "
        "opera documentary program programme track poem soundtrack drama thriller adaptation",
        "body": "company band team university college school party label network club organization organisation agency "
        "group station franchise studio institution chain brand duo airline airport stadium museum league conference "
        "publisher corporation tribe church firm",
        "thing": "genre profession occupation position instrument type kind sport nickname term role activity job style "
        "award disease title medal breed species material relationship",
        "person": "actor actress singer director author writer player rapper musician politician man woman artist composer "
        "president king queen character founder senator guitarist comedian poet model songwriter person wrestler boxer "
        "producer astronaut midfielder officer general star coach driver mother father brother sister wife husband son "
        "daughter philosopher scientist novelist designer journalist host drummer vocalist member footballer comedienne duke "
        "prince businessman entrepreneur painter explorer winner leader performer cinematographer",
    }.items()
}


@lru_cache(maxsize=1024)
def asks_for(question: str) -> str:
    """What kind of thing is asked for."""
    if _HOW_MANY.search(question):
        return "number"
    if _WHEN.search(question):
        return "date"
    if _WHERE.search(question):
        return "place"
    nouns = head(question)
    if nouns and not re.match(r"\W*who", question, re.IGNORECASE):
        kinds = [kind for noun in reversed(nouns) for kind, known in _NOUNS.items() if noun in known]
        return kinds[0] if kinds else "thing"
    return "person" if _WHO.search(question) else "thing"


def head(question: str) -> tuple[str, ...]:
    """The words behind the last "what" or "which" that are said of what is asked for."""
    found = [match[1].lower().split() for match in _HEAD.finditer(question)]
    return tuple(found[-1]) if found else ()
