"""A process that runs an embedded server until its standard input ends; tests kill it in various ways."""

import asyncio
import json
import sys
from pathlib import Path

from motet.config.errors import StartError
from motet.storage.embedded import EmbeddedPostgres


async def run() -> None:
    server = EmbeddedPostgres(Path(sys.argv[1]), {"shared_buffers": "16MB"})
    try:
        await server.start()
    except StartError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    guard = server._guard
    assert guard is not None
    print(json.dumps({"url": server.url, "pid": server.pid, "guard": guard.pid}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()


asyncio.run(run())
