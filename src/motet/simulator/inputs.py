"""Bodies of the control API."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web


class InputError(Exception):
    """The request is not understood; the message says what is wrong with it."""


async def json_object(request: web.Request, *, known: tuple[str, ...] | None) -> Mapping[str, Any]:
    """The body, a JSON object of known members, or of any where that is None. Raises InputError."""
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise InputError(f"the body is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise InputError("the body must be a JSON object")
    if known is not None and (unknown := sorted(set(body) - set(known))):
        raise InputError(f"unknown field {unknown[0]!r}, known are {', '.join(known)}")
    return body
