"""Messages from rows: what is paged in becomes the same object that was accepted."""

from collections.abc import Sequence

from motet.domain.states import MessageState
from motet.hub.message import Extra, Message, Part, Stage
from motet.storage.database import Row


def message_of(row: Row) -> Message:
    """The message of a row with storage.message.LOAD_COLUMNS. Times are int microseconds."""
    segment = None
    if row["segment_ref"] is not None:
        segment = (row["segment_ref"], row["segment_total"], row["segment_number"])
    message = Message(
        row["workspace_id"],
        row["account_id"],
        row["source_ton"],
        row["source_npi"],
        row["source"],
        row["destination"],
        row["esm_class"],
        row["registered_delivery"],
        row["data_coding"],
        row["payload"],
        row["submitted_at"],
        row["expires_at"],
        None,
        0,
        Extra(
            dest_ton=row["dest_ton"],
            dest_npi=row["dest_npi"],
            protocol_id=row["protocol_id"],
            priority=row["priority"],
            service_type=row["service_type"],
            udh=row["udh"],
            tlvs=row["tlvs"],
            segment=segment,
            scheduled_at=row["scheduled_at"],
            origin_id=row["origin_id"],
        ),
    )
    message.id = row["id"]
    message.submission_id = row["submission_id"]
    message.device_id = row["device_id"]
    message.sim_id = row["sim_id"]
    message.direction = row["direction"]
    message.kind = row["kind"]
    message.part_count = row["part_count"]
    message.state = row["state"]
    message.error = row["error"]
    message.final_at = row["final_at"]
    message.attempts = row["attempts"]
    return message


def place(message: Message, submits: Sequence[Row]) -> None:
    """Set how far each part has come, from the rows of storage.submit.of_messages. Parts must have been cut."""
    units = message.units
    for row in submits:
        number = row["part"]
        if number >= len(units):
            continue
        unit = units[number]
        unit.link_id = row["link_id"]
        unit.smsc_message_id = row["smsc_message_id"]
        unit.stage = Stage.AWAITING
        if isinstance(unit, Part) and row["state"] is not None:
            unit.stored = True
            unit.stage = Stage.FINISHED
            unit.state = row["state"]
            unit.error = row["error"]
        message.attempts = max(message.attempts, row["attempt"])
    if message.parts is not None:
        waits = any(part.stage == Stage.READY for part in message.parts)
        message.stage = Stage.READY if waits else Stage.AWAITING
    elif message.stage != Stage.AWAITING:
        message.stage = Stage.READY
    if message.state != MessageState.OPEN:
        message.stage = Stage.FINISHED
