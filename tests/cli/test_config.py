"""Flags and variables: defaults, precedence, and an error that names the culprit."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from motet.config.errors import SettingError
from motet.config.flags import FLAGS, add_flags, read_settings, variable_of
from motet.config.settings import Settings
from motet.config.values import (
    Address,
    LogFormat,
    LogLevel,
    SmscUrl,
    SmtpUrl,
    TlsVersion,
    parse_address,
    parse_duration_s,
    parse_smsc_url,
)
from motet.domain.cidrs import parse_cidr


def read(*flags: str, **environment: str) -> Settings:
    parser = argparse.ArgumentParser()
    add_flags(parser, list(FLAGS))
    return read_settings(parser.parse_args(flags), environment)


def test_defaults_are_the_contracts() -> None:
    assert read() == Settings(
        http=Address("127.0.0.1", 8080),
        smpp=Address("127.0.0.1", 2775),
        smpp_tls=None,
        network=Address("127.0.0.1", 8090),
        data_dir=Path("data"),
        database_url=None,
        smsc=(),
        devices=1000,
        json=False,
        log_format=LogFormat.CONSOLE,
    )


def test_every_flag_and_variable_is_read_and_the_flag_wins() -> None:
    given = {
        "http": ("192.0.2.1:1", Address("192.0.2.1", 1)),
        "https": ("192.0.2.1:2", Address("192.0.2.1", 2)),
        "smpp": ("[::1]:0", Address("::1", 0)),
        "smpp-tls": ("localhost:3", Address("localhost", 3)),
        "tls-cert": ("c.pem", Path("c.pem")),
        "tls-key": ("k.pem", Path("k.pem")),
        "tls-client-ca": ("ca.pem", Path("ca.pem")),
        "tls-min-version": ("1.3", TlsVersion.TLS_1_3),
        "trusted-proxies": ("10.0.0.0/8", (parse_cidr("10.0.0.0/8"),)),
        "cors-origin": ("https://portal.example", ("https://portal.example",)),
        "allowed-host": ("Motet.example", ("motet.example",)),
        "smpp-limit": ("sessions=5", (("sessions", 5),)),
        "http-limit": ("unbound=6", (("unbound", 6),)),
        "public-url": ("https://motet.example.com/", "https://motet.example.com"),
        "sso-network": ("10.20.0.0/16", ("10.20.0.0/16",)),
        "smtp": ("smtp://u:p%40@h", SmtpUrl(Address("h", 587), "u", "p@")),
        "mail-from": ("Motet <m@example.com>", "Motet <m@example.com>"),
        "breached-passwords": ("b.txt", Path("b.txt")),
        "network": ("127.0.0.1:4", Address("127.0.0.1", 4)),
        "data-dir": ("/d", Path("/d")),
        "database-url": ("postgresql://h/d", "postgresql://h/d"),
        "secret-key-file": ("s", Path("s")),
        "smsc": ("smpp://i:p@h:1", (SmscUrl("i", "p", Address("h", 1)),)),
        "smsc-ca": ("smsc.pem", Path("smsc.pem")),
        "smsc-cert": ("ours.pem", Path("ours.pem")),
        "smsc-key": ("ours.key", Path("ours.key")),
        "metrics-token": ("t0ken", "t0ken"),
        "graphql-limit": ("depth=30", (("depth", 30),)),
        "introspection": ("1", True),
        "trusted-documents-only": ("1", True),
        "factory-test": ("sms=3", (("sms", 3),)),
        "network-url": ("https://carrier.example/motet", "https://carrier.example/motet"),
        "network-token": ("t0ken", "t0ken"),
        "devices": ("7", 7),
        "json": ("1", True),
        "log-format": ("json", LogFormat.JSON),
        "log-level": ("error", LogLevel.ERROR),
    }
    assert set(given) == set(FLAGS)
    expected = Settings(**{name.replace("-", "_"): value for name, (_, value) in given.items()})
    flags = [
        part for name, (text, _) in given.items() for part in ((f"--{name}",) if text == "1" else (f"--{name}", text))
    ]
    variables = {variable_of(name): text for name, (text, _) in given.items()}
    assert variable_of("secret-key-file") == "MOTET_SECRET_KEY_FILE"
    assert read(*flags) == expected
    assert read(**variables) == expected
    assert read("--devices", "9", **variables).devices == 9


@pytest.mark.parametrize(
    ("flag", "wrong"),
    [
        ("--trusted-proxies", "10.0.0.1/8"),
        ("--cors-origin", "*"),
        ("--cors-origin", "https://portal.example/"),
        ("--cors-origin", "https://user@portal.example"),
        ("--allowed-host", "motet.example/x"),
        ("--smpp-limit", "sessions"),
        ("--http-limit", "sessions=0"),
        ("--tls-min-version", "1.1"),
    ],
)
def test_what_would_open_an_edge_by_a_slip_is_refused(flag: str, wrong: str) -> None:
    with pytest.raises(SettingError, match=flag):
        read(flag, wrong)


@pytest.mark.parametrize("flag", ["--https=127.0.0.1:0", "--tls-client-ca=ca.pem"])
def test_what_needs_a_certificate_says_so(flag: str) -> None:
    with pytest.raises(SettingError, match="needs --tls-cert and --tls-key"):
        read(flag)


def test_an_empty_variable_is_absent() -> None:
    assert read(MOTET_HTTP="", MOTET_DATABASE_URL="", MOTET_JSON="").http == Address("127.0.0.1", 8080)


def test_smsc_may_be_repeated_in_both_ways() -> None:
    one, two = "smpp://a:b@h:1?binds=2", "smpp://c:d@h:2?window=7&binds=3"
    expected = (SmscUrl("a", "b", Address("h", 1), 2, 100), SmscUrl("c", "d", Address("h", 2), 3, 7))
    assert read("--smsc", one, "--smsc", two).smsc == expected
    assert read(MOTET_SMSC=f"{one} {two}").smsc == expected


def test_smsc_urls() -> None:
    assert parse_smsc_url("smpp://us%40er:p%3Aw%2F@[::1]") == SmscUrl("us@er", "p:w/", Address("::1", 2775))
    assert parse_smsc_url("smpps://a:b@h") == SmscUrl("a", "b", Address("h", 3550), tls=True)
    assert "p4ss" not in repr(parse_smsc_url("smpp://a:p4ss@h:1"))
    for wrong, words in {
        "smtp://a:b@h:1": "must look like",
        "smpp://h:1": "must look like",
        "smpp://a:b@:1": "must look like",
        "smpp://a:b@h:1/path": "must look like",
        "smpp://a2345678901234567:b@h:1": "system_id must have 1 to 15 octets",
        "smpp://a:123456789@h:1": "password must have at most 8 octets",
        "smpp://a:b@h:1?binds=0": "binds must be a number from 1 to 64",
        "smpp://a:b@h:1?window=x": "window must be a number from 1 to 10000",
        "smpp://a:b@h:1?size=1": "has 'size' among its options",
        "smpp://a:b@h:1?binds=1&binds=2": "has 'binds' among its options",
        "smpp://a:b@h:99999": "Port out of range",
        "smpp://a:b@h:0": "must name a port",
    }.items():
        with pytest.raises(ValueError, match=words):
            parse_smsc_url(wrong)


@pytest.mark.parametrize(
    "text", ["", "8080", ":8080", "host", "host:", "host:x", "host:65536", "::1:80", "[::1]", "a b:1", "[h]:1"]
)
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse_address(text)


def test_an_address_is_written_as_it_is_read_and_reached_from_here() -> None:
    assert str(parse_address("[::1]:2775")) == "[::1]:2775"
    assert Address("0.0.0.0", 5).reachable == Address("127.0.0.1", 5)  # noqa: S104
    assert Address("::", 5).reachable == Address("::1", 5)
    assert Address("motet.example", 5).reachable == Address("motet.example", 5)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--http", "x"), "--http must be HOST:PORT"),
        (("--graphql-limit", "depth"), "--graphql-limit must be NAME=NUMBER"),
        (("--graphql-limit", "depth=0"), "--graphql-limit depth must be a number from 1"),
        (("--factory-test", "color=1"), "--factory-test must be sms=N, data_octets=N, days=N"),
        (("--factory-test", "days=367"), "--factory-test days must be a number from 1 to 366"),
        (("--devices", "0"), "--devices must be a number from 1 to 1000000"),
        (("--devices", "many"), "--devices must be a number"),
        (("--database-url", "mysql://x"), "--database-url must look like postgresql://"),
        (("--log-format", "xml"), "--log-format must be json, console"),
        (("--smsc", "x"), "--smsc must look like smpp://"),
        (("--tls-cert", "x"), "--tls-cert and --tls-key go together"),
        (("--tls-key", "x"), "--tls-cert and --tls-key go together"),
        (("--smsc-key", "x"), "--smsc-cert and --smsc-key go together"),
        (("--smpp-tls", "h:1"), "--smpp-tls needs --tls-cert and --tls-key"),
    ],
)
def test_a_bad_flag_is_named(flags: tuple[str, ...], words: str) -> None:
    with pytest.raises(SettingError) as caught:
        read(*flags)
    assert str(caught.value).startswith(words)


def test_a_bad_variable_is_named() -> None:
    with pytest.raises(SettingError, match=r"^MOTET_JSON must be 1 or 0"):
        read(MOTET_JSON="maybe")


def test_a_certificate_turns_tls_on() -> None:
    assert read("--tls-cert", "c", "--tls-key", "k").smpp_tls == Address("127.0.0.1", 3550)


def test_durations() -> None:
    assert [parse_duration_s(text) for text in ("90", "90s", "15m", "1h", "30d")] == [90, 90, 900, 3600, 2_592_000]
    for wrong in ("", "0", "-1", "1w", "h", "1.5h"):
        with pytest.raises(ValueError, match="must be a time"):
            parse_duration_s(wrong)


def test_secrets_are_not_in_the_representation() -> None:
    assert "hunter2" not in repr(read("--database-url", "postgresql://u:hunter2@h/d", "--smsc", "smpp://a:hunter2@h:1"))
