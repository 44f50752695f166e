"""Benchmarks: `python -m bench.relay` is the A2P relay, the other modules are its parts or measure one room."""
