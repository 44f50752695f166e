"""What makes a node a gateway in service: nothing beside it, and a ready line without secrets."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack

from motet import __version__
from motet.bootstrap.listeners import address_of
from motet.bootstrap.node import Node, Ready


async def prepare_gateway(_node: Node, _ground: AsyncExitStack) -> Ready:
    """Needs nothing before its components."""
    return _say_ready


async def _say_ready(node: Node) -> None:
    http = address_of(node.listeners.http, node.settings.http).reachable
    smpp = address_of(node.listeners.smpp, node.settings.smpp).reachable
    facts = {
        "event": "ready",
        "version": __version__,
        "http": f"http://{http}",
        "graphql": f"http://{http}/graphql",
        "graphql_ws": f"ws://{http}/graphql",
        "smpp": {"host": smpp.host, "port": smpp.port},
    }
    if node.listeners.https is not None and node.settings.https is not None:
        facts["https"] = f"https://{address_of(node.listeners.https, node.settings.https).reachable}"
    if node.settings.json:
        print(json.dumps(facts), flush=True)
    else:
        print(f"Motet {__version__} is ready: GraphQL at {facts['graphql']}, SMPP at {smpp}", flush=True)
