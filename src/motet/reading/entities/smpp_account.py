"""SMPP accounts and their sessions as they are read. The password's hash is no field."""

from motet.access.principals import Permission
from motet.reading.makers import column, global_id, text_of
from motet.reading.model import Entity, ToMany, ToOne, Value
from motet.reading.tag_scope import SHARED

SMPP_ACCOUNT = Entity(
    name="SmppAccount",
    table="smpp_account",
    permission=Permission.SMPP_ACCOUNT_READ,
    fields={
        "id": global_id("SmppAccount"),
        "systemId": column("system_id"),
        "description": column("description"),
        "defaultAlphabet": column("default_alphabet"),
        "longMo": column("long_mo"),
        "windowSize": column("window_size"),
        "ratePerSecond": column("rate_per_s"),
        "maxBinds": column("max_binds"),
        "queueLimit": column("queue_limit"),
        "outbindHost": column("outbind_host"),
        "outbindPort": column("outbind_port"),
        "enabled": column("enabled"),
        "allowedCidrs": Value(("{t}.allowed_cidrs",), lambda cidrs: [str(cidr) for cidr in cidrs]),
        "createdAt": column("created_at"),
        "shortCodes": ToMany("ShortCode", "account_id"),
        "sessions": ToMany("SmppSession", "account_id"),
    },
    scope=SHARED,
)

SMPP_SESSION = Entity(
    name="SmppSession",
    table="smpp_session",
    permission=Permission.SMPP_ACCOUNT_READ,
    fields={
        "id": global_id("SmppSession"),
        "smppAccount": ToOne("SmppAccount", "account_id"),
        "bindType": column("bind_type"),
        "address": text_of("address"),
        "port": column("port"),
        "tls": column("tls"),
        "boundAt": column("bound_at"),
    },
    scope=SHARED,
)
