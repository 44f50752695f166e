"""The English words of the account page: what stands in the document, and what its scripts say."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from motet.rest import account_page

FOLDER = Path(account_page.__file__).with_name("account")

_SAID = re.compile(r'\bsay\(("(?:[^"\\]|\\.)*")')
_UNTRANSLATED = {"Motet"}


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._stack: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in {"meta", "link", "input", "img", "rect", "path"}:
            self._stack.append(given.get("translate") == "no" or tag in {"title", "noscript", "script"})
        self.found |= {text for name in ("alt", "aria-label") if (text := given.get(name))}

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Of a picture's shapes: nothing is said in them."""

    def handle_endtag(self, tag: str) -> None:
        self._stack.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and not any(self._stack):
            self.found.add(data.strip())


def page_words() -> set[str]:
    """Whatever the page says, by its English."""
    document = _Words()
    document.feed(
        (FOLDER / "account.html").read_text(encoding="utf-8").partition("</head>")[2].removesuffix("</html>\n")
    )
    said = {
        match[1][1:-1].replace('\\"', '"')
        for script in FOLDER.glob("*.js")
        for match in _SAID.finditer(script.read_text(encoding="utf-8"))
    }
    return (document.found | said) - _UNTRANSLATED
