"""What a hub has done since its start."""


class Counters:
    """Plain integers that the hot path adds to; /metrics reads them."""

    def __init__(self) -> None:
        self.accepted = 0
        self.refused = 0
        self.submitted = 0
        self.finished = 0
        self.delivered = 0
        self.receipts_unknown = 0
        self.deliveries_refused = 0
        self.answered = 0
        self.mo_received = 0
        self.mo_delivered = 0
        self.mo_unknown_source = 0
