"""The GraphQL edge alone, on one process, and beside it an endpoint written by hand that answers the same bytes.

python -m bench.graphql_server DATABASE_URL KEY_FILE        prints {"event":"ready","port":…}
"""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import orjson
import uvicorn

from motet.access.tokens import TokenAuthority
from motet.domain.global_ids import encode_global_id
from motet.domain.states import DeviceStatus, MessageState, SimStatus
from motet.graphql.app import Dependencies, build_graphql_app
from motet.graphql.context import Services
from motet.graphql.limits import Limits
from motet.identity.authenticator import Authenticator
from motet.reading.reader import Reader
from motet.storage.database import Database

_DEVICES = f"""
SELECT d.id, d.name, d.status, d.tags, d.imei, s.id AS sim_id, s.iccid, s.msisdn, s.status AS sim_status,
       p.id AS policy_id, p.name AS policy_name
  FROM device d
  LEFT JOIN sim s ON s.workspace_id = d.workspace_id AND s.id = d.sim_id
  LEFT JOIN service_policy p ON p.workspace_id = d.workspace_id AND p.id = d.service_policy_id
 WHERE d.workspace_id = $1 AND d.status <> {DeviceStatus.DELETED:d} AND d.id > $2 ORDER BY d.id LIMIT 50
"""  # noqa: S608 - a number

_MESSAGES = """
SELECT m.id, m.state, m.submitted_at, m.destination, m.payload, k.id AS device_id
  FROM unnest($2::bigint[]) AS k (id),
       LATERAL (SELECT * FROM message x WHERE x.workspace_id = $1 AND x.device_id = k.id ORDER BY x.id DESC LIMIT 3) m
"""


def services_of(pool: Any) -> Services:
    """What queries need of the services, over a pool."""
    return cast(Services, SimpleNamespace(reader=Reader(pool)))


class Application:
    """`/graphql`, and `/fifty`, which is `bench.graphql.FIFTY` by hand: no permission, no shape but this one."""

    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self._pool = database.pool
        limits = replace(Limits(), bucket=1 << 40, restore_per_s=1 << 40)  # one caller asks for all there is
        self._graphql = build_graphql_app(Dependencies(services_of(database.pool), authenticator, limits=limits))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/graphql":
            await self._graphql(scope, receive, send)
            return
        asked = orjson.loads((await receive())["body"])
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(_DEVICES, asked["workspace"], asked["after"])
            messages = await connection.fetch(_MESSAGES, asked["workspace"], [row["id"] for row in rows])
        by_device: dict[int, list[Any]] = {row["id"]: [] for row in rows}
        for one in messages:
            by_device[one["device_id"]].append(
                {
                    "id": encode_global_id("SmsMessage", one["id"]),
                    "status": MessageState(one["state"]).name,
                    "submittedAt": one["submitted_at"],
                    "to": one["destination"],
                    "text": one["payload"].decode("latin-1"),
                }
            )
        nodes = [
            {
                "id": encode_global_id("Device", row["id"]),
                "name": row["name"],
                "status": DeviceStatus(row["status"]).name,
                "tags": row["tags"],
                "imei": row["imei"],
                "sim": {
                    "iccid": row["iccid"],
                    "msisdn": row["msisdn"],
                    "status": SimStatus(row["sim_status"]).name,
                },
                "servicePolicy": {
                    "id": encode_global_id("ServicePolicy", row["policy_id"]),
                    "name": row["policy_name"],
                },
                "smsMessages": {"nodes": by_device[row["id"]]},
            }
            for row in rows
        ]
        body = orjson.dumps({"data": {"devices": {"nodes": nodes}}}, option=orjson.OPT_UTC_Z)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def serve(url: str, key: bytes) -> None:
    """Until it is killed."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    async with await Database.open(url) as database:
        authenticator = Authenticator(database, TokenAuthority([key]))
        listening = asyncio.create_task(authenticator.run())
        await authenticator.listening.wait()  # from here on it remembers whom it knows
        application = Application(database, authenticator)
        config = uvicorn.Config(
            application, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False
        )
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        print(json.dumps({"event": "ready", "port": listener.getsockname()[1]}), flush=True)
        await uvicorn.Server(config).serve([listener])
        listening.cancel()


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1], Path(sys.argv[2]).read_bytes()))
