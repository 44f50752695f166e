"""What it costs to know who asks, in microseconds of one CPU: `python -m bench.access` prints JSON.

Each figure is the best of several rounds, so that a neighbour's load does not show. `remembered` is the hot path: what
each request pays. `signature` is what a token costs that a node sees for the first time, before it asks the database.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from time import process_time, time
from typing import Any

from motet.access.api_keys import new_api_key, parse_api_key
from motet.access.principals import Role
from motet.access.tokens import TokenAuthority, generate_key
from motet.identity import credentials as module
from motet.identity.authenticator import Authenticator
from motet.storage.api_key import KeyRow
from motet.storage.revoked_token import TokenStanding

BATCH = 2_000
ROUNDS = 40
ADDRESS = "192.0.2.7"


class _NoDatabase:
    """Nothing is asked of it: the bench measures what is remembered."""

    pool: Any = None
    url = ""


async def _main() -> dict[str, float]:
    authority = TokenAuthority([generate_key()])
    who = Authenticator(_NoDatabase(), authority)  # type: ignore[arg-type]
    who.listening.set()
    member: dict[str, Any] = {"workspace_id": 1 << 60, "workspace": "demo", "role": Role.ADMINISTRATOR}
    token = authority.issue("administrator@demo", now=int(time()), ttl_s=900, **member)
    anywhere, bound = new_api_key(), new_api_key()
    rows = {
        key.prefix: KeyRow(
            1, number, "demo", 1, key.prefix, key.hash, None, None, "USER", None, ["sms:send"], None, networks, None,
            None, None, None, None, None, None,
        )
        for number, (key, networks) in enumerate(((anywhere, []), (bound, [ip_network("192.0.2.0/24")])))
    }  # fmt: skip

    async def find_by_prefix(_pool: Any, prefix: str) -> KeyRow:
        return rows[prefix]

    async def standing(*_: Any) -> TokenStanding:
        return TokenStanding(False, True)

    module.api_key.find_by_prefix = find_by_prefix  # type: ignore[assignment]
    module.find_token_standing = standing  # type: ignore[assignment]

    cases: dict[str, Callable[[], Awaitable[object]]] = {
        "remembered access token": lambda: who.authenticate(f"Bearer {token}", ADDRESS),
        "remembered API key": lambda: who.authenticate(f"Bearer {anywhere.text}", ADDRESS),
        "remembered API key with networks": lambda: who.authenticate(f"Bearer {bound.text}", ADDRESS),
    }
    figures = {name: await _measured(work) for name, work in cases.items()}
    now = int(time())
    figures["signature of a token"] = _quickest(lambda: authority.claims(token, now), 200)
    figures["checksum and hash of an API key"] = _quickest(lambda: parse_api_key(anywhere.text).hash, BATCH)
    return {name: round(figure, 2) for name, figure in figures.items()}


async def _measured(work: Callable[[], Awaitable[object]]) -> float:
    quickest = float("inf")
    for _ in range(ROUNDS):
        start = process_time()
        for _ in range(BATCH):
            await work()
        quickest = min(quickest, process_time() - start)
    return quickest / BATCH * 1e6


def _quickest(work: Callable[[], object], batch: int) -> float:
    quickest = float("inf")
    for _ in range(ROUNDS):
        start = process_time()
        for _ in range(batch):
            work()
        quickest = min(quickest, process_time() - start)
    return quickest / batch * 1e6


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_main()), indent=1))
