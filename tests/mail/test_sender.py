"""Mails on their way out, to a real SMTP server of another make."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from typing import Any

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from motet.access.secrets import SecretBox
from motet.config.values import Address, SmtpUrl
from motet.domain.ids import IdGenerator
from motet.domain.letters import Letter, write
from motet.domain.locales import LOCALES
from motet.identity.post import Post
from motet.mail.couriers import ConsoleCourier, SmtpCourier
from motet.mail.sender import FIRST_RETRY, LEASE, Sender, retry_after
from motet.storage.database import Database

DAY = timedelta(days=1)

LETTER_FACTS = {
    Letter.INVITATION: ("workspace", "inviter", "link", "days"),
    Letter.PASSWORD_RESET: ("link", "minutes", "address"),
    Letter.PASSKEY_ADDED: ("name", "time", "address"),
    Letter.PASSKEY_REMOVED: ("name", "time", "address"),
    Letter.RECOVERY_CODE_USED: ("left", "time", "address"),
    Letter.DEVICE_TRUSTED: ("days", "device", "time", "address"),
    Letter.EMAIL_CHANGED: ("email", "time", "address"),
}
"""What each says beside when, and from where."""

FACTS = {"time", "address"}.union(*LETTER_FACTS.values())


@dataclass
class Mailbox:
    """A server that takes mails, or answers what it is told to."""

    taken: list[Envelope] = field(default_factory=list)
    answer: str = "250 OK"
    recipient_answer: str = "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        if self.recipient_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            self.taken.append(envelope)
        return self.answer


@dataclass
class Office:
    """A queue, a server, and what carries from one to the other, over a clock of the test's."""

    database: Database
    mailbox: Mailbox
    port: int
    ids: IdGenerator = field(default_factory=lambda: IdGenerator(1))
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def clock(self) -> datetime:
        return self.now

    def sender(self, url: SmtpUrl | None = None) -> Sender:
        where = url or SmtpUrl(Address("127.0.0.1", self.port), starttls=False)
        return Sender(self.database, SecretBox(bytes(32)), SmtpCourier(where), "Motet <motet@example.org>", self.clock)

    async def write(
        self, locale: str = "en", good_for: timedelta = DAY, to: str = "bert@example.org", **facts: str
    ) -> None:
        post = Post(SecretBox(bytes(32)), self.ids, "https://motet.example.org", self.clock, sends=True)
        told = {"workspace": "demo", "inviter": "anna", "link": post.link("account", "t"), "days": "7", **facts}
        async with self.database.pool.acquire() as connection:
            await post.write(connection, to, locale, Letter.INVITATION, told, good_for=good_for)

    async def waiting(self) -> list[tuple[Any, ...]]:
        """(attempts, last_error) of each mail."""
        return [
            tuple(row) for row in await self.database.pool.fetch("SELECT attempts, last_error FROM mail ORDER BY id")
        ]


@asynccontextmanager
async def smtp_server(mailbox: Mailbox, **options: Any) -> AsyncIterator[int]:
    """The port of a server that hands what it takes to the mailbox."""
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mailbox, hostname="127.0.0.1", **options), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest_asyncio.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    mailbox = Mailbox()
    async with smtp_server(mailbox) as port:
        yield Office(database, mailbox, port)


async def test_a_mail_arrives_whole_and_is_forgotten(office: Office) -> None:
    await office.write("ja", inviter="アンナ")
    await office.sender().send_due()
    (envelope,) = office.mailbox.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("motet@example.org", ["bert@example.org"])
    mail = message_from_bytes(envelope.content or b"")  # type: ignore[arg-type]
    assert str(make_header(decode_header(mail["Subject"]))) == "アンナ さんから Motet の demo への招待"
    assert "https://motet.example.org/account#token=t" in mail.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert await office.waiting() == []


@pytest.mark.parametrize("locale", LOCALES)
async def test_each_letter_arrives_in_each_language(office: Office, locale: str) -> None:
    facts = {name: f"<{name}>" for name in FACTS}
    post = Post(SecretBox(bytes(32)), office.ids, "https://motet.example.org", office.clock, sends=True)
    async with office.database.pool.acquire() as connection:
        for letter in Letter:
            await post.write(connection, "bert@example.org", locale, letter, facts, good_for=DAY)
    sender = office.sender()
    while await office.waiting():
        await sender.send_due()
    by_subject = {write(letter, locale, facts).subject: letter for letter in Letter}
    assert len(office.mailbox.taken) == len(Letter) == len(by_subject)
    for envelope in office.mailbox.taken:
        mail = message_from_bytes(envelope.content or b"")  # type: ignore[arg-type]
        subject = str(make_header(decode_header(mail["Subject"])))
        text = mail.get_payload(decode=True).decode()  # type: ignore[union-attr]
        assert "Motet" in subject
        letter = by_subject[subject]
        assert "{" not in subject + text
        wanted = LETTER_FACTS.get(letter, ()) or ("time", "address")
        assert all(f"<{name}>" in subject + text for name in wanted), (letter, text)


@pytest.mark.parametrize("to", ["jörg@example.org", "anna@bücher.example", "アンナ@example.org"])
async def test_addresses_of_any_language_are_written_to(office: Office, to: str) -> None:
    async with smtp_server(office.mailbox, enable_SMTPUTF8=True) as port:
        await office.write("ja", to=to, inviter="アンナ")
        await office.sender(SmtpUrl(Address("127.0.0.1", port), starttls=False)).send_due()
    (envelope,) = office.mailbox.taken
    assert envelope.rcpt_tos == [to]
    assert f"To: {to}\r\n".encode() in (envelope.content or b"")  # type: ignore[operator]
    assert await office.waiting() == []


async def test_an_address_that_the_server_does_not_take_is_tried_again(office: Office) -> None:
    await office.write(to="jörg@example.org")
    await office.sender().send_due()
    ((attempts, error),) = await office.waiting()
    assert (attempts, "SMTPUTF8" in error) == (1, True)


async def test_what_people_write_cannot_add_headers(office: Office) -> None:
    await office.write(inviter="anna\r\nBcc: everyone@example.org\r\n\r\nbuy this")
    await office.sender().send_due()
    (envelope,) = office.mailbox.taken
    assert envelope.rcpt_tos == ["bert@example.org"]
    mail = message_from_bytes(envelope.content or b"")  # type: ignore[arg-type]
    assert mail["Bcc"] is None


async def test_a_mail_that_is_not_taken_now_is_tried_again_later(office: Office) -> None:
    await office.write()
    office.mailbox.answer = "451 try again"
    sender = office.sender()
    await sender.send_due()
    ((attempts, error),) = await office.waiting()
    assert (attempts, "451" in error) == (1, True)
    office.mailbox.answer = "250 OK"
    await sender.send_due()
    assert office.mailbox.taken == []
    office.now += FIRST_RETRY + timedelta(seconds=1)
    await sender.send_due()
    assert len(office.mailbox.taken) == 1


@pytest.mark.parametrize("kind", ["answer", "recipient_answer"])
async def test_a_mail_that_is_refused_for_good_is_given_up(office: Office, kind: str) -> None:
    await office.write()
    setattr(office.mailbox, kind, "550 no such user")
    await office.sender().send_due()
    assert await office.waiting() == []


async def test_a_server_that_is_away_or_has_no_starttls_is_told_nothing(office: Office) -> None:
    await office.write()
    for url in (SmtpUrl(Address("127.0.0.1", 1), starttls=False), SmtpUrl(Address("127.0.0.1", office.port))):
        await office.sender(url).send_due()
        office.now += timedelta(hours=2)
    assert office.mailbox.taken == []
    assert [attempts for attempts, _ in await office.waiting()] == [2]


async def test_a_mail_that_a_dead_node_took_is_another_nodes_after_its_lease(office: Office) -> None:
    await office.write()
    await office.database.pool.execute("UPDATE mail SET attempts = 1, next_attempt_at = $1", office.now + LEASE)
    await office.sender().send_due()
    assert office.mailbox.taken == []
    office.now += LEASE
    await office.sender().send_due()
    assert len(office.mailbox.taken) == 1


async def test_two_nodes_send_each_mail_once(office: Office) -> None:
    for _ in range(15):
        await office.write()
    await asyncio.gather(*(office.sender().send_due() for _ in range(4)))
    assert len(office.mailbox.taken) == 15
    assert await office.waiting() == []


async def test_a_mail_whose_link_is_over_is_not_sent(office: Office) -> None:
    await office.write(good_for=timedelta(minutes=5))
    office.now += timedelta(minutes=6)
    await office.sender().send_due()
    assert office.mailbox.taken == []


async def test_the_queue_holds_no_link_in_clear(office: Office) -> None:
    await office.write(link="https://motet.example.org/account#token=secret-token")
    sealed = await office.database.pool.fetchval("SELECT sealed FROM mail")
    assert b"secret-token" not in sealed
    assert b"bert@example.org" not in sealed


async def test_the_demo_prints_mails(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    await office.write()
    sender = Sender(office.database, SecretBox(bytes(32)), ConsoleCourier(), "Motet <m@example.org>", office.clock)
    await sender.send_due()
    printed = capsys.readouterr().err
    assert "Mail to bert@example.org: anna invites you to demo on Motet" in printed
    assert "#token=t" in printed


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
async def test_it_signs_in_where_the_server_asks_for_it(database: Database) -> None:
    mailbox, seen = Mailbox(), []

    def authenticator(_server: Any, _session: Any, _envelope: Any, mechanism: str, login: LoginPassword) -> AuthResult:
        seen.append((login.login, login.password))
        return AuthResult(success=login.password == b"right", handled=False)  # the server answers

    options = {"authenticator": authenticator, "auth_required": True, "auth_require_tls": False}
    async with smtp_server(mailbox, **options) as port:
        office = Office(database, mailbox, port)
        await office.write()
        for password in ("wrong", "right"):
            await office.sender(SmtpUrl(Address("127.0.0.1", port), "me", password, starttls=False)).send_due()
            office.now += timedelta(hours=2)
    assert len(mailbox.taken) == 1
    assert (b"me", b"right") in seen


def test_pauses_grow_to_an_hour() -> None:
    pauses = [retry_after(attempts).total_seconds() for attempts in range(1, 12)]
    assert pauses[:3] == [30, 60, 120]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 3600
