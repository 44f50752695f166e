"""Networks and ESMEs that end with their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from simulator_support import Esme, Network


@pytest.fixture
def start() -> Iterator[Callable[..., Network]]:
    """Starts a network of five phones; flags and data_dir as `Network` takes them."""
    started: list[Network] = []

    def start_one(*flags: str, data_dir: Path | None = None) -> Network:
        started.append(Network(*flags, data_dir=data_dir))
        return started[-1]

    yield start_one
    for network in started:
        if network.process.poll() is None:
            network.kill()


@pytest.fixture(scope="module")
def shared_network() -> Iterator[Network]:
    network = Network()
    yield network
    assert network.stop() == 0


@pytest.fixture
def network(shared_network: Network) -> Iterator[Network]:
    """One network for the module's tests, which leave it as they found it but for the inboxes."""
    yield shared_network
    shared_network.settle()


@pytest.fixture
def esme(network: Network) -> Esme:
    return network.esme()
