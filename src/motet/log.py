"""Structured logs to standard error, as JSON or for a terminal. Secrets never, message texts only at debug."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog

from motet.config.values import LogFormat, LogLevel

SECRET_KEYS = frozenset(
    {"password", "secret", "token", "authorization", "private_key", "database_url", "url_with_secret"}
)
TEXT_KEYS = frozenset({"text", "payload", "short_message", "body", "user_data"})
"""What people wrote to each other: shown at debug only."""

HIDDEN = "…"

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure_logging(log_format: LogFormat, level: LogLevel = LogLevel.INFO) -> None:
    """Sends every log of this process, ours and libraries', to standard error. Called once, first of all."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.stdlib.ExtraAdder(),
        hide_secrets,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[structlog.types.Processor]
    if log_format is LogFormat.JSON:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_to_json)]
    else:
        # Plain tracebacks: the default one shows local variables, among them passwords and texts.
        last = [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries speak up from warning on: their chatter at info is of no use to an operator, and may hold addresses.
    root.setLevel(max(_LEVELS[level], logging.WARNING))


def hide_secrets(_logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Takes out what must not be in a log: a net below the callers' own care."""
    for key in event:
        if key in SECRET_KEYS or (key in TEXT_KEYS and method != "debug"):
            event[key] = HIDDEN
    return event


def _to_json(value: Any, **_: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
