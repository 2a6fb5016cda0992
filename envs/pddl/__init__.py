"""The pddl benchmark."""
