"""The operator's links to SMSCs as they are read. The password is no field."""

from motet.access.principals import Permission
from motet.reading.makers import column, global_id
from motet.reading.model import Entity
from motet.reading.tag_scope import NOTHING

SMSC_LINK = Entity(
    name="SmscLink",
    table="smsc_link",
    permission=Permission.SMSC_LINK_READ,
    fields={
        "id": global_id("SmscLink"),
        "name": column("name"),
        "host": column("host"),
        "port": column("port"),
        "systemId": column("system_id"),
        "binds": column("binds"),
        "windowSize": column("window_size"),
        "enabled": column("enabled"),
        "tls": column("tls"),
        "tlsName": column("tls_name"),
        "createdAt": column("created_at"),
    },
    tenant_column=None,
    scope=NOTHING,
)
