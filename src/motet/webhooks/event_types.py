"""The event types that a webhook may ask for, and what asks for which."""

import re
from collections.abc import Sequence

from motet.domain.errors import InvalidError
from motet.domain.event_types import EVENT_TYPES as CATALOGUE

TEST_EVENT_TYPE = "webhook.test"

EVENT_TYPES = ("sms.received", "sms.delivered", "sms.failed", "sms.expired", TEST_EVENT_TYPE)
"""The types with a fixed list of members."""

OPEN_FAMILIES = tuple(sorted({token.partition(".")[0] for token in CATALOGUE} - {"sms"} | {"ticket"}))
"""Families whose members grow: any well-formed member may be asked for by name."""

WILDCARDS = ("*", "sms.*", *(f"{family}.*" for family in OPEN_FAMILIES))

MAX_EVENT_TYPES = 20
"""Entries of one webhook: more than there are wildcards and types, so only repetition is cut."""

_MEMBER = re.compile(rf"(?:{'|'.join(OPEN_FAMILIES)})(?:\.[a-z][a-z0-9_]{{0,30}}){{1,2}}\Z")


def check_event_types(event_types: Sequence[str]) -> list[str]:
    """The types, each once and in the order given; raises InvalidError with the path of the first that is unknown."""
    if not event_types:
        raise InvalidError("At least one event type is needed.", path=("event_types",))
    if len(event_types) > MAX_EVENT_TYPES:
        raise InvalidError("A webhook takes at most {most} event types.", path=("event_types",), most=MAX_EVENT_TYPES)
    for index, event_type in enumerate(event_types):
        if event_type not in EVENT_TYPES and event_type not in WILDCARDS and not _MEMBER.match(event_type):
            known = ", ".join((*EVENT_TYPES, *WILDCARDS))
            raise InvalidError("Unknown event type; known are {known}.", path=("event_types", index), known=known)
    return list(dict.fromkeys(event_types))
