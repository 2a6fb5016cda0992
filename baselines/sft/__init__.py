"""Supervised fine-tuning: a model imitates an agent's replies, as a warm start.

- :mod:`.demos`: an agent's episodes as rows, a prompt and a reply each: ``agemem demos``
- :mod:`.segments`: rows as token ids, those that go on from each other in one sequence
- :mod:`.train`: the loop: ``agemem sft``
"""
