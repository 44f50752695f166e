"""Pages: every combination of first, last, after, before and order against a plain list of the same rows."""

from __future__ import annotations

import itertools
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_room import Room

from motet.domain.global_ids import encode_global_id
from motet.reading.cursor import decode_cursor, encode_cursor
from motet.reading.errors import InvalidRequestError
from motet.reading.model import SortKey, SortKind
from motet.reading.selection import Selected, fields
from motet.reading.statement import storable

NAME = SortKey("name")

NAMES = ["b", "a", "c", "a", "b", "a"]
"""Equal names: the id must break ties."""


async def _names_in_order(room: Room, order: str, direction: str) -> list[str]:
    tenant = await room.tenants.workspace("pages")
    room.demo = tenant
    for name in NAMES:
        await room.tenants.device(tenant, name, with_sim=False)
    rows: list[tuple[str, int]] = list(zip(NAMES, tenant.devices, strict=True))
    key: Callable[[tuple[str, int]], Any] = (lambda row: row) if order == "NAME" else (lambda row: row[1])
    rows.sort(key=key, reverse=direction == "DESC")
    return [encode_global_id("Device", device_id) for _, device_id in rows]


@pytest.mark.parametrize(("order", "direction"), list(itertools.product(["NAME", "CREATED_AT"], ["ASC", "DESC"])))
async def test_every_page_of_every_window(room: Room, order: str, direction: str) -> None:
    expected = await _names_in_order(room, order, direction)
    order_by = {"field": order, "direction": direction}
    edges = (
        Selected("edges", "edges", {}, (Selected("cursor", "cursor"), Selected("node", "node", {}, fields("id")))),
    )
    whole = await room.reader.connection(
        room.principal(), "Device", Selected("list", "list", {"orderBy": order_by}, edges)
    )
    assert [edge["node"]["id"] for edge in whole.value["edges"]] == expected
    cursors = [edge["cursor"] for edge in whole.value["edges"]]

    places = [None, 0, 2, 5]
    for size, (way, after, before) in itertools.product(
        [0, 2, 6], itertools.product(["first", "last"], places, places)
    ):
        page = await room.list(
            "Device",
            "id",
            orderBy=order_by,
            after=None if after is None else cursors[after],
            before=None if before is None else cursors[before],
            **{way: size},
        )
        window = expected[0 if after is None else after + 1 : len(expected) if before is None else before]
        shown = window[:size] if way == "first" else window[len(window) - min(size, len(window)) :]
        info = page["pageInfo"]
        case = (size, way, after, before)
        assert [node["id"] for node in page["nodes"]] == shown, case
        cut = len(window) > len(shown)
        assert info["hasNextPage"] is ((way == "first" and cut) or before is not None), case
        assert info["hasPreviousPage"] is ((way == "last" and cut) or after is not None), case
        assert info["startCursor"] == (cursors[expected.index(shown[0])] if shown else None), case
        assert info["endCursor"] == (cursors[expected.index(shown[-1])] if shown else None), case
        assert (page["totalCount"], page["totalCountIsEstimate"]) == (6, False), case


async def test_fifty_are_given_unless_asked_otherwise(room: Room) -> None:
    for _ in range(60):
        await room.tenants.device(room.demo, with_sim=False)
    assert len((await room.list("Device", "id"))["nodes"]) == 50
    assert len((await room.list("Device", "id", first=None, last=None))["nodes"]) == 50
    assert len((await room.list("Device", "id", first=200))["nodes"]) == 65


@pytest.mark.parametrize(
    "arguments", [{"first": -1}, {"first": 201}, {"last": -1}, {"last": 201}, {"first": 1, "last": 1}]
)
async def test_sizes_out_of_range_are_refused(room: Room, arguments: dict[str, int]) -> None:
    with pytest.raises(InvalidRequestError):
        await room.list("Device", "id", **arguments)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "W10",  # []
        "bnVsbA",  # null
        "NQ",  # 5
        encode_cursor("Device:NAME", (7,)),
        encode_cursor("Device:NAME", ("a", 7)),
        encode_cursor("Sim:CREATED_AT", (7,)),
        encode_cursor("Device:CREATED_AT", ("7",)),  # type: ignore[arg-type]
        encode_cursor("Device:CREATED_AT", (True,)),
        encode_cursor("Device:CREATED_AT", (1 << 63,)),
        encode_cursor("Device:CREATED_AT", (-2,)),
        "A" * 5000,
    ],
)
async def test_cursors_that_are_not_of_this_list_and_order_are_refused(room: Room, cursor: str) -> None:
    for name in ("after", "before"):
        with pytest.raises(InvalidRequestError):
            await room.list("Device", "id", **{name: cursor})


def test_cursors_of_sorted_columns_hold_text_and_id() -> None:
    tag = "Device:NAME"
    assert decode_cursor(encode_cursor(tag, ("é", 7)), tag, NAME) == ("é", 7)
    for position in (("a\0", 7), (7, 7), (None, 7), ("a", "b"), ("a",), (7,), ("a", 7, 7)):
        with pytest.raises(InvalidRequestError):
            decode_cursor(encode_cursor(tag, position), tag, NAME)  # type: ignore[arg-type]


async def test_counts_are_exact_up_to_their_bound(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motet.reading.sql.COUNT_BOUND", 4)
    page = await room.list("Device", "id", first=1)
    assert page["totalCount"] >= 4
    assert page["totalCountIsEstimate"]
    page = await room.list("Device", "id", filter={"name": "3"})
    assert (page["totalCount"], page["totalCountIsEstimate"]) == (1, False)
    monkeypatch.setattr("motet.reading.sql.COUNT_BOUND", 5)
    page = await room.list("Device", "id", first=1)
    assert (page["totalCount"], page["totalCountIsEstimate"]) == (5, False)


async def test_beyond_the_bound_the_count_is_what_statistics_say(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motet.reading.sql.COUNT_BOUND", 4)
    for status in (0, 1):
        await room.tenants.execute(
            "INSERT INTO device (workspace_id, id, name, status, service_policy_id) SELECT $1, n, 'many', $2, $1"
            " FROM generate_series($2 * 1000 + 1, $2 * 1000 + 600) n",
            room.demo.workspace_id,
            status,
        )
    await room.tenants.execute("ANALYZE device")
    page = await room.list("Device", "id", first=1)
    assert page["totalCountIsEstimate"]
    assert 1100 < page["totalCount"] < 1300  # 1,205, and 5 of the other workspace
    page = await room.list("Device", "id", first=1, filter={"status": ["DISABLED"]})
    assert page["totalCountIsEstimate"]
    assert 500 < page["totalCount"] < 700


async def test_a_nested_list_pages_for_each_parent_by_itself(room: Room) -> None:
    busy = await room.tenants.device(room.demo, "busy")
    for _ in range(3):
        await room.tenants.message(room.demo, busy)
    inner = (
        Selected("nodes", "nodes", {}, fields("id")),
        Selected("pageInfo", "pageInfo", {}, fields("hasNextPage", "hasPreviousPage")),
        Selected("totalCount", "totalCount"),
    )
    messages = Selected("smsMessages", "smsMessages", {"first": 2}, inner)
    devices = Selected("list", "list", {}, (Selected("nodes", "nodes", {}, (*fields("name"), messages)),))
    answer = await room.reader.connection(room.principal(), "Device", devices)
    found = {device["name"]: device["smsMessages"] for device in answer.value["nodes"]}
    newest = [encode_global_id("SmsMessage", message_id) for message_id in reversed(room.demo.messages)]
    assert found["busy"] == {
        "nodes": [{"id": newest[0]}, {"id": newest[1]}],
        "pageInfo": {"hasNextPage": True, "hasPreviousPage": False},
        "totalCount": 3,
    }
    assert found["demo 4"] == {
        "nodes": [{"id": newest[3]}, {"id": newest[4]}],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False},
        "totalCount": 2,
    }


@given(
    st.text(max_size=60)
    | st.binary(max_size=60).map(lambda octets: urlsafe_b64encode(octets).decode())
    | st.lists(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), max_size=3).map(
        lambda parts: urlsafe_b64encode(json.dumps(["Device:NAME", *parts]).encode()).rstrip(b"=").decode()
    ),
    st.sampled_from([SortKey(), *(SortKey("x", kind, nullable) for kind in SortKind for nullable in (False, True))]),
)
def test_any_text_is_a_cursor_or_refused(cursor: str, key: SortKey) -> None:
    try:
        position = decode_cursor(cursor, "Device:NAME", key)
    except InvalidRequestError:
        return
    assert len(position) == 1 + (key.column is not None)
    if key.column is not None and not key.nullable:
        assert position[0] is not None


VALUES = {
    SortKind.TEXT: st.text(max_size=300).filter(storable),
    SortKind.INTEGER: st.integers(-(1 << 63), (1 << 63) - 1),
    SortKind.NUMBER: st.floats(allow_nan=False, allow_infinity=False),
    SortKind.TIME: st.datetimes(timezones=st.just(UTC)),
}


@pytest.mark.parametrize("kind", SortKind)
@given(st.data(), st.integers(-1, (1 << 63) - 1))
def test_every_position_comes_back_from_its_cursor(kind: SortKind, data: st.DataObject, row_id: int) -> None:
    value = data.draw(VALUES[kind])
    assert decode_cursor(encode_cursor("x", (value, row_id)), "x", SortKey("x", kind)) == (value, row_id)
    assert decode_cursor(encode_cursor("x", (None, row_id)), "x", SortKey("x", kind, True)) == (None, row_id)
    assert decode_cursor(encode_cursor("x", (row_id,)), "x", SortKey()) == (row_id,)
