"""Addresses of devices as CSV: an inventory from elsewhere comes in, line by line checked, and goes out again."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from motet.domain.errors import ConflictError, DomainError, InvalidError, LimitReachedError, NotFoundError
from motet.domain.global_ids import decode_global_id, encode_global_id
from motet.domain.ip_spaces import Address, Network, parse_address
from motet.fleet.ip.ip_address_space import take, told
from motet.fleet.journal import Change, Journal
from motet.storage import device, ip_address_space
from motet.storage.database import Database, PooledConnection
from motet.storage.ip_address_space import DeviceAddress
from motet.storage.transaction import transaction

MAX_ROWS = 5_000
"""Of one import: one transaction of a few seconds."""
MAX_ROW_ERRORS = 1_000
KEYS = ("device_id", "iccid", "msisdn")
"""The columns that can name a device; the first that a line has counts."""


class AddressRow(NamedTuple):
    """A line: which device, by which column, gets which address."""

    line: int
    key: str
    value: str
    address: Address


class AddressRowError(NamedTuple):
    """Why a line was not taken; the header is line 1."""

    line: int
    field: str | None
    code: str
    message: str


class AddressImport(NamedTuple):
    """What came of an import; `errors` in the order of their lines."""

    row_count: int
    assigned_count: int
    errors: list[AddressRowError]


class _UndoError(Exception):
    """Ends a dry run."""


def addresses_csv(rows: Sequence[DeviceAddress]) -> str:
    """The text that `AddressImporter.run` takes."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("device_id", "name", "ip_address"))
    for row in rows:
        name = f"'{row.name}" if row.name[:1] in "=+-@" else row.name  # no formula in anybody's spreadsheet
        writer.writerow((encode_global_id("Device", row.device_id), name, row.address))
    return out.getvalue()


class AddressImporter:
    """Gives addresses to devices, a list at a time."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal

    async def run(self, workspace_id: int, actor: str, text: str, *, dry_run: bool = False) -> AddressImport:
        """Take every good line of a CSV text, in one transaction; a dry run undoes it.

        A device that has the address already is no error. Raises InvalidError, LimitReachedError (path `csv`).
        """
        rows, errors = await asyncio.to_thread(_read, text)
        row_count, assigned = len(rows) + len(errors), 0
        try:
            async with transaction(self._database, after=self._journal.committed) as connection:
                changes = await self._apply(connection, workspace_id, rows, errors)
                await self._journal.write(connection, workspace_id, actor, changes)
                assigned = len(changes)
                if dry_run:
                    raise _UndoError
        except _UndoError:
            pass
        return AddressImport(row_count, assigned, sorted(errors))

    async def _apply(
        self,
        connection: PooledConnection,
        workspace_id: int,
        rows: Sequence[AddressRow],
        errors: list[AddressRowError],
    ) -> list[Change]:
        devices = await _devices(connection, workspace_id, rows)
        networks = await ip_address_space.spaces(connection, workspace_id)
        found = [(devices.get((row.key, row.value)), row) for row in rows]
        names = {}
        for one in sorted({device_id for device_id, _ in found if device_id is not None}):  # against deadlocks
            locked = await device.lock(connection, workspace_id, one)
            if locked is not None:
                names[one] = locked.settings.name
        spaces = {id_: await ip_address_space.lock(connection, workspace_id, id_) for id_, _ in sorted(networks)}
        changes: list[Change] = []
        for device_id, row in found:
            try:
                if device_id is None or device_id not in names:
                    raise NotFoundError("No such device.", path=(row.key,))
                space_id = _space_of(networks, row.address)
                locked_space = spaces[space_id]
                if locked_space is None:
                    raise InvalidError("No address space has this address.", path=("ip_address",))
                current = await ip_address_space.address_of(connection, workspace_id, device_id)
                if current is not None:
                    if current[1] == row.address:
                        continue
                    raise ConflictError("The device has the address {address}.", path=(row.key,), address=current[1])
                await take(connection, workspace_id, locked_space, row.address)
                await ip_address_space.give(connection, workspace_id, device_id, row.address, space_id)
            except DomainError as error:
                field = str(error.path[0]) if error.path else None
                errors.append(AddressRowError(row.line, field, error.code, error.message))
            else:
                changes.append(told(device_id, names[device_id], row.address))
        return changes


async def _devices(
    connection: PooledConnection, workspace_id: int, rows: Sequence[AddressRow]
) -> Mapping[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    ids = {row.value: decode_global_id(row.value) for row in rows if row.key == "device_id"}
    known = await ip_address_space.devices_by_id(
        connection, workspace_id, [one[1] for one in ids.values() if one is not None and one[0] == "Device"]
    )
    for value, decoded in ids.items():
        if decoded is not None and decoded[0] == "Device" and str(decoded[1]) in known:
            found["device_id", value] = decoded[1]
    for kind in ("iccid", "msisdn"):
        values = [row.value for row in rows if row.key == kind]
        by_sim = await ip_address_space.devices_by_sim(connection, workspace_id, kind, values) if values else {}
        found |= {(kind, value): device_id for value, device_id in by_sim.items()}
    return found


def _space_of(networks: Sequence[tuple[int, Network]], address: Address) -> int:
    for space_id, network in networks:
        if address in network:
            return space_id
    raise InvalidError("No address space has this address.", path=("ip_address",))


def _read(text: str) -> tuple[list[AddressRow], list[AddressRowError]]:
    text = text.removeprefix("\ufeff")
    delimiter = max((",", ";", "\t"), key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[AddressRow] = []
    errors: list[AddressRowError] = []
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        keys = [key for key in KEYS if key in header]
        if not keys or "ip_address" not in header:
            raise InvalidError("The header needs ip_address and one of {known}.", path=("csv",), known=KEYS)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(rows) + len(errors) == MAX_ROWS:
                raise LimitReachedError("One import takes at most {most} lines.", path=("csv",), most=MAX_ROWS)
            given = {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
            key = next((key for key in keys if given.get(key)), None)
            try:
                if key is None:
                    raise InvalidError("The line names no device.", path=(keys[0],))
                value = given[key].removeprefix("+")
                rows.append(AddressRow(reader.line_num, key, value, parse_address(given.get("ip_address", ""))))
            except InvalidError as error:
                errors.append(AddressRowError(reader.line_num, str(error.path[0]), error.code, error.message))
    except csv.Error as error:
        raise InvalidError(
            "This is no CSV: line {line}: {error}.", path=("csv",), line=reader.line_num, error=error
        ) from None
    return rows, errors
