"""The form of API keys: what is one, what is a slip of the pen, and what is stored."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.access.api_keys import (
    ApiKeyFormError,
    client_key,
    is_secret_of,
    looks_like_api_key,
    new_api_key,
    parse_api_key,
)

RIGHT = "motet_0123456789ab_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA37Snka"
"""By hand: CRC-32 of all before the last six characters, in base 62."""

ALPHABET = string.digits + string.ascii_letters


def test_a_key_has_the_form_that_secret_scanners_look_for() -> None:
    key = new_api_key()
    assert re.fullmatch(r"motet_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}", key.text)
    assert key.text.startswith(f"motet_{key.prefix}_")
    assert looks_like_api_key(key.text)
    assert not looks_like_api_key("eyJhbGciOiJFZERTQSJ9.e30.x")


def test_keys_are_all_different_and_a_rotated_one_keeps_its_prefix() -> None:
    assert len({new_api_key().text for _ in range(100)}) == 100
    first = new_api_key()
    second = new_api_key(first.prefix)
    assert (second.prefix, second.text != first.text) == (first.prefix, True)


def test_a_key_says_its_secret_in_no_repr() -> None:
    key = new_api_key()
    assert key.text not in repr(key)
    assert len(key.hash) == 32


@given(st.integers(0, 67), st.sampled_from(ALPHABET))
def test_any_single_wrong_character_is_told(position: int, character: str) -> None:
    right = RIGHT
    wrong = right[:position] + character + right[position + 1 :]
    if wrong == right:
        assert parse_api_key(wrong).prefix == "0123456789ab"
    else:
        with pytest.raises(ApiKeyFormError):
            parse_api_key(wrong)


@given(st.text(max_size=100))
def test_no_text_breaks_the_parser(text: str) -> None:
    for each in (text, "motet_" + text):
        with pytest.raises(ApiKeyFormError):
            parse_api_key(each)
        with pytest.raises(ApiKeyFormError):
            client_key(each, text)


def test_a_clients_credentials_are_the_prefix_and_the_whole_key_or_its_end() -> None:
    key = new_api_key()
    end = key.text.removeprefix(f"motet_{key.prefix}_")
    for client_id in (key.prefix, f"motet_{key.prefix}"):
        for client_secret in (key.text, end):
            assert client_key(client_id, client_secret) == key
    with pytest.raises(ApiKeyFormError, match="another client id"):
        client_key(new_api_key().prefix, key.text)


def test_hashes_are_compared_and_none_is_nobodys() -> None:
    key = new_api_key()
    assert is_secret_of(key.hash, key.hash)
    assert not is_secret_of(key.hash, new_api_key().hash)
    assert not is_secret_of(bytes(32), None)
