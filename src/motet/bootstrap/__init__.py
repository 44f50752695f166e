"""Puts the rooms together into a running node: the one place that may know them all."""
