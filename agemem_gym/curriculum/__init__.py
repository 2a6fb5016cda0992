"""Curriculum wrappers: three stages and distractors."""
