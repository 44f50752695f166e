"""Starts the simulated network, says when it is ready, and ends it in order."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from motet import __version__
from motet.simulator.centre import SmsCentre
from motet.simulator.control import ControlApi
from motet.simulator.options import SimulatorOptions
from motet.simulator.phones import directory
from motet.simulator.smsc import Smsc
from motet.simulator.store import Store


class StoppedError(Exception):
    """The network had to stop because it can no longer keep what it is given."""


async def run_simulator(
    options: SimulatorOptions, *, ready: Callable[[dict[str, Any]], None], stop: asyncio.Event | None = None
) -> None:
    """Run until `stop` is set or the task is cancelled; `ready` gets the ready line once both ports are open.

    Raises StoreError and PhoneListError for options that cannot be used, OSError for an address that is taken, and
    StoppedError when the data directory can no longer be written.
    """
    phones = directory(options.phones)
    store = Store(options.data_dir)
    stop = stop or asyncio.Event()
    broken = asyncio.Event()

    def fail() -> None:
        broken.set()
        stop.set()

    centre = SmsCentre(store, phones, options.message_id_format)
    smsc = Smsc(options, centre, store, fail)
    runner = web.AppRunner(ControlApi(smsc, store).application(), access_log=None, handle_signals=False)
    try:
        await runner.setup()
        site = web.TCPSite(runner, *options.network, shutdown_timeout=1)
        await site.start()
        smpp_host, smpp_port = await smsc.listen()
        ready(_ready_line(options, runner, smpp_host, smpp_port))
        await stop.wait()
    finally:
        smsc.close()
        await runner.cleanup()
        if not broken.is_set():
            store.close()
    if broken.is_set():
        raise StoppedError("the data directory cannot be written")


def _ready_line(options: SimulatorOptions, runner: web.AppRunner, smpp_host: str, smpp_port: int) -> dict[str, Any]:
    host, port, *_ = runner.addresses[0]
    network = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return {
        "event": "ready",
        "version": __version__,
        "smpp": {
            "host": smpp_host,
            "port": smpp_port,
            "system_id": options.system_id,
            "password": options.password,
        },
        "network": network,
        "phones": len(options.phones),
        "first_phone": options.phones[0].msisdn if options.phones else None,
    }
