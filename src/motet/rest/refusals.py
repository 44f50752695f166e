"""Answers that are written before there is a request to answer: to what is no HTTP, too much of it, or too late."""

from __future__ import annotations

import orjson

_REASONS = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large"}


def refusal(status: int, code: str, message: str) -> bytes:
    """The octets of the answer, in the form that all errors have. The connection is closed behind it."""
    body = orjson.dumps({"error": {"code": code, "message": message, "path": None}})
    return (
        b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n"
        b"cache-control: no-store\r\nx-content-type-options: nosniff\r\n\r\n%s"
        % (status, _REASONS.get(status, b"Service Unavailable"), len(body), body)
    )
