"""Plain HTTP: health, readiness, metrics."""
