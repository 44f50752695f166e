"""Jobs and their items as they are read."""

from motet.access.principals import Permission
from motet.domain.jobs import ItemOutcome, JobState
from motet.reading.filters import any_of, one_of
from motet.reading.makers import column, global_id, made, state
from motet.reading.model import Entity, ToMany, ToOne
from motet.reading.tag_scope import TagScope, of_row


def _camel(name: str) -> str:
    """A field's name as GraphQL has it."""
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


_ASKED_FOR = TagScope("coalesce({t}.tags <@ {tags}::text[], false)")
"""Jobs that someone with this tag scope, or a narrower one, has asked for: they are about nothing outside it. What
someone without a scope has asked for may be about any device."""

JOB = Entity(
    name="Job",
    table="job",
    permission=Permission.JOB_READ,
    fields={
        "id": global_id("Job"),
        "kind": column("kind"),
        "state": state("state", JobState),
        "dryRun": column("dry_run"),
        "input": column("input"),
        "total": column("total"),
        "done": column("done"),
        "changed": column("changed"),
        "failed": column("failed"),
        "progress": made(lambda done, total: done / total if total else 1.0, "done", "total"),
        "error": column("error"),
        "actor": column("actor"),
        "createdAt": column("created_at"),
        "startedAt": column("started_at"),
        "finishedAt": column("finished_at"),
        "undoes": ToOne("Job", "undoes_id"),
        "items": ToMany("JobItem", "job_id"),
    },
    filters={"state": one_of("state", JobState), "kind": any_of("kind")},
    newest_first=True,
    scope=_ASKED_FOR,
)

JOB_ITEM = Entity(
    name="JobItem",
    table="job_item",
    permission=Permission.JOB_READ,
    fields={
        "id": global_id("JobItem"),
        "number": column("number"),
        "outcome": state("outcome", ItemOutcome),
        "code": column("code"),
        "message": column("message"),
        "path": made(lambda path: [_camel(step) for step in path], "path"),
        "detail": column("detail"),
        "device": ToOne("Device", "device_id"),
        "sim": ToOne("Sim", "sim_id"),
        "job": ToOne("Job", "job_id"),
    },
    filters={"outcome": one_of("outcome", ItemOutcome)},
    scope=of_row("job", "job_id", _ASKED_FOR),
)
