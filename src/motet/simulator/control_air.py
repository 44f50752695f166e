"""The part of the control API that is about networks: data sessions, operators, eUICCs, and Motet's orders."""

import hmac
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from motet.simulator.air import Air, AirError
from motet.simulator.euiccs import CardBehaviour, CardSettings, Euiccs, OperationError
from motet.simulator.inputs import InputError, json_object
from motet.simulator.notices import Notices, answer_to
from motet.simulator.orders import OrderError, Orders
from motet.simulator.phones import Phone

ANSWER_S = 5.0
"""How long a call waits for what Motet says of it."""

MAX_OCTETS = 1 << 40
MAX_NAME_CHARACTERS = 64

RATS = ("GSM", "UMTS", "LTE", "LTE_M", "NB_IOT", "NR")
_OTHER_NAMES = {"2G": "GSM", "3G": "UMTS", "4G": "LTE", "5G": "NR", "LTE-M": "LTE_M", "NB-IOT": "NB_IOT"}


class AirApi:
    """The handlers; each change is committed before the answer goes out."""

    def __init__(
        self, air: Air, notices: Notices, orders: Orders, euiccs: Euiccs, commit: Callable[[], None], token: str | None
    ) -> None:
        """`token` is what Motet has to show for its orders; None: nothing."""
        self._air = air
        self._notices = notices
        self._orders = orders
        self._euiccs = euiccs
        self._commit = commit
        self._token = token

    def add_routes(self, application: web.Application, phone_of: Callable[[web.Request], Phone]) -> None:
        self._phone_of = phone_of
        application.router.add_post("/phones/{msisdn}/session", self.use_data)
        application.router.add_get("/operators", self.list_operators)
        application.router.add_get("/operators/{code}", self.show_operator)
        application.router.add_patch("/operators/{code}", self.change_operator)
        application.router.add_get("/euiccs/{eid}", self.show_euicc)
        application.router.add_patch("/euiccs/{eid}", self.change_euicc)
        application.router.add_put("/orders/{order}", self.take_order)

    async def place(self, phone: Phone, changes: dict[str, Any]) -> None:
        """Put a phone somewhere, and wait for what Motet makes of it."""
        notice = self._air.place(phone, time.time(), changes)
        self._commit()
        await answer_to(notice, ANSWER_S)

    async def use_data(self, request: web.Request) -> web.Response:
        """`{"bytes_up", "bytes_down", "apn", "close", "session_id"}`: data, in the open session or a new one."""
        phone = self._phone_of(request)
        known = ("bytes_up", "bytes_down", "up", "down", "apn", "close", "session_id")
        body = await json_object(request, known=known)
        up, down = _octets(body, "bytes_up", "up"), _octets(body, "bytes_down", "down")
        apn, session_id = _text_or_none(body, "apn"), _text_or_none(body, "session_id")
        close = body.get("close", False)
        if not isinstance(close, bool):
            raise InputError("close must be true or false")
        if not phone.attached:
            return _refused("NOT_ATTACHED", "The phone is in no network")
        session = self._air.session(phone, session_id)
        if session is None:
            try:
                session, asked = self._air.open_session(phone, time.time(), apn, session_id)
            except AirError as error:
                raise InputError(str(error)) from None
            self._commit()
            answer = await answer_to(asked, ANSWER_S)
            if answer is None and self._notices.has_motet:
                self._air.record(session, time.time(), cause="NOT_ANSWERED")
                self._commit()
                return web.json_response({"error": "Motet does not answer: no session is opened"}, status=503)
            if answer is not None and answer.get("verdict") != "done":
                self._air.drop(session)
                self._commit()
                return _refused(str(answer.get("reason") or answer["verdict"]), answer.get("words"))
        record = self._air.record(session, time.time(), up, down, "CLOSED" if close else None)
        self._commit()
        said = await answer_to(record, ANSWER_S) or {}
        self._commit()
        shown: dict[str, Any] = {"allowed": True, "session_id": session.session_id, "apn": session.apn}
        is_open = self._air.session(phone, session.session_id) is not None
        shown |= {"bytes_up": up, "bytes_down": down, "open": is_open}
        if said.get("verdict") == "refused":
            shown |= {"cut": True, "reason": said.get("reason"), "words": said.get("words")}
        if "throttle_kbit_s" in said:
            shown["throttle_kbit_s"] = said["throttle_kbit_s"]
        return web.json_response(shown)

    async def list_operators(self, request: web.Request) -> web.Response:
        """The operators that fail now."""
        return web.json_response([{"operator": code, "outage": True} for code in sorted(self._air.outages)])

    async def show_operator(self, request: web.Request) -> web.Response:
        code = plmn(request.match_info["code"])
        return web.json_response({"operator": code, "outage": code in self._air.outages})

    async def change_operator(self, request: web.Request) -> web.Response:
        """`{"outage": true}`: all phones on it are thrown out; false: those that want come back."""
        code = plmn(request.match_info["code"])
        body = await json_object(request, known=("outage",))
        if not isinstance(body.get("outage"), bool):
            raise InputError("outage must be true or false")
        phones = self._air.set_outage(code, time.time(), out=body["outage"])
        self._commit()
        return web.json_response({"operator": code, "outage": code in self._air.outages, "phones": phones})

    async def show_euicc(self, request: web.Request) -> web.Response:
        return web.json_response(_card(request.match_info["eid"], self._euiccs))

    async def change_euicc(self, request: web.Request) -> web.Response:
        """`{"behaviour", "delay_s", "attaches"}`, each optional: what becomes of operations from now on."""
        eid = request.match_info["eid"]
        body = await json_object(request, known=("behaviour", "delay_s", "attaches"))
        settings = self._euiccs.settings(eid)
        try:
            behaviour = CardBehaviour(body.get("behaviour", settings.behaviour))
            delay_s, attaches = body.get("delay_s", settings.delay_s), body.get("attaches", settings.attaches)
            if isinstance(delay_s, bool) or not isinstance(delay_s, int | float) or not isinstance(attaches, bool):
                raise InputError("delay_s must be a number of seconds, attaches true or false")
            self._euiccs.change(eid, CardSettings(behaviour, float(delay_s), attaches))
        except OperationError as error:
            raise InputError(str(error)) from None
        except ValueError:
            raise InputError(f"behaviour must be one of {', '.join(CardBehaviour)}") from None
        return web.json_response(_card(eid, self._euiccs))

    async def take_order(self, request: web.Request) -> web.Response:
        """An order of Motet's: answered once it is kept what became of it."""
        if self._token is not None:
            shown = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(shown.encode(), self._token.encode()):
                raise web.HTTPUnauthorized(reason="the bearer token is not the one that orders take")
        order = request.match_info["order"]
        if not (order.isascii() and order.isdigit() and len(order) <= 18):
            raise InputError("an order's id is a number")
        try:
            answer = self._orders.take(int(order), await json_object(request, known=None), time.time())
        except OrderError as error:
            return web.json_response({"error": str(error)}, status=422)
        self._commit()
        return web.json_response(answer, status=202 if answer["state"] == "accepted" else 200)


def air_changes(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a body says of where a phone is. Raises InputError."""
    changes: dict[str, Any] = {}
    if "attached" in body:
        if not isinstance(body["attached"], bool):
            raise InputError("attached must be true or false")
        changes["attached"] = body["attached"]
    if body.get("operator") is not None:
        changes["operator"] = plmn(body["operator"])
    if body.get("rat") is not None:
        rat = str(body["rat"]).upper()
        changes["rat"] = _OTHER_NAMES.get(rat, rat)
        if changes["rat"] not in RATS:
            raise InputError(f"rat must be one of {', '.join((*RATS, *_OTHER_NAMES))}")
    if "cell" in body:
        changes["cell"] = _text_or_none(body, "cell")
    if "imei" in body:
        imei = body["imei"]
        if imei is not None and not (
            isinstance(imei, str) and imei.isascii() and imei.isdigit() and 14 <= len(imei) <= 16
        ):
            raise InputError("imei must be 14 to 16 digits, or null")
        changes["imei"] = imei
    return changes


def plmn(value: object) -> str:
    """An operator's code. Raises InputError."""
    if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) in (5, 6)):
        raise InputError("operator must be a PLMN code of 5 or 6 digits, such as 26201")
    return value


def shown_air(phone: Phone) -> dict[str, Any]:
    """Where a phone is, as answers show it."""
    refused = None if phone.refused is None else {"reason": phone.refused[0], "words": phone.refused[1]}
    return {
        "attached": phone.attached,
        "operator": phone.operator,
        "rat": phone.rat,
        "cell": phone.cell,
        "imei": phone.imei,
        "refused": refused,
    }


def _refused(reason: str, words: object) -> web.Response:
    return web.json_response({"allowed": False, "reason": reason, "words": words})


def _card(eid: str, euiccs: Euiccs) -> dict[str, Any]:
    behaviour, delay_s, attaches = euiccs.settings(eid)
    return {"eid": eid, "behaviour": behaviour.value, "delay_s": delay_s, "attaches": attaches}


def _octets(body: Mapping[str, Any], *names: str) -> int:
    given = [body[name] for name in names if body.get(name) is not None]
    if len(given) > 1:
        raise InputError(f"{' and '.join(names)} are the same: give one")
    value = given[0] if given else 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_OCTETS:
        raise InputError(f"{names[0]} must be a number from 0 to {MAX_OCTETS}")
    return value


def _text_or_none(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not (
        isinstance(value, str) and 0 < len(value) <= MAX_NAME_CHARACTERS and value.isprintable()
    ):
        raise InputError(f"{name} must be a text of 1 to {MAX_NAME_CHARACTERS} characters")
    return value
