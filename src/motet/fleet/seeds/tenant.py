"""The demo's two tenants: workspaces, SIMs, devices, an ESME account and a short code each. Repeatable at will.

Numbers are from the space that ITU keeps free, so that no text can reach a real phone: MSISDN 999 and eight digits,
IMSI 001 01 (test network) and ten, ICCID 89 999 01 and eleven with the Luhn digit.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from motet.domain.numbering import luhn_digit
from motet.domain.states import DeviceStatus, SimStatus
from motet.fleet.seeds.batch import seed_batch
from motet.fleet.seeds.cards import seed_cards
from motet.fleet.seeds.policies import seed_policies
from motet.fleet.seeds.quotas import seed_quotas
from motet.fleet.seeds.radio import seed_radio
from motet.fleet.workspaces import create_workspace
from motet.storage import attachment, setting, sim, smpp_account
from motet.storage import device as device_storage
from motet.storage import short_code as short_code_storage
from motet.storage.database import PooledConnection
from motet.storage.workspace import find_workspace

WINDOW_SIZE = 2_000
"""The demo accounts' window: the contract's number, made for load tests."""

OTHER_DEVICES = 25
"""The second tenant's devices: enough to page through, at least the contract's 10."""


class Plan(NamedTuple):
    """What one tenant gets. `first_number` starts its numbers; two plans' ranges must not meet."""

    workspace: str
    short_code: str
    first_number: int


DEMO = Plan("demo", "10100", 1)
OTHER = Plan("other", "20200", 50_000_001)


class Kind(NamedTuple):
    """A sort of device: its name before the number, its tags, its SIM's form, grade and package."""

    name: str
    tags: tuple[str, ...]
    form_factor: str
    quality_grade: str
    package: str


KINDS = (
    Kind("Water meter", ("meter", "water"), "MFF2", "MFF2", "MFF2"),
    Kind("Delivery van", ("vehicle", "tracker"), "2FF", "INDUSTRIAL", "INDUSTRIAL_2FF"),
    Kind("Vending machine", ("retail",), "3FF", "COMMERCIAL", "DUAL_CUT"),
    Kind("Lift alarm", ("building", "safety"), "2FF", "INDUSTRIAL", "INDUSTRIAL_2FF"),
    Kind("Cold chain logger", ("logistics", "tracker"), "4FF", "COMMERCIAL", "TRIPLE_CUT"),
    Kind("Charging point", ("energy",), "MFF2", "MFF2", "MFF2"),
    Kind("Weather station", ("agriculture",), "3FF", "INDUSTRIAL", "INDUSTRIAL_3FF"),
)
SITES = ("berlin", "lyon", "porto", "gdansk", "turin")
HOMES = {
    "berlin": ("26201", "DE"),
    "lyon": ("20801", "FR"),
    "porto": ("26801", "PT"),
    "gdansk": ("26001", "PL"),
    "turin": ("22210", "IT"),
}
"""The operator and country of each site: where the simulated network has the phones."""
RATS = ("LTE_M", "LTE", "LTE_M", "GSM")


@dataclass(frozen=True, slots=True)
class Tenant:
    """A seeded workspace, as the ready line tells it."""

    workspace: str
    workspace_id: int
    short_code: str
    system_id: str
    password: str = field(repr=False)


def derive_password(secret: bytes, system_id: str) -> str:
    """The same for the same secret: 8 characters of a-z and 2-7 (40 bits), as many as SMPP 3.4 §5.2.2 takes."""
    digest = hmac.digest(secret, b"smpp password of " + system_id.encode(), hashlib.sha256)
    return base64.b32encode(digest).decode()[:8].lower()


async def seed_tenant(
    connection: PooledConnection,
    plan: Plan,
    devices: int,
    *,
    new_id: Callable[[], int],
    now: datetime,
    secret: bytes,
    hash_password: Callable[[str], str],
    password_fits: Callable[[str, str], bool],
) -> Tenant:
    """Makes what is missing of the tenant, up to `devices` devices, in one transaction. What people changed or deleted
    since stays as they left it, but for the account's password, which follows `secret`."""
    password = derive_password(secret, plan.workspace)
    async with connection.transaction():
        await setting.lock_by_name(connection, "seed")
        workspace_id = await find_workspace(connection, plan.workspace)
        if workspace_id is None:
            workspace_id = await create_workspace(connection, new_id, plan.workspace)
            await seed_quotas(connection, workspace_id, new_id, now)
            await seed_policies(connection, workspace_id, new_id)
        await _seed_devices(connection, plan, workspace_id, devices, new_id, now)
        account = await smpp_account.find_account(connection, plan.workspace)
        if account is None:
            account_id = new_id()
            hashed = await asyncio.to_thread(hash_password, password)
            await smpp_account.add_account(
                connection, workspace_id, account_id, plan.workspace, hashed, "The demo's application", WINDOW_SIZE
            )
            await short_code_storage.add_short_code(
                connection, workspace_id, new_id(), plan.short_code, account_id, "The demo's short code"
            )
        else:
            account_id = account["id"]
            if not await asyncio.to_thread(password_fits, account["password_hash"], password):
                hashed = await asyncio.to_thread(hash_password, password)
                await smpp_account.set_password_hash(connection, workspace_id, account_id, hashed)
        short_code = await short_code_storage.oldest_short_code(connection, workspace_id, account_id)
    return Tenant(plan.workspace, workspace_id, short_code or plan.short_code, plan.workspace, password)


async def _seed_devices(
    connection: PooledConnection,
    plan: Plan,
    workspace_id: int,
    devices: int,
    new_id: Callable[[], int],
    now: datetime,
) -> None:
    """Adds those above the number that was reached before, so that deleted ones do not come back."""
    marker = f"demo.devices.{plan.workspace}"
    reached = int(await setting.read_setting(connection, marker) or b"0")
    if devices <= reached:
        return
    ordinals = range(reached + 1, devices + 1)
    # SIMs first, as the network would: their ids are older than their devices'.
    sim_ids = {ordinal: new_id() for ordinal in ordinals}
    device_ids = {ordinal: new_id() for ordinal in ordinals}

    def sims() -> Iterator[tuple[object, ...]]:
        for ordinal in ordinals:
            one, kind = identity(plan.first_number + ordinal - 1), KINDS[ordinal % len(KINDS)]
            yield (
                workspace_id, sim_ids[ordinal], one.iccid, one.imsi, one.msisdn, int(SimStatus.ACTIVATED),
                kind.form_factor, kind.quality_grade, device_ids[ordinal], now, now, kind.package,
            )  # fmt: skip

    def directory() -> Iterator[tuple[str, str, int, int]]:
        for ordinal in ordinals:
            one = identity(plan.first_number + ordinal - 1)
            for kind, value in (("iccid", one.iccid), ("imsi", one.imsi), ("msisdn", one.msisdn)):
                yield kind, value, workspace_id, sim_ids[ordinal]

    def rows() -> Iterator[tuple[object, ...]]:
        for ordinal in ordinals:
            kind = KINDS[ordinal % len(KINDS)]
            yield (
                workspace_id, device_ids[ordinal], f"{kind.name} {ordinal:04}", int(DeviceStatus.ENABLED),
                [*kind.tags, SITES[ordinal % len(SITES)]], imei(plan.first_number + ordinal - 1), False,
                None, sim_ids[ordinal], now, workspace_id,
                {"site": SITES[ordinal % len(SITES)], "contract": f"C-{ordinal // 100:03}"},
            )  # fmt: skip

    await sim.copy_sims(connection, sims())
    await sim.copy_directory(connection, directory())
    await device_storage.copy_devices(connection, rows())
    attachments: list[tuple[object, ...]] = []
    locations: list[tuple[object, ...]] = []
    for ordinal in ordinals:
        operator, country = HOMES[SITES[ordinal % len(SITES)]]
        rat, cell = RATS[ordinal % len(RATS)], f"{operator[:3]}-{operator[3:]}-{ordinal % 97:04X}-{ordinal % 7919:04X}"
        place, location_id = (operator, country, rat, cell, f"mme1.{operator}"), new_id()
        seen = imei(plan.first_number + ordinal - 1)
        attachments.append((workspace_id, sim_ids[ordinal], True, now, *place, location_id, seen, now, now))
        locations.append((workspace_id, location_id, sim_ids[ordinal], device_ids[ordinal], now, now, *place))
    await attachment.copy_attachments(connection, attachments, locations)
    if not reached:
        await seed_cards(
            connection,
            workspace_id,
            sim_ids,
            plan.first_number,
            identity=identity,
            country_of=lambda ordinal: HOMES[SITES[ordinal % len(SITES)]][1],
            new_id=new_id,
            now=now,
        )
        await seed_radio(
            connection, workspace_id, device_ids, lambda one: one % len(KINDS) == 0, new_id=new_id, now=now
        )
        await seed_batch(
            connection,
            workspace_id,
            plan.first_number,
            identity=identity,
            new_id=new_id,
            now=now,
            actor="operator",
        )
    await setting.write_setting(connection, marker, str(devices).encode())


class Identity(NamedTuple):
    """What the network knows a SIM by."""

    iccid: str
    imsi: str
    msisdn: str


def identity(number: int) -> Identity:
    """The identities of sample SIM `number`, 1 to 99,999,999."""
    iccid = f"8999901{number:011}"
    return Identity(iccid + luhn_digit(iccid), f"00101{number:010}", f"999{number:08}")


def imei(number: int) -> str:
    """A type allocation code of the test range (00), a serial number of six digits, and the Luhn digit."""
    body = f"0010{1000 + number // 1_000_000:04}{number % 1_000_000:06}"
    return body + luhn_digit(body)
