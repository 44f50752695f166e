"""What can be wrong on an SMPP link: the peer's fault (`PduError`) or ours (`UsageError`)."""


class PduError(Exception):
    """The peer sent a PDU that does not parse (SMPP 3.4 §3.3, §5.1.3).

    `status` is the command_status to answer with. `recoverable` is False when the stream's framing is lost
    (command_length out of bounds), so that only closing remains.
    """

    def __init__(self, command_id: int, sequence_number: int, status: int, *, recoverable: bool = True) -> None:
        super().__init__(f"command {command_id:#010x}, sequence number {sequence_number}: status {status:#04x}")
        self.command_id = command_id
        self.sequence_number = sequence_number
        self.status = status
        self.recoverable = recoverable


class BodyError(Exception):
    """A body breaks the specification; inside this package, until the header's fields are known beside it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status:#04x}")
        self.status = status


class UsageError(ValueError):
    """We asked for what SMPP does not allow: a field too long, a request in the wrong state. Nothing was sent."""
