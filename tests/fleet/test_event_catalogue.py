"""The catalogue of events against those who write them."""

from __future__ import annotations

from pathlib import Path

from motet.domain.emnify_events import EMNIFY_EVENT_TYPES
from motet.domain.event_types import EVENT_TYPES
from motet.domain.sim_lifecycle import EVENT_OF_STATUS
from motet.webhooks.event_types import check_event_types


def test_every_event_that_is_written_is_in_the_catalogue() -> None:
    assert set(EVENT_OF_STATUS.values()) <= set(EVENT_TYPES)
    numbers = [kind.number for kind in EVENT_TYPES.values() if kind.number is not None]
    assert len(numbers) == len(set(numbers))
    hub = "".join(path.read_text() for path in (Path(__file__).parents[2] / "src/motet/hub").glob("*.py"))
    for token in EVENT_TYPES:
        if token.startswith("sms."):
            assert f'"{token}"' in hub
        else:
            assert check_event_types([token]) == [token], "a webhook can ask for it"
    assert hub.count("event_row(message,") == 3


def test_the_docs_tell_which_of_ours_stands_for_each_of_emnifys_numbers() -> None:
    page = (Path(__file__).parents[2] / "docs/events.md").read_text()
    for one in EVENT_TYPES.values():
        if one.number is not None:
            assert f"| {one.number} | {EMNIFY_EVENT_TYPES[one.number]} | `{one.token}` |" in page
