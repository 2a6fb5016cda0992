"""Rewards: pure functions of an episode."""
