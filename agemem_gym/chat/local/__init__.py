"""Language models of ``transformers`` in this process, with a cache of keys and values for each live episode.

- :mod:`.attention`: slots in which keys and values lie, and attention through them
- :mod:`.drawing`: how the next token is drawn
- :mod:`.engine`: token ids in, token ids and log-probabilities out; many replies at a time
- :mod:`.encoding`: from messages to token ids, each encoded once and a sampled reply never
- :mod:`.stopping`: where a reply ends
- :mod:`.loading`, :mod:`.smollm`, :mod:`.threads`: from a name to weights; how many threads suit them
- :mod:`.model`: all of it as a chat model

Needs the extra [local]; importing this package alone loads nothing.
"""
