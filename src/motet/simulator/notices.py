"""What the network has to tell Motet: kept until Motet has answered, in order, over restarts of either.

Without a Motet to tell, nothing is kept.
"""

import asyncio
import contextlib
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import structlog

from motet.simulator.store import Store

BATCH = 100
MAX_NOTICES = 200_000
"""What waits for a Motet that is away, about 500 octets each; beyond it the oldest go."""

TIMEOUT_S = 15.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
PATH = "/network/v1/notifications"

_log = structlog.get_logger("motet.simulator")

Result = dict[str, Any]


class Notice:
    """One thing to be told. `answered` is done once Motet has answered, unless the process ends before."""

    __slots__ = ("answered", "body", "row")

    def __init__(self, row: int, body: dict[str, Any]) -> None:
        self.row = row
        self.body = body
        self.answered: asyncio.Future[Result] = asyncio.get_running_loop().create_future()


class Notices:
    """The queue and its sender."""

    def __init__(self, store: Store, url: str | None, token: str | None) -> None:
        """`url` is where Motet serves HTTP, None if there is no Motet."""
        self._store = store
        self._url = url
        self._token = token
        self._rows = store.numbers("notice", 1)
        self._instance = store.fact("instance", uuid.uuid4().hex)
        self._woken = asyncio.Event()
        self._waiting: dict[int, Notice] = {}
        for row, body in store.all_notices() if url else ():
            self._waiting[row] = Notice(row, json.loads(body))
        self.on_answer: Callable[[Notice, Result], None] = lambda _notice, _result: None
        """Called for each answer, before it is kept that there was one."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def has_motet(self) -> bool:
        """Whether there is anybody to tell."""
        return self._url is not None

    def add(self, kind: str, now: float, **fields: Any) -> Notice | None:
        """Keep something to be told; the caller commits. None if there is nobody to tell."""
        if self._url is None:
            return None
        row = next(self._rows)
        body = {"id": f"{self._instance[:16]}-{row}", "type": kind, "at": moment(now)}
        notice = Notice(row, body | {name: value for name, value in fields.items() if value is not None})
        if len(self._waiting) >= MAX_NOTICES:
            self._drop(self._waiting[next(iter(self._waiting))])
        self._waiting[row] = notice
        self._store.notices.append((row, json.dumps(notice.body)))
        self._woken.set()
        return notice

    async def run(self) -> None:
        """Tell what there is to tell, until cancelled."""
        if self._url is None:
            return
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
            failures = 0
            while True:
                if not self._waiting:
                    self._woken.clear()
                    await self._woken.wait()
                if await self._tell(session):
                    failures = 0
                    continue
                failures += 1
                await asyncio.sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures - 1, 10)))

    async def _tell(self, session: aiohttp.ClientSession) -> bool:
        """Tell the oldest ones; whether they were answered."""
        self._store.commit()  # nothing is told that is not kept
        batch = [notice for notice, _ in zip(self._waiting.values(), range(BATCH), strict=False)]
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            body = {"notifications": [notice.body for notice in batch]}
            async with session.post(f"{self._url}{PATH}", json=body, headers=headers) as response:
                if response.status != 200:
                    _log.warning("Motet did not take what it was told", status=response.status)
                    return False
                results = (await response.json())["results"]
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError) as error:
            _log.info("Motet cannot be told now", error=str(error)[:200])
            return False
        for notice, result in zip(batch, results, strict=True):
            self.on_answer(notice, result)
            self._drop(notice)
            if not notice.answered.done():
                notice.answered.set_result(result)
        self._store.commit()
        return True

    def _drop(self, notice: Notice) -> None:
        self._waiting.pop(notice.row, None)
        self._store.notices_done.append((notice.row,))


async def answer_to(notice: Notice | None, within_s: float) -> Result | None:
    """What Motet says of it, None if it does not in time, or if there is no Motet."""
    if notice is None:
        return None
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(asyncio.shield(notice.answered), within_s)
    return None


def moment(now: float) -> str:
    """Unix seconds as RFC 3339."""
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
