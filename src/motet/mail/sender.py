"""Sends what is queued: at least once, later again where a server does not take it now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

import orjson
import structlog

from motet.access.secrets import SecretBox, SecretError
from motet.mail.couriers import Courier, DeliveryError, UndeliverableError
from motet.storage.database import Database
from motet.storage.mail import DueMail, forget_mail, purge_mails, put_off, take_due

log = structlog.get_logger(__name__)

AT_ONCE = 10
"""Mails taken in one go."""

LEASE = timedelta(minutes=5)
"""What a node has to send what it took, before another tries."""

LOOK_EVERY_S = 15.0
"""Mails that other nodes queued, and those put off, are found by looking."""

FIRST_RETRY = timedelta(seconds=30)
LAST_RETRY = timedelta(hours=1)


def retry_after(attempts: int) -> timedelta:
    """The pause after so many failed attempts: doubled each time, at most an hour."""
    return min(FIRST_RETRY * (1 << min(attempts - 1, 10)), LAST_RETRY)


class Sender:
    """One per node; several on one database share the work. `now` gives an aware time."""

    def __init__(
        self, database: Database, box: SecretBox, courier: Courier, sender: str, now: Callable[[], datetime]
    ) -> None:
        """`sender` is what stands in From."""
        self._database = database
        self._box = box
        self._courier = courier
        self._sender = sender
        self._now = now
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was queued."""
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            self._woken.clear()
            while await self.send_due():
                pass
            lost = await purge_mails(self._database.pool, self._now())
            if lost:
                log.warning("mails were given up: their time is over", count=lost)
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def send_due(self) -> bool:
        """Try each mail whose turn it is, at most `AT_ONCE`; whether there were so many that more may wait."""
        due = await take_due(self._database.pool, self._now(), LEASE, AT_ONCE)
        await asyncio.gather(*(self._send(mail) for mail in due))
        return len(due) == AT_ONCE

    async def _send(self, due: DueMail) -> None:
        pool = self._database.pool
        try:
            mail = self._opened(due)
            await self._courier.deliver(mail)
        except (SecretError, UndeliverableError) as error:
            log.warning("a mail cannot be delivered", mail_id=due.id, error=str(error))
        except DeliveryError as error:
            log.warning("a mail was not taken, it is tried again", mail_id=due.id, tried=due.attempts, error=str(error))
            await put_off(pool, due.id, self._now() + retry_after(due.attempts), str(error))
            return
        await forget_mail(pool, due.id)

    def _opened(self, due: DueMail) -> EmailMessage:
        held = orjson.loads(self._box.decrypt(due.sealed))
        mail = EmailMessage(SMTP.clone(cte_type="7bit"))
        mail["From"], mail["To"], mail["Subject"] = self._sender, held["to"], held["subject"]
        mail["Date"] = format_datetime(self._now())
        mail["Message-ID"] = make_msgid(str(due.id), domain=self._sender.rpartition("@")[2].strip(">") or "motet")
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(held["text"])
        return mail
