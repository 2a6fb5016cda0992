"""The hotpotqa benchmark."""
