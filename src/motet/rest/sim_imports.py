"""POST /sim-imports: a carrier's list of SIMs as the body of a request, which becomes a job."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping
from typing import BinaryIO, Protocol, cast

from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from motet.access.principals import Permission, Principal
from motet.access.tokens import AuthenticationError
from motet.domain.errors import DomainError, InvalidError, LimitReachedError
from motet.domain.global_ids import encode_global_id
from motet.domain.messages import said
from motet.identity.audit import AuditLog, act_of
from motet.identity.authenticator import Authenticator
from motet.rest.answers import client_of, failed, json_answer, told, unauthenticated, voice_of
from motet.storage.acting import Edge, Outcome

MEMORY_OCTETS = 1 << 20
"""What a file may have in memory while it comes in; the rest is on disk, and gone when the request is over."""

MAX_READING = 4
"""Files that are read at a time: each holds a connection to the database. Others wait."""

MAX_UPLOADS = 32
"""Files that come in or wait at a time."""

UPLOADS_OF_ONE = 2
"""Of one workspace, so that slow senders keep only their own from sending."""

MAX_PARAMETER_CHARACTERS = 100
_SWITCHES: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}
_FIELDS: Mapping[str, str] = {
    "iccid": "iccid", "imsi": "imsi", "msisdn": "msisdn", "eid": "eid", "formFactor": "form_factor",
    "qualityGrade": "quality_grade", "package": "package",
}  # fmt: skip


class Uploads(Protocol):
    """What takes a file in: the job's id and how many lines it has. Raises DomainError."""

    async def __call__(
        self,
        workspace_id: int,
        actor: str,
        file: BinaryIO,
        *,
        columns: Mapping[str, str],
        delimiter: str | None,
        preset: str | None,
        complete_iccid: bool | None,
        dry_run: bool,
    ) -> tuple[int, int]: ...


class SimImports:
    """The ASGI application behind the path."""

    def __init__(self, upload: Uploads, authenticator: Authenticator, audit: AuditLog, *, max_octets: int) -> None:
        self._upload = upload
        self._audit = audit
        self._authenticator = authenticator
        self._max_octets = max_octets
        self._under_way: Counter[int] = Counter()
        self._reading = asyncio.Semaphore(MAX_READING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method != "POST":
            words = said("Post the list as the body of a request.")
            return told(405, "INVALID", words, voice_of(request), {"allow": "POST"})
        try:
            principal = await self._authenticator.authenticate(
                request.headers.get("authorization"), client_of(request).address
            )
        except AuthenticationError as error:
            return unauthenticated(error, voice_of(request))
        voice = voice_of(request, principal)
        act = act_of(principal, client_of(request), Edge.REST, "POST /sim-imports", dict(request.query_params))
        if principal.workspace_id is None or not principal.allows(Permission.SIM_WRITE):
            await self._audit.record(act, Outcome.FORBIDDEN, code="FORBIDDEN")
            words = said(
                "This needs the permission {permission} in a workspace.", permission=Permission.SIM_WRITE.value
            )
            return told(403, "FORBIDDEN", words, voice)
        if principal.tags is not None:
            await self._audit.record(act, Outcome.FORBIDDEN, code="FORBIDDEN")
            return told(403, "FORBIDDEN", said("This is not for a role that is bound to tags."), voice)
        workspace_id = principal.workspace_id
        if self._under_way[workspace_id] >= UPLOADS_OF_ONE or self._under_way.total() >= MAX_UPLOADS:
            words = said("Other lists are being read: try again soon.")
            return told(429, "LIMIT_REACHED", words, voice, {"retry-after": "10"})
        self._under_way[workspace_id] += 1
        try:
            async with self._audit.doing(act):
                return await self._taken(request, principal, workspace_id)
        except _TooLargeError:
            words = said("A list has at most {most} octets.", most=self._max_octets)
            return told(413, "LIMIT_REACHED", words, voice)
        except DomainError as error:
            return failed(error, voice)
        finally:
            self._under_way[workspace_id] -= 1
            if not self._under_way[workspace_id]:
                del self._under_way[workspace_id]

    async def _taken(self, request: Request, principal: Principal, workspace_id: int) -> Response:
        given = _parameters(request.query_params)
        with tempfile.SpooledTemporaryFile(MEMORY_OCTETS) as file:
            octets = 0
            async for chunk in request.stream():
                octets += len(chunk)
                if octets > self._max_octets:
                    raise _TooLargeError("A list has at most {most} octets.", most=self._max_octets)
                file.write(chunk)
            file.seek(0)
            async with self._reading:
                job_id, rows = await self._upload(
                    workspace_id,
                    principal.subject,
                    cast(BinaryIO, file),
                    columns={_FIELDS[name]: value for name, value in given.items() if name in _FIELDS},
                    delimiter={"tab": "\t"}.get(given.get("delimiter", ""), given.get("delimiter")),
                    preset=given.get("preset"),
                    complete_iccid=_switch(given, "completeIccid"),
                    dry_run=bool(_switch(given, "dryRun")),
                )
        return json_answer({"job": encode_global_id("Job", job_id), "rowCount": rows}, 202)


class _TooLargeError(LimitReachedError):
    """Told by a status of its own."""


_OTHERS = ("delimiter", "preset", "completeIccid", "dryRun")


def _parameters(query: QueryParams) -> dict[str, str]:
    """What the query says: `column.<field>` by the field, and the rest. Raises InvalidError."""
    found: dict[str, str] = {}
    for name, value in query.multi_items():
        plain = name.removeprefix("column.")
        if plain in found or (plain not in _FIELDS if name.startswith("column.") else name not in _OTHERS):
            known = (*_OTHERS, *(f"column.{field}" for field in _FIELDS))
            raise InvalidError(
                "The parameters are {known}, each once.", path=(name[:MAX_PARAMETER_CHARACTERS],), known=known
            )
        if len(value) > MAX_PARAMETER_CHARACTERS:
            raise InvalidError("This is too long.", path=(name,))
        if "\0" in value:  # query strings are decoded with errors replaced, so that nothing else is no text
            raise InvalidError("Text must be valid Unicode without NUL characters.", path=(name,))
        found[plain] = value
    return found


def _switch(given: Mapping[str, str], name: str) -> bool | None:
    if name not in given:
        return None
    value = _SWITCHES.get(given[name].casefold())
    if value is None:
        raise InvalidError("This is true or false.", path=(name,))
    return value
