"""The alfworld benchmark."""
