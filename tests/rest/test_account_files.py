"""The account page's files: what they are served with, and that nothing in them runs but our scripts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from motet.rest import account_page
from motet.rest.account_page import FILES, PAGES, account_routes

FOLDER = Path(account_page.__file__).with_name("account")


async def get(path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [],
        "root_path": "",
    }  # fmt: skip

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await Starlette(routes=account_routes())(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize("path", [*PAGES, *(f"/account/files/{name}" for name in FILES)])
async def test_each_file_is_served_under_a_strict_policy(path: str) -> None:
    status, headers, body = await get(path)
    assert (status, bool(body)) == (200, True)
    policy = headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert headers["cache-control"] == ("no-store" if path in PAGES else "no-cache")


async def test_other_names_and_methods_are_refused() -> None:
    for name in ("nothing.js", "..%2faccount_page.py", "account.html"):
        assert (await get(f"/account/files/{name}"))[0] == 404
    assert (await get("/account", "POST"))[0] == 405


def test_the_files_are_those_of_the_folder() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*FILES, "account.html"}


STORED = {
    "words.js": ["setItem(KEPT, locale)", "getItem(KEPT)"],
    "account.js": ["setItem(INVITATION, mailed)", "getItem(INVITATION)", "removeItem(INVITATION)"],
}
"""What the browser keeps: the language, and an invitation while one signs in at a provider. No token of ours."""


def test_nothing_is_inline_and_nothing_makes_markup_of_text() -> None:
    page = (FOLDER / "account.html").read_text()
    assert re.findall(r"<script(?![^>]* src=)", page) == []
    assert re.findall(r"\s(?:style|on\w+)=", page) == []
    assert set(re.findall(r"(?:src|href)=\"([^\"#]+)\"", page)) == {
        "data:,", "/account/files/account.css", "/account/files/account.js"
    }  # fmt: skip
    for name in FILES:
        text = (FOLDER / name).read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|http:", text)
        kept = re.findall(r"(?:local|session)Storage\.(\w+\([^)]*\))", text)
        assert kept == STORED.get(name, []), name


def test_every_field_has_a_label_and_every_section_a_title() -> None:
    page = (FOLDER / "account.html").read_text()
    for field in re.findall(r"<input[^>]*>", page):
        before = page[: page.index(field)]
        labelled = before.rfind("<label") > before.rfind("</label>")
        assert labelled or 'aria-hidden="true"' in field, field
    titles = set(re.findall(r'id="([\w-]+-title)"', page))
    assert set(re.findall(r'aria-labelledby="([\w-]+)"', page)) <= titles
