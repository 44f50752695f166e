"""What webhooks are told of messages: the `data` of the sms.* events."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from motet.domain.global_ids import encode_global_id
from motet.domain.states import MessageState
from motet.hub.message import Message
from motet.hub.ports import EventOutbox
from motet.sms.text import decode_text
from motet.storage.database import Row

_TYPES: Mapping[int, str] = {
    MessageState.DELIVERED: "sms.delivered",
    MessageState.FAILED: "sms.failed",
    MessageState.REJECTED: "sms.failed",
    MessageState.UNKNOWN: "sms.failed",
    MessageState.EXPIRED: "sms.expired",
}
"""A cancelled message tells nobody: whoever cancelled it knows."""

RECEIVED = "sms.received"


def iso(us: int) -> str:
    """RFC 3339 with microseconds, UTC."""
    return datetime.fromtimestamp(us / 1_000_000, UTC).isoformat().replace("+00:00", "Z")


def finished(outbox: EventOutbox, message: Message) -> list[tuple[Any, ...]]:
    """The webhook deliveries that a final state owes, mostly none."""
    event_type = _TYPES.get(message.state)
    if event_type is None or not outbox.wants(message.workspace_id, event_type):
        return []
    at = message.final_at or 0
    data = {
        "id": encode_global_id("SmsMessage", message.id),
        "from": message.source,
        "to": message.destination,
        "status": MessageState(message.state).name,
        "error": message.error,
        "error_detail": message.error_detail,
        "device": {"id": encode_global_id("Device", message.device_id)} if message.device_id else None,
        "part_count": message.part_count,
        "submitted_at": iso(message.submitted_at),
        "final_at": iso(at),
    }
    return outbox.rows_for(message.workspace_id, event_type, at, data)


def received(outbox: EventOutbox, message: Message, names: Row | None, short_code: str | None) -> list[tuple[Any, ...]]:
    """The webhook deliveries of an MO. `names` is storage.directory.names_of_sim."""
    data: dict[str, Any] = {
        "id": encode_global_id("SmsMessage", message.id),
        "from": message.source,
        "to": message.destination,
        "text": decode_text(message.payload, message.data_coding),
        "payload_hex": message.payload.hex(),
        "data_coding": message.data_coding,
        "device": None,
        "sim": None,
        "short_code": short_code,
        "received_at": iso(message.submitted_at),
    }
    if names is not None:
        data["sim"] = {"iccid": names["iccid"], "imsi": names["imsi"], "msisdn": names["msisdn"]}
        if names["device_id"] is not None:
            data["device"] = {"id": encode_global_id("Device", names["device_id"]), "name": names["name"]}
    return outbox.rows_for(message.workspace_id, RECEIVED, message.submitted_at, data)
