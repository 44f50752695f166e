"""The GraphQL benchmark: a large fleet in the embedded PostgreSQL, read over HTTP. Prints a table and draws a plot.

    python -m bench.graphql                                 200,000 devices with SIMs, a million messages
    python -m bench.graphql --devices 20000 --messages 100000 --seconds 2
    python -m bench.graphql --only fifty,by_hand

The rows are made once and kept in bench/out, `--fresh` makes them anew. One process serves, one asks, PostgreSQL
has its own: all of them share the machine, so each figure is also told as a ratio to the same page by hand, and with
the CPU time of the server and of PostgreSQL for a request, which a neighbour's load hardly changes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

import orjson

from bench.gateway import Child
from bench.graphql_data import (
    FIRST_NUMBER,
    WORKSPACE,
    Fleet,
    address,
    eid,
    fill,
    iccid_without_digit,
    imei_without_digit,
)
from bench.graphql_load import Load, ask, http_post
from bench.graphql_server import services_of
from bench.processes import usage
from motet.access.clients import Client
from motet.access.principals import Role
from motet.access.tokens import TokenAuthority, generate_key
from motet.access.voices import Voice
from motet.domain.global_ids import encode_global_id
from motet.fleet.seeds.tenant import identity, imei
from motet.graphql.engine import Engine, Request
from motet.graphql.limits import Limits
from motet.graphql.schema import SCHEMA
from motet.reading.cursor import encode_cursor
from motet.storage.database import Database
from motet.storage.embedded import EmbeddedPostgres
from motet.storage.migrate import migrate

OUT = Path(__file__).parent / "out"
VARIANTS = 400
"""Requests of a kind that differ in what they ask for."""

_POLICY = "servicePolicy { id name }" if "servicePolicy" in getattr(SCHEMA.type_map["Device"], "fields", {}) else ""

FIFTY = """
query Fifty($after: String) { devices(first: 50, after: $after) { nodes {
  id name status tags imei sim { iccid msisdn status } POLICY
  smsMessages(first: 3) { nodes { id status submittedAt to text } } } } }
""".replace("POLICY", _POLICY)

ONE = """
query One($id: ID!) { device(id: $id) {
  id name status tags imei sim { iccid msisdn status } POLICY
  smsMessages(first: 3) { nodes { id status submittedAt to text } } } }
""".replace("POLICY", _POLICY)

PAGE_1000 = """
query Page($after: String) { sims(first: 50, after: $after) {
  nodes { id iccid imsi msisdn status createdAt } pageInfo { hasNextPage endCursor } } }
"""

SEARCH = """
query Search($query: String!) { search(query: $query, first: 10) { matches {
  field value exact
  node { __typename id ... on Device { name } ... on Sim { iccid } ... on SmsMessage { status } } } } }
"""


def _device_id(fleet: Fleet, n: int) -> str:
    return encode_global_id("Device", fleet.device_ids[n * 7919 % len(fleet.device_ids)])


Variables = Callable[[Fleet, int], dict[str, Any]]


def _of(field: Callable[[int], str]) -> Variables:
    return lambda fleet, n: {"query": field(n * 7919 % len(fleet.device_ids))}


KINDS: dict[str, tuple[str, Variables]] = {
    "fifty": (
        FIFTY,
        lambda fleet, n: {
            "after": encode_cursor("Device:CREATED_AT", (fleet.device_ids[n * 7919 % (len(fleet.device_ids) - 60)],))
        },
    ),
    "one": (
        ONE,
        lambda fleet, n: {"id": _device_id(fleet, n)},
    ),
    "page_1000": (
        PAGE_1000,
        lambda fleet, n: {
            "after": encode_cursor("Sim:CREATED_AT", (fleet.sim_ids[min(49_950, len(fleet.sim_ids) - 60) + n % 10],))
        },
    ),
    "search_iccid": (SEARCH, _of(lambda n: identity(FIRST_NUMBER + n).iccid)),
    "search_iccid_without_digit": (SEARCH, _of(iccid_without_digit)),
    "search_eid": (SEARCH, _of(eid)),
    "search_imsi": (SEARCH, _of(lambda n: identity(FIRST_NUMBER + n).imsi)),
    "search_msisdn": (SEARCH, _of(lambda n: "+" + identity(FIRST_NUMBER + n).msisdn)),
    "search_imei": (SEARCH, _of(lambda n: imei(FIRST_NUMBER + n))),
    "search_imei_14": (SEARCH, _of(imei_without_digit)),
    "search_imeisv": (SEARCH, _of(lambda n: imei_without_digit(n) + "01")),
    "search_digits": (SEARCH, _of(lambda n: identity(FIRST_NUMBER + n).msisdn[:9])),
    "search_ip": (SEARCH, _of(lambda n: str(address(n)))),
    "search_name": (SEARCH, _of(lambda n: f"Lift alarm {n // 7 * 7 + 3:06}")),
    "search_name_prefix": (SEARCH, _of(lambda n: f"lift alarm 0{n % 200:03}")),
    "search_name_contains": (SEARCH, _of(lambda n: f"larm {n // 1000:03}")),
    "search_tag": (SEARCH, _of(lambda n: f"site-{n // 100}")),
    "search_message": (SEARCH, lambda fleet, n: {"query": str(fleet.message_ids[n % len(fleet.message_ids)])}),
    "search_nothing": (SEARCH, lambda fleet, n: {"query": f"nothing like {n}"}),
}
"""A query and the variables of its variants."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=200_000, help="each with a SIM")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each kind of request")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--fresh", action="store_true", help="make the rows anew")
    parser.add_argument("--only", default="", help=f"of: by_hand, {', '.join(KINDS)}")
    arguments = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    asyncio.run(run(arguments))


async def run(arguments: argparse.Namespace) -> None:
    postgres = EmbeddedPostgres(_data_directory(arguments), {"shared_buffers": "512MB", "max_wal_size": "4GB"})
    await postgres.start()
    key = OUT / "graphql.key"
    key.write_bytes(generate_key())
    server: Child | None = None
    try:
        async with await Database.open(postgres.url) as database:
            async with database.pool.acquire() as connection:
                await migrate(connection)
            fleet = await fill(database, arguments.devices, arguments.messages, _bar)
            authority = TokenAuthority([key.read_bytes()])
            token = authority.issue(
                "bench", now=int(time.time()), ttl_s=86_400, workspace_id=fleet.workspace_id, workspace=WORKSPACE,
                role=Role.ADMINISTRATOR,
            )  # fmt: skip
            server = await Child.start(
                sys.executable, "-m", "bench.graphql_server", postgres.url, str(key), log=OUT / "graphql.log"
            )
            port = (await server.event("ready", 30))["port"]
            requests = _requests(fleet, token)
            chosen = [name for name in arguments.only.split(",") if name] or list(requests)
            results: dict[str, dict[str, float]] = {}
            for number, name in enumerate(chosen):
                _bar(name, number / len(chosen))
                await ask(port, requests[name], arguments.connections, min(1.0, arguments.seconds))
                before = usage([server.process.pid], data_dir=postgres.data_directory)
                load = await ask(port, requests[name], arguments.connections, arguments.seconds)
                cost = usage([server.process.pid], data_dir=postgres.data_directory).since(before, len(load.latencies))
                results[name] = _figures(load) | {
                    "server_cpu_ms": cost["gateway_cpu_s_per_1000"],
                    "postgres_cpu_ms": cost["postgres_cpu_s_per_1000"],
                }
                results[name]["alone_p50_ms"] = _figures(await ask(port, requests[name], 1, 1.0))["p50_ms"]
            _bar("", 1.0)
            for name in chosen:
                if name in KINDS:
                    results[name]["statements"] = await _statements(database, authority, token, fleet, name)
        _tell(results, arguments)
    finally:
        if server is not None:
            await server.stop(5)
        await postgres.stop()


def _data_directory(arguments: argparse.Namespace) -> Path:
    """Kept between runs; newer migrations are laid over it."""
    wanted = OUT / f"graphql-data-{arguments.devices}-{arguments.messages}"
    if arguments.fresh:
        shutil.rmtree(wanted, ignore_errors=True)
    return wanted


def _requests(fleet: Fleet, token: str) -> dict[str, list[bytes]]:
    requests = {
        "by_hand": [
            http_post(
                "/fifty",
                orjson.dumps(
                    {
                        "workspace": fleet.workspace_id,
                        "after": fleet.device_ids[n * 7919 % (len(fleet.device_ids) - 60)],
                    }
                ),
                token,
            )
            for n in range(VARIANTS)
        ]
    }
    for name, (query, variables) in KINDS.items():
        requests[name] = [
            http_post("/graphql", orjson.dumps({"query": query, "variables": variables(fleet, n)}), token)
            for n in range(VARIANTS)
        ]
    return requests


def _figures(load: Load) -> dict[str, float]:
    if load.refused:
        raise SystemExit(f"refused: {load.refused[:1000]!r}")
    cuts = quantiles(load.latencies, n=100) if len(load.latencies) > 1 else load.latencies * 99
    return {
        "requests_per_s": len(load.latencies) / load.seconds,
        "p50_ms": cuts[49] * 1000,
        "p99_ms": cuts[98] * 1000,
        "octets": load.octets / len(load.latencies),
    }


class _CountingPool:
    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self.count = 0

    @asynccontextmanager
    async def acquire(self, **options: Any) -> Any:
        async with self._pool.acquire(**options) as connection:
            yield _CountingConnection(self, connection)


class _CountingConnection:
    def __init__(self, pool: _CountingPool, connection: Any) -> None:
        self._pool, self._connection = pool, connection

    async def fetch(self, *arguments: Any) -> Any:
        self._pool.count += 1
        return await self._connection.fetch(*arguments)


async def _statements(database: Database, authority: TokenAuthority, token: str, fleet: Fleet, name: str) -> int:
    pool = _CountingPool(database.pool)
    engine = Engine(services_of(pool), Limits(), hide_suggestions=True)
    query, variables = KINDS[name]
    principal = authority.verify(token, int(time.time()))
    prepared = await engine.prepare(Request(query, variables(fleet, 0), None), principal, Voice(Client(), principal))
    if isinstance(prepared, dict):
        raise SystemExit(f"{name}: {prepared}")
    await engine.run(prepared, principal, Client())
    return pool.count


def _tell(results: dict[str, dict[str, float]], arguments: argparse.Namespace) -> None:
    base = results.get("by_hand", {}).get("requests_per_s")
    print(
        f"{arguments.devices:,} devices with SIMs, {arguments.messages:,} messages,"
        f" {arguments.connections} connections, one process"
    )
    heads = ("requests/s", "by hand", "p50 ms", "p99 ms", "alone", "CPU ms", "+ PG ms", "statements", "KB")
    print(" " * 28 + "".join(f"{head:>11}" for head in heads))
    for name, figures in results.items():
        ratio = f"{figures['requests_per_s'] / base:.2f}" if base else ""
        print(
            f"{name:28}{figures['requests_per_s']:11,.0f}{ratio:>11}{figures['p50_ms']:11.1f}{figures['p99_ms']:11.1f}"
            f"{figures['alone_p50_ms']:11.1f}{figures['server_cpu_ms']:11.2f}{figures['postgres_cpu_ms']:11.2f}"
            f"{figures.get('statements', ''):>11}{figures['octets'] / 1000:11.1f}"
        )
    (OUT / "graphql.json").write_text(json.dumps({"arguments": vars(arguments), "results": results}, indent=2))
    _draw(results, OUT / "graphql.png")


def _draw(results: dict[str, dict[str, float]], target: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    names = list(results)[::-1]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(13, 1.5 + 0.35 * len(names)), sharey=True)
    left.barh(names, [results[name]["requests_per_s"] for name in names])
    left.set(title=f"requests/s, {len(names)} kinds", xlabel="requests/s")
    right.barh(names, [results[name]["p99_ms"] for name in names], label="p99", alpha=0.4)
    right.barh(names, [results[name]["p50_ms"] for name in names], label="p50")
    right.barh(names, [results[name]["alone_p50_ms"] for name in names], label="p50, one at a time", height=0.3)
    right.set(title="latency", xlabel="ms")
    right.legend()
    for axes in (left, right):
        axes.grid(alpha=0.3, axis="x")
    figure.tight_layout()
    figure.savefig(target, dpi=110)
    pyplot.close(figure)


def _bar(what: str, share: float) -> None:
    if sys.stderr.isatty() or share >= 1.0:
        filled = int(share * 30)
        end = "\n" if share >= 1.0 else ""
        print(f"\r[{'#' * filled}{'.' * (30 - filled)}] {what:30}", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
