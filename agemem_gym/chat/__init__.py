"""The one home of language models: agents, judges, the summariser and written distractors all ask a :class:`ChatModel`.

- :mod:`agemem_gym.chat.model`: what a chat model is: a batch of message lists in, completions out
- :mod:`agemem_gym.chat.callable`: any function from messages to text
- :mod:`agemem_gym.chat.endpoint`: OpenAI-compatible endpoints; :mod:`.prices` says what they cost
- :mod:`agemem_gym.chat.local`: language models of ``transformers`` in this process
- :mod:`agemem_gym.chat.making`: from a name, a URL or a function to a model
"""

from agemem_gym.chat.callable import CallableModel
from agemem_gym.chat.endpoint import EndpointModel
from agemem_gym.chat.making import make_chat_model
from agemem_gym.chat.model import (
    GREEDY,
    ChatCallable,
    ChatError,
    ChatMessages,
    ChatModel,
    Completion,
    Sampling,
    complete_each,
    text_of,
)
from agemem_gym.chat.prices import Price

__all__ = [
    "GREEDY",
    "CallableModel",
    "ChatCallable",
    "ChatError",
    "ChatMessages",
    "ChatModel",
    "Completion",
    "EndpointModel",
    "Price",
    "Sampling",
    "complete_each",
    "make_chat_model",
    "text_of",
]
