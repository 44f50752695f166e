"""Who is acting, from where, and with what: what the audit log says of a change.

An edge sets the act by `acting` before it calls a service. `motet.storage.transaction.transaction` then writes the
entry in the transaction of the change; what is only refused, or changes nothing here, `motet.identity.audit` writes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from motet.domain.redaction import storable_text

INSTALLATION = 0
"""Stands for the workspace in what is the installation's own: the operator's log."""

MAX_OBJECTS = 200
"""Ids that one entry can be found by."""


class ActorKind(StrEnum):
    """What someone has proved who they are by."""

    USER = "USER"
    API_KEY = "API_KEY"
    TOKEN = "TOKEN"  # noqa: S105 - a kind
    """Of `motet token`, for a role in a workspace."""
    OPERATOR = "OPERATOR"
    NETWORK = "NETWORK"
    SHELL = "SHELL"
    """A command of someone who has the database itself."""
    SYSTEM = "SYSTEM"
    """Motet, by a rule or a schedule."""
    ANONYMOUS = "ANONYMOUS"
    """Nobody yet: a sign-in that failed."""


class Edge(StrEnum):
    """What an act came in by."""

    GRAPHQL = "GRAPHQL"
    REST = "REST"
    SMPP = "SMPP"
    NETWORK = "NETWORK"
    COMMAND = "COMMAND"
    JOB = "JOB"
    SYSTEM = "SYSTEM"


class Outcome(StrEnum):
    """What became of an act."""

    DONE = "DONE"
    REPEATED = "REPEATED"
    """It was done before under the same idempotency key, and is not done again."""
    REFUSED = "REFUSED"
    """The input or a rule says no: `code` says why."""
    FORBIDDEN = "FORBIDDEN"
    """The actor may not do such a thing."""
    UNAUTHENTICATED = "UNAUTHENTICATED"
    """The actor has not proved who they are."""
    FAILED = "FAILED"
    """Our own fault; what was changed before stands in entries of its own."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who."""

    kind: ActorKind
    subject: str
    """As the viewer's `subject` and the events show them."""
    workspace_id: int | None = None
    """Whose log it goes to; None: the installation's."""
    user_id: int | None = None
    api_key_id: int | None = None
    session_id: int | None = None
    token_id: str | None = None


@dataclass(slots=True)
class Act:
    """One thing that someone asked for. Alive until its caller has the answer."""

    actor: Actor
    edge: Edge
    action: str
    """The mutation, `POST /path`, the command, the job's kind."""
    input: Mapping[str, Any] = field(default_factory=dict)
    """Without secrets and texts: see `motet.domain.redaction`."""
    address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    objects: list[int] = field(default_factory=list)
    """Rows that it is about, by id."""
    only_changes: bool = False
    """Whether a transaction that changed nothing leaves no entry, not even the first one."""
    written: bool = False
    """Whether a transaction has left an entry."""
    over: bool = False
    """A task that was started on the way, and goes on, does not act for the caller any more."""

    def row(
        self,
        outcome: Outcome = Outcome.DONE,
        *,
        code: str | None = None,
        path: Sequence[str | int] = (),
        times: int = 1,
    ) -> dict[str, Any]:
        """What `motet.storage.audit` writes of it."""
        row = dataclasses.asdict(self.actor)
        row["actor_kind"], row["actor"] = row.pop("kind"), storable_text(row.pop("subject"))
        return row | {
            "edge": self.edge,
            "action": storable_text(self.action),
            "input": self.input,
            "address": self.address,
            "user_agent": self.user_agent,
            "request_id": self.request_id,
            "objects": self.objects[:MAX_OBJECTS],
            "outcome": outcome,
            "code": code,
            "path": [storable_text(str(step)) for step in path] or None,
            "times": times,
        }


_ACT: ContextVar[Act | None] = ContextVar("motet_act", default=None)


def current_act() -> Act | None:
    """What the caller is doing; None if nobody asked for it."""
    act = _ACT.get()
    return None if act is None or act.over else act


@contextmanager
def acting(act: Act) -> Iterator[Act]:
    """What is changed inside is changed by this act."""
    token = _ACT.set(act)
    try:
        yield act
    finally:
        act.over = True
        _ACT.reset(token)


def system_act(action: str, subject: str, *, kind: ActorKind = ActorKind.SYSTEM, edge: Edge = Edge.SYSTEM) -> Act:
    """The act of Motet itself, by a rule or a schedule, or of a network: told of only if it changes something, and in
    the logs of the workspaces whose rows that are."""
    return Act(Actor(kind, subject), edge, action, only_changes=True)


def asked_by() -> dict[str, Any] | None:
    """Who acts now and from where, as a job keeps it for those who do it later."""
    act = current_act()
    if act is None:
        return None
    return {**dataclasses.asdict(act.actor), "address": act.address, "user_agent": act.user_agent,
            "request_id": act.request_id}  # fmt: skip


def act_of_job(asked: Mapping[str, Any] | None, workspace_id: int, actor: str, kind: str, job_id: int) -> Act:
    """The act of a chunk of a job: that of whoever asked for it."""
    known = dict(asked or {})
    place = {name: known.pop(name, None) for name in ("address", "user_agent", "request_id")}
    if known:
        who = Actor(**(known | {"kind": ActorKind(known["kind"]), "workspace_id": workspace_id}))
    else:
        who = Actor(ActorKind.SYSTEM, actor, workspace_id)
    return Act(who, Edge.JOB, kind, {"jobId": str(job_id)}, **place, objects=[job_id], only_changes=True)
