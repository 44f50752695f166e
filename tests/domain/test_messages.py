"""Texts that know their template, and languages that are asked for."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.access.clients import Client
from motet.access.principals import Languages, Principal, Role, member
from motet.access.voices import Voice
from motet.domain.errors import InvalidError
from motet.domain.locales import LOCALES, accepted, matching, negotiated, ranges_of
from motet.domain.messages import Said, catalogue, said, translated
from motet.domain.users import locale_of
from motet.reading.errors import InvalidRequestError

LIMIT = "One job takes at most {most:,} devices."


def test_an_error_is_a_text_that_still_knows_its_template() -> None:
    error = InvalidError(LIMIT, path=("ids",), most=50_000)
    assert (str(error), error.message, error.path) == ("One job takes at most 50,000 devices.", str(error), ("ids",))
    assert isinstance(error.message, Said)
    assert (error.message.template, error.message.values) == (LIMIT, {"most": 50_000})
    assert InvalidRequestError("`first` must be 0 to {most}.", most=200).message == "`first` must be 0 to 200."


def test_a_text_without_values_is_itself_whatever_it_holds() -> None:
    assert InvalidError("Write {braces}.").message == said("Write {braces}.") == "Write {braces}."


def test_all_of_a_collection_is_told_and_what_was_said_inside_is_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said("A region is {known}.", known=("eu", "us")) == "A region is eu, us."
    assert said("A region is {known}.", known={"eu": 1, "us": 2}) == "A region is eu, us."
    inner = said("users ({number})", number=3)
    outer = said("The organisation still holds {held}.", held=[inner, "x"])
    assert outer == "The organisation still holds users (3), x."
    words = {"users ({number})": "{number} Leute", "The organisation still holds {held}.": "Noch da: {held}."}
    monkeypatch.setattr("motet.domain.messages.catalogue", lambda _: words)
    assert translated(outer, "de") == "Noch da: 3 Leute, x."
    assert translated(outer, "ja") == "Noch da: 3 Leute、x."


def test_numbers_are_written_as_the_language_writes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motet.domain.messages.catalogue", lambda _: {LIMIT: "{most:,}"})
    told = {locale: translated(said(LIMIT, most=50_000), locale) for locale in LOCALES}
    assert told == {
        "en": "One job takes at most 50,000 devices.",
        "de": "50.000",
        "es": "50.000",
        "fr": "50\N{NARROW NO-BREAK SPACE}000",
        "it": "50.000",
        "ja": "50,000",
        "zh-TW": "50,000",
    }


def test_what_the_catalogue_lacks_stays_english() -> None:
    assert translated("Nobody has ever said this.", "de") == "Nobody has ever said this."
    assert translated(said("Nor {this}.", this=1), "ja") == "Nor 1."
    assert all(catalogue(locale) is catalogue(locale) for locale in LOCALES)


def test_a_text_survives_json_copies_and_pickling() -> None:
    text = said(LIMIT, most=7)
    assert orjson.dumps([text]) == b'["One job takes at most 7 devices."]'
    for same in (copy.deepcopy(text), pickle.loads(pickle.dumps(text))):  # noqa: S301 - our own octets
        assert same == text
        assert (same.template, same.values) == (LIMIT, {"most": 7})


@pytest.mark.parametrize(
    ("header", "ranges"),
    [
        ("de", [("de", 1.0)]),
        ("da, en-gb;q=0.8, en;q=0.7", [("da", 1.0), ("en-gb", 0.8), ("en", 0.7)]),
        ("en;q=0.2,fr ; q=0.9 ,\t*;Q=0", [("fr", 0.9), ("en", 0.2), ("*", 0.0)]),
        ("it;q=1.000, es;q=0.001, de;q=0.", [("it", 1.0), ("es", 0.001), ("de", 0.0)]),
        ("it;q=1.001, es;q=0.0001, de;q=-1, fr;q=nan, ja;q=1e0, zh;q=", []),
        ("de-DE-1996, x-klingon, 1-de, de_DE, toolongtag, ;, , -", [("de-de-1996", 1.0), ("x-klingon", 1.0)]),
        ("de;level=1, fr;q=0.5;q=0.4", []),
        ("", []),
    ],
)
def test_accept_language_is_read_to_the_letter(header: str, ranges: list[tuple[str, float]]) -> None:
    assert ranges_of(header) == ranges


def test_a_header_is_read_up_to_its_bounds_and_no_cut_wish_counts() -> None:
    assert len(ranges_of(",".join(["de"] * 60))) == 50
    long = "fr;q=0.1" + " " * 484 + ", de;q=0.9"
    assert ranges_of(long) == [("fr", 0.1)]
    assert ranges_of("," * 10_000_000 + "de") == []


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("de-AT", "de"),
        ("tlh, de;q=0.1", "de"),
        ("zh-Hant-HK", "zh-TW"),
        ("zh-MO", "zh-TW"),
        ("zh-CN, zh;q=0.9, ja;q=0.8", "ja"),
        ("tlh", None),
        ("*", "en"),
        ("en;q=0, *", "de"),
        ("en;q=0, de;q=0, *;q=0.1", "es"),
        ("*;q=0", None),
        ("fr;q=0.5, *", "en"),
        ("en, *;q=0.5, de;q=0", "en"),
        ("zh;q=0, zh-TW, it;q=0.1", "it"),
        ("de;q=0", None),
    ],
)
def test_the_best_of_ours_is_found(header: str, locale: str | None) -> None:
    assert accepted(header) == locale


def test_the_users_choice_is_first_then_the_request_then_the_organisation_then_english() -> None:
    assert negotiated("fr", accept_language="de", otherwise="it") == "fr"
    assert negotiated(None, accept_language="de", otherwise="it") == "de"
    assert negotiated(None, accept_language="tlh, *;q=0.1", otherwise="it") == "it"
    assert negotiated("tlh", accept_language="nl", otherwise="it") == "it"
    assert negotiated(None, None) == negotiated(otherwise="tlh") == "en"


@given(st.text())
def test_any_header_gives_a_language(header: str) -> None:
    assert negotiated(accept_language=header) in LOCALES
    assert matching(header) in (None, *LOCALES)


def test_a_locale_that_we_have_not_is_refused() -> None:
    assert (locale_of(None), locale_of("de-CH"), locale_of("zh_TW")) == (None, "de", "zh-TW")
    with pytest.raises(InvalidError) as told:
        locale_of("tlh", "locale")
    assert told.value.message == "The languages are en, de, es, fr, it, ja, zh-TW."
    assert told.value.path == ("locale",)


def test_a_voice_says_which_language_it_spoke_and_whether_the_request_decided() -> None:
    silent = Voice(Client(accept_language="de"))
    assert (silent.locale, silent.headers()) == ("de", {})
    english = Voice(Client())
    assert english.say("No such device.") == "No such device."
    assert english.headers() == {"content-language": "en", "vary": "Accept-Language"}
    chosen = Voice(Client(accept_language="de"), _anna(Languages("en", "fr")))
    chosen.say("No such device.")
    assert chosen.headers() == {"content-language": "en"}
    unknown = Voice(Client(accept_language="de"))
    assert unknown.say("Nobody has ever said this.") == "Nobody has ever said this."
    assert unknown.headers() == {}
    assert Voice(Client(), _anna(Languages(None, "fr"))).locale == "fr"


def _anna(languages: Languages) -> Principal:
    return replace(member("anna", 1, "demo", Role.USER, 0), languages=languages)
