"""The lanes of one hub: one connection and one kind of fact each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from motet.hub.facts import (
    Accepted,
    AcceptWriter,
    Answered,
    Finished,
    Submitted,
    probe_answered,
    probe_finished,
    probe_submitted,
    write_answered,
    write_finished,
    write_submitted,
)
from motet.hub.lane import Lane
from motet.hub.mobile import Arrival

if TYPE_CHECKING:
    from motet.hub.hub import Hub

WORKERS = 2
"""For facts whose groups stand alone: PostgreSQL writes one while Python goes on with another. Finals keep their order,
so that a receipt that repeats another is not answered before that one is committed. Accepts ran ahead of the receipts
with two, at the same rate and five times the latency."""

MO_GROUP = 500
"""MO in one commit: each may ask the database for its parts."""


class Lanes(NamedTuple):
    """Accepted, submitted, finished, answered: the life of an MT; and MO."""

    accept: Lane[Accepted]
    submit: Lane[Submitted]
    final: Lane[Finished]
    answer: Lane[Answered]
    mo: Lane[Arrival]


def make_lanes(hub: Hub, accept_writer: AcceptWriter) -> Lanes:
    """The lanes, not running yet. What follows each commit is the business of the hub's rooms."""

    def connect(name: str) -> Any:
        return lambda: hub.database.connect_lane(name)

    def incarnation() -> int:
        return hub.incarnation

    limit = hub.limits.group
    return Lanes(
        accept=Lane(
            "accept",
            connect("accept"),
            incarnation,
            write=accept_writer.write,
            done=hub.intake.committed,
            probe=accept_writer.probe,
            refused=hub.intake.refused_by_database,
            limit=limit,
            prepare=hub.intake.before_write,
            follows=lambda fact: fact.follows,
            room=hub.intake.room,
            room_wait_s=hub.limits.spill_after_s,
        ),
        submit=Lane(
            "submit",
            connect("submit"),
            incarnation,
            write=write_submitted,
            done=hub.relay.submits_committed,
            probe=probe_submitted,
            refused=lambda fact, error: fact.upstream.release(1),
            workers=WORKERS,
            limit=limit,
        ),
        final=Lane(
            "final",
            connect("final"),
            incarnation,
            write=write_finished,
            prepare=hub.endings.before_finals,
            settled=hub.endings.finals_settled,
            done=hub.endings.finals_committed,
            probe=probe_finished,
            refused=hub.endings.finals_refused,
            limit=limit,
        ),
        answer=Lane(
            "answer",
            connect("answer"),
            incarnation,
            write=write_answered,
            done=hub.esmes.answers_committed,
            probe=probe_answered,
            refused=lambda fact, error: hub.esmes.answers_committed([fact]),
            workers=WORKERS,
            limit=limit,
        ),
        mo=Lane(
            "mo",
            connect("mo"),
            incarnation,
            write=hub.mobile.write,
            done=hub.mobile.committed,
            probe=hub.mobile.probe,
            refused=hub.mobile.refused_by_database,
            limit=MO_GROUP,
            prepare=hub.mobile.before_write,
        ),
    )
