"""What one hostile client does to the others: `motet serve` is asked by well-behaved callers at a steady rate, while
another tries each thing of the list that `tests/graphql/test_abuse.py` tests. Prints a table and draws a plot.

    python -m bench.abuse                               each for 3 s, after 3 s without
    python -m bench.abuse --seconds 1 --only "deep JSON,200 sockets"

Each attack is repeated as fast as it is answered, by a process of its own on one connection. All share the machine with
the server and PostgreSQL, so what others feel is told beside what they felt just before.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from statistics import quantiles
from typing import Any

from bench.abuse_attacks import NAMES
from bench.gateway import READY_WITHIN_S, Child

OUT = Path(__file__).parent / "out"
QUERY = "{ devices(first: 10) { nodes { id name status sim { iccid msisdn } } } }"
REFUSED_WITHIN_MS = 50.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each, and before each")
    parser.add_argument("--rate", type=float, default=100.0, help="requests a second of the others")
    parser.add_argument("--only", default="", help=f"of: {'; '.join(NAMES)}; parted by ;")
    arguments = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    asyncio.run(run(arguments))


async def run(arguments: argparse.Namespace) -> None:
    data = OUT / "abuse-data"
    python = (sys.executable, "-m")
    common = ("--data-dir", str(data))
    ports = ("--http", "127.0.0.1:0", "--smpp", "127.0.0.1:0", "--json")
    if not data.exists():
        demo = await Child.start(
            *python, "motet", "demo", *common, *ports, "--network", "127.0.0.1:0", "--devices", "200",
            log=OUT / "abuse-demo.log",
        )  # fmt: skip
        await demo.event("ready", READY_WITHIN_S)
        await demo.stop(15)
    good, bad = [await _token(common, workspace) for workspace in ("demo", "other")]
    server = await Child.start(*python, "motet", "serve", *common, *ports, log=OUT / "abuse.log")
    results: dict[str, dict[str, Any]] = {}
    try:
        port = int((await server.event("ready", READY_WITHIN_S))["http"].rsplit(":", 1)[1])
        await _others(port, good, arguments.rate, 1.0)
        for name in [name for name in arguments.only.split(";") if name] or NAMES:
            before = await _others(port, good, arguments.rate, arguments.seconds)
            attacker = await Child.start(
                *python, "bench.abuse_attacks", name, str(port), bad, str(arguments.seconds + 0.5),
                log=OUT / "abuse-attacker.log",
            )  # fmt: skip
            await asyncio.sleep(0.5)  # it starts
            during = await _others(port, good, arguments.rate, arguments.seconds)
            done = await attacker.event("done", 60 + arguments.seconds)
            await attacker.stop(5)
            results[name] = _figures(before, during, done, arguments.seconds)
            _tell(name, results[name])
    finally:
        await server.stop(15)
    (OUT / "abuse.json").write_text(json.dumps({"arguments": vars(arguments), "results": results}, indent=2))
    _draw(results, OUT / "abuse.png")


async def _token(common: tuple[str, ...], workspace: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "motet", "token", "--workspace", workspace, "--role", "USER", *common,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    return output.decode().strip()


async def _others(port: int, token: str, rate: float, seconds: float) -> list[float]:
    """How long each of the others' requests took, in ms from when it was due: on 8 connections, evenly over time."""
    body = json.dumps({"query": QUERY}).encode()
    request = (
        f"POST /graphql HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\naccept: application/json\r\n"
        f"authorization: Bearer {token}\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(8):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    spans: list[float] = []

    async def ask(due: float) -> None:
        reader, writer = await free.get()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        await reader.readexactly(int(head.split("content-length: ")[1].split("\r\n")[0]))
        if " 200 " not in head.split("\r\n")[0]:
            raise SystemExit(f"the others were refused: {head}")
        spans.append((time.perf_counter() - due) * 1_000)
        free.put_nowait((reader, writer))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(ask(due))
    while not free.empty():
        free.get_nowait()[1].close()
    return spans


def _figures(before: list[float], during: list[float], done: dict[str, Any], seconds: float) -> dict[str, Any]:
    refused = sorted(done["ms"]) or [float("nan")]
    return {
        "outcomes": done["outcomes"],
        "refused_per_s": len(done["ms"]) / seconds,
        "refused_p50_ms": refused[len(refused) // 2],
        "refused_p99_ms": refused[min(len(refused) - 1, int(len(refused) * 0.99))],
        "others_p50_before_ms": _cut(before, 50),
        "others_p50_during_ms": _cut(during, 50),
        "others_p99_before_ms": _cut(before, 99),
        "others_p99_during_ms": _cut(during, 99),
    }


def _cut(spans: list[float], percent: int) -> float:
    return quantiles(spans, n=100)[percent - 1]


def _tell(name: str, figures: dict[str, Any]) -> None:
    print(
        f"{name:34} refused {figures['refused_per_s']:6,.0f}/s in {figures['refused_p50_ms']:6.1f} ms, p99"
        f" {figures['refused_p99_ms']:6.1f};  others p50 {figures['others_p50_before_ms']:5.1f} ->"
        f" {figures['others_p50_during_ms']:5.1f}, p99 {figures['others_p99_before_ms']:5.1f} ->"
        f" {figures['others_p99_during_ms']:5.1f}   {figures['outcomes']}",
        flush=True,
    )


def _draw(results: dict[str, dict[str, Any]], target: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    names = list(results)[::-1]
    places = range(len(names))
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(13, 1.5 + 0.35 * len(names)), sharey=True)
    left.barh(names, [results[name]["refused_p99_ms"] for name in names], label="p99", alpha=0.4)
    left.barh(names, [results[name]["refused_p50_ms"] for name in names], label="p50")
    left.axvline(REFUSED_WITHIN_MS, color="red", linewidth=0.8)
    left.set(title="how long refusing takes", xlabel="ms")
    for offset, when in ((0.2, "before"), (-0.2, "during")):
        values = [results[name][f"others_p99_{when}_ms"] for name in names]
        right.barh([place + offset for place in places], values, height=0.4, label=when)
    right.set(title="p99 of the others' requests", xlabel="ms")
    for axes in (left, right):
        axes.grid(alpha=0.3, axis="x")
        axes.legend()
    figure.tight_layout()
    figure.savefig(target, dpi=110)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
