"""Filters on messages: which rows, from where, and what a bounded scan says when it stops short."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from reading_room import Room

from motet.domain.global_ids import encode_global_id
from motet.domain.states import MessageState, WaitingReason
from motet.reading.selection import Selected, fields
from tenants import NOW, Tenant

STATUSES = {
    "SCHEDULED": {"state": MessageState.OPEN, "waiting": WaitingReason.SCHEDULED},
    "PENDING": {"state": MessageState.OPEN},
    "IN_PROGRESS": {"state": MessageState.OPEN, "submitted": True},
    "BUFFERED": {"state": MessageState.OPEN, "waiting": WaitingReason.LINK},
    "DELIVERED": {"state": MessageState.DELIVERED, "submitted": True},
    "FAILED": {"state": MessageState.FAILED},
    "EXPIRED": {"state": MessageState.EXPIRED},
    "CANCELLED": {"state": MessageState.CANCELLED},
    "REJECTED": {"state": MessageState.REJECTED},
    "UNKNOWN": {"state": MessageState.UNKNOWN},
    "RECEIVED": {"state": MessageState.RECEIVED, "direction": 1},
}


async def _one_of_each(room: Room) -> Tenant:
    tenant = room.demo = await room.tenants.workspace("statuses")
    device = await room.tenants.device(tenant)
    for facts in STATUSES.values():
        await room.tenants.message(tenant, device, **facts)  # type: ignore[arg-type]
    return tenant


async def test_the_status_follows_from_the_facts_beside_the_row(room: Room) -> None:
    await _one_of_each(room)
    page = await room.list("SmsMessage", "status")
    assert [node["status"] for node in page["nodes"]] == list(reversed(STATUSES))


async def test_other_facts_give_the_same_statuses(room: Room) -> None:
    tenant = room.demo = await room.tenants.workspace("facts")
    await room.tenants.message(tenant, state=MessageState.OPEN, waiting=WaitingReason.RETRY)
    await room.tenants.message(tenant, state=MessageState.OPEN, waiting=WaitingReason.RECEIPT, submitted=True)
    await room.tenants.message(tenant, state=MessageState.OPEN, waiting=WaitingReason.RETRY, submitted=True)
    page = await room.list("SmsMessage", "status")
    assert [node["status"] for node in page["nodes"]] == ["IN_PROGRESS", "IN_PROGRESS", "BUFFERED"]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("low_water", [None, "all"])
async def test_each_status_is_found_alone(room: Room, status: str, low_water: str | None) -> None:
    tenant = await _one_of_each(room)
    if low_water:  # every message is final or waiting but those from PENDING on
        await room.tenants.execute("INSERT INTO node (number, low_water) VALUES (1, $1)", tenant.messages[1])
    page = await room.list("SmsMessage", "status", filter={"status": [status]})
    assert [node["status"] for node in page["nodes"]] == [status]
    assert (page["totalCount"], page["totalCountIsEstimate"]) == (1, False)
    assert page["pageInfo"]["hasNextPage"] is False
    device = await room.list(
        "SmsMessage", "status", filter={"status": [status], "deviceId": encode_global_id("Device", tenant.devices[0])}
    )
    assert [node["status"] for node in device["nodes"]] == [status]


@pytest.mark.parametrize(
    "wanted",
    [
        [],
        ["FAILED", "EXPIRED", "UNKNOWN"],
        ["SCHEDULED", "BUFFERED"],
        ["PENDING", "IN_PROGRESS", "REJECTED"],
        ["DELIVERED", "FAILED", "BUFFERED"],
        list(STATUSES),
    ],
)
async def test_statuses_are_found_together_in_order_and_over_pages(room: Room, wanted: list[str]) -> None:
    await _one_of_each(room)
    expected = [status for status in reversed(STATUSES) if status in wanted]
    found: list[str] = []
    after = None
    while True:
        page = await room.list("SmsMessage", "status", filter={"status": wanted}, first=2, after=after)
        found += [node["status"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == expected
    backward = await room.list("SmsMessage", "status", filter={"status": wanted}, last=3)
    assert [node["status"] for node in backward["nodes"]] == expected[-3:]
    assert backward["pageInfo"]["hasPreviousPage"] is (len(expected) > 3)


async def test_a_scan_that_stops_short_gives_a_shorter_page_and_a_cursor_to_go_on(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motet.reading.sql.SCAN_BOUND", 4)
    tenant = room.demo = await room.tenants.workspace("scans")
    for number in range(10):
        await room.tenants.message(tenant, source="rare" if number == 0 else "common")
    pages: list[Any] = []
    after = None
    while not pages or pages[-1]["pageInfo"]["hasNextPage"]:
        pages.append(await room.list("SmsMessage", "id", filter={"from": "rare"}, first=5, after=after))
        after = pages[-1]["pageInfo"]["endCursor"]
    rare = [{"id": encode_global_id("SmsMessage", tenant.messages[0])}]
    assert [page["nodes"] for page in pages] == [[], [], rare]
    assert [page["pageInfo"]["hasPreviousPage"] for page in pages] == [False, False, False]
    backward = await room.list("SmsMessage", "id", filter={"from": "common"}, last=5)
    assert len(backward["nodes"]) == 3
    assert backward["pageInfo"]["hasPreviousPage"] is True
    before = backward["pageInfo"]["startCursor"]
    earlier = await room.list("SmsMessage", "id", filter={"from": "common"}, last=5, before=before)
    assert len(earlier["nodes"]) == 4


async def test_a_bounded_scan_counts_what_it_saw_and_says_that_there_may_be_more(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motet.reading.sql.COUNT_BOUND", 4)
    tenant = room.demo = await room.tenants.workspace("counts")
    for number in range(6):
        await room.tenants.message(tenant, source="odd" if number % 2 else "even")
    page = await room.list("SmsMessage", "id", filter={"from": "odd"})
    assert (page["totalCount"], page["totalCountIsEstimate"]) == (3, True)


async def test_direction_kind_and_addresses(room: Room) -> None:
    tenant = room.demo = await room.tenants.workspace("kinds")
    await room.tenants.message(tenant, direction=1, kind=1, source="111", destination="222")
    await room.tenants.message(tenant, direction=0, kind=0, source="333", destination="444")
    for filter_, expected in [
        ({"direction": ["MO"]}, ["111"]),
        ({"direction": ["MT"]}, ["333"]),
        ({"direction": ["MT", "MO"], "kind": None}, ["333", "111"]),
        ({"kind": ["P2P"]}, ["111"]),
        ({"from": "333"}, ["333"]),
        ({"from": "+111"}, ["111"]),
        ({"to": "222"}, ["111"]),
        ({"to": "222", "from": "333"}, []),
        ({}, ["333", "111"]),
    ]:
        page = await room.list("SmsMessage", "from", filter=filter_)
        assert [node["from"] for node in page["nodes"]] == expected, filter_


async def test_submitted_after_and_before_bound_the_list(room: Room) -> None:
    tenant = room.demo = await room.tenants.workspace("times")
    for minutes in range(5):
        await room.tenants.message(tenant, at=NOW + timedelta(minutes=minutes), source=str(minutes))

    async def between(after: int | None, before: int | None, **more: Any) -> list[str]:
        filter_ = {
            "submittedAfter": None if after is None else NOW + timedelta(minutes=after),
            "submittedBefore": None if before is None else NOW + timedelta(minutes=before),
            **more,
        }
        page = await room.list("SmsMessage", "from", filter=filter_)
        assert page["totalCount"] == len(page["nodes"])
        return [node["from"] for node in page["nodes"]]

    assert await between(None, None) == ["4", "3", "2", "1", "0"]
    assert await between(2, None) == ["4", "3", "2"]
    assert await between(None, 2) == ["1", "0"]
    assert await between(1, 3) == ["2", "1"]
    assert await between(1, 3, status=["DELIVERED"]) == ["2", "1"]


async def test_a_device_id_that_is_not_ours_or_no_device_matches_nothing(room: Room) -> None:
    theirs = encode_global_id("Device", room.other.devices[0])
    for device_id in (theirs, encode_global_id("Sim", room.demo.devices[0]), "nonsense", ""):
        page = await room.list("SmsMessage", "id", filter={"deviceId": device_id})
        assert page["nodes"] == []
        assert page["totalCount"] == 0


async def test_text_payload_and_encoding_are_computed(room: Room) -> None:
    tenant = room.demo = await room.tenants.workspace("texts")
    await room.tenants.message(tenant, text="Grüße😀".encode("utf-16-be"), data_coding=8)
    await room.tenants.message(tenant, text=b"\x00\xff", data_coding=4)
    await room.tenants.message(tenant, text=b"")
    await room.tenants.message(tenant, text=b"\x00@\x1be", data_coding=0)
    page = await room.list("SmsMessage", "text", "payloadHex", "dataCoding", "encoding")
    assert page["nodes"] == [
        {"text": "@¡€", "payloadHex": "00401b65", "dataCoding": 0, "encoding": "GSM7"},
        {"text": "", "payloadHex": "", "dataCoding": 0, "encoding": "GSM7"},
        {"text": None, "payloadHex": "00ff", "dataCoding": 4, "encoding": "BINARY"},
        {
            "text": "Grüße😀",
            "payloadHex": "Grüße😀".encode("utf-16-be").hex(),
            "dataCoding": 8,
            "encoding": "UCS2",
        },
    ]


async def test_a_nested_filtered_list_is_filtered_for_each_parent(room: Room) -> None:
    messages = Selected(
        "smsMessages",
        "smsMessages",
        {"filter": {"direction": ["MO"], "status": ["RECEIVED"]}},
        (Selected("nodes", "nodes", {}, fields("direction")), *fields("totalCount")),
    )
    devices = Selected("list", "list", {}, (Selected("nodes", "nodes", {}, (messages,)),))
    answer = await room.reader.connection(room.principal(), "Device", devices)
    each = {"nodes": [{"direction": "MO"}], "totalCount": 1}
    assert answer.value["nodes"] == [{"smsMessages": each}] * 5


async def test_no_error_is_no_error(room: Room) -> None:
    tenant = room.demo = await room.tenants.workspace("errors")
    for error in ("000", "012", None):
        message_id = await room.tenants.message(tenant)
        await room.tenants.execute("UPDATE message SET error = $2 WHERE id = $1", message_id, error)
    page = await room.list("SmsMessage", "error")
    assert [node["error"] for node in page["nodes"]] == [None, "012", None]
