"""Who may do what, on a node: the services, what they hear, and their routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from motet.bootstrap.listeners import address_of
from motet.bootstrap.node import Node
from motet.bootstrap.telling import JournalTeller
from motet.fleet.journal import Journal
from motet.identity.services import SCIM_PATH, Ground, build_identity
from motet.outgoing.targets import LOOPBACK_NETWORKS, TargetPolicy
from motet.rest.account_page import account_routes
from motet.rest.auth import auth_routes
from motet.rest.oauth2 import oauth2_routes
from motet.rest.saml import saml_routes
from motet.rest.scim import scim_routes
from motet.rest.second_factor import second_factor_routes
from motet.rest.sso import sso_routes

FEED = "access feed"
PURGE = "sign-in purge"
PURGE_EVERY_S = 600.0
LOCKS = "sign-in notices"
LOCKS_EVERY_S = 30.0
"""How soon someone hears that they are locked out."""


@asynccontextmanager
async def identity(node: Node) -> AsyncIterator[None]:
    """Knows people while it runs; `node.identity` is there for the edges. Needs the messaging and mail components."""
    messaging = node.messaging
    assert messaging is not None  # noqa: S101 - components start in order
    public_url = public_url_of(node)
    targets = TargetPolicy.of((*node.settings.sso_network, *(LOOPBACK_NETWORKS if node.demo else ())))
    ground = Ground(
        node.database,
        messaging.hub.ids,
        node.tokens,
        node.passwords,
        node.secret_box,
        public_url,
        sends_mail=node.mailed is not None,
        mailed=node.mailed or (lambda: None),
        breached_passwords=node.settings.breached_passwords,
        signing_keys=node.signing_keys,
        targets=targets,
        teller=JournalTeller(Journal(messaging.hub.ids, messaging.webhooks.outbox)),
    )
    services = node.identity = build_identity(ground)

    async def purge() -> None:
        while True:
            await asyncio.sleep(PURGE_EVERY_S)
            await services.purge()

    async def tell_locked() -> None:
        while True:
            await asyncio.sleep(LOCKS_EVERY_S)
            await services.notices.tell_locked()

    secure = public_url.startswith("https:")
    node.routes.extend(oauth2_routes(services))
    node.routes.extend(auth_routes(services, secure=secure))
    node.routes.extend(second_factor_routes(services, secure=secure))
    node.routes.extend(sso_routes(services, secure=secure))
    node.routes.extend(saml_routes(services, secure=secure))
    node.routes.extend(scim_routes(services, public_url + SCIM_PATH))
    node.routes.extend(account_routes())
    node.supervisor.start(FEED, services.authenticator.run)
    node.supervisor.start(PURGE, purge)
    node.supervisor.start(LOCKS, tell_locked)
    try:
        yield
    finally:
        await node.supervisor.stop(LOCKS)
        await node.supervisor.stop(PURGE)
        await node.supervisor.stop(FEED)
        await services.authenticator.close()
        services.close()


def public_url_of(node: Node) -> str:
    """Where browsers reach the node: what --public-url says, else where it listens."""
    if node.settings.public_url is not None:
        return node.settings.public_url
    return f"http://{address_of(node.listeners.http, node.settings.http).reachable}"
