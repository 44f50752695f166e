"""PDUs as octets, laid out by hand from SMPP 3.4 §4, and what they mean. Used in both directions."""

from motet.smpp.constants import CommandId, Tag
from motet.smpp.pdu import (
    AlertNotification,
    Bind,
    BindResp,
    CancelSm,
    DataSm,
    DestinationSme,
    DistributionList,
    Empty,
    MessageIdResp,
    Outbind,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    Sm,
    SubmitMulti,
    SubmitMultiResp,
    UnsuccessSme,
)

_BIND_BODY = "64656d6f00 73656372657400 564d5300 34 01 01 34393137302a00"
_BIND = Bind("demo", "secret", "VMS", 0x34, 1, 1, "49170*")

_TIMES = "3236313132313232313033303030302b00 30303030303130303030303030303052 00"
_SCHEDULE, _VALIDITY = "261121221030000+", "000001000000000R"

_TLV_STREAM = "001e 0003 343200  0427 0001 02  0423 0003 030022"
_TLVS = ((Tag.RECEIPTED_MESSAGE_ID, b"42\0"), (Tag.MESSAGE_STATE, b"\2"), (Tag.NETWORK_ERROR_CODE, b"\3\0\x22"))

VECTORS: dict[str, tuple[str, Pdu]] = {
    "bind_receiver": (
        f"0000002a 00000001 00000000 00000001 {_BIND_BODY}",
        Pdu(CommandId.BIND_RECEIVER, 0, 1, _BIND),
    ),
    "bind_transmitter": (
        f"0000002a 00000002 00000000 00000001 {_BIND_BODY}",
        Pdu(CommandId.BIND_TRANSMITTER, 0, 1, _BIND),
    ),
    "bind_transceiver": (
        f"0000002a 00000009 00000000 00000001 {_BIND_BODY}",
        Pdu(CommandId.BIND_TRANSCEIVER, 0, 1, _BIND),
    ),
    "bind_receiver_resp": (
        "0000001b 80000001 00000000 00000001 6d6f74657400 0210 0001 34",
        Pdu(CommandId.BIND_RECEIVER_RESP, 0, 1, BindResp("motet", ((Tag.SC_INTERFACE_VERSION, b"\x34"),))),
    ),
    "bind_transmitter_resp": (
        "00000016 80000002 00000000 00000001 6d6f74657400",
        Pdu(CommandId.BIND_TRANSMITTER_RESP, 0, 1, BindResp("motet")),
    ),
    "bind_transceiver_resp": (
        "0000001b 80000009 00000000 00000001 6d6f74657400 0210 0001 50",
        Pdu(CommandId.BIND_TRANSCEIVER_RESP, 0, 1, BindResp("motet", ((Tag.SC_INTERFACE_VERSION, b"\x50"),))),
    ),
    "outbind": (
        "0000001d 0000000b 00000000 00000001 6d6f74657400 73656372657400",
        Pdu(CommandId.OUTBIND, 0, 1, Outbind("motet", "secret")),
    ),
    "unbind": ("00000010 00000006 00000000 00000007", Pdu(CommandId.UNBIND, 0, 7, Empty())),
    "unbind_resp": ("00000010 80000006 00000000 00000002", Pdu(CommandId.UNBIND_RESP, 0, 2, Empty())),
    "generic_nack": ("00000010 80000000 00000003 00000002", Pdu(CommandId.GENERIC_NACK, 3, 2, Empty())),
    "enquire_link": ("00000010 00000015 00000000 00000008", Pdu(CommandId.ENQUIRE_LINK, 0, 8, Empty())),
    "enquire_link_resp": ("00000010 80000015 00000000 00000002", Pdu(CommandId.ENQUIRE_LINK_RESP, 0, 2, Empty())),
    "submit_sm": (
        (
            "00000031 00000004 00000000 00000009"
            " 00 05 00 4d6f74657400 01 01 34393137303132333400 00 00 00 00 00 01 00 00 00 02 4869"
        ),
        Pdu(
            CommandId.SUBMIT_SM,
            0,
            9,
            Sm("", 5, 0, "Motet", 1, 1, "491701234", registered_delivery=1, short_message=b"Hi"),
        ),
    ),
    "submit_sm with service type, times and TLVs": (
        (
            "00000068 00000004 00000000 7fffffff"
            f" 434d5400 00 00 3730303000 01 01 34393137303132333400 40 7f 01 {_TIMES} 11 01 08 03 04 003c0001"
            f" {_TLV_STREAM}"
        ),
        Pdu(
            CommandId.SUBMIT_SM,
            0,
            0x7FFFFFFF,
            Sm(
                "CMT",
                0,
                0,
                "7000",
                1,
                1,
                "491701234",
                0x40,
                127,
                1,
                _SCHEDULE,
                _VALIDITY,
                17,
                1,
                8,
                3,
                b"\0<\0\1",
                _TLVS,
            ),
        ),
    ),
    "submit_sm with message_payload": (
        (
            "00000038 00000004 00000000 00000009"
            " 00 00 00 00 01 01 34393137303132333400 00 00 00 00 00 00 00 04 00 00 0424 0005 0041004200 0501 0001 02"
        ),
        Pdu(
            CommandId.SUBMIT_SM,
            0,
            9,
            Sm(
                dest_addr_ton=1,
                dest_addr_npi=1,
                destination_addr="491701234",
                data_coding=4,
                tlvs=((Tag.MESSAGE_PAYLOAD, b"\0A\0B\0"), (Tag.USSD_SERVICE_OP, b"\2")),
            ),
        ),
    ),
    "submit_sm_resp": (
        "00000013 80000004 00000000 00000002 343200",
        Pdu(CommandId.SUBMIT_SM_RESP, 0, 2, MessageIdResp("42")),
    ),
    "submit_sm_resp with TLVs": (
        "00000018 80000004 00000000 00000002 343200 0425 0001 01",
        Pdu(CommandId.SUBMIT_SM_RESP, 0, 2, MessageIdResp("42", ((Tag.DELIVERY_FAILURE_REASON, b"\1"),))),
    ),
    "deliver_sm": (
        (
            "00000043 00000005 00000000 0000000a"
            f" 00 01 01 34393137303132333400 00 00 3730303000 04 00 00 00 00 00 00 00 00 02 6f6b {_TLV_STREAM}"
        ),
        Pdu(
            CommandId.DELIVER_SM,
            0,
            10,
            Sm("", 1, 1, "491701234", 0, 0, "7000", esm_class=4, short_message=b"ok", tlvs=_TLVS),
        ),
    ),
    "deliver_sm_resp": (
        "00000011 80000005 00000000 00000001 00",
        Pdu(CommandId.DELIVER_SM_RESP, 0, 1, MessageIdResp()),
    ),
    "submit_multi": (
        (
            "00000037 00000021 00000000 0000000b"
            " 00 00 00 3730303000 03 01 01 01 343900 02 6c69737400 01 00 00 3700 00 00 00 00 00 01 00 03 00 03 e4f6fc"
        ),
        Pdu(
            CommandId.SUBMIT_MULTI,
            0,
            11,
            SubmitMulti(
                source_addr="7000",
                destinations=(DestinationSme(1, 1, "49"), DistributionList("list"), DestinationSme(0, 0, "7")),
                registered_delivery=1,
                data_coding=3,
                short_message="äöü".encode("latin-1"),
            ),
        ),
    ),
    "submit_multi_resp": (
        "00000025 80000021 00000000 00000002 343200 02 01 01 343900 0000000b 00 00 3700 00000045",
        Pdu(
            CommandId.SUBMIT_MULTI_RESP,
            0,
            2,
            SubmitMultiResp("42", (UnsuccessSme(1, 1, "49", 0x0B), UnsuccessSme(0, 0, "7", 0x45))),
        ),
    ),
    "data_sm": (
        (
            "0000002f 00000103 00000000 0000000c"
            " 00 00 00 3730303000 01 01 34393100 00 01 08 0424 0004 d83dde00 0204 0002 0007"
        ),
        Pdu(
            CommandId.DATA_SM,
            0,
            12,
            DataSm(
                source_addr="7000",
                dest_addr_ton=1,
                dest_addr_npi=1,
                destination_addr="491",
                registered_delivery=1,
                data_coding=8,
                tlvs=((Tag.MESSAGE_PAYLOAD, "😀".encode("utf-16-be")), (Tag.USER_MESSAGE_REFERENCE, b"\0\7")),
            ),
        ),
    ),
    "data_sm_resp": (
        "00000018 80000103 000000fe 00000002 343200 0425 0001 03",
        Pdu(CommandId.DATA_SM_RESP, 0xFE, 2, MessageIdResp("42", ((Tag.DELIVERY_FAILURE_REASON, b"\3"),))),
    ),
    "query_sm": (
        "0000001a 00000003 00000000 0000000d 343200 00 00 3730303000",
        Pdu(CommandId.QUERY_SM, 0, 13, QuerySm("42", 0, 0, "7000")),
    ),
    "query_sm_resp": (
        "00000026 80000003 00000000 00000002 343200 3236313132313232313033303030302b00 02 00",
        Pdu(CommandId.QUERY_SM_RESP, 0, 2, QuerySmResp("42", _SCHEDULE, 2, 0)),
    ),
    "query_sm_resp of an open message": (
        "00000016 80000003 00000000 00000002 343200 00 01 00",
        Pdu(CommandId.QUERY_SM_RESP, 0, 2, QuerySmResp("42", "", 1, 0)),
    ),
    "cancel_sm": (
        "00000022 00000008 00000000 0000000e 434d5400 00 00 00 3730303000 01 01 34393100 ",
        Pdu(CommandId.CANCEL_SM, 0, 14, CancelSm("CMT", "", 0, 0, "7000", 1, 1, "491")),
    ),
    "cancel_sm_resp": ("00000010 80000008 00000011 00000002", Pdu(CommandId.CANCEL_SM_RESP, 0x11, 2, Empty())),
    "replace_sm": (
        f"00000043 00000007 00000000 0000000f 343200 00 00 3730303000 {_TIMES} 01 00 04 4e657721",
        Pdu(CommandId.REPLACE_SM, 0, 15, ReplaceSm("42", 0, 0, "7000", _SCHEDULE, _VALIDITY, 1, 0, b"New!")),
    ),
    "replace_sm_resp": ("00000010 80000007 00000000 00000002", Pdu(CommandId.REPLACE_SM_RESP, 0, 2, Empty())),
    "alert_notification": (
        "00000022 00000102 00000000 00000010 01 01 34393100 00 00 3730303000 0422 0001 00",
        Pdu(
            CommandId.ALERT_NOTIFICATION,
            0,
            16,
            AlertNotification(1, 1, "491", 0, 0, "7000", ((Tag.MS_AVAILABILITY_STATUS, b"\0"),)),
        ),
    ),
}
"""Every command of SMPP 3.4 §5.1.2.1 at least once. Responses have the sequence number of the request that
`smpp_sessions.session_for` sends."""
