"""Batches of cards: the operator lists what was made, the workspace makes SIMs of it by the code on the box."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from motet.domain.errors import ConflictError, DeniedError, InvalidError, LimitReachedError, NotFoundError
from motet.domain.event_types import SIM_BATCH_REGISTERED, SIM_REGISTERED
from motet.domain.identities import parse_iccid, parse_imsi, parse_msisdn
from motet.domain.numbering import luhn_digit
from motet.domain.sim_cards import CardKind, check_card
from motet.domain.sim_ordering import (
    BIC_SERIAL_DIGITS,
    MAX_CARDS,
    BatchStatus,
    OrderStatus,
    make_bic,
    parse_bic,
)
from motet.fleet.journal import Change
from motet.fleet.sims.sim import NewSim, SimService
from motet.fleet.sims.sim_import import read_sheet
from motet.fleet.sims.sim_sheet import Layout, Row, RowError, identities_of
from motet.fleet.sims.sim_step import told
from motet.storage import sim, sim_batch, sim_purchase_order
from motet.storage.database import PooledConnection
from motet.storage.transaction import transaction

BIC_TRIES = 5
"""Codes tried before we give up: with a million batches one in a million is taken."""

EVENTS_TOGETHER = 1_000
"""Events written at once."""


class CardRange(NamedTuple):
    """Cards whose identities count up, as a producer makes them: the first of each, and how many."""

    iccid: str
    imsi: str
    msisdn: str
    quantity: int


class Attached(NamedTuple):
    """What came of listing cards: with any error none was taken."""

    batch_id: int | None
    row_count: int
    attached_count: int
    errors: list[RowError]


class SimBatchService:
    """The batches of all workspaces, each call scoped to one; `actor` is who asked for it. Errors are domain errors;
    paths name input fields."""

    def __init__(self, sims: SimService) -> None:
        self._sims = sims

    async def attach_list(
        self,
        workspace_id: int,
        order_id: int,
        text: str,
        layout: Layout,
        *,
        package: str | None = None,
    ) -> Attached:
        """List cards of a placed order from CSV, see `fleet.sim_import`; `package` is that of lines that name none.

        Raises NotFoundError, ConflictError if the order is not PLACED (path `order_id`), what reading a list raises.
        """
        sheet = read_sheet(text, layout)
        return await self._attach(workspace_id, order_id, sheet.rows, list(sheet.errors), sheet.row_count, package)

    async def attach_range(
        self, workspace_id: int, order_id: int, cards: CardRange, *, package: str | None = None
    ) -> Attached:
        """List cards whose identities count up. Raises as `attach_list` does, and InvalidError for such a range."""
        rows = _counted_up(cards)
        return await self._attach(workspace_id, order_id, rows, [], len(rows), package)

    async def register(self, workspace_id: int, actor: str, typed_bic: str) -> int:
        """Make SIMs, which are ISSUED, of the cards of a delivered batch: the batch's id.

        Raises InvalidError for a mistyped code, NotFoundError for one that is not the workspace's, ConflictError if it
        was registered before, DeniedError if it is not delivered (path `bic`).
        """
        bic = parse_bic(typed_bic, ("bic",))
        service = self._sims
        async with transaction(service.database) as connection:
            locked = await sim_batch.lock_by_bic(connection, workspace_id, bic)
            if locked is None:
                raise NotFoundError("No such batch.", path=("bic",))
            status = BatchStatus(locked.status)
            if status is BatchStatus.REGISTERED:
                raise ConflictError("This batch was registered before.", path=("bic",))
            if status is not BatchStatus.DELIVERED:
                raise DeniedError("This batch is not delivered.", path=("bic",))
            await self._make_sims(connection, workspace_id, actor, locked.id, bic)
        await service.changed()
        return locked.id

    async def _make_sims(
        self, connection: PooledConnection, workspace_id: int, actor: str, batch_id: int, bic: str
    ) -> None:
        service = self._sims
        at = datetime.fromtimestamp(service.clock(), UTC)
        cards = await sim_batch.cards_of(connection, workspace_id, batch_id)
        sim_ids = [service.next_id() for _ in cards]
        card_ids = [card["id"] for card in cards]
        await sim_batch.make_sims(connection, workspace_id, batch_id, card_ids, sim_ids, at)
        await sim_batch.set_status(connection, workspace_id, batch_id, BatchStatus.REGISTERED, at, actor)
        steps = [service.first_step(workspace_id, actor, sim_id, at) for sim_id in sim_ids]
        await sim.copy_history(connection, steps)
        changes = [Change(SIM_BATCH_REGISTERED, detail={"batch": {"bic": bic, "cards": len(cards)}})]
        for sim_id, card in zip(sim_ids, cards, strict=True):
            detail = told(card["iccid"], card["imsi"], card["msisdn"])
            changes.append(Change(SIM_REGISTERED, None, sim_id, {**detail, "bic": bic}))
        for start in range(0, len(changes), EVENTS_TOGETHER):
            await service.journal.write(connection, workspace_id, actor, changes[start : start + EVENTS_TOGETHER])

    async def _attach(
        self,
        workspace_id: int,
        order_id: int,
        rows: Sequence[Row],
        errors: list[RowError],
        row_count: int,
        package: str | None,
    ) -> Attached:
        service = self._sims
        cards = _in_packages(rows, package, errors)
        batch_id: int | None = None
        async with transaction(service.database) as connection:
            order = await sim_purchase_order.lock(connection, workspace_id, order_id)
            if order is None:
                raise NotFoundError("No such order.", path=("order_id",))
            if order.status != OrderStatus.PLACED:
                raise ConflictError("The order is {status}.", path=("order_id",), status=OrderStatus(order.status).name)
            batch_id = order.batch_id
            if not errors:
                await self._check_room(connection, workspace_id, order_id, batch_id, cards)
                made = [(service.next_id(), row) for row in cards]
                errors += await _claim(connection, workspace_id, made)
                if not errors and made:
                    batch_id = batch_id or await self._make_batch(connection, workspace_id, order_id)
                    await sim_batch.copy_cards(connection, [_card(workspace_id, i, batch_id, r.new) for i, r in made])
                    await sim_batch.add_quantity(connection, workspace_id, batch_id, len(made))
                elif made:
                    await sim.free_identities_of(connection, workspace_id, [card_id for card_id, _ in made])
        errors.sort(key=lambda error: error.line)
        return Attached(batch_id, row_count, 0 if errors else len(cards), errors)

    async def _check_room(
        self,
        connection: PooledConnection,
        workspace_id: int,
        order_id: int,
        batch_id: int | None,
        cards: Sequence[Row],
    ) -> None:
        """Raises LimitReachedError if there are more cards of a package than were ordered."""
        wanted = await sim_purchase_order.items_of(connection, workspace_id, order_id)
        there = {} if batch_id is None else await sim_batch.counts(connection, workspace_id, batch_id)
        for card in cards:
            name = card.new.package or ""
            there[name] = there.get(name, 0) + 1
        for name, count in there.items():
            if count > wanted.get(name, 0):
                raise LimitReachedError(
                    "Ordered were {ordered} cards {name}, not {count}.",
                    ordered=wanted.get(name, 0),
                    name=name,
                    count=count,
                )

    async def _make_batch(self, connection: PooledConnection, workspace_id: int, order_id: int) -> int:
        batch_id = self._sims.next_id()
        at = datetime.fromtimestamp(self._sims.clock(), UTC)
        for _ in range(BIC_TRIES):
            bic = make_bic(secrets.randbelow(10**BIC_SERIAL_DIGITS))
            if await sim_batch.insert(connection, workspace_id, batch_id, order_id, bic, at):
                await sim_purchase_order.set_batch(connection, workspace_id, order_id, batch_id)
                return batch_id
        raise ConflictError("No free code was found for the batch: try again.")


async def _claim(connection: PooledConnection, workspace_id: int, made: Sequence[tuple[int, Row]]) -> list[RowError]:
    """Claim the identities of cards under their ids; the errors of those that are taken."""
    wanted = [(kind, value, card_id) for card_id, row in made for kind, value in identities_of(row.new)]
    free = await sim.claim(connection, workspace_id, wanted) if wanted else set()
    return [
        RowError(row.line, kind, ConflictError.code, "This is taken.")
        for _, row in made
        for kind, value in identities_of(row.new)
        if (kind, value) not in free
    ]


def _in_packages(rows: Sequence[Row], package: str | None, errors: list[RowError]) -> list[Row]:
    """The rows with their packages and what follows from them; adds to the errors."""
    cards: list[Row] = []
    for row in rows:
        new = row.new
        try:
            kind = check_card(CardKind(new.form_factor, new.quality_grade, new.package or package))
        except InvalidError as error:
            errors.append(RowError(row.line, str(error.path[0]), error.code, error.message))
            continue
        if kind.package is None:
            errors.append(RowError(row.line, "package", InvalidError.code, "The package of this card is not said."))
            continue
        cards.append(
            Row(
                row.line,
                NewSim(
                    iccid=new.iccid,
                    imsi=new.imsi,
                    msisdn=new.msisdn,
                    eid=new.eid,
                    form_factor=kind.form_factor,
                    quality_grade=kind.quality_grade,
                    package=kind.package,
                ),
            )
        )
    return cards


def _card(workspace_id: int, card_id: int, batch_id: int, new: NewSim) -> tuple[object, ...]:
    return (
        workspace_id, card_id, batch_id, new.iccid, new.eid, new.imsi, new.msisdn, new.form_factor, new.quality_grade,
        new.package,
    )  # fmt: skip


def _counted_up(cards: CardRange) -> list[Row]:
    """The cards of a range, line 1 first. ICCIDs count up before their check digit. Raises InvalidError."""
    if not 1 <= cards.quantity <= MAX_CARDS:
        raise InvalidError("A range has 1 to {most} cards.", path=("range", "quantity"), most=MAX_CARDS)
    iccid = parse_iccid(cards.iccid, ("range", "iccid"))
    imsi, msisdn = parse_imsi(cards.imsi, ("range", "imsi")), parse_msisdn(cards.msisdn, ("range", "msisdn"))
    for field, first in (("iccid", iccid[:-1]), ("imsi", imsi), ("msisdn", msisdn)):
        if int(first) + cards.quantity > 10 ** len(first):
            raise InvalidError("The range runs over the end of these numbers.", path=("range", field))

    def up(first: str, by: int) -> str:
        return str(int(first) + by).zfill(len(first))

    rows: list[Row] = []
    for number in range(cards.quantity):
        body = up(iccid[:-1], number)
        new = NewSim(iccid=body + luhn_digit(body), imsi=up(imsi, number), msisdn=up(msisdn, number))
        rows.append(Row(number + 1, new))
    return rows
