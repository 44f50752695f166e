"""SMPP accounts as they are read. The password's hash is no field."""

from motet.access.principals import Permission
from motet.reading.makers import column, global_id
from motet.reading.model import Entity, ToMany

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
        "createdAt": column("created_at"),
        "shortCodes": ToMany("ShortCode", "account_id"),
    },
)
