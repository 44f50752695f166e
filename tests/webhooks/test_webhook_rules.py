"""The pure rules: signatures, the retry ladder, event types, places."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from motet.domain.errors import InvalidError
from motet.domain.event_types import covers
from motet.webhooks.event_types import EVENT_TYPES, WILDCARDS, check_event_types
from motet.webhooks.ladder import MAX_ATTEMPTS, RETRY_DELAYS_S, retry_at
from motet.webhooks.outbox import event_body
from motet.webhooks.places import PlaceLimits, Places
from motet.webhooks.signing import signature_headers, spell_secret


@given(key=st.binary(min_size=24, max_size=64), body=st.text().map(str.encode), delivery_id=st.integers(1, 2**63 - 1))
def test_the_standard_library_of_receivers_verifies_any_signed_body(key: bytes, body: bytes, delivery_id: int) -> None:
    headers = signature_headers(key, delivery_id, int(time.time()), b'{"a":%d}' % len(body))
    assert Webhook(spell_secret(key)).verify(b'{"a":%d}' % len(body), headers) == {"a": len(body)}


def test_a_changed_body_does_not_verify() -> None:
    headers = signature_headers(b"k" * 32, 5, int(time.time()), b"{}")
    with pytest.raises(WebhookVerificationError):
        Webhook(spell_secret(b"k" * 32)).verify(b"[]", headers)


def test_the_specification_s_vector() -> None:
    # From the test suite of the reference implementation, with our form of webhook-id.
    headers = signature_headers(b"\x00" * 24, 42, 1_614_265_330, b'{"test": 2432232314}')
    assert headers["webhook-id"] == "msg_42"
    assert headers["webhook-timestamp"] == "1614265330"
    assert spell_secret(b"\x00" * 24) == "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    assert headers["webhook-signature"].startswith("v1,")


def test_retries_come_after_2_5_and_30_seconds_then_grow() -> None:
    assert [retry_at(attempts, 100.0, 0.5) for attempts in (1, 2, 3)] == [102.0, 105.0, 130.0]
    assert list(RETRY_DELAYS_S) == sorted(set(RETRY_DELAYS_S))


def test_the_ladder_ends_after_three_days() -> None:
    assert 71 * 3600 < sum(RETRY_DELAYS_S) <= 72 * 3600
    assert retry_at(MAX_ATTEMPTS - 1, 0.0, 0.5) == RETRY_DELAYS_S[-1]
    assert retry_at(MAX_ATTEMPTS, 0.0, 0.5) is None


@given(attempts=st.integers(1, MAX_ATTEMPTS - 1), chance=st.floats(0, 1))
def test_jitter_is_a_tenth_at_most(attempts: int, chance: float) -> None:
    delay = RETRY_DELAYS_S[attempts - 1]
    at = retry_at(attempts, 0.0, chance)
    assert at is not None
    assert 0.9 * delay - 1e-6 <= at <= 1.1 * delay + 1e-6


@pytest.mark.parametrize("event_type", [*EVENT_TYPES, *WILDCARDS, "sim.suspended", "device.imei.changed"])
def test_known_event_types_are_taken(event_type: str) -> None:
    assert check_event_types([event_type, event_type]) == [event_type]


@pytest.mark.parametrize("event_type", ["", "sms", "sms.", "sms.read", "webhook.*", "sim.", "sim.A", "cdr.made", "**"])
def test_an_unknown_event_type_is_named_by_its_path(event_type: str) -> None:
    with pytest.raises(InvalidError) as refused:
        check_event_types(["sms.*", event_type])
    assert refused.value.path == ("event_types", 1)


@pytest.mark.parametrize("event_types", [[], ["sms.*"] * 21])
def test_none_and_too_many_event_types_are_refused(event_types: list[str]) -> None:
    with pytest.raises(InvalidError) as refused:
        check_event_types(event_types)
    assert refused.value.path == ("event_types",)


@pytest.mark.parametrize(
    ("pattern", "event_type", "wanted"),
    [
        ("sms.received", "sms.received", True),
        ("sms.received", "sms.delivered", False),
        ("sms.*", "sms.delivered", True),
        ("sms.*", "smsc.down", False),
        ("device.*", "device.imei.changed", True),
        ("*", "anything", True),
    ],
)
def test_a_pattern_covers_its_types(pattern: str, event_type: str, wanted: bool) -> None:
    assert covers(["webhook.test", pattern], event_type) is wanted


def test_the_body_names_type_time_and_data() -> None:
    body = event_body("sms.received", 1_700_000_000_000_001, {"text": "Grüße 😀"})
    assert body.decode() == (
        '{"type":"sms.received","timestamp":"2023-11-14T22:13:20.000001Z","data":{"text":"Grüße 😀"}}'
    )


def test_one_webhook_and_one_workspace_get_a_share_of_the_places() -> None:
    places = Places(PlaceLimits(prompt=8, prompt_per_workspace=4, prompt_per_webhook=3))
    assert places.room((1, 1)) == 3
    for _ in range(3):
        places.take((1, 1))
    assert (places.room((1, 1)), places.room((1, 2)), places.room((2, 1))) == (0, 1, 3)


def test_an_attempt_that_lasts_gives_its_prompt_place_to_others_and_slows_its_webhook_only() -> None:
    limits = PlaceLimits(prompt=2, prompt_per_workspace=2, prompt_per_webhook=2, slow=4, slow_per_webhook=2)
    places = Places(limits)
    lasting = [places.take((1, 1)), places.take((1, 1))]
    assert places.room((1, 2)) == 0
    for place in lasting:
        places.turn_slow(place)
    assert (places.room((1, 1)), places.room((1, 2)), places.in_flight) == (0, 2, 2)


def test_a_slow_webhook_becomes_prompt_by_a_quick_answer_not_by_a_quick_failure_to_connect() -> None:
    limits = PlaceLimits(slow_per_webhook=2, prompt_per_webhook=20)
    places = Places(limits)
    first = places.take((1, 1))
    places.turn_slow(first)
    places.give_back(first, answered=True)
    assert places.room((1, 1)) == 2
    places.give_back(places.take((1, 1)), answered=False)
    assert places.room((1, 1)) == 2
    places.give_back(places.take((1, 1)), answered=True)
    assert (places.room((1, 1)), places.in_flight) == (20, 0)


def test_all_places_together_are_bounded() -> None:
    places = Places(PlaceLimits(total=3))
    for webhook in range(3):
        places.turn_slow(places.take((1, webhook)))
    assert places.room((2, 1)) == 0


def test_webhooks_remembered_as_slow_are_bounded() -> None:
    places = Places(PlaceLimits(known_slow=1, slow_per_webhook=2, prompt_per_webhook=5))
    for webhook in (1, 2):
        place = places.take((1, webhook))
        places.turn_slow(place)
        places.give_back(place, answered=True)
    assert (places.room((1, 1)), places.room((1, 2))) == (5, 2)
