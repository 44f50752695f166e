"""Every setting, in one frozen object."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from motet.config.values import Address, LogFormat, LogLevel, SmscUrl, SmtpUrl, TlsVersion
from motet.domain.cidrs import Network

HTTP_ADDRESS = Address("127.0.0.1", 8080)
SMPP_ADDRESS = Address("127.0.0.1", 2775)
SMPP_TLS_ADDRESS = Address("127.0.0.1", 3550)
NETWORK_ADDRESS = Address("127.0.0.1", 8090)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, with its default."""

    http: Address = HTTP_ADDRESS
    https: Address | None = None
    smpp: Address = SMPP_ADDRESS
    smpp_tls: Address | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    public_url: str | None = None
    """Where browsers reach this installation, without a slash at the end; None: where HTTP is served."""
    sso_network: tuple[str, ...] = ()
    """Networks that are not globally routable and where identity providers may be."""
    tls_client_ca: Path | None = None
    tls_min_version: TlsVersion = TlsVersion.TLS_1_2
    trusted_proxies: tuple[Network, ...] = ()
    cors_origin: tuple[str, ...] = ()
    allowed_host: tuple[str, ...] = ()
    smpp_limit: tuple[tuple[str, int], ...] = ()
    http_limit: tuple[tuple[str, int], ...] = ()
    smtp: SmtpUrl | None = None
    mail_from: str = "Motet <motet@localhost>"
    breached_passwords: Path | None = None
    metrics_token: str | None = field(default=None, repr=False)
    network: Address = NETWORK_ADDRESS
    data_dir: Path = Path("data")
    database_url: str | None = field(default=None, repr=False)
    secret_key_file: Path | None = None
    smsc: tuple[SmscUrl, ...] = ()
    smsc_ca: Path | None = None
    smsc_cert: Path | None = None
    smsc_key: Path | None = None
    graphql_limit: tuple[tuple[str, int], ...] = ()
    introspection: bool = False
    trusted_documents_only: bool = False
    factory_test: tuple[tuple[str, int], ...] = ()
    network_url: str | None = None
    network_token: str | None = field(default=None, repr=False)
    devices: int = 1000
    json: bool = False
    log_format: LogFormat = LogFormat.CONSOLE
    log_level: LogLevel = LogLevel.INFO
