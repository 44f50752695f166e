"""Activation codes as they are read. The confirmation code's hash is no field."""

from __future__ import annotations

from base64 import b64encode

from motet.access.principals import Permission
from motet.domain.activation_code import ActivationCode, CodeState
from motet.reading.filters import equals, one_of, refers_to
from motet.reading.makers import column, global_id, made, state
from motet.reading.model import Entity, ToMany, ToOne, Value
from motet.reading.tag_scope import of_row, of_sim


def _text(smdp_address: str, matching_id: str, oid: str | None, confirmation_required: bool) -> str:
    return ActivationCode(smdp_address, matching_id, oid, confirmation_required).text()


_CONFIRMATION = "{t}.confirmation_hash IS NOT NULL"

ACTIVATION_CODE = Entity(
    name="ActivationCode",
    table="activation_code",
    permission=Permission.SIM_READ,
    fields={
        "id": global_id("ActivationCode"),
        "code": Value(("{t}.smdp_address", "{t}.matching_id", "{t}.oid", _CONFIRMATION), _text),
        "smdpAddress": column("smdp_address"),
        "matchingId": column("matching_id"),
        "oid": column("oid"),
        "confirmationRequired": Value((_CONFIRMATION,)),
        "state": state("state", CodeState),
        "eid": column("eid"),
        "qrSvg": column("qr_svg"),
        "qrPng": made(lambda png: b64encode(png).decode(), "qr_png"),
        "expiresAt": column("expires_at"),
        "createdAt": column("created_at"),
        "changedAt": column("changed_at"),
        "sim": ToOne("Sim", "sim_id"),
        "history": ToMany("ActivationCodeStep", "code_id"),
    },
    filters={
        "state": one_of("state", CodeState),
        "simId": refers_to("sim_id", "Sim"),
        "matchingId": equals("matching_id"),
    },
    newest_first=True,
    sparse=frozenset({"state", "matchingId"}),
    scope=of_sim("sim_id"),
)

ACTIVATION_CODE_STEP = Entity(
    name="ActivationCodeStep",
    table="activation_code_step",
    permission=Permission.SIM_READ,
    fields={
        "id": global_id("ActivationCodeStep"),
        "state": state("state", CodeState),
        "eid": column("eid"),
        "actor": column("actor"),
        "createdAt": column("at"),
        "activationCode": ToOne("ActivationCode", "code_id"),
    },
    scope=of_row("activation_code", "code_id", of_sim("sim_id")),
)
