"""Keyset pages under every kind of order, against a plain sort, with rows that come and go between pages."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from reading_room import Room

from motet.domain.global_ids import decode_global_id
from motet.reading.entities import ENTITIES
from motet.reading.model import SortKey, SortKind
from motet.reading.reader import Reader
from motet.reading.selection import Selected, fields

START = datetime(2026, 1, 1, tzinfo=UTC)

ORDERS: dict[str, tuple[SortKey, str, Callable[[int], Any]]] = {
    "CREATED_AT": (SortKey(), "imei", lambda n: None),
    "NAME": (SortKey("name"), "name", lambda n: "aAbB zäß"[n] * 2),
    "IMEI": (SortKey("imei", nullable=True), "imei", lambda n: None if n < 3 else str(n)),
    "MADE": (SortKey("created_at", SortKind.TIME), "created_at", lambda n: START + timedelta(microseconds=n)),
    "LOUD": (SortKey("upper({t}.name)"), "name", lambda n: "aAbBcCdD"[n]),
    "ALL_NULL": (SortKey("imei", nullable=True), "imei", lambda n: None),
    "COLLATED": (SortKey('{t}.name COLLATE "C"'), "name", lambda n: "aAbB zäß"[n]),
    "SCANNED": (SortKey("imei", nullable=True), "imei", lambda n: None if n < 3 else str(n)),
    "WHOLE": (SortKey("length({t}.name)", SortKind.INTEGER), "name", lambda n: "x" * (n + 1)),
    "SHARE": (
        SortKey("nullif(length({t}.name), 3) / 7.0::float8", SortKind.NUMBER, nullable=True),
        "name",
        lambda n: "x" * (n + 1),
    ),
}
"""By name: the key, the column that it depends on, and one of eight values for it."""


class Walk:
    """A list of devices in an order, while devices come and go."""

    def __init__(self, room: Room, order: str, direction: str, random_: random.Random) -> None:
        device = replace(
            ENTITIES["Device"],
            orders={name: key for name, (key, _, _) in ORDERS.items()},
            sparse=frozenset({"tags"}) if order == "SCANNED" else frozenset(),
        )
        self.reader = Reader(room.tenants.database.pool, {**ENTITIES, "Device": device})
        self.room, self.order, self.direction, self.random = room, order, direction, random_
        self.key, self.column, self.value = ORDERS[order]

    async def add(self, count: int) -> set[int]:
        added = set()
        for _ in range(count):
            device_id = await self.room.tenants.device(self.room.demo, "x", with_sim=False)
            await self.room.tenants.execute(
                f"UPDATE device SET {self.column} = $2 WHERE id = $1",  # noqa: S608
                device_id,
                self.value(self.random.randrange(8)),
            )
            added.add(device_id)
        return added

    async def remove(self, ids: set[int]) -> None:
        await self.room.tenants.execute("DELETE FROM device WHERE id = ANY($1)", list(ids))

    async def sorted(self) -> list[int]:
        """All of them as a plain sort of the workspace's rows has them."""
        rows = await self.room.tenants.database.pool.fetch(
            f"SELECT id FROM device t0 WHERE workspace_id = $1"  # noqa: S608
            f" ORDER BY {self.key.order('t0', descending=self.direction == 'DESC')}",
            self.room.demo.workspace_id,
        )
        return [row["id"] for row in rows]

    async def page(self, **window: Any) -> tuple[list[int], Any]:
        shown = (
            Selected("nodes", "nodes", {}, fields("id")),
            Selected("pageInfo", "pageInfo", {}, fields("hasNextPage", "hasPreviousPage", "startCursor", "endCursor")),
        )
        arguments = {"orderBy": {"field": self.order, "direction": self.direction}, **window}
        if self.order == "SCANNED":
            arguments["filter"] = {"tags": []}
        answer = await self.reader.connection(
            self.room.principal(), "Device", Selected("list", "list", arguments, shown)
        )
        found = [decode_global_id(node["id"]) for node in answer.value["nodes"]]
        return [decoded[1] for decoded in found if decoded], answer.value["pageInfo"]

    async def whole(self, forward: bool, *, between: Callable[[], Any] | None = None) -> list[int]:
        """All pages in list order."""
        cursor: str | None = None
        seen: list[int] = []
        while True:
            size = self.random.randrange(1, 5)
            window = {"first": size, "after": cursor} if forward else {"last": size, "before": cursor}
            ids, info = await self.page(**window)
            seen = seen + ids if forward else ids + seen
            if not info["hasNextPage" if forward else "hasPreviousPage"]:
                return seen
            cursor = info["endCursor" if forward else "startCursor"]
            assert cursor is not None
            if between is not None:
                await between()


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("order", ORDERS)
async def test_pages_are_those_of_a_plain_sort(
    room: Room, order: str, direction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if order == "SCANNED":
        monkeypatch.setattr("motet.reading.sql.SCAN_BOUND", 4)
    room.demo = await room.tenants.workspace("walk")
    random_ = random.Random(f"{order} {direction}")  # noqa: S311
    walk = Walk(room, order, direction, random_)
    stays = await walk.add(14)
    plain = await walk.sorted()
    for forward in (True, False):
        assert await walk.whole(forward) == plain

    for forward in (True, False):
        comes_and_goes = await walk.add(4)

        async def churn(these: set[int] = comes_and_goes) -> None:
            await walk.remove({these.pop()} if these else set())
            these |= await walk.add(1)

        seen = await walk.whole(forward, between=churn)
        assert len(seen) == len(set(seen))
        await walk.remove(comes_and_goes)
        kept = [device_id for device_id in seen if device_id in stays]
        assert kept == plain

    cursors = [(await walk.page(first=1, after=None))[1]["endCursor"]]
    for _ in plain[1:]:
        cursors.append((await walk.page(first=1, after=cursors[-1]))[1]["endCursor"])
    for _ in range(8):
        low, high = sorted(random_.sample(range(len(plain)), 2))
        window = plain[low + 1 : high]
        ids, info = await walk.page(first=200, after=cursors[low], before=cursors[high])
        if order != "SCANNED":
            assert ids == window
            assert info["hasNextPage"]
            assert info["hasPreviousPage"]
            size = random_.randrange(1, 4)
            ids, _ = await walk.page(last=size, after=cursors[low], before=cursors[high])
            assert ids == window[-size:]
        else:
            assert ids == window[:4]
