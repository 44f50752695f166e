"""The languages that people are written to in, and which one it is."""

from __future__ import annotations

from motet.domain.errors import InvalidError

LOCALES = ("en", "de", "es", "fr", "it", "ja", "zh-TW")
"""BCP 47. The first is what everyone else gets."""

MAX_HEADER_CHARACTERS = 200
"""Of an Accept-Language header; what is longer is not read to the end."""

_BY_KEY = {locale.lower(): locale for locale in LOCALES}


def locale_of(text: str | None, *path: str) -> str | None:
    """The locale of this name. Raises InvalidError for one that we do not have."""
    if text is None:
        return None
    found = matching(text)
    if found is None:
        raise InvalidError(f"The languages are {', '.join(LOCALES)}.", path=path)
    return found


def matching(tag: str) -> str | None:
    """Ours for a language tag: by the tag itself, then by its beginnings (RFC 4647 §3.4), then any of its language."""
    parts = tag.strip().lower().replace("_", "-").split("-")
    for length in range(len(parts), 0, -1):
        found = _BY_KEY.get("-".join(parts[:length]))
        if found is not None:
            return found
    if parts[:2] in (["zh", "hant"], ["zh", "hk"], ["zh", "mo"]):
        return "zh-TW"
    return None


def negotiated(*wishes: str | None, accept_language: str | None = None) -> str:
    """The first of the wishes that we have, else the best of an Accept-Language header (RFC 9110 §12.5.4), else
    English."""
    for wish in wishes:
        if wish is not None and (found := matching(wish)):
            return found
    ranked: list[tuple[float, int, str]] = []
    for position, part in enumerate((accept_language or "")[:MAX_HEADER_CHARACTERS].split(",")):
        tag, _, parameter = part.partition(";")
        weight = parameter.strip().removeprefix("q=") or "1"
        try:
            quality = float(weight)
        except ValueError:
            quality = 0.0
        found = matching(tag)
        if found is not None and 0 < quality <= 1:
            ranked.append((-quality, position, found))
    return min(ranked)[2] if ranked else LOCALES[0]
