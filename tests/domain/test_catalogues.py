"""What callers are told, in each language."""

from __future__ import annotations

import re

import pytest
from templates import names_in, plain_names, templates

from motet.domain.locales import LOCALES
from motet.domain.messages import catalogue

TEMPLATES = templates()

PROTOCOL = {
    "PersistedQueryNotFound",
    "PersistedQueryNotSupported: `persistedQuery` has version 1 and a `sha256Hash`.",
    "The `sha256Hash` of `persistedQuery` must be 64 hex digits.",
    "provided sha does not match query",
}
"""What Apollo's clients look for: it is the same in each language."""


def test_each_template_names_the_values_that_it_is_given() -> None:
    wrong = {one.text: one.places for one in TEMPLATES.values() if one.values and plain_names(one.text) != one.values}
    assert wrong == {}


@pytest.mark.parametrize("locale", LOCALES[1:])
def test_a_language_has_words_for_each_template(locale: str) -> None:
    said = {text for text in TEMPLATES if re.search("[a-z]", re.sub("{.*?}", "", text))} - PROTOCOL
    assert {text: TEMPLATES[text].places for text in said if text not in catalogue(locale)} == {}


@pytest.mark.parametrize("locale", LOCALES[1:])
def test_a_translation_has_the_placeholders_of_its_template(locale: str) -> None:
    words = catalogue(locale)
    wrong = [
        text
        for text, one in TEMPLATES.items()
        if one.values and text in words and names_in(words[text]) != names_in(text)
    ]
    assert wrong == []


@pytest.mark.parametrize("locale", LOCALES[1:])
def test_a_language_has_no_words_for_what_nobody_says(locale: str) -> None:
    assert [text for text in catalogue(locale) if text not in TEMPLATES] == []


def test_english_needs_no_catalogue() -> None:
    assert catalogue("en") == {}
