"""Other libraries' trainers on these envs: a file each, an extra each.

- :mod:`.trl`: a ``rollout_func`` for TRL's ``GRPOTrainer``
"""
