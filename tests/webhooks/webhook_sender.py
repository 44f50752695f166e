"""A process that does nothing but send webhooks, to be killed. Arguments: database URL, key of the secrets in hex."""

import asyncio
import sys

from motet.access.secrets import SecretBox
from motet.domain.ids import IdGenerator
from motet.outgoing.targets import LOOPBACK_NETWORKS, TargetPolicy
from motet.storage.database import Database
from motet.webhooks.node import Webhooks


async def main(database_url: str, key: str) -> None:
    async with await Database.open(database_url) as database:
        webhooks = Webhooks(database, SecretBox(bytes.fromhex(key)), IdGenerator(2), TargetPolicy.of(LOOPBACK_NETWORKS))
        await webhooks.start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
