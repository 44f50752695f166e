"""PDUs as smpplib, which is not ours, writes and reads them."""

from typing import Any

import pytest
from smpplib import consts, smpp
from smpplib.client import Client

from motet.smpp.codec import decode, encode
from motet.smpp.constants import CommandId, CommandStatus, Tag
from motet.smpp.pdu import Bind, BindResp, Body, Empty, MessageIdResp, QuerySm, Sm


def foreign_client() -> Client:
    """Never connected: smpplib's PDUs want one for their sequence numbers."""
    return Client("localhost", 0, allow_unknown_opt_params=True)


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        (
            "bind_transceiver",
            {"system_id": "demo", "password": "secret", "interface_version": 0x34},
            Bind("demo", "secret"),
        ),
        (
            "submit_sm",
            {
                "source_addr_ton": 5,
                "source_addr": "Motet",
                "dest_addr_ton": 1,
                "dest_addr_npi": 1,
                "destination_addr": "491701234567",
                "validity_period": "000001000000000R",
                "registered_delivery": 1,
                "short_message": b"Hi",
                "user_message_reference": 7,
            },
            Sm(
                source_addr_ton=5,
                source_addr="Motet",
                dest_addr_ton=1,
                dest_addr_npi=1,
                destination_addr="491701234567",
                validity_period="000001000000000R",
                registered_delivery=1,
                short_message=b"Hi",
                tlvs=((Tag.USER_MESSAGE_REFERENCE, b"\0\7"),),
            ),
        ),
        ("query_sm", {"message_id": "42", "source_addr": "7000"}, QuerySm("42", source_addr="7000")),
        ("deliver_sm_resp", {}, MessageIdResp()),
        ("unbind", {}, Empty()),
    ],
)
def test_what_smpplib_writes_we_read(name: str, fields: dict[str, Any], expected: Body) -> None:
    octets = smpp.make_pdu(name, client=foreign_client(), **fields).generate()
    pdu = decode(octets)
    assert pdu.command_id == CommandId[name.upper()]
    assert pdu.body == expected


def test_what_we_write_smpplib_reads() -> None:
    client = foreign_client()
    tlvs = ((int(Tag.RECEIPTED_MESSAGE_ID), b"42\0"), (int(Tag.MESSAGE_STATE), b"\2"))
    sm = Sm(source_addr="491701", destination_addr="7000", esm_class=4, short_message=b"id:42", tlvs=tlvs)
    deliver = smpp.parse_pdu(encode(CommandId.DELIVER_SM, 0, 7, sm), client=client, allow_unknown_opt_params=True)
    assert (deliver.command, deliver.sequence, deliver.source_addr) == ("deliver_sm", 7, b"491701")
    assert (deliver.short_message, deliver.receipted_message_id, deliver.message_state) == (b"id:42", b"42", 2)

    bound = BindResp("motet", ((Tag.SC_INTERFACE_VERSION, b"\x34"),))
    response = smpp.parse_pdu(
        encode(CommandId.BIND_TRANSCEIVER_RESP, 0, 1, bound), client=client, allow_unknown_opt_params=True
    )
    assert (response.system_id, response.sc_interface_version) == (b"motet", 0x34)
    answer = smpp.parse_pdu(
        encode(CommandId.SUBMIT_SM_RESP, 0, 9, MessageIdResp("42")), client=client, allow_unknown_opt_params=True
    )
    assert (answer.sequence, answer.message_id) == (9, b"42")


def test_our_statuses_are_smpplibs() -> None:
    theirs = {
        name.removeprefix("SMPP_"): value for name, value in vars(consts).items() if name.startswith("SMPP_ESME_")
    }
    assert {status.name: int(status) for status in CommandStatus} == theirs
