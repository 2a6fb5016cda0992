"""The babyai benchmark."""
