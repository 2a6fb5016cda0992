"""Step-wise GRPO (AgeMem, arXiv:2601.01885, eq. 5 and 6): a policy learns from groups of its own episodes.

::

    returns of a group ─► advantages ─┐
    rows of a group ─► trie ─► layouts: log-probabilities ─► loss ─► update
         (each prompt and reply as token ids)   (the model, once a token that rows share)

:mod:`rows` is what the learner is given, :mod:`advantages`, :mod:`trie` and :mod:`loss` are functions of their inputs, and
:mod:`update` makes one step of an optimiser of them.
"""
