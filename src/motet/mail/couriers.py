"""The ways out: an SMTP server, or for the demo the console."""

from __future__ import annotations

import sys
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import parseaddr
from typing import Protocol

import aiosmtplib

from motet.config.values import SmtpUrl

TIMEOUT_S = 30.0
"""Of each step with the server."""


class UndeliverableError(Exception):
    """The server will never take this mail: trying again is no use. `str()` holds its answer."""


class DeliveryError(Exception):
    """The mail was not taken now. `str()` says why."""


class Courier(Protocol):
    """Takes a mail off our hands."""

    async def deliver(self, mail: EmailMessage) -> None:
        """Raises UndeliverableError or DeliveryError."""
        ...


class _Wire(EmailPolicy):
    """As mails go out. Python 3.11's own folding loses the space between two words of a subject that are both encoded
    (RFC 2047 §6.2); the older one keeps it."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() != "subject":
            return super().fold_binary(name, value)
        text = str(value)
        folded = Header(text, "us-ascii" if text.isascii() else "utf-8", header_name=name)
        return f"{name}: {folded.encode(linesep=self.linesep)}{self.linesep}".encode("ascii")


_WIRE = _Wire(linesep="\r\n", cte_type="7bit")
_WIRE_UTF8 = _WIRE.clone(utf8=True)
"""With addresses as they are (RFC 6532), for servers that take them so (RFC 6531)."""


class SmtpCourier:
    """Hands mails to an SMTP server (RFC 5321), a connection for each: they are few."""

    def __init__(self, url: SmtpUrl) -> None:
        self._url = url

    async def deliver(self, mail: EmailMessage) -> None:
        url = self._url
        sender, recipient = parseaddr(str(mail["From"]))[1], str(mail["To"])
        is_plain = sender.isascii() and recipient.isascii()
        try:
            await aiosmtplib.send(
                mail.as_bytes(policy=_WIRE if is_plain else _WIRE_UTF8),
                sender=sender,
                recipients=[recipient],
                mail_options=[] if is_plain else ["SMTPUTF8"],
                hostname=url.address.host,
                port=url.address.port,
                username=url.user,
                password=url.password,
                use_tls=url.tls,
                start_tls=url.starttls and not url.tls,
                timeout=TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            answers = [refused for refused in error.recipients if isinstance(refused, aiosmtplib.SMTPResponseException)]
            final = bool(answers) and all(500 <= refused.code < 600 for refused in answers)
            raise (UndeliverableError if final else DeliveryError)("the recipient was refused") from error
        except aiosmtplib.SMTPAuthenticationError as error:
            raise DeliveryError(f"the server does not know us: {error.code}") from error
        except aiosmtplib.SMTPResponseException as error:
            final = 500 <= error.code < 600
            raise (UndeliverableError if final else DeliveryError)(f"{error.code} {error.message}"[:200]) from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise DeliveryError(repr(error)[:200]) from error


class ConsoleCourier:
    """Prints mails to standard error: the demo's."""

    async def deliver(self, mail: EmailMessage) -> None:
        text = mail.get_content()
        bar = "-" * 72
        print(f"{bar}\nMail to {mail['To']}: {mail['Subject']}\n\n{text}{bar}", file=sys.stderr, flush=True)
