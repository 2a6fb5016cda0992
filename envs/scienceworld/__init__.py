"""The scienceworld benchmark."""
