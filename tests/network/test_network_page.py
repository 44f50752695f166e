"""docs/network.md: what it shows a carrier's engineer is what both sides understand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from motet.domain.network import OrderKind, ReplyState, Verdict
from motet.network.carrier import _reply
from motet.network.wire import WireError, parse_notification
from motet.simulator.air import Air
from motet.simulator.euiccs import Euiccs
from motet.simulator.notices import Notices
from motet.simulator.orders import Orders
from motet.simulator.phones import Phone
from motet.simulator.store import Store

PAGE = (Path(__file__).parents[2] / "docs/network.md").read_text()
BLOCKS: list[dict[str, Any]] = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def shown(name: str) -> list[dict[str, Any]]:
    return [block for block in BLOCKS if name in block]


def test_every_notification_that_is_shown_is_understood_and_every_kind_is_shown() -> None:
    kinds = set()
    for block in shown("notifications"):
        for one in block["notifications"]:
            notification_id, told = parse_notification(one)
            assert notification_id == one["id"]
            kinds.add(type(told).__name__)
    assert kinds == {
        "Attached", "LocationUpdated", "ImeiSeen", "Detached", "AttachFailed", "OperatorOutage", "OperationResult",
        "SessionRecord", "EsimProgress",
    }  # fmt: skip


def test_every_result_that_is_shown_has_a_verdict_that_there_is() -> None:
    told = {one["verdict"] for block in shown("results") for one in block["results"]}
    assert told <= {verdict.value for verdict in Verdict}
    assert all(f"`{verdict.value}`" in PAGE for verdict in Verdict)


async def test_the_simulated_network_does_every_order_that_is_shown_and_does_it_once() -> None:
    store, phones = Store(None), dict[str, Phone]()
    air = Air(store, phones, Notices(store, None, None), lambda _phone: None)
    orders = Orders(store, air, Euiccs(None, air, lambda *_: None))
    kinds = set()
    for number, block in enumerate(shown("kind"), start=1):
        answer = orders.take(number, block, 1_000.0)
        store.commit()
        assert orders.take(number, block, 1_000.0) == answer
        assert answer["state"] in {state.value for state in ReplyState}
        kinds.add(block["kind"])
    assert kinds == {kind.value for kind in OrderKind}
    assert set(phones) == {"491700000001"}
    assert phones["491700000001"].identity.imsi == "208011234567890"


def test_answers_to_orders_are_understood_as_they_are_shown() -> None:
    for block in shown("state"):
        assert _reply(200, json.dumps(block).encode()).state.value == block["state"]


@pytest.mark.parametrize(
    "wrong",
    [
        5,
        {},
        {"id": "x"},
        {"id": "x", "type": "nonsense"},
        {"id": "x" * 65, "type": "detached", "at": "2026-01-22T10:00:00Z", "sim": "262011234567890"},
        {"id": "x", "type": "detached", "at": "yesterday", "sim": "262011234567890"},
        {"id": "x", "type": "detached", "at": "2026-01-22T10:00:00", "sim": "262011234567890"},
        {"id": "x", "type": "detached", "at": "2026-01-22T10:00:00Z", "sim": "none"},
        {"id": "x", "type": "detached", "at": "2026-01-22T10:00:00Z", "sim": "262011234567890", "more": 1},
        {"id": "x", "type": "detached", "at": "2026-01-22T10:00:00Z", "sim": "262011234567890", "reason": "\0"},
        {"id": "x", "type": "attached", "at": "2026-01-22T10:00:00Z", "sim": "262011234567890"},
        {"id": "x", "type": "attached", "at": "2026-01-22T10:00:00Z", "sim": "262011234567890", "operator": 26201},
        {"id": "x", "type": "outage", "at": "2026-01-22T10:00:00Z", "operator": "26201", "out": "yes"},
        {"id": "x", "type": "esim", "at": "2026-01-22T10:00:00Z", "smdp_address": "x.example", "matching_id": "A"},
        {"id": "x", "type": "esim", "at": "2026-01-22T10:00:00Z", "smdp_address": "x", "matching_id": "A", "step": "X"},
    ],
)
def test_what_is_no_notification_is_said_to_be_none(wrong: Any) -> None:
    with pytest.raises(WireError):
        parse_notification(wrong)


def test_names_of_rats_are_taken_as_people_spell_them() -> None:
    for spelled, meant in {"2G": "GSM", "4g": "LTE", "5G": "NR", "LTE-M": "LTE_M", "nb-iot": "NB_IOT"}.items():
        body = {"id": "x", "type": "attached", "at": "2026-01-22T10:00:00Z", "sim": "262011234567890"}
        _, told = parse_notification({**body, "operator": "26201", "rat": spelled})
        assert told.place.rat == meant  # type: ignore[union-attr]
