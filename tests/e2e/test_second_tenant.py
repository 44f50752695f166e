"""The second tenant over SMPP: it can neither read, change nor reach what is the first one's."""

from __future__ import annotations

import pytest

from raw_esme import (
    CANCEL_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    QUERY_SM,
    REPLACE_SM,
    SUBMIT_MULTI,
    SUBMIT_SM,
    RawEsme,
    multi_body,
    sm_body,
)
from running_demo import RunningDemo

pytestmark = pytest.mark.timeout(120)

RINVDSTADR, RINVMSGID, RCANCELFAIL, RSUBMITFAIL = 0x0B, 0x0C, 0x11, 0x45
NULL_SOURCE = b"\0\0\0"


def test_the_second_tenant_neither_reads_changes_nor_reaches_what_is_the_firsts(demo: RunningDemo) -> None:
    phones = demo.phones()
    away = phones[0]
    demo.behave(away, "absent")
    with RawEsme(demo.smpp) as owner, RawEsme(demo.smpp) as other:
        assert owner.bind("demo", demo.password).status == 0
        assert other.bind("other", demo.facts["other"]["smpp"]["password"]).status == 0
        message_id = owner.ask(SUBMIT_SM, sm_body(away, b"the first tenant's")).message_id
        name = message_id.encode() + b"\0"
        for source in (NULL_SOURCE, b"\5\0Motet\0"):
            assert other.ask(QUERY_SM, name + source).status == RINVMSGID
            assert other.ask(REPLACE_SM, name + source + b"\0\0\1\0\6stolen").status == RINVMSGID
            cancel = b"\0" + name + source + b"\1\1" + away.encode() + b"\0"
            assert other.ask(CANCEL_SM, cancel).status == RINVMSGID
        everything = b"\0\0\5\0Motet\0\1\1" + away.encode() + b"\0"
        assert other.ask(CANCEL_SM, everything).status == RCANCELFAIL
        assert other.ask(SUBMIT_SM, sm_body(phones[1], b"unwanted")).status == RINVDSTADR
        assert other.ask(SUBMIT_SM, sm_body(away, b"unwanted", replace=1)).status == RINVDSTADR
        multi = other.ask(SUBMIT_MULTI, multi_body(phones[:2], b"unwanted"))
        assert (multi.status, multi.message_id) == (RSUBMITFAIL, "")
        # Short codes are each workspace's own: the same digits from another tenant's phone are not ours.
        demo.mobile_originated(demo.others_phone(), demo.short_code, "to the first tenant's code")
        demo.mobile_originated(phones[1], demo.facts["other"]["short_code"], "to the second tenant's code")
        demo.mobile_originated(phones[1], demo.short_code, "where it belongs")
        demo.mobile_originated(demo.others_phone(), demo.facts["other"]["short_code"], "this too")
        assert owner.deliver().short_message == b"where it belongs"
        assert other.deliver().short_message == b"this too"
        demo.behave(away, "deliver")
        assert owner.deliver().short_message.startswith(b"id:" + message_id.encode())
        for esme in (owner, other):
            esme.nothing_but(ENQUIRE_LINK)
            assert esme.kept(DELIVER_SM) is None
    assert [one["text"] for one in demo.inbox(away)] == ["the first tenant's"]
    assert demo.inbox(phones[1]) == []
