"""Where a browser goes once someone has signed in: a page of ours, whatever the link said. Pure."""

from __future__ import annotations

import re

MAX_CHARACTERS = 500

# One slash and then no other: `//host` and `/\\host` are other sites to a browser. It takes out tabs and line ends
# before it looks, so only visible ASCII passes.
_OWN_PATH = re.compile(r"/(?![/\\])[!-~]*")


def own_page(given: str | None, otherwise: str = "/") -> str:
    """The path, query and fragment of a page of ours; `otherwise` for what leads, or could lead, elsewhere."""
    if given is None or len(given) > MAX_CHARACTERS or "\\" in given or not _OWN_PATH.fullmatch(given):
        return otherwise
    return given
