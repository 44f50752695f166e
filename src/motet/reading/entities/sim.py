"""SIMs, the steps of their lives, and those to come, as they are read."""

from datetime import UTC, datetime, timedelta

from motet.access.principals import Permission
from motet.domain.ids import first_id_at
from motet.domain.sim_lifecycle import SimTrigger
from motet.domain.sim_schedule import ScheduleStatus
from motet.domain.states import SimStatus
from motet.reading.errors import InvalidRequestError
from motet.reading.filters import (
    any_of,
    contains,
    equals,
    equals_number,
    in_numbers,
    is_null,
    one_of,
    one_of_texts,
    refers_to,
    since,
    starts_with,
    until,
)
from motet.reading.makers import column, global_id, state
from motet.reading.model import Condition, Entity, Hidden, SortKey, SortKind, ToMany, ToOne
from motet.reading.statement import Statement
from motet.reading.tag_scope import of_device, of_sim

_ID_SLACK = timedelta(hours=1)
"""A SIM's id is given when it is made, in a long import a little before: ids bound what is looked at, no more."""


def _created(comparison: str, slack: timedelta) -> Condition:
    """Made before or after a moment. Ids hold the time, so that the key bounds what is read."""

    def condition(value: datetime, alias: str, statement: Statement) -> str:
        try:
            unix_ms = int((value.astimezone(UTC) + slack).timestamp() * 1000)
        except OverflowError as error:
            raise InvalidRequestError("This time is out of range.") from error
        bound = statement.add(min(first_id_at(unix_ms), (1 << 63) - 1))
        return f"{alias}.id {comparison} {bound} AND {alias}.created_at {comparison} {statement.add(value)}"

    return condition


SIM = Entity(
    name="Sim",
    table="sim",
    permission=Permission.SIM_READ,
    fields={
        "id": global_id("Sim"),
        "iccid": column("iccid"),
        "eid": column("eid"),
        "imsi": column("imsi"),
        "msisdn": column("msisdn"),
        "status": state("status", SimStatus),
        "formFactor": column("form_factor"),
        "qualityGrade": column("quality_grade"),
        "package": column("package"),
        "batch": ToOne("SimBatch", "batch_id"),
        "testEndsAt": column("test_ends_at"),
        "testSmsCount": column("test_sms"),
        "testDataOctets": column("test_octets"),
        "createdAt": column("created_at"),
        "activatedAt": column("activated_at"),
        "device": ToOne("Device", "device_id"),
        "history": ToMany("SimStatusChange", "sim_id"),
        "scheduledTransitions": ToMany("SimScheduledTransition", "sim_id"),
        "events": ToMany("Event", "sim_id"),
        "usage": ToMany("Usage", "sim_id"),
        "dataSessions": ToMany("DataSession", "sim_id"),
        "euicc": ToOne("Euicc", "id"),
        "imsis": ToMany("Imsi", "sim_id"),
        "imsiSwitches": ToMany("ImsiSwitch", "sim_id"),
        "activationCodes": ToMany("ActivationCode", "sim_id"),
    },
    filters={
        "status": one_of("status", SimStatus),
        "iccid": equals("iccid"),
        "imsi": equals("imsi"),
        "msisdn": equals_number("msisdn"),
        "formFactor": one_of_texts("form_factor"),
        "qualityGrade": one_of_texts("quality_grade"),
        "package": one_of_texts("package"),
        "batchId": refers_to("batch_id", "SimBatch"),
        "iccidIn": any_of("iccid"),
        "iccidStartsWith": starts_with("iccid"),
        "iccidContains": contains("iccid"),
        "eid": equals("eid"),
        "eidStartsWith": starts_with("eid"),
        "imsiIn": any_of("imsi"),
        "imsiStartsWith": starts_with("imsi"),
        "msisdnIn": in_numbers("msisdn"),
        "msisdnStartsWith": starts_with("msisdn"),
        "activatedAfter": since("activated_at"),
        "activatedBefore": until("activated_at"),
        "unassigned": is_null("device_id"),
        "createdAfter": _created(">=", -_ID_SLACK),
        "createdBefore": _created("<", _ID_SLACK),
    },
    orders={
        "CREATED_AT": SortKey(),
        "ICCID": SortKey("iccid"),
        "IMSI": SortKey("imsi"),
        "MSISDN": SortKey("msisdn"),
        "ACTIVATED_AT": SortKey("activated_at", SortKind.TIME, nullable=True),
    },
    sparse=frozenset({"iccidContains"}),
    lookup_order=f"t0.status = {SimStatus.DELETED:d}, t0.id DESC",  # a deleted SIM has left its numbers to others
    hidden=Hidden("status", "{t}.status <> " + str(int(SimStatus.DELETED))),
    scope=of_device("device_id"),
)

SIM_STATUS_CHANGE = Entity(
    name="SimStatusChange",
    table="sim_history",
    permission=Permission.SIM_READ,
    fields={
        "id": global_id("SimStatusChange"),
        "from": state("from_status", SimStatus),
        "to": state("to_status", SimStatus),
        "trigger": state("trigger", SimTrigger),
        "actor": column("actor"),
        "createdAt": column("at"),
        "sim": ToOne("Sim", "sim_id"),
    },
    newest_first=True,
    scope=of_sim("sim_id"),
)

SIM_SCHEDULED_TRANSITION = Entity(
    name="SimScheduledTransition",
    table="sim_schedule",
    permission=Permission.SIM_READ,
    fields={
        "id": global_id("SimScheduledTransition"),
        "transition": state("trigger", SimTrigger),
        "dueAt": column("due"),
        "status": state("status", ScheduleStatus),
        "reason": column("reason"),
        "actor": column("actor"),
        "createdAt": column("created_at"),
        "doneAt": column("done_at"),
        "sim": ToOne("Sim", "sim_id"),
    },
    filters={"status": one_of("status", ScheduleStatus), "simId": refers_to("sim_id", "Sim")},
    scope=of_sim("sim_id"),
)
