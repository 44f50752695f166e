"""The bodies of SMPP 3.4 PDUs as tuples. Field names are the specification's, in its order.

C-octet strings are `str` (Latin-1, without the NUL), octet strings `bytes`, integers `int`. `tlvs` is always the last
field: (tag, value) pairs in wire order, repeats kept. Lengths (sm_length, number_of_dests, no_unsuccess) are those of
what they count and have no field.

    Sm(source_addr="7000", dest_addr_ton=1, dest_addr_npi=1, destination_addr="491701234567", short_message=b"Hi")
"""

from typing import NamedTuple, TypeAlias

Tlvs: TypeAlias = tuple[tuple[int, bytes], ...]


class Bind(NamedTuple):
    """bind_transmitter, bind_receiver, bind_transceiver (§4.1.1, §4.1.3, §4.1.5)."""

    system_id: str = ""
    password: str = ""
    system_type: str = ""
    interface_version: int = 0x34
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""
    tlvs: Tlvs = ()

    def __repr__(self) -> str:
        """Without the password, so that it gets into no log."""
        return f"Bind(system_id={self.system_id!r}, interface_version={self.interface_version:#x})"


class BindResp(NamedTuple):
    """The responses to the three binds (§4.1.2, §4.1.4, §4.1.6)."""

    system_id: str = ""
    tlvs: Tlvs = ()


class Outbind(NamedTuple):
    """outbind (§4.1.7.1): an SMSC asks the ESME to bind as receiver. No response."""

    system_id: str = ""
    password: str = ""
    tlvs: Tlvs = ()

    def __repr__(self) -> str:
        """Without the password, so that it gets into no log."""
        return f"Outbind(system_id={self.system_id!r})"


class Sm(NamedTuple):
    """submit_sm (§4.4.1) and deliver_sm (§4.6.1)."""

    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: Tlvs = ()


class DestinationSme(NamedTuple):
    """A destination of submit_multi with dest_flag 1 (§4.5.1.1)."""

    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""


class DistributionList(NamedTuple):
    """A destination of submit_multi with dest_flag 2 (§4.5.1.2)."""

    dl_name: str = ""


class SubmitMulti(NamedTuple):
    """submit_multi (§4.5.1), 1 to 254 destinations."""

    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    destinations: tuple[DestinationSme | DistributionList, ...] = ()
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: Tlvs = ()


class UnsuccessSme(NamedTuple):
    """A destination that submit_multi did not reach (§4.5.2.1)."""

    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    error_status_code: int = 0


class SubmitMultiResp(NamedTuple):
    """submit_multi_resp (§4.5.2)."""

    message_id: str = ""
    unsuccess_sme: tuple[UnsuccessSme, ...] = ()
    tlvs: Tlvs = ()


class DataSm(NamedTuple):
    """data_sm (§4.7.1): the text is the TLV message_payload."""

    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    registered_delivery: int = 0
    data_coding: int = 0
    tlvs: Tlvs = ()


class MessageIdResp(NamedTuple):
    """submit_sm_resp (§4.4.2), deliver_sm_resp (§4.6.2, message_id unused) and data_sm_resp (§4.7.2)."""

    message_id: str = ""
    tlvs: Tlvs = ()


class QuerySm(NamedTuple):
    """query_sm (§4.8.1)."""

    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    tlvs: Tlvs = ()


class QuerySmResp(NamedTuple):
    """query_sm_resp (§4.8.2). `final_date` is empty while the message is not final."""

    message_id: str = ""
    final_date: str = ""
    message_state: int = 0
    error_code: int = 0
    tlvs: Tlvs = ()


class CancelSm(NamedTuple):
    """cancel_sm (§4.9.1)."""

    service_type: str = ""
    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    tlvs: Tlvs = ()


class ReplaceSm(NamedTuple):
    """replace_sm (§4.10.1)."""

    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: Tlvs = ()


class AlertNotification(NamedTuple):
    """alert_notification (§4.12.1): a mobile is there again. No response."""

    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    esme_addr_ton: int = 0
    esme_addr_npi: int = 0
    esme_addr: str = ""
    tlvs: Tlvs = ()


class Empty(NamedTuple):
    """The body of unbind, enquire_link, their responses, cancel_sm_resp, replace_sm_resp and generic_nack."""

    tlvs: Tlvs = ()


Body: TypeAlias = (
    Bind
    | BindResp
    | Outbind
    | Sm
    | SubmitMulti
    | SubmitMultiResp
    | DataSm
    | MessageIdResp
    | QuerySm
    | QuerySmResp
    | CancelSm
    | ReplaceSm
    | AlertNotification
    | Empty
)


class Pdu(NamedTuple):
    """A whole PDU: the header's fields (§3.2) without command_length, and the body."""

    command_id: int
    command_status: int
    sequence_number: int
    body: Body
