"""The part of the control API in which a person's phone loads an eSIM by its activation code (SGP.22 §3.1.3).

The simulator is the phone and its SM-DP+ at once: it asks Motet, which issued the code, and tells what the phone does.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from motet.domain.activation_code import parse_activation_code
from motet.domain.errors import InvalidError
from motet.simulator.air import Air, AirError
from motet.simulator.inputs import InputError, json_object
from motet.simulator.notices import Notices, answer_to
from motet.simulator.phones import PhoneIdentity

ANSWER_S = 10.0
"""How long a call waits for what Motet says of it."""

_STEPS: Final = {"enabled": "ENABLE", "installed": "DISABLE", "deleted": "DELETE"}
"""What a person sets, and what the SM-DP+ tells of it."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS esim (
    iccid TEXT PRIMARY KEY, imsi TEXT NOT NULL, msisdn TEXT NOT NULL, smdp_address TEXT NOT NULL,
    matching_id TEXT NOT NULL, eid TEXT NOT NULL, state TEXT NOT NULL);
"""
_PUT = (
    "INSERT OR REPLACE INTO esim (iccid, imsi, msisdn, smdp_address, matching_id, eid, state)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_COLUMNS = "iccid, imsi, msisdn, smdp_address, matching_id, eid, state"


class EsimApi:
    """The handlers, and what is kept of eSIMs."""

    def __init__(self, directory: Path | None, air: Air, notices: Notices, commit: Callable[[], None]) -> None:
        """Without a directory nothing survives the process. Raises sqlite3.Error."""
        self._air = air
        self._notices = notices
        self._commit = commit
        place = ":memory:" if directory is None else directory / "esims.sqlite"
        self._database = sqlite3.connect(place, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        self._database.close()

    def add_routes(self, application: web.Application) -> None:
        application.router.add_get("/esims", self.list_esims)
        application.router.add_post("/esims", self.load)
        application.router.add_patch("/esims/{iccid}", self.change)

    async def list_esims(self, request: web.Request) -> web.Response:
        """The eSIMs that were loaded."""
        rows = self._database.execute(f"SELECT {_COLUMNS} FROM esim ORDER BY rowid").fetchall()  # noqa: S608 - constants
        return web.json_response([_shown(row) for row in rows])

    async def load(self, request: web.Request) -> web.Response:
        """`{"code", "eid", "confirmation_code"}`: the phone with this EID scans the code, and installs what it gets."""
        body = await json_object(request, known=("code", "eid", "confirmation_code"))
        try:
            code = parse_activation_code(_text(body, "code"))
        except InvalidError as error:
            raise InputError(error.message) from None
        eid, confirmation = _text(body, "eid"), body.get("confirmation_code")
        if confirmation is not None and not isinstance(confirmation, str):
            raise InputError("confirmation_code must be a text")
        answer = await self._tell("DOWNLOAD", code.smdp_address, code.matching_id, eid, confirmation)
        if isinstance(answer, web.Response):
            return answer
        profile = answer["profile"]
        identity = PhoneIdentity(profile["msisdn"], profile["imsi"], profile["iccid"])
        installed = await self._tell("INSTALL", code.smdp_address, code.matching_id, eid, None)
        if isinstance(installed, web.Response):
            return installed
        try:
            self._air.add_phone(identity)
        except AirError as error:
            raise InputError(str(error)) from None
        self._commit()
        row = (*_numbers(identity), code.smdp_address, code.matching_id, eid, "installed")
        self._database.execute(_PUT, row)
        return web.json_response({"allowed": True, **_shown(row)})

    async def change(self, request: web.Request) -> web.Response:
        """`{"state": "enabled" | "installed" | "deleted"}`: the person uses the eSIM, puts it aside, or removes it."""
        body = await json_object(request, known=("state",))
        state = _text(body, "state")
        if state not in _STEPS:
            raise InputError(f"state must be one of {', '.join(_STEPS)}")
        row = self._database.execute(
            f"SELECT {_COLUMNS} FROM esim WHERE iccid = ?",  # noqa: S608 - constants
            (request.match_info["iccid"],),
        ).fetchone()
        if row is None:
            raise web.HTTPNotFound(reason="no such eSIM")
        answer = await self._tell(_STEPS[state], row[3], row[4], row[5], None)
        if isinstance(answer, web.Response):
            return answer
        self._database.execute(_PUT, (*row[:6], state))
        identity = PhoneIdentity(row[2], row[1], row[0])
        if state == "enabled":
            self._air.enter(identity, attaches=True)
        else:
            self._air.leave(identity)
        self._commit()
        return web.json_response({"allowed": True, **_shown((*row[:6], state))})

    async def _tell(
        self, step: str, smdp_address: str, matching_id: str, eid: str, confirmation_code: str | None
    ) -> dict[str, Any] | web.Response:
        """What Motet says of a step that it allows, or the answer to whoever asked for one that it does not."""
        notice = self._notices.add(
            "esim", time.time(), smdp_address=smdp_address, matching_id=matching_id, step=step, eid=eid,
            confirmation_code=confirmation_code,
        )  # fmt: skip
        self._commit()
        answer = await answer_to(notice, ANSWER_S)
        if answer is None:
            return web.json_response({"error": "Motet does not answer"}, status=503)
        if answer.get("verdict") != "done":
            reason = answer.get("reason") or answer.get("verdict")
            return web.json_response({"allowed": False, "reason": reason, "words": answer.get("words")})
        return dict(answer)


def _text(body: Any, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise InputError(f"{name} is missing")
    return value


def _numbers(identity: PhoneIdentity) -> tuple[str, str, str]:
    return identity.iccid, identity.imsi, identity.msisdn


def _shown(row: tuple[Any, ...]) -> dict[str, Any]:
    iccid, imsi, msisdn, _smdp, _matching_id, eid, state = row
    return {"iccid": iccid, "imsi": imsi, "msisdn": msisdn, "eid": eid, "state": state}
