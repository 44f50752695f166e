"""/scim/v2/…: a directory keeps an organisation's people up to date (RFC 7644), by a token of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from motet.access.tokens import AuthenticationError
from motet.domain.errors import ConflictError
from motet.identity.audit import act_of
from motet.identity.scim.collection import window
from motet.identity.scim.resources import ScimError
from motet.identity.scim.schemas import resource_types, schemas, service_provider_config
from motet.identity.services import Identity
from motet.identity.sso.actors import provider_actor
from motet.rest.answers import client_of
from motet.storage.acting import Edge, Outcome, acting
from motet.storage.identity_provider import IdentityProviderRow

MEDIA_TYPE = "application/scim+json"
BODY_OCTETS = 1024 * 1024
"""A group of 10,000 members has some 600 KB."""

ACTION_CHARACTERS = 100
"""Of a path in the audit log."""

ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

Handler = Callable[[Request, IdentityProviderRow], Awaitable[Response]]


class Resources(Protocol):
    """Users, or groups."""

    async def find(self, provider: IdentityProviderRow, scim_id: str) -> dict[str, Any]: ...

    async def list(
        self, provider: IdentityProviderRow, query: Mapping[str, str]
    ) -> tuple[int, int, list[dict[str, Any]]]: ...

    async def create(self, provider: IdentityProviderRow, body: Mapping[str, Any]) -> dict[str, Any]: ...

    async def replace(self, provider: IdentityProviderRow, scim_id: str, body: Mapping[str, Any]) -> dict[str, Any]: ...

    async def patch(self, provider: IdentityProviderRow, scim_id: str, body: Mapping[str, Any]) -> dict[str, Any]: ...

    async def delete(self, provider: IdentityProviderRow, scim_id: str) -> None: ...


def scim_routes(identity: Identity, base: str) -> list[Route]:
    """`base`: the address of /scim/v2."""
    edge = ScimEdge(identity, base)
    found = [
        *edge.fixed("ServiceProviderConfig", service_provider_config(base)),
        *edge.fixed_list("ResourceTypes", resource_types(base)),
        *edge.fixed_list("Schemas", schemas(base)),
        edge.search(identity.directory_users, identity.directory_groups),
        *edge.resources("Users", identity.directory_users),
        *edge.resources("Groups", identity.directory_groups),
    ]
    return [*found, Route("/scim/v2/{rest:path}", edge.answering(_nothing), methods=_ALL)]


_ALL = ["GET", "POST", "PUT", "PATCH", "DELETE"]


async def _nothing(request: Request, provider: IdentityProviderRow) -> Response:
    raise ScimError(404, "There is no such resource.")


class ScimEdge:
    """Makes the routes. Every one takes a token, which says whose directory it is about."""

    def __init__(self, identity: Identity, base: str) -> None:
        self._identity = identity
        self._base = base

    def answering(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            try:
                provider = await self._identity.directory_of(request.headers.get("authorization"))
                return await self._handled(handler, request, provider)
            except ScimError as error:
                return _told(error.status, str(error), error.scim_type)
            except AuthenticationError as error:
                sentence = str(error)[:1].upper() + str(error)[1:] + "."
                response = _told(401, sentence)
                response.headers["www-authenticate"] = "Bearer"
                return response
            except ClientDisconnect:
                return Response(status_code=400)  # nobody is left to read it

        return answered

    async def _handled(self, handler: Handler, request: Request, provider: IdentityProviderRow) -> Response:
        """What is changed, the provider's directory has changed: so the audit log has it, refusals too."""
        action = f"{request.method} {request.url.path[:ACTION_CHARACTERS]}"
        actor = provider_actor(provider, as_directory=True)
        act = act_of(actor, client_of(request), Edge.REST, action)
        act.only_changes = True
        try:
            with acting(act):
                return await handler(request, provider)
        except ConflictError as error:
            refused = ScimError(409, error.message, "uniqueness")
        except ScimError as error:
            refused = error
        if request.method not in ("GET", "HEAD"):
            await self._identity.audit.record(act, Outcome.REFUSED, code=refused.scim_type or str(refused.status))
        raise refused

    def fixed(self, name: str, value: dict[str, Any]) -> list[Route]:
        async def get(request: Request, provider: IdentityProviderRow) -> Response:
            _no_filter(request)
            return _answer(value)

        return [self._route(f"/{name}", {"GET": get})]

    def fixed_list(self, name: str, values: list[dict[str, Any]]) -> list[Route]:
        async def every(request: Request, provider: IdentityProviderRow) -> Response:
            _no_filter(request)
            return _answer(_page(len(values), 0, values))

        async def one(request: Request, provider: IdentityProviderRow) -> Response:
            for value in values:
                if value["id"].casefold() == request.path_params["id"].casefold():
                    return _answer(value)
            raise ScimError(404, "There is no such resource.")

        return [self._route(f"/{name}", {"GET": every}), self._route(f"/{name}/{{id}}", {"GET": one})]

    def search(self, users: Resources, groups: Resources) -> Route:
        """Users and groups at once: the users come first."""

        async def search(request: Request, provider: IdentityProviderRow) -> Response:
            asked = _query_of(await _body(request))
            offset, limit = window(asked)
            total, _, page = await users.list(provider, asked)
            rest = {"startIndex": str(max(offset - total, 0) + 1), "count": str(limit - len(page))}
            more, _, others = await groups.list(provider, asked | rest)
            found = [_wanted_part(one, asked) for one in (*page, *others)]
            return _answer(_page(total + more, offset, found))

        return self._route("/.search", {"POST": search})

    def resources(self, name: str, of: Resources) -> list[Route]:
        async def every(request: Request, provider: IdentityProviderRow) -> Response:
            total, offset, page = await of.list(provider, request.query_params)
            return _answer(_page(total, offset, [_wanted_part(one, request.query_params) for one in page]))

        async def search(request: Request, provider: IdentityProviderRow) -> Response:
            asked = _query_of(await _body(request))
            total, offset, page = await of.list(provider, asked)
            return _answer(_page(total, offset, [_wanted_part(one, asked) for one in page]))

        async def create(request: Request, provider: IdentityProviderRow) -> Response:
            made = await of.create(provider, await _body(request))
            return _answer(_wanted_part(made, request.query_params), 201, {"location": made["meta"]["location"]})

        async def find(request: Request, provider: IdentityProviderRow) -> Response:
            return _answer(_wanted_part(await of.find(provider, request.path_params["id"]), request.query_params))

        async def replace(request: Request, provider: IdentityProviderRow) -> Response:
            changed = await of.replace(provider, request.path_params["id"], await _body(request))
            return _answer(_wanted_part(changed, request.query_params))

        async def patch(request: Request, provider: IdentityProviderRow) -> Response:
            changed = await of.patch(provider, request.path_params["id"], await _body(request))
            return _answer(_wanted_part(changed, request.query_params))

        async def delete(request: Request, provider: IdentityProviderRow) -> Response:
            await of.delete(provider, request.path_params["id"])
            return Response(status_code=204)

        return [
            self._route(f"/{name}", {"GET": every, "POST": create}),
            self._route(f"/{name}/.search", {"POST": search}),
            self._route(f"/{name}/{{id}}", {"GET": find, "PUT": replace, "PATCH": patch, "DELETE": delete}),
        ]

    def _route(self, path: str, handlers: Mapping[str, Handler]) -> Route:
        async def dispatch(request: Request, provider: IdentityProviderRow) -> Response:
            handler = handlers.get("GET" if request.method == "HEAD" else request.method)
            if handler is None:
                response = _told(405, "This cannot be done here.")
                response.headers["allow"] = ", ".join(handlers)
                return response
            return await handler(request, provider)

        return Route("/scim/v2" + path, self.answering(dispatch), methods=_ALL)


def _no_filter(request: Request) -> None:
    """RFC 7644 §4: what is fixed is not filtered."""
    if "filter" in request.query_params:
        raise ScimError(403, "This cannot be filtered.")


async def _body(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in (
        MEDIA_TYPE,
        "application/json",
    ):
        raise ScimError(415, f"Send {MEDIA_TYPE}.")
    octets = bytearray()
    async for chunk in request.stream():
        octets += chunk
        if len(octets) > BODY_OCTETS:
            raise ScimError(413, f"A body has at most {BODY_OCTETS} octets.")
    try:
        found = orjson.loads(bytes(octets))
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise ScimError(400, "The body must be a JSON object.", "invalidSyntax")
    return found


def _page(total: int, offset: int, page: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schemas": [LIST_SCHEMA],
        "totalResults": total,
        "startIndex": offset + 1,
        "itemsPerPage": len(page),
        "Resources": page,
    }


def _query_of(body: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a search by POST (RFC 7644 §3.4.3), as a query has them. Raises ScimError."""
    found = {}
    for name in ("filter", "startIndex", "count", "attributes", "excludedAttributes"):
        value = body.get(name)
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            value = ",".join(value)
        if isinstance(value, bool) or not isinstance(value, str | int | None):
            raise ScimError(400, f"{name} cannot be read.", "invalidValue")
        if value is not None:
            found[name] = str(value)
    return found


def _wanted_part(resource: dict[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
    """The attributes that were asked for (RFC 7644 §3.9); `schemas` and `id` are always there."""
    always = ("schemas", "id")
    if "attributes" in query:
        names = _names(query["attributes"])
        found: dict[str, Any] = {name: resource[name] for name in always if name in resource}
        for name, value in resource.items():
            if name.casefold() in names:
                found[name] = value
            elif parts := {one.partition(".")[2] for one in names if one.startswith(name.casefold() + ".")}:
                found[name] = _parts(value, lambda part, parts=parts: part.casefold() in parts)  # type: ignore[misc]
        return found
    if "excludedAttributes" in query:
        names = _names(query["excludedAttributes"])
        left: dict[str, Any] = {}
        for name, value in resource.items():
            if name in always or name.casefold() not in names:
                parts = {one.partition(".")[2] for one in names if one.startswith(name.casefold() + ".")}
                left[name] = _parts(value, lambda part, parts=parts: part.casefold() not in parts) if parts else value  # type: ignore[misc]
        return left
    return resource


def _names(words: str) -> set[str]:
    return {name.strip().rpartition(":")[2].casefold() for name in words.split(",")[:100]}


def _parts(value: Any, wanted: Callable[[str], bool]) -> Any:
    if isinstance(value, list):
        return [_parts(one, wanted) for one in value]
    if isinstance(value, dict):
        return {part: inner for part, inner in value.items() if wanted(part)}
    return value


def _told(status: int, detail: str, scim_type: str | None = None) -> Response:
    body = {"schemas": [ERROR_SCHEMA], "status": str(status), "detail": detail}
    return _answer(body | ({"scimType": scim_type} if scim_type else {}), status)


def _answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    kept = {"cache-control": "no-store", "x-content-type-options": "nosniff", **(headers or {})}
    return Response(orjson.dumps(value), status, kept, MEDIA_TYPE)
