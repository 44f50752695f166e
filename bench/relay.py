"""The A2P relay benchmark: load ESME -> gateway -> load SMSC, receipts back. Prints JSON, draws a plot.

    python -m bench.relay                          peak, then half of it paced, on `motet demo --smsc …`
    python -m bench.relay --rate 5000              one paced run
    python -m bench.relay --direct                 no gateway: what the load tools can do, and cost
    python -m bench.relay --target smpp://u:p@host:port --smsc-listen 127.0.0.1:2776 --pid 123    any other gateway

Client, SMSC and gateway (with its PostgreSQL) are processes of their own; all of them share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench import processes
from bench.gateway import Child, Gateway, msisdns_of, start_demo

OUT = Path(__file__).parent / "out"
BINDS_WITHIN_S = 30.0
HALF_SECONDS = 10
"""About how long the second, paced phase lasts."""


def main() -> None:
    arguments = parse()
    OUT.mkdir(exist_ok=True)
    sys.exit(asyncio.run(run(arguments)))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--binds", type=int, default=10, help="of the load ESME")
    parser.add_argument("--window", type=int, default=500, help="unanswered submit_sm per bind of the load ESME")
    parser.add_argument("--smsc-binds", type=int, default=4, help="of the gateway to the load SMSC")
    parser.add_argument("--smsc-window", type=int, default=1000, help="of each of these binds, both ways")
    parser.add_argument("--devices", type=int, default=1000, help="destinations in the demo")
    parser.add_argument("--rate", type=float, default=0.0, help="messages/s of a single paced run; 0: peak, then half")
    parser.add_argument("--peak-only", action="store_true", help="leave out the paced half")
    parser.add_argument("--direct", action="store_true", help="no gateway: the load tools against each other")
    parser.add_argument("--target", help="smpp://system_id:password@host:port of a gateway that runs already")
    parser.add_argument("--smsc-listen", default="127.0.0.1:0", help="where such a gateway finds the load SMSC")
    parser.add_argument("--pid", type=int, action="append", default=[], help="processes of such a gateway, to measure")
    parser.add_argument("--msisdns", type=Path, help="file of destinations, one a line, instead of the demo's")
    parser.add_argument("--profile", choices=("py-spy", "cprofile"), help="profile the gateway into bench/out")
    parser.add_argument("--gateway-args", default="", help="more flags for `motet demo`")
    parser.add_argument("--keep", action="store_true", help="keep the gateway's data directory")
    return parser.parse_args()


async def run(arguments: argparse.Namespace) -> int:
    smsc = await Child.start(
        sys.executable, "-m", "bench.load_smsc", "--listen", arguments.smsc_listen,
        "--window", str(arguments.smsc_window), log=OUT / "smsc.log",
    )  # fmt: skip
    port = (await smsc.event("ready", 10))["port"]
    data_dir = OUT / f"data-{os.getpid()}"
    gateway: Gateway | None = None
    profiler = None
    try:
        if arguments.direct:
            gateway = Gateway("load tools alone", f"smpp://load:load@127.0.0.1:{port}", [], None, None, None)
        elif arguments.target:
            gateway = Gateway(arguments.target.rpartition("@")[2], arguments.target, arguments.pid, None, None, None)
        else:
            gateway = await start_demo(arguments, port, data_dir, OUT)
        destinations = destinations_file(arguments, gateway)
        if not arguments.direct:
            await wait_for_binds(smsc, 1 if arguments.target else arguments.smsc_binds)
        if arguments.profile == "py-spy":
            profiler = start_py_spy(gateway)
        report = await phases(arguments, gateway, smsc, destinations)
    finally:
        if profiler:
            profiler.send_signal(2)
            profiler.wait(30)
        if gateway and gateway.child:
            await gateway.child.stop(20)
        await smsc.stop(5)
        if not arguments.keep:
            shutil.rmtree(data_dir, ignore_errors=True)
    return publish(report)


async def phases(arguments: argparse.Namespace, gateway: Gateway, smsc: Child, destinations: Path) -> dict[str, Any]:
    report: dict[str, Any] = {
        "benchmark": "relay",
        "gateway": gateway.name,
        "commit": commit(),
        "machine": machine(),
        "settings": {name: getattr(arguments, name) for name in ("binds", "window", "smsc_binds", "smsc_window")},
        "phases": {},
        "times": {},
    }
    plan = [("paced" if arguments.rate else "peak", arguments.messages, arguments.rate)]
    for name, messages, rate in plan:
        print(f"{name}: {messages:,} messages" + (f" at {rate:,.0f}/s" if rate else ""), file=sys.stderr)
        times = OUT / f"relay-{name}.npz"
        phase = await one_phase(arguments, gateway, smsc, destinations, messages, rate, times)
        report["phases"][name] = phase
        report["times"][name] = str(times)
        if name == "peak" and not arguments.peak_only and phase["receipts_per_s"] > 0:
            half = phase["receipts_per_s"] / 2
            plan.append(("half", int(half * HALF_SECONDS), round(half)))
    return report


async def one_phase(
    arguments: argparse.Namespace,
    gateway: Gateway,
    smsc: Child,
    destinations: Path,
    messages: int,
    rate: float,
    times: Path,
) -> dict[str, Any]:
    every_postgres = "--database-url" in arguments.gateway_args
    await smsc.ask("mark")
    before = processes.usage(gateway.pids, data_dir=gateway.data_dir, every_postgres=every_postgres)
    client = await Child.start(
        sys.executable, "-m", "bench.load_client", gateway.target, "--messages", str(messages), "--binds",
        str(arguments.binds), "--window", str(arguments.window), "--rate", str(rate), "--msisdns", str(destinations),
        "--source", gateway.short_code or "12345", "--save", str(times), log=OUT / "client.log",
    )  # fmt: skip
    await client.event("bound", 30)
    while True:
        event = await client.event(None, 60)
        if event["event"] == "result":
            break
        show_progress(event)
    print(file=sys.stderr)
    after = processes.usage(gateway.pids, data_dir=gateway.data_dir, every_postgres=every_postgres)
    await client.stop(5)
    upstream = await smsc.ask("mark")
    thousands = max(event["accepted"], 1) / 1_000
    return {
        **{key: value for key, value in event.items() if key not in ("event", "cpu_s")},
        "upstream_per_s": steady_rate(upstream["submits"], upstream["bin_s"]),
        "duration_s": round(event["ended"] - event["began"], 2),
        "rate": rate,
        "cost": {
            **after.since(before, event["accepted"]),
            "client_cpu_s_per_1000": round(event["cpu_s"] / thousands, 5),
            "smsc_cpu_s_per_1000": round(upstream["cpu_s"] / thousands, 5),
        },
        "smsc": upstream,
    }


async def wait_for_binds(smsc: Child, count: int) -> None:
    deadline = time.monotonic() + BINDS_WITHIN_S
    while (left := deadline - time.monotonic()) > 0:
        if (await smsc.event("binds", left))["count"] >= count:
            return
    raise SystemExit(f"the gateway made fewer than {count} binds to the load SMSC in {BINDS_WITHIN_S:g} s")


def destinations_file(arguments: argparse.Namespace, gateway: Gateway) -> Path:
    given: Path | None = arguments.msisdns
    if given:
        return given
    found = msisdns_of(gateway) if gateway.ready else [f"4917{number:08d}" for number in range(arguments.devices)]
    target = OUT / "msisdns.txt"
    target.write_text("\n".join(found) + "\n")
    return target


def steady_rate(bins: list[list[int]], bin_s: float) -> float:
    """Events per second between the tenth and the ninetieth hundredth of those in the bins."""
    total = sum(count for _, count in bins)
    seen, first, last = 0, None, None
    for number, count in bins:
        seen += count
        if first is None and seen >= total * 0.1:
            first = (number, seen)
        if last is None and seen >= total * 0.9:
            last = (number, seen)
    if first is None or last is None or first[0] == last[0]:
        return 0.0
    return round((last[1] - first[1]) / ((last[0] - first[0]) * bin_s), 1)


def show_progress(event: dict[str, Any]) -> None:
    if not sys.stderr.isatty():
        return
    total, width = event["messages"], 30
    filled = event["receipts"] * width // total
    bar = "█" * filled + "·" * (width - filled)
    print(f"\r{bar} accepted {event['accepted']:,}, receipts {event['receipts']:,} ", end="", file=sys.stderr)


def start_py_spy(gateway: Gateway) -> subprocess.Popen[bytes] | None:
    program = shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))
    if not program or not gateway.pids:
        print("py-spy is not installed: `.venv/bin/pip install py-spy`, or use --profile cprofile", file=sys.stderr)
        return None
    output = OUT / "gateway.svg"
    print(f"profile: {output}", file=sys.stderr)
    return subprocess.Popen([program, "record", "-o", output, "-r", "200", "-d", "600", "--pid", str(gateway.pids[0])])


def publish(report: dict[str, Any]) -> int:
    from bench import plot

    times = {name: Path(path) for name, path in report.pop("times").items()}
    try:
        plot.draw(report, times, OUT / "relay.png")
        print(f"plot: {OUT / 'relay.png'}", file=sys.stderr)
    except ImportError:
        print("no plot: `.venv/bin/pip install matplotlib`", file=sys.stderr)
    for phase in report["phases"].values():
        del phase["smsc"]["submits"], phase["smsc"]["answers"]
    text = json.dumps(report, indent=2)
    (OUT / "relay.json").write_text(text + "\n")
    print(text)
    lost = sum(phase["accepted_without_receipt"] for phase in report["phases"].values())
    return 1 if lost else 0


def machine() -> dict[str, Any]:
    model = ""
    with open("/proc/cpuinfo") as cpuinfo:
        model = next((line.partition(": ")[2].strip() for line in cpuinfo if line.startswith("model name")), "")
    return {"cpus": os.cpu_count(), "model": model, "python": platform.python_version(), "system": platform.release()}


def commit() -> str:
    found = subprocess.run(
        shlex.split("git describe --always --dirty"), cwd=Path(__file__).parent, capture_output=True, text=True
    )
    return found.stdout.strip()


if __name__ == "__main__":
    main()
