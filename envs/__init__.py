"""The engines, one room each, turned into :class:`agemem_gym.task.Task`.

What is the same thing in several rooms stands in a file of the same name:

=================  ========================================================================================================
``task.py``        the Task; its docstring is the env's documentation
``facts.py``       what a memory should hold, what stage 1 tells, what distracts
``expert.py``      the oracle (``planner.py``: a search that it uses)
``generated.py``   tasks without a download, by split and seed
``official.py``    the published tasks, from files as people have them
``commands.py``    what an agent may write, brought into the engine's form
``wording.py``     how states and goals are said
``labels.py``      AgentBoard's label file
=================  ========================================================================================================

Shared by them: :mod:`.rows` (rows of JSON files), :mod:`.moves` (move limits), and :mod:`agemem_gym.checks` below them all.
Each takes ``split="train" | "validation" | "test"`` beside its own names; the record says which was played.
"""
