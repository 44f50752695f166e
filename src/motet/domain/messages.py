"""What callers are told in words, and the same in their language.

The English of the code is the template: `said("A name has at most {most} characters.", most=100)` is a text like any
other that still knows its template and its values. Errors make one of the values that they are given; a text without
values is its own template. Translation happens once, at the edge, by the catalogue of the language
(`catalogues/<locale>.toml`, from English template to words). What a catalogue lacks stays English.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from functools import cache
from importlib import resources
from string import Formatter
from typing import Any

from motet.domain.locales import LOCALES

ENGLISH = LOCALES[0]

_THOUSANDS = {"de": ".", "es": ".", "fr": "\N{NARROW NO-BREAK SPACE}", "it": "."}
_BETWEEN = {"ja": "、", "zh-TW": "、"}


class Said(str):
    """English text that was made of a template. Of a collection all are told, with commas."""

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, values: Mapping[str, object]) -> Said:
        self = super().__new__(cls, _Words(ENGLISH).vformat(template, (), values))
        self.template = template
        self.values = values
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Said, (self.template, self.values)


def said(template: str, /, **values: object) -> str:
    """The template with its values, to be translated later; without values it marks a text that callers are told."""
    return Said(template, values) if values else template


def translated(message: str, locale: str) -> str:
    """The message in a language; in English where the catalogue does not have it."""
    return _translated(message, locale) or message


def is_translated(message: str, locale: str) -> bool:
    """Whether there are words for it in the language."""
    return locale == ENGLISH or _template(message) in catalogue(locale)


@cache
def catalogue(locale: str) -> Mapping[str, str]:
    """The words of a language by their English template; none for English."""
    if locale == ENGLISH:
        return {}
    file = resources.files("motet.domain").joinpath("catalogues", f"{locale}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _translated(message: str, locale: str) -> str | None:
    if locale == ENGLISH:
        return None
    words = catalogue(locale).get(_template(message))
    if words is None or not isinstance(message, Said):
        return words
    return _Words(locale).vformat(words, (), message.values)


def _template(message: str) -> str:
    return message.template if isinstance(message, Said) else message


class _Words(Formatter):
    """Formats values as a language writes them."""

    def __init__(self, locale: str) -> None:
        self._locale = locale

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Collection) and not isinstance(value, str):
            return _BETWEEN.get(self._locale, ", ").join(self.format_field(one, format_spec) for one in value)
        if isinstance(value, str):
            return translated(value, self._locale) if isinstance(value, Said) else value
        text: str = super().format_field(value, format_spec)
        return text.replace(",", _THOUSANDS.get(self._locale, ",")) if format_spec == "," else text
