"""One module per engine: its speed against the engine's own wrapper, for ``throughput.py``."""
