"""The languages that people are written to and answered in, and which one it is."""

from __future__ import annotations

import re
from typing import NamedTuple

LOCALES = ("en", "de", "es", "fr", "it", "ja", "zh-TW")
"""BCP 47. The first is what everyone else gets."""

MAX_HEADER_CHARACTERS = 500
"""Of an Accept-Language header; what is longer is not read to the end."""

MAX_RANGES = 50
"""Of one header."""

_BY_KEY = {locale.lower(): locale for locale in LOCALES}

# RFC 9110 §12.5.4 and §12.4.2, RFC 4647 §2.1.
_RANGE = re.compile(
    r"[ \t]*(?P<range>\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)[ \t]*"
    r"(?:;[ \t]*q=(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?",
    re.ASCII | re.IGNORECASE,
)


class Range(NamedTuple):
    """One wish of a header."""

    tag: str
    """In lower case; `*` for any."""
    weight: float
    """0 (not acceptable) to 1."""


def matching(tag: str) -> str | None:
    """Ours for a language tag: by the tag itself, then by its beginnings (RFC 4647 §3.4). Chinese is ours where it is
    written in traditional characters."""
    parts = tag.strip().lower().replace("_", "-").split("-")
    for length in range(len(parts), 0, -1):
        found = _BY_KEY.get("-".join(parts[:length]))
        if found is not None:
            return found
    if parts[:2] in (["zh", "hant"], ["zh", "hk"], ["zh", "mo"]):
        return "zh-TW"
    return None


def ranges_of(accept_language: str) -> list[Range]:
    """The wishes of an Accept-Language header, the dearest first. What is not to the letter is left out, and so is what
    is beyond the bounds."""
    parts = accept_language[:MAX_HEADER_CHARACTERS].split(",")
    if len(accept_language) > MAX_HEADER_CHARACTERS:
        parts.pop()  # it may be cut in the middle of its weight
    found = []
    for part in parts[:MAX_RANGES]:
        fitting = _RANGE.fullmatch(part)
        if fitting is not None:
            found.append(Range(fitting["range"].lower(), float(fitting["weight"] or 1)))
    return sorted(found, key=lambda one: -one.weight)


def accepted(accept_language: str, otherwise: str = LOCALES[0]) -> str | None:
    """The best of ours for an Accept-Language header: None if it asks for none that we have. `*` is any, which is
    `otherwise` unless that is refused by a weight of 0."""
    ranges = ranges_of(accept_language)
    refused = {locale for locale in LOCALES for one in ranges if one.weight == 0 and _covers(one.tag, locale)}
    for tag, weight in ranges:
        if weight == 0:
            break
        if tag == "*":
            named = {matching(one.tag) for one in ranges}
            left = [locale for locale in (otherwise, *LOCALES) if locale not in refused and locale not in named]
            if left:
                return left[0]
        elif (found := matching(tag)) is not None and found not in refused:
            return found
    return None


def negotiated(*wishes: str | None, accept_language: str | None = None, otherwise: str | None = None) -> str:
    """The first of the wishes that we have, else the best of an Accept-Language header, else `otherwise` (the
    organisation's), else English."""
    for wish in wishes:
        if wish is not None and (found := matching(wish)):
            return found
    last = (None if otherwise is None else matching(otherwise)) or LOCALES[0]
    return (accept_language and accepted(accept_language, last)) or last


def _covers(tag: str, locale: str) -> bool:
    """Whether a refused range is about the locale (RFC 4647 §3.3.1); `*` alone refuses nothing: someone has to be
    answered somehow."""
    key = locale.lower()
    return key == tag or key.startswith(f"{tag}-")
