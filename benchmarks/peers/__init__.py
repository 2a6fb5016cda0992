"""One module per engine: its speed against the engine's own wrapper, for ``throughput.py``.

Each runs alone, too: ``PYTHONPATH=benchmarks python benchmarks/peers/against_pddl.py --quick``.
"""
