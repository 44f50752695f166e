"""The control API of the simulated network: HTTP and JSON, for tests and for people with curl.

Every error is `{"error": "…"}` with a fitting 4xx status.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from aiohttp import web

from motet.simulator.centre import SmsCentre
from motet.simulator.control_air import AirApi, air_changes, shown_air
from motet.simulator.inputs import InputError, json_object
from motet.simulator.phones import MAX_DELAY_S, MAX_REPLY_CHARACTERS, Behaviour, Phone
from motet.simulator.smsc import Smsc
from motet.simulator.store import InboxRow, Store
from motet.simulator.texts import Address, RefusedError
from motet.smpp.constants import Npi, Ton
from motet.sms.data_coding import DATA_CODING_OCTETS
from motet.sms.parts import MAX_PARTS, part_count
from motet.sms.text import decode_text, encode_text, whole_text

DEFAULT_LIMIT = 10_000
"""Phones in one answer where no limit is asked for: more than a demo has."""

MAX_BODY_OCTETS = 1 << 20
"""A text of 255 parts takes far less."""

MAX_ADDRESS_CHARACTERS = 20
"""destination_addr of deliver_sm (SMPP 3.4 §4.6.1)."""

AIR_FIELDS = ("attached", "operator", "rat", "cell", "imei")
"""What of a phone is told to Motet when it changes."""

MAX_SHORT_CODE_DIGITS = 7
"""Up to so many digits an address is an application's, longer a device's."""


class ControlApi:
    """The handlers; each change is committed before the answer goes out."""

    def __init__(self, smsc: Smsc, store: Store, air: AirApi) -> None:
        self._air = air
        self._smsc = smsc
        self._centre: SmsCentre = smsc.centre
        self._store = store

    def application(self) -> web.Application:
        """The aiohttp application to be served."""
        application = web.Application(middlewares=[_errors_as_json], client_max_size=MAX_BODY_OCTETS)
        application.router.add_get("/phones", self.list_phones)
        application.router.add_get("/phones/{msisdn}", self.show_phone)
        application.router.add_patch("/phones/{msisdn}", self.change_phone)
        application.router.add_post("/phones/{msisdn}/mo", self.send_mo)
        application.router.add_get("/stats", self.stats)
        self._air.add_routes(application, self._phone)
        return application

    async def list_phones(self, request: web.Request) -> web.Response:
        """`?limit=N&msisdn=…`: the phones in the order of the list they came from."""
        limit = _limit(request.query.get("limit"))
        phones = self._centre.phones
        if (msisdn := request.query.get("msisdn")) is not None:
            found = phones.get(msisdn.strip().removeprefix("+"))
            chosen = [found] if found else []
        else:
            chosen = list(islice(phones.values(), limit))
        return web.json_response([_summary(phone) for phone in chosen[:limit]])

    async def show_phone(self, request: web.Request) -> web.Response:
        """One phone with its settings and its inbox, oldest text first."""
        phone = self._phone(request)
        inbox = [_inbox_entry(row) for row in self._store.inbox_of(phone.inbox_rows)]
        return web.json_response({**_details(phone), "inbox": inbox})

    async def change_phone(self, request: web.Request) -> web.Response:
        """`{"behaviour", "delay_s", "reply", "attached", "operator", "rat", "cell", "imei"}`, each optional. The answer
        to the last five waits for what Motet makes of them."""
        phone = self._phone(request)
        body = await json_object(request, known=("behaviour", "delay_s", "reply", *AIR_FIELDS))
        changes = air_changes(body)
        behaviour = _behaviour(body["behaviour"]) if "behaviour" in body else phone.behaviour
        delay_s = _delay_s(body["delay_s"]) if "delay_s" in body else phone.delay_s
        reply = _reply(body["reply"]) if "reply" in body else phone.reply
        self._centre.set_behaviour(phone, behaviour, delay_s, reply)
        self._smsc.flush()
        if changes:
            await self._air.place(phone, changes)
            self._smsc.flush()
        return web.json_response(_details(phone))

    async def send_mo(self, request: web.Request) -> web.Response:
        """`{"to", "text"}` or `{"to", "hex", "data_coding"}`: accepted means kept, also across kill -9."""
        phone = self._phone(request)
        body = await json_object(request, known=("to", "text", "hex", "data_coding"))
        if not phone.attached:
            return _error(409, "the phone is in no network")
        to = _address(body.get("to"))
        payload, data_coding = _user_data(body)
        try:
            self._centre.send_mo(phone, to, payload, data_coding, time.time())
        except RefusedError:
            return _error(503, "the ESME has left too much unfetched")
        self._smsc.flush()
        return web.json_response({"accepted": True})

    async def stats(self, request: web.Request) -> web.Response:
        """`submit_sm` accepted and `deliver_sm` sent since the start, `binds` now, and what waits."""
        counters, deliveries = self._smsc.counters, self._centre.deliveries
        return web.json_response(
            {
                "submit_sm": counters.submit_sm,
                "deliver_sm": counters.deliver_sm,
                "binds": self._smsc.binds,
                "binds_total": counters.binds_total,
                "phones": len(self._centre.phones),
                "held": len(self._centre.held),
                "undelivered": len(deliveries),
                "dropped": deliveries.dropped,
            }
        )

    def _phone(self, request: web.Request) -> Phone:
        msisdn = request.match_info["msisdn"].strip().removeprefix("+")
        phone = self._centre.phones.get(msisdn)
        if phone is None:
            raise web.HTTPNotFound(reason=f"no phone {msisdn[:MAX_ADDRESS_CHARACTERS]!a}")
        return phone


@web.middleware
async def _errors_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except InputError as error:
        return _error(400, str(error))
    except web.HTTPException as error:
        response = _error(error.status, error.reason)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)


def _limit(value: str | None) -> int:
    if value is None:
        return DEFAULT_LIMIT
    if not (value.isascii() and value.isdigit() and len(value) <= 9):
        raise InputError("limit must be a number")
    return int(value)


def _behaviour(value: object) -> Behaviour:
    try:
        return Behaviour(value)  # type: ignore[arg-type]  # what is no member raises
    except ValueError:
        raise InputError(f"behaviour must be one of {', '.join(Behaviour)}") from None


def _delay_s(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError("delay_s must be a number of seconds")
    if not 0 <= value <= MAX_DELAY_S:
        raise InputError(f"delay_s must be 0 to {MAX_DELAY_S:.0f}")
    return float(value)


def _reply(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > MAX_REPLY_CHARACTERS:
        raise InputError(f"reply must be null or a text of at most {MAX_REPLY_CHARACTERS} characters")
    return whole_text(value)


def _address(value: object) -> Address:
    """Short codes as numbers of the network, longer ones as international, anything else as alphanumeric."""
    if not isinstance(value, str) or not value.strip():
        raise InputError("to must be the address that the text goes to")
    addr = value.strip()
    if not (addr.isascii() and addr.isprintable()) or len(addr) > MAX_ADDRESS_CHARACTERS:
        raise InputError(f"to must have at most {MAX_ADDRESS_CHARACTERS} ASCII characters")
    digits = addr.removeprefix("+")
    if not digits.isdigit():
        return Address(Ton.ALPHANUMERIC, Npi.UNKNOWN, addr)
    if len(digits) <= MAX_SHORT_CODE_DIGITS:
        return Address(Ton.NETWORK_SPECIFIC, Npi.UNKNOWN, digits)
    return Address(Ton.INTERNATIONAL, Npi.ISDN, digits)


def _user_data(body: Mapping[str, Any]) -> tuple[bytes, int]:
    """The payload and its data_coding of `text`, or of `hex` and `data_coding`."""
    text, hexadecimal, data_coding = body.get("text"), body.get("hex"), body.get("data_coding")
    if (text is None) == (hexadecimal is None):
        raise InputError("exactly one of text and hex is needed")
    if text is not None:
        if not isinstance(text, str):
            raise InputError("text must be a string")
        if data_coding is not None:
            raise InputError("data_coding goes with hex; for text it is chosen")
        data_coding, payload = encode_text(text)
    else:
        data_coding = DATA_CODING_OCTETS if data_coding is None else data_coding
        if isinstance(data_coding, bool) or not isinstance(data_coding, int) or not 0 <= data_coding <= 255:
            raise InputError("data_coding must be 0 to 255")
        try:
            payload = bytes.fromhex(str(hexadecimal))
        except ValueError:
            raise InputError("hex must be octets in hexadecimal") from None
    if part_count(payload, data_coding) > MAX_PARTS:
        raise InputError(f"the text needs more than {MAX_PARTS} parts")
    return payload, data_coding


def _summary(phone: Phone) -> dict[str, Any]:
    return {**phone.identity._asdict(), "behaviour": phone.behaviour.value}


def _details(phone: Phone) -> dict[str, Any]:
    settings = {"delay_s": phone.delay_s, "reply": phone.reply, "held": len(phone.held)}
    return {**_summary(phone), **settings, **shown_air(phone)}


def _inbox_entry(row: InboxRow) -> dict[str, Any]:
    received_at = datetime.fromtimestamp(row.received_at, UTC).isoformat(timespec="milliseconds")
    return {
        "from": row.source_addr,
        "text": decode_text(row.payload, row.data_coding),
        "data_coding": row.data_coding,
        "hex": row.payload.hex(),
        "parts": row.parts,
        "received_at": received_at.replace("+00:00", "Z"),
    }
