"""What Motet orders of the network: `PUT /orders/{id}`, each done once however often it is asked for."""

import json
from collections.abc import Mapping
from typing import Any

from motet.simulator.air import Air, AirError
from motet.simulator.euiccs import Euiccs, OperationError
from motet.simulator.phones import PhoneIdentity
from motet.simulator.store import Store

DONE: dict[str, Any] = {"state": "done"}


class OrderError(ValueError):
    """An order is not understood, or cannot be done; the message says why."""


class Orders:
    """Does orders; the caller commits before it answers."""

    def __init__(self, store: Store, air: Air, euiccs: Euiccs) -> None:
        self._store = store
        self._air = air
        self._euiccs = euiccs

    def take(self, order_id: int, body: Mapping[str, Any], now: float) -> dict[str, Any]:
        """The answer to an order: `state` done, accepted or refused. Raises OrderError."""
        kind = body.get("kind")
        if kind == "euicc":
            return self._euicc(order_id, body, now)
        known = self._store.order(order_id)
        if known is not None:
            answer: dict[str, Any] = json.loads(known)
            return answer
        answer = self._do(kind, body, now)
        self._store.orders.append((order_id, json.dumps(answer)))
        return answer

    def _do(self, kind: object, body: Mapping[str, Any], now: float) -> dict[str, Any]:
        identity = _identity(body)
        phone = self._air.phones.get(identity.msisdn)
        if kind == "subscriber":
            return self._subscriber(identity, body.get("barred"), now)
        if phone is None:
            return {"state": "refused", "reason": "UNKNOWN_SUBSCRIBER"}
        if kind == "cancel_location":
            self._air.reattach(phone, now)
        elif kind == "cut_data":
            self._air.close_sessions(phone, now, str(body.get("reason") or "CUT"))
        elif kind == "switch_imsi":
            imsi = body.get("imsi")
            if not isinstance(imsi, str) or not (imsi.isascii() and imsi.isdigit()):
                raise OrderError("imsi must be digits")
            self._air.add_phone(phone.identity._replace(imsi=imsi))
            self._air.reattach(phone, now)
            if phone.wanted and not phone.attached:
                self._air.attach(phone, now)
        else:
            raise OrderError("this kind of order is not known here")
        return DONE

    def _subscriber(self, identity: PhoneIdentity, barred: object, now: float) -> dict[str, Any]:
        if barred is None:
            phone = self._air.phones.get(identity.msisdn)
            if phone is not None and phone.identity == identity:
                self._air.leave(identity)
            return DONE
        if not isinstance(barred, dict):
            raise OrderError("barred must be an object or null")
        try:
            phone = self._air.add_phone(identity)
        except AirError as error:
            raise OrderError(str(error)) from None
        if barred.get("data"):
            self._air.close_sessions(phone, now, "BARRED")
        elif phone.wanted:  # what kept it out may be over
            self._air.bring_back(phone, now)
        return DONE

    def _euicc(self, order_id: int, body: Mapping[str, Any], now: float) -> dict[str, Any]:
        try:
            state, reason = self._euiccs.operate(order_id, body, now)
        except OperationError as error:
            raise OrderError(str(error)) from None
        return {"state": state} if reason is None else {"state": state, "reason": reason}


def _identity(body: Mapping[str, Any]) -> PhoneIdentity:
    sim = body.get("sim")
    numbers = [sim.get(name) for name in ("msisdn", "imsi", "iccid")] if isinstance(sim, dict) else []
    if not numbers or not all(isinstance(n, str) and n.isascii() and n.isdigit() and len(n) <= 22 for n in numbers):
        raise OrderError("sim needs msisdn, imsi and iccid")
    return PhoneIdentity(*map(str, numbers))
