"""The upstream links: each keeps its binds connected, for as long as it is configured."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from motet.hub.hub import Hub
from motet.links.smsc_bind import SmscBind
from motet.smpp.constants import VERSION_3_4
from motet.smpp.pdu import AlertNotification, Bind
from motet.smpp.session import Limits

log = structlog.get_logger(__name__)

AGAIN_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Waits between attempts to bind; the last one repeats. Half as much again is added by chance."""

CONNECT_TIMEOUT_S = 10.0
SETTLED_S = 10.0
"""A bind that lasted this long starts the waits anew when it is lost."""

BIND_LIMITS = Limits(session_init_s=15.0, enquire_link_s=15.0, response_s=30.0, version_unsaid=VERSION_3_4)
"""By the letter an SMSC that does not say its version knows no optional parameters (SMPP 3.4 §5.3.2.25). Those that
took our bind as 3.4 and say nothing do know them, as a rule; the gateways of the field send them all the same."""


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """Where one SMSC is and how to bind to it."""

    id: int
    name: str
    host: str
    port: int
    system_id: str
    password: str = field(repr=False)
    binds: int = 1
    window: int = 100
    tls: bool = False
    tls_name: str | None = None
    """The name that the certificate must have; None: that of the host."""


class SmscLinks:
    """All links of this node."""

    def __init__(
        self,
        hub: Hub,
        on_alert: Callable[[AlertNotification], None] | None = None,
        tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        """`tls` makes what links with TLS are connected with; it has to check certificates and names."""
        self._tls = tls
        self._hub = hub
        self._on_alert = on_alert or (lambda body: None)
        self._tasks: dict[LinkConfig, list[asyncio.Task[None]]] = {}
        self._binds: set[SmscBind] = set()
        self._stopping = False

    @property
    def bind_count(self) -> int:
        """Binds that are up."""
        return len(self._hub.relay.binds)

    def configure(self, links: Iterable[LinkConfig]) -> None:
        """Connect what is new, close what is gone; what did not change is not touched."""
        wanted = set(links)
        for config in self._tasks.keys() - wanted:
            for task in self._tasks.pop(config):
                task.cancel()
        for config in wanted - self._tasks.keys():
            self._tasks[config] = [
                asyncio.get_running_loop().create_task(self._keep_bound(config, number), name=f"{config.name} {number}")
                for number in range(config.binds)
            ]

    async def stop(self) -> None:
        """Unbind and close."""
        self._stopping = True
        for bind in list(self._binds):
            bind.unbind("the gateway stops")
        tasks = [task for tasks in self._tasks.values() for task in tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()

    async def _keep_bound(self, config: LinkConfig, number: int) -> None:
        """One bind, again and again."""
        attempt = 0
        loop = asyncio.get_running_loop()
        while not self._stopping:
            started = loop.time()
            reason = await self._one_bind(config)
            attempt = 0 if loop.time() - started >= SETTLED_S else attempt + 1
            wait_s = AGAIN_S[min(attempt, len(AGAIN_S) - 1)] * (1 + random.random() / 2)  # noqa: S311 - jitter
            log.warning("upstream bind is down", link=config.name, bind=number, reason=reason, again_s=round(wait_s, 1))
            await asyncio.sleep(wait_s)

    async def _one_bind(self, config: LinkConfig) -> str:
        """Connect, bind, and return why it ended."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[str] = loop.create_future()
        credentials = Bind(config.system_id, config.password, "", 0x34)

        def end(reason: str) -> None:
            if not ended.done():
                ended.set_result(reason)

        def make() -> SmscBind:
            return SmscBind(
                self._hub,
                BIND_LIMITS,
                link_id=config.id,
                window=config.window,
                credentials=credentials,
                on_lost=end,
                on_alert=self._on_alert,
            )

        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                transport, bind = await loop.create_connection(
                    make,
                    config.host,
                    config.port,
                    ssl=self._tls() if config.tls else None,
                    server_hostname=(config.tls_name or config.host) if config.tls else None,
                )
        except (OSError, TimeoutError, ssl.SSLError, ValueError) as error:
            return str(error) or type(error).__name__
        self._binds.add(bind)
        try:
            return await ended
        finally:
            self._binds.discard(bind)
            transport.close()
            if not bind.closed:
                bind.connection_lost(None)
