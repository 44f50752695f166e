"""As much of a browser as a sign-in takes: cookies by host, redirects, forms."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

REDIRECTS = 10
TIMEOUT_S = 30.0


@dataclass
class Page:
    """What was answered, and where that is."""

    url: str
    status: int
    text: str


@dataclass
class Browser:
    """Keeps cookies by host and port: on loopback the port is what tells sites apart."""

    cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    def get(self, url: str) -> Page:
        return self._follow("GET", url, None, {})

    def post(self, url: str, form: dict[str, str]) -> Page:
        return self._follow("POST", url, urlencode(form), {"content-type": "application/x-www-form-urlencoded"})

    def post_json(self, url: str, body: object, token: str | None = None) -> Page:
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        return self._follow("POST", url, json.dumps(body), headers)

    def _follow(self, method: str, url: str, body: str | None, headers: dict[str, str]) -> Page:
        for _ in range(REDIRECTS):
            at = urlsplit(url)
            site = self.cookies.setdefault(at.netloc, {})
            connection = http.client.HTTPConnection(at.netloc, timeout=TIMEOUT_S)
            cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in site.items())} if site else {}
            connection.request(method, at.path + (f"?{at.query}" if at.query else ""), body, {**headers, **cookie})
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
            for line in response.headers.get_all("set-cookie") or []:
                for name, morsel in SimpleCookie(line).items():
                    if morsel["max-age"] == "0" or "1970" in morsel["expires"]:
                        site.pop(name, None)
                    else:
                        site[name] = morsel.value
            connection.close()
            if response.status not in (302, 303):
                return Page(url, response.status, text)
            url, method, body, headers = urljoin(url, response.headers["location"]), "GET", None, {}
        raise AssertionError(f"too many redirects: {url}")
