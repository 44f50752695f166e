"""Orders of SIM cards: what a workspace asks for, and what the operator makes of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from motet.domain.errors import ConflictError, DeniedError, InvalidError, NotFoundError
from motet.domain.event_types import EVENT_TYPES
from motet.domain.global_ids import encode_global_id
from motet.domain.ids import IdGenerator
from motet.domain.sim_ordering import (
    EVENT_OF_ORDER,
    BatchStatus,
    Item,
    OrderStatus,
    OrderStep,
    check_items,
    order_after,
)
from motet.fleet.journal import Change, Journal
from motet.fleet.rules import UNCHANGED, Unchanged, check_text
from motet.storage import sim_batch, sim_purchase_order
from motet.storage.database import Database, PooledConnection
from motet.storage.sim_purchase_order import Delivery
from motet.storage.transaction import transaction

MAX_LINE_CHARACTERS = 100
"""Of a line of an address, a name, a reference: what fits on a label."""

MAX_ADDRESS_LINES = 5
MAX_REASON_CHARACTERS = 500

_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where cards go. `country` is an ISO 3166-1 alpha-2 code."""

    recipient: str
    lines: Sequence[str]
    postal_code: str
    city: str
    country: str


class SimPurchaseOrderService:
    """The orders of all workspaces, each call scoped to one; `actor` is who asked for it. Errors are domain errors;
    paths name input fields."""

    def __init__(
        self, database: Database, ids: IdGenerator, journal: Journal, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._ids = ids
        self._journal = journal
        self._clock = clock

    async def create(
        self,
        workspace_id: int,
        actor: str,
        items: Sequence[Item],
        address: Address,
        *,
        reference: str = "",
        place: bool = False,
    ) -> int:
        """Make an order, a draft unless it is to be placed at once: its id. Raises InvalidError, LimitReachedError."""
        wanted, delivery = check_items(items), _delivery(address, reference)
        at = self._now()
        order_id = self._next_id()
        async with transaction(self._database, makes=order_id, after=self._journal.committed) as connection:
            await sim_purchase_order.insert(connection, workspace_id, order_id, at, delivery)
            await sim_purchase_order.set_items(connection, workspace_id, order_id, self._rows(wanted))
            if place:
                await self._move(connection, workspace_id, actor, order_id, OrderStep.PLACE)
        return order_id

    async def update(
        self,
        workspace_id: int,
        order_id: int,
        *,
        items: Sequence[Item] | Unchanged = UNCHANGED,
        address: Address | Unchanged = UNCHANGED,
        reference: str | Unchanged = UNCHANGED,
    ) -> None:
        """Change a draft; items replace those it had.

        Raises NotFoundError, ConflictError if it is no draft any more (path `id`), InvalidError, LimitReachedError.
        """
        async with transaction(self._database) as connection:
            locked = await _locked(connection, workspace_id, order_id)
            if locked.status != OrderStatus.DRAFT:
                raise ConflictError("The order is {status}.", path=("id",), status=OrderStatus(locked.status).name)
            known = await sim_purchase_order.delivery_of(connection, workspace_id, order_id)
            words = known.reference if isinstance(reference, Unchanged) else reference
            if isinstance(address, Unchanged):
                delivery = known._replace(reference=_line(words, "reference", at_least=0))
            else:
                delivery = _delivery(address, words)
            await sim_purchase_order.update(connection, workspace_id, order_id, delivery)
            if not isinstance(items, Unchanged):
                rows = self._rows(check_items(items))
                await sim_purchase_order.set_items(connection, workspace_id, order_id, rows)

    async def place(self, workspace_id: int, actor: str, order_id: int) -> None:
        """Hand a draft to the operator. Raises NotFoundError, ConflictError (path `id`)."""
        await self._step(workspace_id, actor, order_id, OrderStep.PLACE)

    async def cancel(self, workspace_id: int, actor: str, order_id: int) -> None:
        """Call off an order that is not produced yet. Raises NotFoundError, ConflictError (path `id`)."""
        await self._step(workspace_id, actor, order_id, OrderStep.CANCEL)

    # The operator's ---------------------------------------------------------------------------------------------------

    async def produce(self, workspace_id: int, actor: str, order_id: int) -> None:
        """Say that all cards are made. Raises NotFoundError, ConflictError (path `id`), DeniedError (path `id`) while
        the batch has not just as many cards of each package as were ordered."""
        await self._step(workspace_id, actor, order_id, OrderStep.PRODUCE)

    async def ship(
        self, workspace_id: int, actor: str, order_id: int, carrier: str | None = None, tracking: str | None = None
    ) -> None:
        """Say that the cards are on their way. Raises NotFoundError, ConflictError (path `id`), InvalidError."""
        facts = {
            name: None if text is None else _line(text, name)
            for name, text in (("carrier", carrier), ("tracking", tracking))
        }
        await self._step(workspace_id, actor, order_id, OrderStep.SHIP, **facts)

    async def deliver(self, workspace_id: int, actor: str, order_id: int) -> None:
        """Say that the cards are there: their batch may be registered. Raises NotFoundError, ConflictError."""
        await self._step(workspace_id, actor, order_id, OrderStep.DELIVER)

    async def decline(self, workspace_id: int, actor: str, order_id: int, reason: str) -> None:
        """Call off an order that is placed or produced; the identities of its cards are free again.

        Raises NotFoundError, ConflictError (path `id`), InvalidError.
        """
        check_text(reason, "reason", at_least=1, at_most=MAX_REASON_CHARACTERS)
        await self._step(workspace_id, actor, order_id, OrderStep.DECLINE, reason=reason)

    async def _step(self, workspace_id: int, actor: str, order_id: int, step: OrderStep, **facts: str | None) -> None:
        async with transaction(self._database, after=self._journal.committed) as connection:
            await self._move(connection, workspace_id, actor, order_id, step, **facts)

    async def _move(
        self,
        connection: PooledConnection,
        workspace_id: int,
        actor: str,
        order_id: int,
        step: OrderStep,
        **facts: str | None,
    ) -> None:
        locked = await _locked(connection, workspace_id, order_id)
        after = order_after(OrderStatus(locked.status), step)
        at = self._now()
        if after is OrderStatus.PRODUCED:
            await self._check_produced(connection, workspace_id, order_id, locked.batch_id)
        if locked.batch_id is not None and after in (OrderStatus.DELIVERED, OrderStatus.CANCELLED):
            await sim_batch.lock(connection, workspace_id, locked.batch_id)
            delivered = after is OrderStatus.DELIVERED
            status = BatchStatus.DELIVERED if delivered else BatchStatus.CANCELLED
            await sim_batch.set_status(connection, workspace_id, locked.batch_id, status, at, actor)
            if not delivered:
                await sim_batch.drop_cards(connection, workspace_id, locked.batch_id)
        await sim_purchase_order.set_status(connection, workspace_id, order_id, after, at, **facts)
        told: dict[str, Any] = {"reference": locked.reference, **{k: v for k, v in facts.items() if v is not None}}
        change = Change(
            EVENT_TYPES[EVENT_OF_ORDER[after]],
            detail={"order": {"id": encode_global_id("SimPurchaseOrder", order_id), **told}},
        )
        await self._journal.write(connection, workspace_id, actor, [change])

    async def _check_produced(
        self, connection: PooledConnection, workspace_id: int, order_id: int, batch_id: int | None
    ) -> None:
        wanted = await sim_purchase_order.items_of(connection, workspace_id, order_id)
        made = {} if batch_id is None else await sim_batch.counts(connection, workspace_id, batch_id)
        for package, quantity in wanted.items():
            if made.get(package, 0) != quantity:
                raise DeniedError(
                    "The batch has {made} cards {package}, ordered were {quantity}.",
                    path=("id",),
                    made=made.get(package, 0),
                    package=package,
                    quantity=quantity,
                )

    def _rows(self, items: Sequence[Item]) -> list[tuple[int, str, int]]:
        return [(self._next_id(), item.package, item.quantity) for item in items]

    def _next_id(self) -> int:
        return self._ids.next(int(self._clock() * 1_000))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


async def _locked(connection: PooledConnection, workspace_id: int, order_id: int) -> sim_purchase_order.LockedOrder:
    locked = await sim_purchase_order.lock(connection, workspace_id, order_id)
    if locked is None:
        raise NotFoundError("No such order.", path=("id",))
    return locked


def _delivery(address: Address, reference: str) -> Delivery:
    """The address as it is stored. Raises InvalidError with the field at fault."""
    lines = list(address.lines)
    if not 1 <= len(lines) <= MAX_ADDRESS_LINES:
        raise InvalidError("An address has 1 to {most} lines.", path=("address", "lines"), most=MAX_ADDRESS_LINES)
    for line in lines:
        _line(line, "address", "lines")
    country = address.country.strip().upper()
    if not _COUNTRY.fullmatch(country):
        raise InvalidError("A country is two letters, as ISO 3166 has them.", path=("address", "country"))
    return Delivery(
        reference=_line(reference, "reference", at_least=0),
        recipient=_line(address.recipient, "address", "recipient"),
        address_lines=lines,
        postal_code=_line(address.postal_code, "address", "postal_code", at_least=0),
        city=_line(address.city, "address", "city"),
        country=country,
    )


def _line(text: str, *path: str, at_least: int = 1) -> str:
    try:
        check_text(text, path[-1], at_least=at_least, at_most=MAX_LINE_CHARACTERS)
    except InvalidError as error:
        raise InvalidError(error.message, path=path) from None
    if "\n" in text or "\t" in text:
        raise InvalidError("This must be one line.", path=path)
    return text
