"""SMSC links that are named on the command line."""

import zlib

from motet.config.values import SmscUrl
from motet.links.smsc_links import LinkConfig


def link_of(url: SmscUrl) -> LinkConfig:
    """A link of the command line. It is not stored, but its id stays the same for the same SMSC: receipts name it."""
    name = f"{url.system_id}@{url.address}"
    link_id = -2 - (zlib.crc32(name.encode()) & 0x3FFFFFFF)
    return LinkConfig(
        link_id, name, url.address.host, url.address.port, url.system_id, url.password, url.binds, url.window, url.tls
    )
