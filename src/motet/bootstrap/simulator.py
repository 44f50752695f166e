"""Runs the simulated network as a process of its own beside the demo, as a carrier would be."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import structlog

from motet.bootstrap.supervisor import Supervisor
from motet.config.errors import StartError
from motet.config.flags import variable_of
from motet.config.settings import Settings
from motet.config.values import Address

START_TIMEOUT_S = 60.0
"""A million phones take seconds."""

STOP_TIMEOUT_S = 5.0

_log = structlog.get_logger()


@dataclass(slots=True)
class Network:
    """The running simulator: where its SMSC and its control API are."""

    smpp: Address
    system_id: str
    control: str
    process: asyncio.subprocess.Process = field(repr=False)


@asynccontextmanager
async def simulated_network(
    settings: Settings, phones: Sequence[object], password: str, supervisor: Supervisor, secrets: Mapping[str, str]
) -> AsyncIterator[Network]:
    """Starts the simulator with these phones (objects with msisdn, imsi and iccid) and keeps it running. `secrets` are
    settings of it that are nobody else's business, by flag.

    One that ends by itself is started again at the same addresses. It ends with us, however we end: its standard input
    is a pipe that only we hold.
    """
    directory = (settings.data_dir / "simulator").resolve()
    await asyncio.to_thread(_write_phones, directory, phones)
    secrets = {**secrets, "password": password}
    network = await _start(settings, directory, secrets, Address("127.0.0.1", 0), settings.network)

    async def watch() -> None:
        status = await network.process.wait()
        _log.error("the simulated network ended by itself, starting it again", status=status)
        control = Address(settings.network.host, int(network.control.rpartition(":")[2]))
        network.process = (await _start(settings, directory, secrets, network.smpp, control)).process
        raise RuntimeError(f"the simulated network ended with status {status}")  # counts, and watches again

    supervisor.start("simulator", watch)
    try:
        yield network
    finally:
        await supervisor.stop("simulator")
        await _stop(network.process)


def _write_phones(directory: Path, phones: Sequence[object]) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    (directory / "phones.json").write_bytes(orjson.dumps(phones, default=dict))


async def _start(
    settings: Settings, directory: Path, secrets: Mapping[str, str], smpp: Address, network: Address
) -> Network:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOTET_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "motet", "simulator", "--json", "--stop-on-stdin-eof"),
        *("--smpp", str(smpp), "--network", str(network)),
        *("--data-dir", str(directory), "--phones-file", str(directory / "phones.json")),
        *("--log-format", settings.log_format.value, "--log-level", settings.log_level.value),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment | {variable_of(name): value for name, value in secrets.items()},
        start_new_session=True,  # Ctrl-C is for us: the network stays while we drain
    )
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            line = await process.stdout.readline() if process.stdout is not None else b""
        ready = orjson.loads(line)
        smpp_facts = ready["smpp"]
        return Network(
            Address(smpp_facts["host"], smpp_facts["port"]), smpp_facts["system_id"], ready["network"], process
        )
    except (TimeoutError, ValueError, KeyError):
        await _stop(process)
        raise StartError("the simulated network did not start; its own words are above") from None
    except BaseException:
        await _stop(process)
        raise


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
