"""Facts in texts: does this text state this fact, and what of a query must not be lost.

Told by words alone, without a model, so that rewards, curriculum, diagnosis and agents all mean the same by "stated".

- :mod:`agemem_gym.facts.overlap`: a fact and a stretch of text, by the words that both share
- :mod:`agemem_gym.facts.comparison`: a fact and a whole entry; :func:`compare`, :func:`states_fact`
- :mod:`agemem_gym.facts.duplicates`: whether two entries say the same
- :mod:`agemem_gym.facts.phrases`: the key phrases of a query
"""

from agemem_gym.facts.comparison import HIGH, LOW, compare, states_fact
from agemem_gym.facts.duplicates import Held, say_the_same
from agemem_gym.facts.overlap import Words, recall, sentences, states, stretches, words_of
from agemem_gym.facts.phrases import PhraseExtractor, key_phrases

__all__ = [
    "HIGH",
    "LOW",
    "Held",
    "PhraseExtractor",
    "Words",
    "compare",
    "key_phrases",
    "recall",
    "say_the_same",
    "sentences",
    "states",
    "states_fact",
    "stretches",
    "words_of",
]
