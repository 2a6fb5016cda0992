"""The engines: one room per benchmark, each of which turns its engine into a :class:`agemem_gym.task.Task`."""
