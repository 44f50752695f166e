"""Short codes as they are read."""

from motet.access.principals import Permission
from motet.reading.makers import column, global_id
from motet.reading.model import Entity, ToOne
from motet.reading.tag_scope import SHARED

SHORT_CODE = Entity(
    name="ShortCode",
    table="short_code",
    permission=Permission.SHORT_CODE_READ,
    fields={
        "id": global_id("ShortCode"),
        "code": column("code"),
        "description": column("description"),
        "createdAt": column("created_at"),
        "smppAccount": ToOne("SmppAccount", "account_id"),
    },
    scope=SHARED,
)
