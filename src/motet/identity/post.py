"""Puts letters in the queue, in the transaction of what they tell about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import orjson

from motet.access.secrets import SecretBox
from motet.domain.ids import IdGenerator
from motet.domain.letters import Letter, write
from motet.storage.database import PooledConnection
from motet.storage.mail import add_mail


class Post:
    """Letters hold links that let someone in, so they wait encrypted."""

    def __init__(
        self, box: SecretBox, ids: IdGenerator, public_url: str, now: Callable[[], datetime], *, sends: bool
    ) -> None:
        """`sends`: whether there is anyone to send what is queued."""
        self._box = box
        self._ids = ids
        self._public_url = public_url
        self._now = now
        self.sends = sends

    def link(self, page: str, token: str) -> str:
        """Where a browser goes: `page` is a path below the public URL. The token is behind the #, which is sent to no
        server and stands in no log."""
        return f"{self._public_url}/{page}#token={token}"

    async def write(
        self,
        connection: PooledConnection,
        to: str,
        locale: str,
        letter: Letter,
        facts: dict[str, str],
        *,
        good_for: timedelta,
    ) -> None:
        """Queue the letter; past `good_for` there is no use in sending it. Wake the sender after the commit."""
        written = write(letter, locale, facts)
        sealed = self._box.encrypt(orjson.dumps({"to": to, "subject": written.subject, "text": written.text}))
        now = self._now()
        mail_id = self._ids.next_at(now)
        await add_mail(connection, mail_id, sealed, now, now + good_for)
