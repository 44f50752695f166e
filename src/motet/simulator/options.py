"""What a simulated network is started with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from motet.simulator.message_ids import MessageIdFormat
from motet.simulator.phones import PhoneIdentity, Place

DEFAULT_SYSTEM_ID = "network"
DEFAULT_PASSWORD = "network"  # noqa: S105 (a simulator's, and its ready line shows it)


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """Addresses are (host, port), port 0 for a free one; without `data_dir` nothing survives the process."""

    phones: Sequence[PhoneIdentity]
    smpp: tuple[str, int] = ("127.0.0.1", 0)
    network: tuple[str, int] = ("127.0.0.1", 0)
    data_dir: Path | None = None
    system_id: str = DEFAULT_SYSTEM_ID
    """At most 15 octets (SMPP 3.4 §5.2.1)."""
    password: str = field(default=DEFAULT_PASSWORD, repr=False)
    """At most 8 octets (SMPP 3.4 §5.2.2)."""
    message_id_format: MessageIdFormat = MessageIdFormat.DEC
    window: int = 500
    """deliver_sm in flight on one bind."""
    motet_url: str | None = None
    """Where Motet serves HTTP, to be told of what happens; None: nobody is told."""
    motet_token: str | None = field(default=None, repr=False)
    orders_token: str | None = field(default=None, repr=False)
    """What Motet has to show for its orders; None: nothing."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """Where phones are that nobody has put anywhere, by MSISDN."""
    max_binds: int = 100
    """Binds at a time; one more is answered ESME_RBINDFAIL."""
