"""Where a browser goes after it has signed in: to us, whatever the link said."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.identity.sso.next_page import own_page


@pytest.mark.parametrize("page", ["/", "/devices", "/devices?x=1&y=%20", "/a#b", "/a//b", "/@x", "/:x"])
def test_pages_of_ours_pass(page: str) -> None:
    assert own_page(page) == page


@pytest.mark.parametrize(
    "page",
    ["//evil.example", "/\\evil.example", "\\/evil.example", "https://evil.example", "javascript:alert(1)",
     "evil.example", "/\t/evil.example", "/\n/evil.example", " //evil.example", "", None, "/" + "x" * 600, "/a\\b",
     "/é", "/\0"],
)  # fmt: skip
def test_everything_else_does_not(page: str | None) -> None:
    assert own_page(page, "/home") == "/home"


@given(st.text(st.characters(), max_size=20).map(lambda text: "/" + text) | st.text(max_size=20))
def test_whatever_passes_stays_here(page: str) -> None:
    url = urlsplit(urljoin("https://motet.example.org/account", own_page(page)))
    assert (url.scheme, url.netloc) == ("https", "motet.example.org")
