"""graphql-http's audit suite against a real HTTP server: all 61 audits."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
from pathlib import Path

import pytest
import uvicorn
from graphql_world import World

FOREIGN = Path(__file__).parents[1] / "foreign"


async def test_graphql_over_http_passes_every_audit(world: World) -> None:
    if shutil.which("node") is None or not (FOREIGN / "node_modules" / "graphql-http").exists():
        if os.environ.get("MOTET_FOREIGN"):
            pytest.fail("Node or tests/foreign/node_modules is missing")
        pytest.skip("needs Node and `npm ci` in tests/foreign")
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(world.app, lifespan="off", log_config=None, ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/graphql"
        node = await asyncio.create_subprocess_exec(
            "node", "graphql_http_audit.mjs", url, world.token(world.demo), cwd=FOREIGN, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await asyncio.wait_for(node.communicate(), 60)
    finally:
        server.should_exit = True
        await serving
    results = [json.loads(line) for line in output.splitlines()]
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == 61
