"""What /metrics tells (Prometheus). Rooms count in plain ints; here is how those become families when someone asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from motet import __version__

Labelled = Mapping[tuple[str, ...], float]
"""Label values -> number; () for a family without labels."""


class Family(NamedTuple):
    """A metric and how to read it. A counter's name ends without `_total`: the format adds it."""

    name: str
    help: str
    read: Callable[[], float | Labelled]
    labels: tuple[str, ...] = ()
    gauge: bool = False


class Metrics(Collector):
    """The families of one node, and the registry that /metrics prints. The hot path only adds to ints of its own."""

    def __init__(self) -> None:
        self._families: dict[str, Family] = {}
        self.registry = CollectorRegistry(auto_describe=False)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.registry.register(self)
        self.add(
            Family("motet_build", "The version that runs", lambda: {(__version__,): 1.0}, ("version",), gauge=True)
        )

    def add(self, *families: Family) -> None:
        """Adds families; each name once. `read` is called on the event loop at each scrape and must not block."""
        for family in families:
            if family.name in self._families:
                raise ValueError(f"there is a metric {family.name} already")
            self._families[family.name] = family

    def collect(self) -> Iterable[Metric]:
        for family in self._families.values():
            make = GaugeMetricFamily if family.gauge else CounterMetricFamily
            metric = make(family.name, family.help, labels=family.labels)
            numbers = family.read()
            for values, number in numbers.items() if isinstance(numbers, Mapping) else (((), numbers),):
                metric.add_metric(values, number)
            yield metric

    def describe(self) -> Iterable[Metric]:
        return ()
