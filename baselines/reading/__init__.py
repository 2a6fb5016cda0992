"""Reading without a model: what an extractive reader makes of sentences and questions.

- :mod:`.wording`: the generated encyclopedia's sentences and questions, by its own templates
- :mod:`.knowledge`: what has been read, the newest word on each thing; what is still to be looked up; what follows
- :mod:`.prose`: anybody's sentences and questions, by shape
- :mod:`.asking`, :mod:`.closed`: what a question asks for; questions that offer their answers
- :mod:`.spans`, :mod:`.ranking`, :mod:`.weights`: stretches that could be an answer, and which of them is
- :mod:`.words`: words that count
- :mod:`.guessing`: answers without knowledge
"""
