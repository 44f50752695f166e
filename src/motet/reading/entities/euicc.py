"""eUICCs, their profiles and operations as they are read."""

from motet.access.principals import Permission
from motet.domain.euicc import OperationState, OperationType, ProfileState
from motet.domain.identities import home_networks
from motet.reading.filters import equals, one_of, refers_to
from motet.reading.makers import column, global_id, made, state
from motet.reading.model import Entity, Hidden, ToMany, ToOne
from motet.reading.tag_scope import of_row, of_sim


def _plmn(plmn: str | None, imsi: str) -> str:
    return plmn or "".join(home_networks(imsi)[0])


EUICC = Entity(
    name="Euicc",
    table="euicc",
    permission=Permission.SIM_READ,
    fields={
        "id": global_id("Euicc"),
        "eid": column("eid"),
        "maxProfiles": column("max_profiles"),
        "createdAt": column("created_at"),
        "sim": ToOne("Sim", "id"),
        "profiles": ToMany("EuiccProfile", "euicc_id"),
        "operations": ToMany("EuiccOperation", "euicc_id"),
    },
    filters={"eid": equals("eid")},
    scope=of_sim("id"),
)

EUICC_PROFILE = Entity(
    name="EuiccProfile",
    table="euicc_profile",
    permission=Permission.SIM_READ,
    fields={
        "id": global_id("EuiccProfile"),
        "iccid": column("iccid"),
        "imsi": column("imsi"),
        "msisdn": column("msisdn"),
        "plmn": made(_plmn, "plmn", "imsi"),
        "state": state("state", ProfileState),
        "isFallback": column("is_fallback"),
        "createdAt": column("created_at"),
        "enabledAt": column("enabled_at"),
        "euicc": ToOne("Euicc", "euicc_id"),
        "imsis": ToMany("Imsi", "profile_id"),
        "operations": ToMany("EuiccOperation", "profile_id"),
    },
    filters={"state": one_of("state", ProfileState), "iccid": equals("iccid")},
    hidden=Hidden("state", "{t}.state <> " + str(int(ProfileState.DELETED))),
    scope=of_sim("euicc_id"),
)

EUICC_OPERATION = Entity(
    name="EuiccOperation",
    table="euicc_operation",
    permission=Permission.SIM_READ,
    fields={
        "id": global_id("EuiccOperation"),
        "type": state("type", OperationType),
        "state": state("state", OperationState),
        "validUntil": column("valid_until"),
        "rollbackAfterS": column("rollback_after_s"),
        "attachBy": column("attach_by"),
        "error": column("error"),
        "actor": column("actor"),
        "createdAt": column("created_at"),
        "sentAt": column("sent_at"),
        "endedAt": column("ended_at"),
        "euicc": ToOne("Euicc", "euicc_id"),
        "profile": ToOne("EuiccProfile", "profile_id"),
        "origin": ToOne("EuiccOperation", "origin_id"),
        "history": ToMany("EuiccOperationStep", "operation_id"),
    },
    filters={"state": one_of("state", OperationState), "euiccId": refers_to("euicc_id", "Euicc")},
    newest_first=True,
    sparse=frozenset({"state"}),
    scope=of_sim("euicc_id"),
)

EUICC_OPERATION_STEP = Entity(
    name="EuiccOperationStep",
    table="euicc_operation_step",
    permission=Permission.SIM_READ,
    fields={
        "id": global_id("EuiccOperationStep"),
        "state": state("state", OperationState),
        "reason": column("words"),
        "createdAt": column("at"),
        "operation": ToOne("EuiccOperation", "operation_id"),
    },
    scope=of_row("euicc_operation", "operation_id", of_sim("euicc_id")),
)
