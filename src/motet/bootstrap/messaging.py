"""The messaging of a node: hub, ESME server, SMSC links and webhooks, ended in the order that loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from motet.bootstrap.limits import limits_of
from motet.bootstrap.node import Node
from motet.bootstrap.tls import upstream_context
from motet.domain.seats import SeatLimits
from motet.events.bus import Bus
from motet.hub.hub import Hub
from motet.hub.lane import FencedError
from motet.links.esme_server import EsmeServer
from motet.links.smsc_links import LinkConfig, SmscLinks
from motet.outgoing.resolving import Resolver
from motet.outgoing.targets import LOOPBACK_NETWORKS, TargetPolicy
from motet.rest.metrics import Family
from motet.smpp.pdu import AlertNotification
from motet.storage import smsc_link
from motet.webhooks.node import Webhooks

DRAIN_S = 7.0
"""What open upstream windows get, of the node's 10 s."""

UNBIND_S = 0.2
"""What unbinds get to go out."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Messaging:
    """What the other edges need of it."""

    hub: Hub
    bus: Bus
    webhooks: Webhooks
    esmes: EsmeServer
    links: SmscLinks


@asynccontextmanager
async def messaging(node: Node) -> AsyncIterator[None]:
    """Runs the hub and what speaks SMPP for it; `node.messaging` is there while it does."""
    bus = Bus()
    hub = Hub(node.database, bus=bus)
    await hub.start()
    policy = TargetPolicy.of(LOOPBACK_NETWORKS) if node.demo else TargetPolicy()
    webhooks = Webhooks(node.database, node.secret_box, hub.ids, policy)
    hub.outbox = webhooks.outbox
    await webhooks.start()
    resolver = Resolver()

    async def outbind_address(host: str, port: int) -> str | None:
        """A workspace chooses where outbind goes, so it may go no further than webhooks may."""
        addresses = await resolver.addresses(host, port)
        return addresses[0] if all(policy.permits(address, plain=False) for address in addresses) else None

    seats = limits_of("smpp-limit", SeatLimits(), node.settings.smpp_limit)
    esmes = EsmeServer(hub, node.passwords, outbind_address=outbind_address, seats=seats)
    upstream_tls = upstream_context(node.settings)
    links = SmscLinks(hub, lambda body: hub.spawn(_alert(hub, esmes, body)), lambda: upstream_tls)
    node.messaging = Messaging(hub, bus, webhooks, esmes, links)
    node.metrics.add(*_families(hub, esmes, links, webhooks))
    node.supervisor.start("hub", lambda: _run(hub), restart=False)
    try:
        await reload_links(node)
        node.farewells.append(esmes.stop_listening)
        await esmes.listen(node.listeners.smpp)
        if node.listeners.smpp_tls is not None:
            assert node.certificate is not None  # noqa: S101 - the settings see to it
            await esmes.listen(node.listeners.smpp_tls, node.certificate.context)
        yield
    finally:
        await esmes.stop_listening()
        hub.stop_taking()
        await hub.drain(DRAIN_S)
        await links.stop()
        await esmes.stop()
        await asyncio.sleep(UNBIND_S)
        await webhooks.stop()
        resolver.close()
        await node.supervisor.stop("hub")
        await hub.stop()


async def _run(hub: Hub) -> None:
    try:
        await hub.run()
    except* FencedError:
        _log.error("another node has taken over what this one owned; start again to join anew")
        raise


async def reload_links(node: Node) -> None:
    """Connect the links as they are configured now."""
    if node.messaging is None:
        return
    wanted = list(node.upstreams)
    async with node.database.pool.acquire() as connection:
        for row in await smsc_link.list_enabled(connection):
            password = node.secret_box.decrypt(row["password_encrypted"]).decode()
            wanted.append(
                LinkConfig(
                    row["id"], row["name"], row["host"], row["port"], row["system_id"], password, row["binds"],
                    row["window_size"], row["tls"], row["tls_name"],
                )
            )  # fmt: skip
    node.messaging.links.configure(wanted)


async def _alert(hub: Hub, esmes: EsmeServer, body: AlertNotification) -> None:
    target = await hub.numbers.target_of(body.source_addr.removeprefix("+"))
    if target is not None:
        esmes.alert(target.workspace_id, body)


def _families(hub: Hub, esmes: EsmeServer, links: SmscLinks, webhooks: Webhooks) -> list[Family]:
    counters = hub.counters

    def counter(name: str, words: str, field: str) -> Family:
        return Family(f"motet_{name}", words, lambda: getattr(counters, field))

    def gauge(name: str, words: str, read: object) -> Family:
        return Family(f"motet_{name}", words, read, gauge=True)  # type: ignore[arg-type]

    return [
        counter("messages_accepted", "Messages accepted for sending and committed", "accepted"),
        counter("messages_refused", "Submissions refused", "refused"),
        counter("messages_submitted", "Parts that an SMSC took", "submitted"),
        counter("messages_finished", "Messages that reached their final state", "finished"),
        counter("receipts_unknown", "Receipts for no message that we know", "receipts_unknown"),
        counter("esme_deliveries_answered", "Receipts and MO that an ESME took", "answered"),
        counter("esme_deliveries_refused", "Receipts and MO that an ESME refused for good", "deliveries_refused"),
        counter("mo_received", "MO messages committed", "mo_received"),
        counter("mo_unknown_source", "MO from numbers that are nobody's", "mo_unknown_source"),
        gauge("messages_in_memory", "Messages that the hub holds in memory", lambda: len(hub.live)),
        gauge("messages_ready", "Message parts that wait for an upstream window", lambda: len(hub.relay.ready)),
        gauge(
            "messages_awaiting_receipt",
            "Message parts in memory whose receipt is outstanding",
            lambda: len(hub.relay.awaiting),
        ),
        gauge("esme_sessions", "Connections of ESMEs", lambda: esmes.session_count),
        gauge("esme_sessions_unbound", "Connections of ESMEs that have not bound", lambda: esmes.unbound_count),
        Family(
            "motet_esme_binds_refused",
            "Binds refused, by the status that they were answered with",
            lambda: {(status,): float(count) for status, count in esmes.binds_refused.items()},
            ("status",),
        ),
        gauge("smsc_binds", "Binds to SMSCs that are up", lambda: links.bind_count),
        gauge("webhooks_in_flight", "Webhook posts under way", lambda: webhooks.in_flight),
        Family(
            "motet_commit_groups",
            "Group commits, by kind of fact",
            lambda: {(lane.name,): float(lane.groups) for lane in hub.lanes},
            ("lane",),
        ),
        Family(
            "motet_commit_pending",
            "Facts that wait for a commit, by kind",
            lambda: {(lane.name,): float(len(lane.pending)) for lane in hub.lanes},
            ("lane",),
            gauge=True,
        ),
    ]
