"""The memory tools and their registry."""
