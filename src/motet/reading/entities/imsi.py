"""IMSIs, the switches between them, and the partners whose they are, as they are read."""

from motet.access.principals import Permission
from motet.domain.identities import home_networks
from motet.domain.imsi_selection import SwitchReason
from motet.reading.filters import equals
from motet.reading.makers import column, global_id, made, state
from motet.reading.model import Entity, SortKey, SortKind, ToMany, ToOne
from motet.reading.tag_scope import SHARED, of_sim

IMSI = Entity(
    name="Imsi",
    table="imsi",
    permission=Permission.SIM_READ,
    fields={
        "id": global_id("Imsi"),
        "imsi": column("imsi"),
        "homeNetwork": made(lambda imsi: "".join(home_networks(imsi)[0]), "imsi"),
        "active": column("active"),
        "attachFailures": column("attach_failures"),
        "stayCountry": column("stay_country"),
        "staySince": column("stay_since"),
        "createdAt": column("created_at"),
        "sim": ToOne("Sim", "sim_id"),
        "profile": ToOne("EuiccProfile", "profile_id"),
        "partner": ToOne("RoamingPartner", "partner_id"),
    },
    scope=of_sim("sim_id"),
)

IMSI_SWITCH = Entity(
    name="ImsiSwitch",
    table="imsi_switch",
    permission=Permission.SIM_READ,
    fields={
        "id": global_id("ImsiSwitch"),
        "oldImsi": column("old_imsi"),
        "newImsi": column("new_imsi"),
        "reason": state("reason", SwitchReason),
        "country": column("country"),
        "explanation": column("words"),
        "actor": column("actor"),
        "createdAt": column("at"),
        "sim": ToOne("Sim", "sim_id"),
    },
    newest_first=True,
    scope=of_sim("sim_id"),
)

ROAMING_PARTNER = Entity(
    name="RoamingPartner",
    table="roaming_partner",
    permission=Permission.SIM_READ,
    fields={
        "id": global_id("RoamingPartner"),
        "name": column("name"),
        "plmn": column("plmn"),
        "createdAt": column("created_at"),
        "terms": ToMany("RoamingTerm", "partner_id"),
        "imsis": ToMany("Imsi", "partner_id"),
    },
    scope=SHARED,
)

ROAMING_TERM = Entity(
    name="RoamingTerm",
    table="roaming_term",
    permission=Permission.SIM_READ,
    fields={
        "id": global_id("RoamingTerm"),
        "country": column("country"),
        "networks": column("networks"),
        "rats": column("rats"),
        "permanentRoaming": column("permanent_roaming"),
        "maxStayDays": column("max_stay_days"),
        "psm": column("psm"),
        "edrx": column("edrx"),
        "partner": ToOne("RoamingPartner", "partner_id"),
    },
    filters={"country": equals("country")},
    scope=SHARED,
)

IMSI_PREFERENCE = Entity(
    name="ImsiPreference",
    table="imsi_preference",
    permission=Permission.SIM_READ,
    fields={
        "id": global_id("ImsiPreference"),
        "country": column("country"),
        "position": column("position"),
        "partner": ToOne("RoamingPartner", "partner_id"),
    },
    filters={"country": equals("country")},
    orders={"CREATED_AT": SortKey("position", SortKind.INTEGER)},
    scope=SHARED,
)
