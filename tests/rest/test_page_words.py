"""The account page in each language."""

from __future__ import annotations

import json
import re

import pytest
from page_words import FOLDER, page_words

from motet.domain.locales import LOCALES

WORDS = page_words()


@pytest.mark.parametrize("locale", LOCALES[1:])
def test_the_page_has_words_for_all_that_it_says_and_no_more(locale: str) -> None:
    words = json.loads((FOLDER / f"words.{locale}.json").read_text(encoding="utf-8"))
    assert WORDS - set(words) == set()
    assert set(words) - WORDS == set()
    wrong = [text for text, said in words.items() if _places(text) != _places(said)]
    assert wrong == []


def test_no_script_says_anything_but_by_its_english() -> None:
    """What is shown goes through `say`: notices, complaints, errors, titles and labels."""
    loose = re.compile(
        r'\bnotice\(["`](?=\w)|ApiError\("\w+", ["`]|(?:complain|done)\(\w+, ["`]|\b(?:title|about|yes): ["`]\w'
    )
    found = {script.name: loose.findall(script.read_text(encoding="utf-8")) for script in FOLDER.glob("*.js")}
    assert {name: said for name, said in found.items() if said} == {}


def _places(text: str) -> list[str]:
    return sorted(re.findall(r"\{\w+\}", text))
