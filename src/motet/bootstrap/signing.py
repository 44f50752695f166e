"""The signing keys of a node: kept up to date while it runs, and their public halves shown to whoever asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from motet.bootstrap.identity import public_url_of
from motet.bootstrap.node import Node
from motet.rest.jwks import well_known_routes

TASK = "signing keys"


@asynccontextmanager
async def signing(node: Node) -> AsyncIterator[None]:
    """Changes keys by age and serves `/.well-known/…` while it runs."""
    node.routes.extend(well_known_routes(node.tokens, public_url_of(node)))
    node.supervisor.start(TASK, node.signing_keys.run)
    try:
        yield
    finally:
        await node.supervisor.stop(TASK)
