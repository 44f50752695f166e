"""`motet esme`: a small ESME on smpplib, an SMPP library that is not ours, for trying an account from a shell."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import math
import os
import socket
import ssl
import sys
import time
from collections.abc import Mapping
from typing import Any

import smpplib.client
import smpplib.command
import smpplib.consts
import smpplib.exceptions

from motet.config.errors import StartError
from motet.config.flags import read_settings, variable_of
from motet.smpp.constants import ESM_UDHI, REGISTERED_RECEIPT_FINAL, CommandStatus, MessageState, Npi, Tag, Ton
from motet.smpp.receipt import parse_receipt
from motet.sms.data_coding import Alphabet
from motet.sms.parts import split
from motet.sms.text import decode_text, encode_text
from motet.sms.udh import UserDataError, split_user_data

DEFAULT_WAIT_S = 30.0
"""How long `send` waits for the receipts of what it sent."""

RESPONSE_S = 10.0
"""How long a bind or the answer to a submit_sm may take."""

_BINDS = ("transceiver", "transmitter", "receiver")
_MAX_SHORT_CODE_DIGITS = 7
_ACCOUNT_FLAGS = {
    "system-id": ("NAME", "the account"),
    "password": ("WORD", "its password"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags and the actions `send` and `listen`; flags may stand before or behind the action."""
    parser.description = "Bind to an SMSC, send a text, and print responses, receipts and MO texts as they come."
    _add_connection_flags(parser)
    actions = parser.add_subparsers(dest="esme_action", metavar="send|listen", required=True)
    send = actions.add_parser("send", help="send a text, wait for its receipts")
    listen = actions.add_parser("listen", help="print what comes, until interrupted")
    for action in (send, listen):
        _add_connection_flags(action, default=argparse.SUPPRESS)
    send.add_argument("--to", required=True, metavar="MSISDN", help="where the text goes")
    send.add_argument("--text", required=True, help="GSM 7-bit if that suffices, else UCS-2; in parts if it is long")
    send.add_argument("--from", dest="source", default="", metavar="ADDRESS", help="the source address (none)")
    send.add_argument(
        "--wait",
        type=_seconds,
        default=DEFAULT_WAIT_S,
        metavar="SECONDS",
        help="for receipts, at most (30); 0 for none",
    )
    send.add_argument("--listen", action="store_true", help="then go on until interrupted")


def run(args: argparse.Namespace) -> int:
    """0 if all went well; 1 if the bind, a part or its delivery failed, or a receipt did not come.

    Raises StartError for flags that are missing or wrong.
    """
    settings = read_settings(args)
    account = _account(args, os.environ)
    address = settings.smpp.reachable
    logging.getLogger("smpp").setLevel(logging.ERROR)  # smpplib warns of what we print anyway
    try:
        esme = _Esme(address.host, address.port, _tls_context(args), args.tls_name, as_json=settings.json)
        return esme.run(args, account)
    except smpplib.exceptions.ConnectionError as error:
        why = str(error.__context__ or error)  # smpplib calls everything "Connection refused", a wrong certificate too
        print(f"motet esme: the connection failed{f': {why}' if why else ''}", file=sys.stderr)
    except (smpplib.exceptions.PDUError, UserDataError) as error:
        print(f"motet esme: {error.args[0]}", file=sys.stderr)
    return 1


class _Esme:
    """One session and what is known of the texts sent on it."""

    def __init__(
        self, host: str, port: int, tls: ssl.SSLContext | None, tls_name: str | None, *, as_json: bool
    ) -> None:
        self._client = _Client(host, port, timeout=RESPONSE_S, allow_unknown_opt_params=True, ssl_context=tls)
        self._client.tls_name = tls_name or host
        self._client.set_message_received_handler(self._received)
        self._client.set_message_sent_handler(self._answered)
        self._client.set_error_pdu_handler(self._refused)
        self._as_json = as_json
        self._unanswered = 0
        self._without_receipt: set[str] = set()
        self._early: set[str] = set()
        self._failed = False

    def run(self, args: argparse.Namespace, account: Mapping[str, str]) -> int:
        client = self._client
        client.connect()
        try:
            getattr(client, f"bind_{args.bind}")(**account)
            self._print("bound", system_id=account["system_id"], bind=args.bind)
            if args.esme_action == "send":
                self._send(args.source, args.to, args.text, wants_receipt=args.wait > 0)
                self._await_receipts(args.wait)
            if args.esme_action == "listen" or args.listen:
                with contextlib.suppress(KeyboardInterrupt):
                    self._listen()
            client.unbind()
        finally:
            client.disconnect()
        return 1 if self._failed else 0

    def _send(self, source: str, to: str, text: str, *, wants_receipt: bool) -> None:
        data_coding, payload = encode_text(text)
        parts = split(payload, data_coding, ref=int(time.time()) & 0xFF)
        for part in parts:
            self._client.send_message(
                **_address("source_addr", source),
                **_address("dest_addr", to),
                source_addr=source.removeprefix("+"),
                destination_addr=to.removeprefix("+"),
                esm_class=ESM_UDHI if len(parts) > 1 else 0,
                data_coding=data_coding,
                registered_delivery=REGISTERED_RECEIPT_FINAL if wants_receipt else 0,
                short_message=part,
            )
            self._unanswered += 1
        deadline = time.monotonic() + RESPONSE_S
        while self._unanswered and self._read_until(deadline):
            pass
        if self._unanswered:
            self._print("no response", parts=self._unanswered)
            self._failed = True

    def _await_receipts(self, wait_s: float) -> None:
        deadline = time.monotonic() + wait_s
        while wait_s and self._without_receipt and self._read_until(deadline):
            pass
        if wait_s and self._without_receipt:
            for message_id in sorted(self._without_receipt):
                self._print("no receipt", message_id=message_id)
            self._failed = True

    def _listen(self) -> None:
        while True:
            self._client.read_once()  # silence makes it send an enquire_link

    def _read_until(self, deadline: float) -> bool:
        """Read one PDU and act on it; False once the time is over."""
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            return False
        self._client._socket.settimeout(left_s)  # smpplib sets it once, at the connection
        try:
            self._client.read_once(auto_send_enquire_link=False)
        except TimeoutError:
            return False
        finally:
            self._client._socket.settimeout(RESPONSE_S)
        return True

    def _answered(self, pdu: smpplib.command.Command) -> None:
        if pdu.is_error():  # smpplib calls both handlers
            return
        message_id = (pdu.message_id or b"").decode("latin-1")
        self._unanswered -= 1
        if message_id in self._early:
            self._early.discard(message_id)
        else:
            self._without_receipt.add(message_id)
        self._print("accepted", message_id=message_id)

    def _refused(self, pdu: smpplib.command.Command) -> None:
        if pdu.command in ("submit_sm_resp", "generic_nack"):
            self._unanswered -= 1
        self._failed = True
        self._print("refused", command=pdu.command, status=_status_name(pdu.status))

    def _received(self, pdu: smpplib.command.Command) -> None:
        octets = pdu.short_message or pdu.message_payload or b""
        receipt = parse_receipt(octets, _receipt_tlvs(pdu), pdu.esm_class)
        if receipt is None:
            self._print_mo(pdu, octets)
            return
        if not receipt.intermediate:
            if receipt.message_id in self._without_receipt:
                self._without_receipt.discard(receipt.message_id)
                self._failed = self._failed or receipt.state is not MessageState.DELIVERED
            else:
                self._early.add(receipt.message_id)
        kind = "notification" if receipt.intermediate else "receipt"
        self._print(kind, message_id=receipt.message_id, state=receipt.state.name, error=receipt.error)

    def _print_mo(self, pdu: smpplib.command.Command, octets: bytes) -> None:
        try:
            udh, payload = split_user_data(pdu.esm_class, octets)
        except UserDataError:
            udh, payload = None, octets
        words: dict[str, Any] = {
            "from": (pdu.source_addr or b"").decode("latin-1"),
            "to": (pdu.destination_addr or b"").decode("latin-1"),
            "text": decode_text(payload, pdu.data_coding, Alphabet.GSM7),
            "hex": payload.hex(),
        }
        if udh is not None:
            words["udh"] = udh.hex()
        if words["text"] is not None and not self._as_json:
            del words["hex"]
        self._print("mo", **words)

    def _print(self, event: str, **words: Any) -> None:
        if self._as_json:
            print(json.dumps({"event": event, **words}), flush=True)
        else:
            print(f"{event:12}", *(f"{name}={value}" for name, value in words.items() if value is not None), flush=True)


class _Client(smpplib.client.Client):  # type: ignore[misc]  # it has no types
    """With the server's name for TLS, which smpplib leaves out."""

    tls_name = ""

    def _create_socket(self) -> socket.socket:
        if self._ssl_context is None:
            plain: socket.socket = super()._create_socket()
            return plain
        raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        raw.settimeout(self.timeout)
        secured: socket.socket = self._ssl_context.wrap_socket(raw, server_hostname=self.tls_name)
        return secured


def _tls_context(args: argparse.Namespace) -> ssl.SSLContext | None:
    """What --tls and its like ask for: the server's certificate and name are checked. Raises StartError."""
    if not (args.tls or args.tls_ca or args.tls_name):
        return None
    try:
        return ssl.create_default_context(cafile=args.tls_ca)
    except (OSError, ssl.SSLError) as error:
        raise StartError(f"--tls-ca cannot be used: {error}") from error


def _add_connection_flags(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """`default` SUPPRESS keeps an action's parser from undoing what stood before the action."""
    for name, (metavar, meaning) in {"smpp": ("HOST:PORT", "the SMSC (127.0.0.1:2775)"), **_ACCOUNT_FLAGS}.items():
        parser.add_argument(f"--{name}", metavar=metavar, help=f"{meaning} [{variable_of(name)}]", default=default)
    parser.add_argument("--tls", action="store_const", const="1", help="connect with TLS", default=default)
    parser.add_argument("--tls-ca", metavar="FILE", help="trust this authority, PEM (the system's)", default=default)
    parser.add_argument("--tls-name", metavar="NAME", help="the certificate's name (the host's)", default=default)
    parser.add_argument("--bind", choices=_BINDS, help="how to bind (transceiver)", default=default or _BINDS[0])
    parser.add_argument("--json", action="store_const", const="1", help="print JSON lines", default=default)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise ValueError(text)
    return value


def _account(args: argparse.Namespace, environment: Mapping[str, str]) -> dict[str, str]:
    """system_id and password as smpplib's keywords. Raises StartError where one is missing."""
    found: dict[str, str] = {}
    for name in _ACCOUNT_FLAGS:
        key = name.replace("-", "_")
        value = getattr(args, key)
        value = environment.get(variable_of(name)) if value is None else value
        if not value and (value is None or name == "system-id"):
            raise StartError(f"--{name} is needed, or {variable_of(name)}")
        found[key] = value
    return found


def _address(field: str, address: str) -> dict[str, int]:
    """TON and NPI by what the address looks like: alphanumeric, short code or international number."""
    digits = address.removeprefix("+")
    if not digits:
        ton, npi = Ton.UNKNOWN, Npi.UNKNOWN
    elif not digits.isdigit():
        ton, npi = Ton.ALPHANUMERIC, Npi.UNKNOWN
    elif len(digits) <= _MAX_SHORT_CODE_DIGITS:
        ton, npi = Ton.NETWORK_SPECIFIC, Npi.UNKNOWN
    else:
        ton, npi = Ton.INTERNATIONAL, Npi.ISDN
    return {f"{field}_ton": ton, f"{field}_npi": npi}


def _receipt_tlvs(pdu: smpplib.command.Command) -> tuple[tuple[int, bytes], ...]:
    tlvs: list[tuple[int, bytes]] = []
    if pdu.receipted_message_id:
        tlvs.append((Tag.RECEIPTED_MESSAGE_ID, bytes(pdu.receipted_message_id)))
    if pdu.message_state:
        tlvs.append((Tag.MESSAGE_STATE, bytes((pdu.message_state,))))
    return tuple(tlvs)


def _status_name(status: int) -> str:
    try:
        return CommandStatus(status).name
    except ValueError:
        return f"{status:#x}"
