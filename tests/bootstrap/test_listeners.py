"""Addresses are bound before anything else, and a taken one is told with its flag."""

from __future__ import annotations

import socket

import pytest

from motet.bootstrap.listeners import address_of, bind, bound
from motet.config.errors import StartError
from motet.config.settings import Settings
from motet.config.values import Address

LOOPBACK = Address("127.0.0.1", 0)


def test_port_0_becomes_a_real_one_that_takes_clients_at_once() -> None:
    with bound(Settings(http=LOOPBACK, smpp=LOOPBACK)) as listeners:
        assert listeners.smpp_tls is None
        for one in (listeners.http, listeners.smpp):
            address = address_of(one, LOOPBACK)
            assert address.port > 0
            socket.create_connection(address, timeout=5).close()
    assert listeners.http.fileno() == -1


def test_a_taken_port_is_told_with_its_flag() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address("127.0.0.1", taken.getsockname()[1])
        with (
            pytest.raises(StartError, match=rf"cannot listen on {address} \(--smpp\): Address already in use"),
            bound(Settings(http=LOOPBACK, smpp=address)),
        ):
            pass


def test_a_host_that_is_not_ours_is_told() -> None:
    with pytest.raises(StartError, match=r"cannot listen on 192\.0\.2\.1:0 \(--http\)"):
        bind(Address("192.0.2.1", 0), "http")
    with pytest.raises(StartError, match=r"cannot listen on nowhere\.invalid:0 \(--http\)"):
        bind(Address("nowhere.invalid", 0), "http")
