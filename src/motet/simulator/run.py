"""Starts the simulated network, says when it is ready, and ends it in order."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import web

from motet import __version__
from motet.simulator.air import Air, restore
from motet.simulator.centre import SmsCentre
from motet.simulator.control import ControlApi
from motet.simulator.control_air import AirApi
from motet.simulator.control_esims import EsimApi
from motet.simulator.euiccs import Euiccs
from motet.simulator.notices import Notices
from motet.simulator.options import SimulatorOptions
from motet.simulator.orders import Orders
from motet.simulator.phones import directory
from motet.simulator.smsc import Smsc
from motet.simulator.store import Store

CARD_TICK_S = 0.1
"""How late an operation on an eUICC may be."""

_log = structlog.get_logger("motet.simulator")


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
    for msisdn, place in options.places.items():
        if phone := phones.get(msisdn):
            phone.operator, phone.rat, phone.cell, phone.imei, phone.attached = place
            phone.wanted = phone.attached
    store = Store(options.data_dir)
    restore(store, phones)
    stop = stop or asyncio.Event()
    broken = asyncio.Event()

    def fail() -> None:
        broken.set()
        stop.set()

    centre = SmsCentre(store, phones, options.message_id_format)
    smsc = Smsc(options, centre, store, fail)
    notices = Notices(store, options.motet_url, options.motet_token)
    air = Air(store, phones, notices, centre.wake)
    euiccs = Euiccs(
        options.data_dir, air, lambda order, ok, reason: tell_end(notices, order, ok=ok, reason=reason), smsc.flush
    )
    esims = EsimApi(options.data_dir, air, notices, smsc.flush)
    air_api = AirApi(air, notices, Orders(store, air, euiccs), euiccs, smsc.flush, options.orders_token)
    application = ControlApi(smsc, store, air_api).application()
    esims.add_routes(application)
    runner = web.AppRunner(application, access_log=None, handle_signals=False)
    tasks = [asyncio.create_task(notices.run()), asyncio.create_task(_operate(euiccs))]
    try:
        await runner.setup()
        site = web.TCPSite(runner, *options.network, shutdown_timeout=1)
        await site.start()
        smpp_host, smpp_port = await smsc.listen()
        ready(_ready_line(options, runner, smpp_host, smpp_port))
        await stop.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        smsc.close()
        await runner.cleanup()
        euiccs.close()
        esims.close()
        if not broken.is_set():
            store.close()
    if broken.is_set():
        raise StoppedError("the data directory cannot be written")


def tell_end(notices: Notices, order: int, *, ok: bool, reason: str | None) -> None:
    """Tell Motet how an order ended that was only accepted."""
    notices.add("order_ended", time.time(), order=str(order), ok=ok, reason=reason)


async def _operate(euiccs: Euiccs) -> None:
    """Do what is due on eUICCs, until cancelled."""
    while True:
        try:
            euiccs.on_time(time.time())
        except Exception:  # noqa: BLE001 - the top of a task
            _log.exception("an operation on an eUICC was not done")
        await asyncio.sleep(CARD_TICK_S)


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
