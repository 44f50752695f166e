"""Draws a relay run: rates over time, and how the latencies are spread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

BIN_S = 0.25


def draw(report: dict[str, Any], times: dict[str, Path], target: Path) -> None:
    """Write a PNG with a row per phase. `times` are the load client's .npz files by phase."""
    import matplotlib as mpl

    mpl.use("Agg")
    import numpy
    from matplotlib import pyplot

    phases = list(report["phases"])
    figure, axes = pyplot.subplots(len(phases), 2, figsize=(13, 4.2 * len(phases)), squeeze=False)
    for (left, right), name in zip(axes, phases, strict=True):
        phase = report["phases"][name]
        with numpy.load(times[name]) as saved:
            sent_at, accepted_at, receipt_at = (saved[key] for key in ("sent_at", "accepted_at", "receipt_at"))
        began = phase["began"]
        for label, at in (("accepted", accepted_at), ("receipts", receipt_at)):
            _rate(numpy, left, at[at > 0] - began, label)
        upstream = [(number * phase["smsc"]["bin_s"] - began, count) for number, count in phase["smsc"]["submits"]]
        upstream = [(at, count) for at, count in upstream if at >= -phase["smsc"]["bin_s"]]
        if upstream:
            at, counts = (numpy.array(column) for column in zip(*upstream, strict=True))
            _rate(numpy, left, numpy.repeat(at + phase["smsc"]["bin_s"] / 2, counts), "upstream")
        left.set(title=f"{name}: {_summary(phase)}", xlabel="s", ylabel="messages/s", ylim=(0, None))
        left.title.set_fontsize(9)
        left.legend()
        left.grid(alpha=0.3)
        both = (accepted_at > 0) & (receipt_at > 0)
        for label, spans in (
            ("submit_sm_resp", (accepted_at - sent_at)[accepted_at > 0]),
            ("accept to receipt", (receipt_at - accepted_at)[both]),
        ):
            if len(spans):
                ordered = numpy.sort(numpy.maximum(spans * 1_000, 1e-3))
                share = numpy.arange(1, len(ordered) + 1) / len(ordered)
                step = max(1, len(ordered) // 2_000)
                right.plot(ordered[::step], share[::step], label=label)
        right.set(title="latency", xlabel="ms", ylabel="share of messages", xscale="log", ylim=(0, 1.01))
        right.legend()
        right.grid(alpha=0.3)
    figure.suptitle(f"A2P relay, {report['gateway']}, {report['machine']['cpus']} CPUs, all processes included")
    figure.tight_layout()
    figure.savefig(target, dpi=110)
    pyplot.close(figure)


def _rate(numpy: Any, axes: Any, times: Any, label: str) -> None:
    if len(times):
        edges = numpy.arange(0, max(times.max(), BIN_S) + 2 * BIN_S, BIN_S)
        counts, _ = numpy.histogram(times, edges)
        axes.plot(edges[:-1] + BIN_S / 2, counts / BIN_S, label=label)


def _summary(phase: dict[str, Any]) -> str:
    cost = phase["cost"]
    return (
        f"{phase['accepted_per_s']:,.0f} accepted/s, {phase['receipts_per_s']:,.0f} receipts/s, CPU s per 1,000: "
        f"gateway {cost['gateway_cpu_s_per_1000']:.4f}, PostgreSQL {cost['postgres_cpu_s_per_1000']:.4f}"
    )
