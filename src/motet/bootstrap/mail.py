"""Mail on a node: who sends what is queued, if anyone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from motet.bootstrap.node import Node
from motet.identity.sessions import utc_now
from motet.mail.couriers import ConsoleCourier, SmtpCourier
from motet.mail.sender import Sender

NAME = "mail"


@asynccontextmanager
async def mail(node: Node) -> AsyncIterator[None]:
    """Sends mail while it runs, by --smtp or, in the demo, to the console; without either nothing is sent."""
    settings = node.settings
    if settings.smtp is None and not node.demo:
        yield
        return
    courier = ConsoleCourier() if settings.smtp is None else SmtpCourier(settings.smtp)
    sender = Sender(node.database, node.secret_box, courier, settings.mail_from, utc_now)
    node.mailed = sender.wake
    node.supervisor.start(NAME, sender.run)
    try:
        yield
    finally:
        node.mailed = None
        await node.supervisor.stop(NAME)
