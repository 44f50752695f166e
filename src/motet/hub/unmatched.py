"""Receipts that match nothing in memory: too early, for messages that memory has let go, or spelled in another way.

A receipt waits a moment for the submit_sm_resp that it outran; then the database is asked, under its own id and later
under other spellings of it; what nobody claims is answered in the end, so that its SMSC need not send it for ever.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from motet.hub.facts import Submitted
from motet.hub.message import Stage, Unit
from motet.hub.ports import Upstream, UpstreamReceipt
from motet.hub.spellings import spellings

if TYPE_CHECKING:
    from motet.hub.hub import Hub

EARLY_S = 0.25
"""How long a receipt may outrun its submit_sm_resp before the database is asked."""

RESPELL_S = 1.5
"""How long before other spellings of its id are tried: by then the answer to a submit_sm has come."""


class EarlyReceipt(NamedTuple):
    """A receipt whose message is not known (yet): its submit_sm_resp may still come on another bind."""

    upstream: Upstream
    receipt: UpstreamReceipt
    came_at: float
    looked_up: bool = False
    """Under the id as it came; other spellings are tried later."""


class Unmatched:
    """The receipts of one node that wait to be matched. Bounded by `limits.early_receipts`."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.early: dict[tuple[int, str], list[EarlyReceipt]] = {}
        """Receipts that match nothing in memory, not looked up in the database yet."""
        self.strange: dict[tuple[int, str], list[EarlyReceipt]] = {}
        """Those that match nothing in the database either, under the id as it came."""
        self.unknown: dict[tuple[int, str], list[EarlyReceipt]] = {}
        """Nor under any other spelling of it; dropped after the grace."""
        self._suspects: list[Unit] = []
        """What was in upstream windows at `_suspected_at` and is not answered: an unknown receipt may be for it."""
        self._suspected_at = 0.0
        self.count = 0
        """Of all three."""
        self.exact: dict[int, int] = {}
        """Receipts by link that named a message as its submit_sm_resp did."""
        self.respelled: dict[int, int] = {}
        """Receipts by link that named it in another base, case or length."""
        self._places = (self.early, self.strange, self.unknown)

    # Spellings -------------------------------------------------------------------------------------------------------

    def matched(self, link_id: int, exact: int) -> None:
        """So many receipts of the link named a message as its submit_sm_resp did."""
        self.exact[link_id] = self.exact.get(link_id, 0) + exact

    def unit_meant(
        self, awaiting: Mapping[tuple[int, str], Unit], link_id: int, receipt: UpstreamReceipt
    ) -> Unit | None:
        """The unit in memory that this SMSC means, if it is known to write ids differently in receipts."""
        if self.respelled.get(link_id, 0) <= self.exact.get(link_id, 0):
            return None
        for spelling in spellings(receipt.smsc_message_id):
            unit = awaiting.get((link_id, spelling))
            if unit is not None and unit.message.destination == receipt.source:
                self.respelled[link_id] += 1
                return unit
        return None

    def may_respell(self, link_id: int) -> bool:
        """Whether a receipt of this link may be matched under another spelling of its id. A number is another message's
        in another base, so a link whose receipts match as they are is taken at its word."""
        return self.exact.get(link_id, 0) <= 20 + 10 * self.respelled.get(link_id, 0)

    def respelled_once(self, link_id: int) -> None:
        """A receipt of the link was found under another spelling of its id."""
        self.respelled[link_id] = self.respelled.get(link_id, 0) + 1

    # Waiting ---------------------------------------------------------------------------------------------------------

    def claimed_by(self, submitted: Iterable[Submitted]) -> list[EarlyReceipt]:
        """Those whose submit_sm_resp has come now; they are the caller's."""
        claimed: list[EarlyReceipt] = []
        for fact in submitted:
            key = (fact.upstream.link_id, fact.smsc_message_id)
            for place in self._places:
                claimed += place.pop(key, ())
        self.count -= len(claimed)
        return claimed

    def forget(self, bind: Upstream) -> None:
        """The bind is gone, and nobody is left to answer."""
        for place in self._places:
            for key, early in list(place.items()):
                kept = [one for one in early if one.upstream is not bind]
                self.count -= len(early) - len(kept)
                if kept:
                    place[key] = kept
                else:
                    del place[key]

    def keep(self, bind: Upstream, receipt: UpstreamReceipt) -> None:
        """Wait for the submit_sm_resp that it outran; after a moment the pager asks the database."""
        if self.count >= self.hub.limits.early_receipts:
            bind.acknowledge([receipt.token], ok=False)  # the SMSC sends it again
            return
        if not self.early:
            self.hub.later(EARLY_S, self.hub.pager.poke)
        self.count += 1
        early = EarlyReceipt(bind, receipt, time.monotonic())
        self.early.setdefault((bind.link_id, receipt.smsc_message_id), []).append(early)

    def take_early(self, limit: int) -> list[EarlyReceipt]:
        """Receipts that waited long enough in vain to be looked up; they are the caller's now."""
        taken = self._take_from(self.early, EARLY_S, limit)
        if self.early:
            self.hub.later(EARLY_S, self.hub.pager.poke)
        return taken

    def take_strange(self, limit: int) -> list[EarlyReceipt]:
        """Receipts that nothing is known of under their own id, to be tried under other spellings, once."""
        return self._take_from(self.strange, RESPELL_S, limit)

    def _take_from(
        self, place: dict[tuple[int, str], list[EarlyReceipt]], age_s: float, limit: int
    ) -> list[EarlyReceipt]:
        before = time.monotonic() - age_s
        taken: list[EarlyReceipt] = []
        for key, early in list(itertools.islice(place.items(), limit)):
            if early[0].came_at > before:
                break
            taken.extend(early)
            del place[key]
        self.count -= len(taken)
        return taken

    def keep_strange(self, early: EarlyReceipt) -> None:
        """The database does not know its id either: its answer may still come, or be lost in a crash."""
        key = (early.upstream.link_id, early.receipt.smsc_message_id)
        if key in self.hub.relay.awaiting:
            self.hub.endings.receipts(early.upstream, [early.receipt])
            return
        self.count += 1
        place = self.unknown if early.looked_up or not self.may_respell(key[0]) else self.strange
        place.setdefault(key, []).append(early._replace(looked_up=True))

    def put_back(self, early: EarlyReceipt) -> None:
        """It could not be looked up: it is to be looked up again."""
        self.count += 1
        place = self.strange if early.looked_up else self.early
        place.setdefault((early.upstream.link_id, early.receipt.smsc_message_id), []).append(early)

    def drop_unknown(self) -> None:
        """Answer receipts that nobody will claim, so that the SMSC need not send them for ever and its window is free.

        A receipt can outrun only the answer to what was in an upstream window when it came: once all of that has been
        answered, it is one whose answer was lost in a crash. The grace is for answers that never come.
        """
        if not self.unknown:
            return
        now = time.monotonic()
        age_s = self.hub.limits.early_receipt_grace_s
        self._suspects = [unit for unit in self._suspects if unit.stage == Stage.SENT]
        if not self._suspects:
            age_s = min(age_s, now - self._suspected_at)
            self._suspected_at = now
            units = (unit for message in self.hub.live.values() for unit in message.units)
            self._suspects = [unit for unit in units if unit.stage == Stage.SENT]
        for one in self._take_from(self.unknown, age_s, self.hub.limits.early_receipts):
            self.hub.counters.receipts_unknown += 1
            one.upstream.acknowledge([one.receipt.token], ok=True)
        if self.unknown:
            self.hub.later(EARLY_S, self.hub.pager.poke)
