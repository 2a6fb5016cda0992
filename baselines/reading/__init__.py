"""Reading without a model: what an extractive reader makes of sentences and questions.

- :mod:`.wording`: the generated encyclopedia's sentences and questions, by its own templates
- :mod:`.knowledge`: what has been read, the newest word on each thing; what is still to be looked up; what follows
- :mod:`.prose`: anybody's sentences and questions, by shape
- :mod:`.guessing`: answers without knowledge
"""
