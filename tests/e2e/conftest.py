"""One demo for each module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from running_demo import RunningDemo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """A demo that all tests of a module share: each test uses phones of its own."""
    running = RunningDemo(tmp_path_factory.mktemp("demo") / "data")
    yield running
    assert running.end() == 0
