"""Optional parameters: reading by type, writing, lengths."""

import pytest

from motet.smpp.constants import CommandStatus, Tag
from motet.smpp.errors import BodyError, UsageError
from motet.smpp.tlv import (
    LENGTHS,
    check_lengths,
    encode_tlvs,
    find,
    find_all,
    find_int,
    find_str,
    octet,
    short,
    string,
    tlvs_at,
)

TLVS = (
    (int(Tag.MESSAGE_STATE), b"\2"),
    (int(Tag.CALLBACK_NUM), b"\1\1\x0012"),
    (int(Tag.CALLBACK_NUM), b"\1\1\x0034"),
    (int(Tag.SOURCE_PORT), b"\x13\x88"),
    (int(Tag.QOS_TIME_TO_LIVE), b"\0\1\0\0"),
    (int(Tag.RECEIPTED_MESSAGE_ID), b"42\0"),
    (0x1400, b"\x00\xff"),
    (int(Tag.ALERT_ON_MESSAGE_DELIVERY), b""),
)


def test_values_are_found_by_tag_and_type() -> None:
    assert find(TLVS, Tag.CALLBACK_NUM) == b"\1\1\x0012"
    assert find_all(TLVS, Tag.CALLBACK_NUM) == [b"\1\1\x0012", b"\1\1\x0034"]
    assert find_int(TLVS, Tag.MESSAGE_STATE) == 2
    assert find_int(TLVS, Tag.SOURCE_PORT) == 5000
    assert find_int(TLVS, Tag.QOS_TIME_TO_LIVE) == 65_536
    assert find_int(TLVS, 0x1400) == 255
    assert find_str(TLVS, Tag.RECEIPTED_MESSAGE_ID) == "42"
    assert find(TLVS, Tag.ALERT_ON_MESSAGE_DELIVERY) == b""


def test_what_is_missing_or_of_another_length_is_none() -> None:
    assert find(TLVS, Tag.MESSAGE_PAYLOAD) is None
    assert find_all(TLVS, Tag.MESSAGE_PAYLOAD) == []
    assert find_int(TLVS, Tag.MESSAGE_PAYLOAD) is None
    assert find_str(TLVS, Tag.MESSAGE_PAYLOAD) is None
    assert find_int(((Tag.MESSAGE_STATE, b"\0\2"),), Tag.MESSAGE_STATE) is None
    assert find_int(((0x1400, b"12345"),), 0x1400) is None
    assert find_int(((0x1400, b""),), 0x1400) is None
    assert find_str(((Tag.RECEIPTED_MESSAGE_ID, b"42"),), Tag.RECEIPTED_MESSAGE_ID) == "42"


def test_order_and_repeats_survive_the_wire() -> None:
    octets = b"head" + encode_tlvs(TLVS)
    assert tlvs_at(octets, 4, len(octets)) == TLVS
    assert encode_tlvs(TLVS[:1]) == bytes.fromhex("0427 0001 02")


def test_values_are_made_by_type() -> None:
    assert octet(Tag.MESSAGE_STATE, 2) == (0x427, b"\2")
    assert short(Tag.SAR_MSG_REF_NUM, 300) == (0x20C, b"\x01\x2c")
    assert string(Tag.RECEIPTED_MESSAGE_ID, "42") == (0x1E, b"42\0")
    for too_much in (lambda: octet(1, 256), lambda: short(1, -1), lambda: string(1, "a\0"), lambda: string(1, "€")):
        with pytest.raises(UsageError):
            too_much()


def test_every_tag_of_3_4_has_its_lengths() -> None:
    of_5_0 = {
        Tag.CONGESTION_STATE,
        Tag.BILLING_IDENTIFICATION,
        Tag.SOURCE_NETWORK_ID,
        Tag.DEST_NETWORK_ID,
        Tag.SOURCE_NODE_ID,
        Tag.DEST_NODE_ID,
    }
    assert set(LENGTHS) == set(Tag) - of_5_0


@pytest.mark.parametrize(("tag", "bounds"), LENGTHS.items(), ids=lambda value: str(value))
def test_lengths_are_checked_at_both_ends(tag: int, bounds: tuple[int, int]) -> None:
    least, most = bounds
    for length in (least, most):
        check_lengths(((tag, b"x" * length),))
    for length in (least - 1, most + 1):
        if 0 <= length <= 0xFFFF:
            with pytest.raises(BodyError) as caught:
                check_lengths(((tag, b"x" * length),))
            assert caught.value.status == CommandStatus.ESME_RINVPARLEN
