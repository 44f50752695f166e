"""The certificate that this node shows: read from files, and read again when they change or SIGHUP comes.

Sessions that stand keep what they were made with; new ones get the new certificate. Files that cannot be used leave
the old one in place and are told in the log.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from motet.config.errors import StartError
from motet.config.settings import Settings
from motet.config.values import TlsVersion

LOOK_S = 10.0
"""How often the files are looked at."""

_log = structlog.get_logger(__name__)
_VERSIONS = {TlsVersion.TLS_1_2: ssl.TLSVersion.TLSv1_2, TlsVersion.TLS_1_3: ssl.TLSVersion.TLSv1_3}


class Certificate:
    """A server's certificate and how it is used: `context()` gives what a connection that comes now is made with."""

    def __init__(
        self, certificate: Path, key: Path, *, client_ca: Path | None = None, least: TlsVersion = TlsVersion.TLS_1_2
    ) -> None:
        """With `client_ca`, clients need a certificate of one of its authorities. Raises OSError, ssl.SSLError."""
        self._files = (certificate, key, *([] if client_ca is None else [client_ca]))
        self._client_ca = client_ca
        self._least = _VERSIONS[least]
        self._seen = self._stamps()
        self._context = self._load()

    def context(self) -> ssl.SSLContext:
        """The newest that could be read."""
        return self._context

    def for_server(self) -> ssl.SSLContext:
        """One that hands every handshake on to the newest: for a server that is given a context once.

        It asks for no client certificate: what is handed on is the certificate alone.
        """
        context = self._plain()

        def newest(one: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
            one.context = self._context

        context.sni_callback = newest  # called without a name too
        return context

    def look(self) -> None:
        """Read the files again if they have changed."""
        seen = self._stamps()
        if seen != self._seen:
            self._seen = seen
            self.read_again()

    def read_again(self) -> None:
        """Take over what the files hold now, if it can be used."""
        try:
            self._context = self._load()
        except (OSError, ssl.SSLError) as error:
            _log.error("the certificate could not be read again; the old one stays", error=str(error))
            return
        _log.info("the certificate was read again")

    def _load(self) -> ssl.SSLContext:
        context = self._plain()
        if self._client_ca is not None:
            context.load_verify_locations(str(self._client_ca))
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _plain(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = self._least
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        context.load_cert_chain(str(self._files[0]), str(self._files[1]))
        return context

    def _stamps(self) -> tuple[tuple[int, int] | None, ...]:
        return tuple(_stamp(file) for file in self._files)


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def certificate_of(settings: Settings) -> Certificate | None:
    """What the settings name; None without. Raises StartError for files that cannot be used."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    try:
        return Certificate(
            settings.tls_cert, settings.tls_key, client_ca=settings.tls_client_ca, least=settings.tls_min_version
        )
    except (OSError, ssl.SSLError) as error:
        raise StartError(f"--tls-cert, --tls-key and --tls-client-ca cannot be used: {error}") from error


def upstream_context(settings: Settings) -> ssl.SSLContext:
    """What SMSCs are connected to with: certificates and names are checked, and ours is shown to those who ask. Raises
    StartError."""
    flags = "--smsc-ca"
    try:
        context = ssl.create_default_context()
        if settings.smsc_ca is not None:
            context.load_verify_locations(str(settings.smsc_ca))
        if settings.smsc_cert is not None:
            flags = "--smsc-cert and --smsc-key"
            context.load_cert_chain(str(settings.smsc_cert), settings.smsc_key and str(settings.smsc_key))
    except (OSError, ssl.SSLError) as error:
        raise StartError(f"{flags} cannot be used: {error}") from error
    context.minimum_version = _VERSIONS[settings.tls_min_version]
    return context


@asynccontextmanager
async def kept_fresh(certificate: Certificate | None) -> AsyncIterator[None]:
    """Looks at the files now and then, and at SIGHUP, while it runs."""
    if certificate is None:
        yield
        return

    async def keep_looking() -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            certificate.look()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, certificate.read_again)
    looking = asyncio.create_task(keep_looking(), name="certificate")
    try:
        yield
    finally:
        looking.cancel()
        loop.remove_signal_handler(signal.SIGHUP)
