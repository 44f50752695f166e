"""Mails that tell people what was changed about their way in: whoever did it, they hear of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from motet.domain.letters import Letter
from motet.domain.locales import negotiated
from motet.identity.post import Post
from motet.storage.acting import current_act
from motet.storage.database import Database, PooledConnection
from motet.storage.sign_in_attempt import take_locked
from motet.storage.transaction import transaction
from motet.storage.user import find_mailbox

NOTICE_GOOD_FOR = timedelta(days=3)
"""Past that nobody is helped by it."""

LOCKED_AGAIN = timedelta(days=1)
"""Who is locked out again within that time is told no more: whoever knows an address could fill its mailbox. The audit
log has each attempt."""


class Notices:
    """Writes them in the transaction of what they tell about. `now` gives an aware time, `mailed` wakes who sends
    mails: pass it on as the transaction's `after`."""

    def __init__(self, database: Database, post: Post, now: Callable[[], datetime], mailed: Callable[[], None]) -> None:
        self._database = database
        self._post = post
        self._now = now
        self.mailed = mailed

    async def tell(
        self,
        connection: PooledConnection,
        user_id: int,
        letter: Letter,
        *,
        address: str | None = None,
        **facts: str,
    ) -> None:
        """Tell a user, in their language, at the mailbox that is theirs now. `address` is where it was done from; None:
        where the act comes from."""
        if not self._post.sends:
            return
        found = await find_mailbox(connection, user_id)
        if found is None:
            return
        act = current_act()
        known = address or (None if act is None else act.address) or "-"
        facts |= {"time": f"{self._now():%Y-%m-%d %H:%M} UTC", "address": known}
        locale = negotiated(found.locale, otherwise=found.organisation_locale)
        await self._post.write(connection, found.email, locale, letter, facts, good_for=NOTICE_GOOD_FOR)

    async def tell_locked(self) -> None:
        """Tell the users who were locked out since the last look, each once in `LOCKED_AGAIN`. Apart from the attempts
        themselves, so that these take as long for users that there are as for others."""
        now = self._now()
        if not self._post.sends:
            return
        async with transaction(self._database, after=self.mailed) as connection:
            for user_id in await take_locked(connection, now, LOCKED_AGAIN):
                await self.tell(connection, user_id, Letter.SIGN_IN_LOCKED)
