"""SIMs and the steps of their lives as they are read."""

from motet.access.principals import Permission
from motet.domain.sim_lifecycle import SimTrigger
from motet.domain.states import SimStatus
from motet.reading.filters import equals, equals_number, is_null, one_of
from motet.reading.makers import column, global_id, state
from motet.reading.model import Entity, Hidden, SortKey, ToMany, ToOne

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
        "createdAt": column("created_at"),
        "activatedAt": column("activated_at"),
        "device": ToOne("Device", "device_id"),
        "history": ToMany("SimStatusChange", "sim_id"),
        "events": ToMany("Event", "sim_id"),
    },
    filters={
        "status": one_of("status", SimStatus),
        "iccid": equals("iccid"),
        "imsi": equals("imsi"),
        "msisdn": equals_number("msisdn"),
        "unassigned": is_null("device_id"),
    },
    orders={"CREATED_AT": SortKey(), "ICCID": SortKey("iccid")},
    lookup_order=f"t0.status = {SimStatus.DELETED:d}, t0.id DESC",  # a deleted SIM has left its numbers to others
    hidden=Hidden("status", "{t}.status <> " + str(int(SimStatus.DELETED))),
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
)
