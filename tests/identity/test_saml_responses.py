"""Responses that someone has changed on the way: refused, or read as the provider signed them. Never anything else."""

from __future__ import annotations

import copy
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from motet.identity.sso.errors import SignOnError
from motet.identity.sso.saml.own_key import new_own_key
from motet.identity.sso.saml.requests import ServiceProvider, request_url
from motet.identity.sso.saml.response import Assertion, Expected, check_response
from saml_provider import ENTITY_ID, OURS, SIGN_IN_URL, SamlProvider, asked_of

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PARTY = ServiceProvider("https://motet.example.org/metadata", "https://motet.example.org/acs")
EXPECTED = Expected(ENTITY_ID, PARTY.entity_id, PARTY.acs_url, "_request")
ASKED = asked_of(request_url(PARTY, SIGN_IN_URL, "_request", "state", NOW))


def response(*signs: str) -> bytes:
    return SamlProvider(lambda: NOW, signs=signs, attributes={"email": ["anna@example.org"]}).answer(ASKED)


RESPONSES = [response("Assertion"), response("Response"), response("Assertion", "Response")]


def read(octets: bytes) -> Assertion:
    return check_response(octets, [OURS.certificate], EXPECTED, NOW.timestamp())


SAID = [read(octets) for octets in RESPONSES]


@settings(deadline=None)  # of a shared machine
@given(octets=st.binary(max_size=200))
def test_any_octets_are_refused(octets: bytes) -> None:
    with pytest.raises(SignOnError):
        read(octets)


@settings(deadline=None)  # of a shared machine
@given(number=st.sampled_from(range(3)), at=st.integers(0, 6_000), gone=st.integers(0, 40), put=st.binary(max_size=40))
def test_changed_octets_change_nothing_that_is_read(number: int, at: int, gone: int, put: bytes) -> None:
    octets = RESPONSES[number]
    at %= len(octets)
    try:
        assertion = read(octets[:at] + put + octets[at + gone :])
    except SignOnError:
        return
    assert assertion == SAID[number]


@settings(deadline=None)  # of a shared machine
@given(number=st.sampled_from(range(3)), moved=st.integers(0, 200), to=st.integers(0, 200), copied=st.booleans())
def test_moved_and_copied_elements_change_nothing_that_is_read(number: int, moved: int, to: int, copied: bool) -> None:
    root: Any = etree.fromstring(RESPONSES[number])
    elements = list(root.iter())
    one, place = elements[moved % len(elements)], elements[to % len(elements)]
    if place in list(one.iter()):
        return
    place.insert(to % (len(place) + 1), copy.deepcopy(one) if copied else one)
    try:
        assertion = read(etree.tostring(root))
    except SignOnError:
        return
    assert assertion == SAID[number]


def test_what_was_not_changed_is_read() -> None:
    for assertion in SAID:
        assert (assertion.name_id, assertion.attributes) == ("anna-1", {"email": ["anna@example.org"]})


def test_a_signed_request_is_made_at_once() -> None:
    """Anybody may ask for one, and the node does nothing else meanwhile."""
    private, certificate = new_own_key(NOW)
    party = ServiceProvider(PARTY.entity_id, PARTY.acs_url, certificate, private)
    started = time.process_time()
    for number in range(20):
        assert "Signature=" in request_url(party, SIGN_IN_URL, f"_{number}", "state", NOW)
    assert time.process_time() - started < 1.0  # measured: 0.03; with the key's primes proved anew each time 2.2
