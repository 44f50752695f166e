"""`motet simulator`: the simulated network as a command."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from motet.simulator.message_ids import MessageIdFormat
from motet.simulator.options import DEFAULT_PASSWORD, DEFAULT_SYSTEM_ID, SimulatorOptions
from motet.simulator.phones import MAX_PHONES, PhoneListError, numbered_phones, read_phones
from motet.simulator.run import StoppedError, run_simulator
from motet.simulator.store import StoreError

DEFAULT_PHONES = 1_000

_MAX_SYSTEM_ID_OCTETS = 15
_MAX_PASSWORD_OCTETS = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags; each has an environment variable MOTET_<NAME>, and the flag wins."""
    parser.description = (
        "An SMSC that speaks SMPP 3.4, with virtual phones behind it and a control API over HTTP. Without --phones-file"
        " the phones are numbered: MSISDN 99900000001, 99900000002 and so on."
    )
    _add(parser, "smpp", "127.0.0.1:2775", "HOST:PORT", "where ESMEs connect; port 0 is a free one", _address)
    _add(parser, "network", "127.0.0.1:8090", "HOST:PORT", "the control API; port 0 is a free one", _address)
    _add(parser, "data-dir", None, "DIR", "keeps held texts, inboxes and receipts across restarts", Path)
    _add(parser, "phones", str(DEFAULT_PHONES), "N", "how many phones", _phone_count)
    _add(parser, "phones-file", None, "FILE", 'JSON list of {"msisdn", "imsi", "iccid"} in place of --phones', Path)
    _add(parser, "system-id", DEFAULT_SYSTEM_ID, "NAME", "what ESMEs bind with, up to 15 octets", _system_id)
    _add(parser, "password", DEFAULT_PASSWORD, "WORD", "their password, up to 8 octets", _password)
    _add(
        parser,
        "message-id-format",
        MessageIdFormat.DEC,
        "dec|hex|mixed",
        "how message ids look; mixed is hexadecimal in responses and decimal in receipts",
        MessageIdFormat,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON line on stdout when ready")
    parser.add_argument(
        "--stop-on-stdin-eof", action="store_true", help="end when stdin is closed, as it is when the parent dies"
    )


def run(args: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT, a second of which ends at once. 0, or 1 when it cannot start or go on."""
    try:
        phones = read_phones(args.phones_file) if args.phones_file else list(numbered_phones(args.phones))
        options = SimulatorOptions(
            phones=phones,
            smpp=args.smpp,
            network=args.network,
            data_dir=args.data_dir,
            system_id=args.system_id,
            password=args.password,
            message_id_format=args.message_id_format,
        )
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(options, as_json=args.json, stop_on_stdin_eof=args.stop_on_stdin_eof))
    except (PhoneListError, StoreError, StoppedError, OSError) as error:
        print(f"motet simulator: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(options: SimulatorOptions, *, as_json: bool, stop_on_stdin_eof: bool) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def end() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    if stop_on_stdin_eof:
        threading.Thread(target=_await_stdin_eof, args=(loop, stop), daemon=True).start()
    await run_simulator(options, ready=_print_json if as_json else _print_plain, stop=stop)


def _await_stdin_eof(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    with contextlib.suppress(OSError):  # a closed stdin has ended as well
        while os.read(0, 4096):
            pass
    with contextlib.suppress(RuntimeError):  # the loop may have ended by itself
        loop.call_soon_threadsafe(stop.set)


def _print_json(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def _print_plain(line: dict[str, Any]) -> None:
    smpp = line["smpp"]
    print(f"SMSC      {smpp['host']}:{smpp['port']}  system_id {smpp['system_id']}  password {smpp['password']}")
    print(f"Phones    {line['phones']}, the first is {line['first_phone']}")
    print(f"Control   {line['network']}/phones", flush=True)


def _add(
    parser: argparse.ArgumentParser, name: str, default: str | None, metavar: str, meaning: str, kind: Any
) -> None:
    variable = "MOTET_" + name.upper().replace("-", "_")
    shown = f" (default {default})" if default is not None else ""
    default = os.environ.get(variable, default)
    parser.add_argument(f"--{name}", type=kind, default=default, metavar=metavar, help=f"{meaning} [{variable}]{shown}")


def _address(value: str) -> tuple[str, int]:
    host, colon, port = value.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65_535:
        raise argparse.ArgumentTypeError(f"{value!r} is not HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def _phone_count(value: str) -> int:
    if not value.isdigit() or int(value) > MAX_PHONES:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number up to {MAX_PHONES}")
    return int(value)


def _system_id(value: str) -> str:
    return _short_ascii(value, _MAX_SYSTEM_ID_OCTETS)


def _password(value: str) -> str:
    return _short_ascii(value, _MAX_PASSWORD_OCTETS)


def _short_ascii(value: str, octets: int) -> str:
    if not value.isascii() or not value.isprintable() or len(value) > octets:
        raise argparse.ArgumentTypeError(f"at most {octets} ASCII characters")
    return value


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:  # not on every platform
        return None
    return uvloop.new_event_loop
