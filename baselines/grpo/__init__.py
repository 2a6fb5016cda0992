"""Step-wise GRPO (AgeMem, arXiv:2601.01885, eq. 5 and 6): a policy learns from groups of its own episodes.

::

    tasks ─► collect: K episodes of each, in slots ─► returns ─► advantages ─┐
                          └─► rows: each prompt and reply as token ids ──────┴─► trie ─► log-probabilities ─► loss ─► update
                                                                          (the model, once a token that rows share)

:mod:`rows` is what the learner is given, :mod:`advantages`, :mod:`trie` and :mod:`loss` are functions of their inputs, and
:mod:`update` makes one step of an optimiser of them. :mod:`collect` plays the episodes, with :mod:`sampler` as the agent.
:mod:`learner` puts them together, over :mod:`policy` (what learns, and the reference). :mod:`trainer` is the loop round it,
with :mod:`journal` (what was measured) and :mod:`checkpoint`; :mod:`algorithm` is another, with the face of Stable-Baselines3.
"""
