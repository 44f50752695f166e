"""The demo's cards that can do more: eUICCs with profiles, and SIMs with IMSIs of two operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from motet.domain.euicc import ProfileState
from motet.domain.numbering import mod97_digits
from motet.storage import euicc, imsi, roaming_partner, sim
from motet.storage.database import PooledConnection

EUICC_ORDINALS = (7, 14, 21)
"""Among the demo's devices: water meters, which are soldered in."""

MULTI_IMSI_ORDINALS = (1, 2, 3, 4, 6)

FIRST_PROFILE = 90_000_000
"""Numbers of profiles start here, far above those of devices."""


class Identity(NamedTuple):
    """What a profile is known by; as `motet.fleet.seeds.tenant.identity` makes it."""

    iccid: str
    imsi: str
    msisdn: str


class Partner(NamedTuple):
    """An operator of the test network: IMSIs of 001 01 and 001 02 belong to nobody."""

    name: str
    plmn: str
    terms: Sequence[tuple[str, Sequence[str], Sequence[str], bool, int | None, bool, bool]]
    """(country, networks, RATs, permanent roaming, days of stay, PSM, eDRX)."""


_ALL = ("GSM", "LTE", "LTE_M", "NB_IOT")

PARTNERS = (
    Partner(
        "Northern Sky",
        "00101",
        (
            ("DE", ("26201", "26202", "26203"), _ALL, True, None, True, True),
            ("FR", ("20801", "20810", "20820"), ("GSM", "LTE", "LTE_M"), True, None, True, False),
            ("IT", ("22201", "22210", "22288"), ("GSM", "LTE", "NB_IOT"), True, None, True, False),
            ("PL", ("26001", "26002", "26003"), _ALL, True, None, True, True),
            ("PT", ("26801", "26806"), ("GSM", "LTE", "NB_IOT"), True, None, True, False),
            ("BR", ("72405", "72411"), ("GSM", "LTE"), False, 90, False, False),
            ("TR", ("28601",), ("GSM", "LTE"), False, 90, False, False),
        ),
    ),
    Partner(
        "Harbour",
        "00102",
        (
            ("DE", ("26201", "26202"), ("GSM", "LTE", "LTE_M"), True, None, True, False),
            ("FR", ("20801", "20810"), ("GSM", "LTE"), True, None, False, False),
            ("IT", ("22201", "22210"), ("GSM", "LTE"), True, None, False, False),
            ("PL", ("26001", "26002"), ("GSM", "LTE", "LTE_M"), True, None, True, False),
            ("PT", ("26801", "26803"), ("GSM", "LTE"), True, None, False, False),
            ("BR", ("72405", "72410", "72411"), ("GSM", "LTE", "NB_IOT"), True, None, True, True),
        ),
    ),
)


async def seed_cards(
    connection: PooledConnection,
    workspace_id: int,
    sim_ids: Mapping[int, int],
    first_number: int,
    *,
    identity: Callable[[int], tuple[str, str, str]],
    country_of: Callable[[int], str],
    new_id: Callable[[], int],
    now: datetime,
) -> None:
    """Make eUICCs and multi-IMSI SIMs of some of a new tenant's SIMs, given by their ordinals; in the caller's
    transaction. `first_number` keeps the numbers of tenants apart, `country_of` is where an ordinal's device is."""
    number = FIRST_PROFILE + first_number // 10
    for ordinal in EUICC_ORDINALS:
        if ordinal not in sim_ids:
            continue
        sim_id = sim_ids[ordinal]
        eid = f"89049032{number:022}"
        eid += mod97_digits(eid)
        await sim.claim(connection, workspace_id, [("eid", eid, sim_id)])
        await euicc.make(connection, workspace_id, sim_id, eid)
        for state in (ProfileState.DISABLED, ProfileState.AVAILABLE):
            number += 1
            one, profile_id = Identity(*identity(number)), new_id()
            named = [("iccid", one.iccid, sim_id), ("imsi", one.imsi, sim_id), ("msisdn", one.msisdn, sim_id)]
            await sim.claim(connection, workspace_id, named)
            await euicc.add_profile(
                connection, workspace_id, profile_id, sim_id, iccid=one.iccid, imsi=one.imsi, msisdn=one.msisdn,
                plmn=None, state=state, created_at=now,
            )  # fmt: skip
            await imsi.add(connection, workspace_id, new_id(), sim_id, profile_id, one.imsi, None, now)
    partner_ids = [await _seed_partner(connection, workspace_id, one, new_id, now) for one in PARTNERS]
    for ordinal in MULTI_IMSI_ORDINALS:
        if ordinal not in sim_ids:
            continue
        sim_id, first = sim_ids[ordinal], identity(first_number + ordinal - 1)[1]
        second = "00102" + first[5:]
        await imsi.set_partner(connection, workspace_id, sim_id, partner_ids[0])  # its first IMSI has the SIM's id
        await sim.claim(connection, workspace_id, [("imsi", second, sim_id)])
        await imsi.add(connection, workspace_id, new_id(), sim_id, None, second, partner_ids[1], now)
        await imsi.attached(connection, workspace_id, sim_id, first, country_of(ordinal), now)


async def _seed_partner(
    connection: PooledConnection, workspace_id: int, partner: Partner, new_id: Callable[[], int], now: datetime
) -> int:
    partner_id = new_id()
    await roaming_partner.insert(connection, workspace_id, partner_id, partner.name, partner.plmn, now)
    rows = [
        (workspace_id, new_id(), partner_id, country, list(networks), list(rats), permanent, days, psm, edrx)
        for country, networks, rats, permanent, days, psm, edrx in partner.terms
    ]
    await roaming_partner.set_terms(connection, workspace_id, partner_id, rows)
    return partner_id
