"""How cards are ordered and come: the life of an order as one table, what it may hold, and the code on the box."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum
from typing import Final, NamedTuple

from motet.domain.errors import ConflictError, InvalidError, LimitReachedError
from motet.domain.numbering import has_mod97_digits, mod97_digits
from motet.domain.sim_cards import PACKAGES

MAX_ITEMS: Final = 10
"""Items of one order: there are not that many packages."""

MAX_CARDS: Final = 10_000
"""Cards of one order: its batch is registered in one transaction of a few seconds."""


class OrderStatus(IntEnum):
    """Where an order is. The numbers are stored."""

    DRAFT = 0
    PLACED = 1
    PRODUCED = 2
    SHIPPED = 3
    DELIVERED = 4
    CANCELLED = 5


class BatchStatus(IntEnum):
    """Where a batch is. The numbers are stored."""

    IN_PRODUCTION = 0
    """Its cards are being listed; it is not delivered."""
    DELIVERED = 1
    """Its cards may be registered."""
    REGISTERED = 2
    CANCELLED = 3


class OrderStep(Enum):
    """What moves an order, and in whose hands that is."""

    PLACE = "place"
    CANCEL = "cancel"
    PRODUCE = "produce"
    SHIP = "ship"
    DELIVER = "deliver"
    DECLINE = "decline"


ORDER_STEPS: Final[Mapping[tuple[OrderStatus, OrderStep], OrderStatus]] = {
    (OrderStatus.DRAFT, OrderStep.PLACE): OrderStatus.PLACED,
    (OrderStatus.DRAFT, OrderStep.CANCEL): OrderStatus.CANCELLED,
    (OrderStatus.PLACED, OrderStep.CANCEL): OrderStatus.CANCELLED,
    (OrderStatus.PLACED, OrderStep.PRODUCE): OrderStatus.PRODUCED,
    (OrderStatus.PLACED, OrderStep.DECLINE): OrderStatus.CANCELLED,
    (OrderStatus.PRODUCED, OrderStep.SHIP): OrderStatus.SHIPPED,
    (OrderStatus.PRODUCED, OrderStep.DECLINE): OrderStatus.CANCELLED,
    (OrderStatus.SHIPPED, OrderStep.DELIVER): OrderStatus.DELIVERED,
}
"""All else is a conflict. PLACE and CANCEL are the workspace's, the others the operator's."""

EVENT_OF_ORDER: Final[Mapping[OrderStatus, str]] = {
    OrderStatus.PLACED: "sim.order_placed",
    OrderStatus.PRODUCED: "sim.order_produced",
    OrderStatus.SHIPPED: "sim.order_shipped",
    OrderStatus.DELIVERED: "sim.order_delivered",
    OrderStatus.CANCELLED: "sim.order_cancelled",
}


def order_after(status: OrderStatus, step: OrderStep) -> OrderStatus:
    """What the order is after the step. Raises ConflictError if its status does not allow it (path `id`)."""
    after = ORDER_STEPS.get((status, step))
    if after is None:
        raise ConflictError("The order is {status}.", path=("id",), status=status.name)
    return after


class Item(NamedTuple):
    """A line of an order."""

    package: str
    quantity: int


def check_items(items: Sequence[Item]) -> list[Item]:
    """The items, if such an order can be made. Raises InvalidError, LimitReachedError with the item at fault."""
    if not items:
        raise InvalidError("An order has at least one item.", path=("items",))
    if len(items) > MAX_ITEMS:
        raise LimitReachedError("An order has at most {most} items.", path=("items",), most=MAX_ITEMS)
    seen: set[str] = set()
    for place, item in enumerate(items):
        if item.package not in PACKAGES:
            raise InvalidError("A package is one of {known}.", path=("items", place, "package"), known=PACKAGES)
        if item.package in seen:
            raise InvalidError("There is an item of this package already.", path=("items", place, "package"))
        if not 1 <= item.quantity <= MAX_CARDS:
            raise InvalidError("A quantity is 1 to {most}.", path=("items", place, "quantity"), most=MAX_CARDS)
        seen.add(item.package)
    if sum(item.quantity for item in items) > MAX_CARDS:
        raise LimitReachedError("An order has at most {most} cards.", path=("items",), most=MAX_CARDS)
    return list(items)


BIC_SERIAL_DIGITS: Final = 12
BIC_DIGITS: Final = BIC_SERIAL_DIGITS + 2

_SEPARATORS = re.compile(r"[\s\-.]+")


def make_bic(serial: int) -> str:
    """The code of a batch: twelve digits, and two that check them (ISO/IEC 7064 MOD 97-10, as in an EID): any slip of
    one digit and any two digits swapped are noticed."""
    digits = f"{serial:0{BIC_SERIAL_DIGITS}}"
    return digits + mod97_digits(digits)


def bic_digits(typed: str) -> str:
    """What a typed code has without its separators; no judgement."""
    return _SEPARATORS.sub("", typed[: 4 * BIC_DIGITS])


def parse_bic(typed: str, path: tuple[str | int, ...] = ()) -> str:
    """The code as it is stored: 14 digits; blanks, hyphens and dots are let pass. Raises InvalidError."""
    digits = bic_digits(typed)
    if len(digits) != BIC_DIGITS or not (digits.isascii() and digits.isdigit()):
        raise InvalidError("A BIC has {most} digits.", path=path, most=BIC_DIGITS)
    if not has_mod97_digits(digits):
        raise InvalidError("The last two digits of this BIC do not fit the others: it is mistyped.", path=path)
    return digits
