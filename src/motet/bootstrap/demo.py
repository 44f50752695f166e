"""What makes a node the demo: sample tenants, the simulated network, and a line that says where everything is."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

from motet import __version__
from motet.access.passwords import hash_password, password_is_right
from motet.access.principals import Role
from motet.access.secrets import read_key_file
from motet.bootstrap.listeners import address_of
from motet.bootstrap.node import Carrier, Node, Ready
from motet.bootstrap.simulator import simulated_network
from motet.domain.ids import MAX_NODE, IdGenerator
from motet.fleet.seeds.people import DemoUser, seed_reseller, seed_user
from motet.fleet.seeds.tenant import DEMO, OTHER, OTHER_DEVICES, Tenant, derive_password, seed_tenant
from motet.identity.signing_keys import note_lasting
from motet.links.smsc_links import LinkConfig
from motet.storage.sim import live_identities

SECRET_FILE = "demo.key"  # noqa: S105 - a file's name
"""What the demo's passwords are derived from: they stay the same on the same data dir."""

TOKEN_TTL_S = 30 * 86_400
"""A demo left running over a holiday still takes its tokens."""

PHONES_LIMIT = 1_000_000
"""As many phones as the simulator takes."""

NETWORK_LINK = -1
"""Its id: no stored link has a negative one, and it stays the same although its port does not."""

NETWORK_BINDS = 2
NETWORK_WINDOW = 1_000
"""The link to the simulated network: wide enough that it is not what a load test measures."""


async def prepare_demo(node: Node, ground: AsyncExitStack) -> Ready:
    """Seeds the two tenants, starts the network unless --smsc names another, and gives what prints the ready line."""
    settings = node.settings
    secret = read_key_file(settings.data_dir / SECRET_FILE, create=True)
    ids = IdGenerator(MAX_NODE)  # hubs take the lowest free numbers, so this one is ours

    def new_id() -> int:
        return ids.next(time.time_ns() // 1_000_000)

    tenants: list[Tenant] = []
    async with node.database.pool.acquire() as connection:
        for plan, devices in ((DEMO, settings.devices), (OTHER, OTHER_DEVICES)):
            tenants.append(
                await seed_tenant(
                    connection,
                    plan,
                    devices,
                    new_id=new_id,
                    now=datetime.now(UTC),
                    secret=secret,
                    hash_password=hash_password,
                    password_fits=password_is_right,
                )
            )
        user = await seed_user(
            connection, DEMO.workspace, tenants[0].workspace_id, new_id=new_id, secret=secret,
            hash_password=hash_password,
        )  # fmt: skip
        reseller = await seed_reseller(
            connection, [tenant.workspace_id for tenant in tenants], new_id=new_id, now=datetime.now(UTC),
            secret=secret, hash_password=hash_password,
        )  # fmt: skip
        phones = [] if settings.smsc else await live_identities(connection, PHONES_LIMIT)
    control: str | None = None
    if not settings.smsc:
        password = derive_password(secret, "network")
        orders_token = derive_password(secret, "orders of the network")
        http = address_of(node.listeners.http, settings.http).reachable
        await _note_tokens(node)
        secrets = {
            "motet-url": f"http://{http}",
            "motet-token": node.tokens.issue_to_network("network:simulated", now=int(time.time()), ttl_s=TOKEN_TTL_S),
            "orders-token": orders_token,
        }
        network = await ground.enter_async_context(
            simulated_network(settings, phones, password, node.supervisor, secrets)
        )
        node.carrier = Carrier(network.control, orders_token)
        node.upstreams.append(
            LinkConfig(
                NETWORK_LINK, "simulated network", network.smpp.host, network.smpp.port, network.system_id, password,
                NETWORK_BINDS, NETWORK_WINDOW,
            )
        )  # fmt: skip
        control = network.control

    async def ready(node: Node) -> None:
        await _note_tokens(node)
        facts = ready_facts(node, tenants[0], tenants[1], control, int(time.time()))
        print(json.dumps(facts) if settings.json else summary(facts, user, reseller), flush=True)

    return ready


def ready_facts(node: Node, demo: Tenant, other: Tenant, network: str | None, now: int) -> dict[str, Any]:
    """The contract's ready line."""
    http = address_of(node.listeners.http, node.settings.http).reachable
    smpp = address_of(node.listeners.smpp, node.settings.smpp).reachable

    def administrator(tenant: Tenant) -> str:
        return node.tokens.issue(
            f"administrator@{tenant.workspace}",
            now=now,
            ttl_s=TOKEN_TTL_S,
            workspace_id=tenant.workspace_id,
            workspace=tenant.workspace,
            role=Role.ADMINISTRATOR,
        )

    facts: dict[str, Any] = {
        "event": "ready",
        "version": __version__,
        "http": f"http://{http}",
        "graphql": f"http://{http}/graphql",
        "graphql_ws": f"ws://{http}/graphql",
        "network": network,
        "smpp": {"host": smpp.host, "port": smpp.port, "system_id": demo.system_id, "password": demo.password},
        "workspace": demo.workspace,
        "token": administrator(demo),
        "short_code": demo.short_code,
        "other": {
            "workspace": other.workspace,
            "token": administrator(other),
            "short_code": other.short_code,
            "smpp": {"system_id": other.system_id, "password": other.password},
        },
        "operator": {"token": node.tokens.issue("operator", now=now, ttl_s=TOKEN_TTL_S)},
    }
    if node.listeners.https is not None and node.settings.https is not None:
        facts["https"] = f"https://{address_of(node.listeners.https, node.settings.https).reachable}"
    if node.listeners.smpp_tls is not None and node.settings.smpp_tls is not None:
        facts["smpp"]["tls_port"] = address_of(node.listeners.smpp_tls, node.settings.smpp_tls).port
    return facts


async def _note_tokens(node: Node) -> None:
    """The key that signs the demo's tokens lasts as long as they do."""
    async with node.database.pool.acquire() as connection:
        await note_lasting(connection, node.tokens, TOKEN_TTL_S, int(time.time()))


def summary(facts: Mapping[str, Any], user: DemoUser, reseller: DemoUser) -> str:
    """The same for a person, who can sign in besides."""
    smpp, other = facts["smpp"], facts["other"]
    lines = [
        f"Motet {facts['version']} is ready. Ctrl-C ends it.",
        "",
        f"  GraphQL     {facts['graphql']}   (a browser gets GraphiQL)",
        f"  SMPP        {smpp['host']}:{smpp['port']}  system_id {smpp['system_id']}  password {smpp['password']}",
        f"  Phones      {facts['network']}/phones" if facts["network"] else "  Phones      those of your SMSC",
        f"  Short code  {facts['short_code']}",
        f"  Sign in     {facts['http']}/account   {user.email}  {user.password}",
        f"  or as the reseller above both workspaces   {reseller.email}  {reseller.password}",
        "",
        f"  Workspace {facts['workspace']}, its administrator's token:",
        f"  {facts['token']}",
        "",
        f"  Workspace {other['workspace']}, SMPP password {other['smpp']['password']}, its administrator's token:",
        f"  {other['token']}",
        "",
        "  The operator's token:",
        f"  {facts['operator']['token']}",
    ]
    return "\n".join(lines)
