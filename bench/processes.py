"""CPU time and memory of process trees, from /proc (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    """One process at one moment. `cpu_s` holds that of its ended and reaped children too."""

    pid: int
    parent: int
    name: str
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds so far, and the peak resident memory of the gateway's largest process in MiB."""

    gateway_cpu_s: float
    postgres_cpu_s: float
    peak_mib: float

    def since(self, earlier: Usage, messages: int) -> dict[str, float]:
        """What the messages between the two moments cost."""
        gateway = self.gateway_cpu_s - earlier.gateway_cpu_s
        postgres = self.postgres_cpu_s - earlier.postgres_cpu_s
        thousands = max(messages, 1) / 1_000
        return {
            "gateway_cpu_s": round(gateway, 3),
            "postgres_cpu_s": round(postgres, 3),
            "gateway_cpu_s_per_1000": round(gateway / thousands, 5),
            "postgres_cpu_s_per_1000": round(postgres / thousands, 5),
            "gateway_peak_mib": round(self.peak_mib, 1),
        }


def usage(roots: Iterable[int], *, data_dir: Path | None = None, every_postgres: bool = False) -> Usage:
    """The use of the trees under `roots`. PostgreSQL is what is so named in them, works in `data_dir`, or (with
    `every_postgres`, for a server that we did not start) is so named at all."""
    processes = _all()
    gateway = postgres = peak = 0.0
    inside = _descendants(processes, set(roots))
    for process in processes.values():
        named = process.name.startswith("postgres")
        if named and (process.pid in inside or every_postgres or _works_in(process.pid, data_dir)):
            postgres += process.cpu_s
        elif process.pid in inside:
            gateway += process.cpu_s
            peak = max(peak, _peak_mib(process.pid))
    return Usage(gateway, postgres, peak)


def _all() -> dict[int, Process]:
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path("/proc", entry, "stat").read_text()
        except OSError:  # it has ended meanwhile
            continue
        name, _, rest = stat.partition(" (")[2].rpartition(") ")
        fields = rest.split()
        ticks = sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime
        found[int(entry)] = Process(int(entry), int(fields[1]), name, ticks / _TICKS_PER_S)
    return found


def _descendants(processes: dict[int, Process], roots: set[int]) -> set[int]:
    inside = set(roots)
    while True:
        more = {one.pid for one in processes.values() if one.parent in inside} - inside
        if not more:
            return inside
        inside |= more


def _works_in(pid: int, data_dir: Path | None) -> bool:
    if data_dir is None:
        return False
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd")).is_relative_to(data_dir.resolve())
    except OSError:
        return False


def _peak_mib(pid: int) -> float:
    try:
        for line in Path("/proc", str(pid), "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0
