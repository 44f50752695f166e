"""`motet simulator`: the simulated network as a command."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from motet.config.errors import SettingError
from motet.config.flags import add_flags, read_settings, variable_of
from motet.config.values import PASSWORD_OCTETS, SYSTEM_ID_OCTETS
from motet.log import configure_logging
from motet.simulator.message_ids import MessageIdFormat
from motet.simulator.options import DEFAULT_PASSWORD, DEFAULT_SYSTEM_ID, SimulatorOptions
from motet.simulator.phones import MAX_PHONES, PhoneListError, numbered_phones, read_phones, read_places
from motet.simulator.run import StoppedError, run_simulator
from motet.simulator.store import StoreError

DEFAULT_PHONES = 1_000

_OWN_FLAGS = {
    "phones": ("N", f"how many phones, numbered from 99900000001 ({DEFAULT_PHONES})"),
    "phones-file": ("FILE", 'in place of --phones: a JSON list of {"msisdn", "imsi", "iccid"}'),
    "system-id": ("NAME", f"what ESMEs bind with, up to {SYSTEM_ID_OCTETS} octets ({DEFAULT_SYSTEM_ID})"),
    "password": ("WORD", f"their password, up to {PASSWORD_OCTETS} octets ({DEFAULT_PASSWORD})"),
    "motet-url": ("URL", "where Motet serves HTTP: it is told where phones are and what data they carry"),
    "motet-token": ("TOKEN", "what to show there, from `motet token --network`"),
    "orders-token": ("TOKEN", "what Motet has to show for its orders (nothing)"),
    "message-id-format": ("dec|hex|mixed", "mixed answers in hexadecimal and reports in decimal (dec)"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags; each has an environment variable MOTET_<NAME>, and the flag wins."""
    parser.description = "An SMSC that speaks SMPP 3.4, virtual phones behind it, and a control API over HTTP."
    add_flags(parser, ["smpp", "network", "json", "log-format", "log-level"])
    parser.add_argument(
        "--data-dir", metavar="DIR", help=f"keeps texts and receipts across restarts [{variable_of('data-dir')}]"
    )
    for name, (metavar, meaning) in _OWN_FLAGS.items():
        parser.add_argument(f"--{name}", metavar=metavar, help=f"{meaning} [{variable_of(name)}]")
    parser.add_argument(
        "--stop-on-stdin-eof", action="store_true", help="end when stdin is closed, as it is when the parent dies"
    )


def run(args: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT, a second of which ends at once. 0, or 1 when it cannot start or go on.

    Raises SettingError for a flag or variable that cannot be.
    """
    settings = read_settings(args)
    configure_logging(settings.log_format, settings.log_level)
    try:
        options = _options(args, os.environ)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(options, as_json=settings.json, stop_on_stdin_eof=args.stop_on_stdin_eof))
    except (PhoneListError, StoreError, StoppedError, OSError) as error:
        print(f"motet simulator: {error}", file=sys.stderr)
        return 1
    return 0


def _options(args: argparse.Namespace, environment: Mapping[str, str]) -> SimulatorOptions:
    """What the flags and variables say; an empty variable counts as absent. Raises SettingError, PhoneListError."""
    settings = read_settings(args, environment)
    own: dict[str, str] = {}
    for name in (*_OWN_FLAGS, "data-dir"):
        given = getattr(args, name.replace("-", "_"))
        own[name] = environment.get(variable_of(name), "") if given is None else given
    try:
        message_id_format = MessageIdFormat(own["message-id-format"] or MessageIdFormat.DEC)
    except ValueError:
        raise SettingError("--message-id-format must be dec, hex or mixed") from None
    if own["phones-file"]:
        phones = read_phones(Path(own["phones-file"]))
    else:
        phones = list(numbered_phones(_count(own["phones"] or str(DEFAULT_PHONES))))
    return SimulatorOptions(
        phones=phones,
        smpp=settings.smpp,
        network=settings.network,
        data_dir=settings.data_dir if own["data-dir"] else None,
        system_id=_short_ascii("system-id", own["system-id"] or DEFAULT_SYSTEM_ID, SYSTEM_ID_OCTETS),
        password=_short_ascii("password", own["password"] or DEFAULT_PASSWORD, PASSWORD_OCTETS),
        message_id_format=message_id_format,
        motet_url=own["motet-url"].rstrip("/") or None,
        motet_token=own["motet-token"] or None,
        orders_token=own["orders-token"] or None,
        places=read_places(Path(own["phones-file"])) if own["phones-file"] else {},
    )


async def _run(options: SimulatorOptions, *, as_json: bool, stop_on_stdin_eof: bool) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    signalled = False

    def end() -> None:
        nonlocal signalled
        if signalled:
            os._exit(1)
        signalled = True
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
    print(f"SMSC     {smpp['host']}:{smpp['port']}, system_id {smpp['system_id']}, password {smpp['password']}")
    print(f"Phones   {line['phones']}, the first is {line['first_phone']}")
    print(f"Control  {line['network']}/phones", flush=True)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= MAX_PHONES:
        raise SettingError(f"--phones must be a number from 1 to {MAX_PHONES}")
    return int(text)


def _short_ascii(name: str, value: str, octets: int) -> str:
    if not value.isascii() or not value.isprintable() or len(value) > octets:
        raise SettingError(f"--{name} must have at most {octets} ASCII characters")
    return value


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:  # not on every platform
        return None
    return uvloop.new_event_loop
