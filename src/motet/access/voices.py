"""In which language somebody is told what is wrong."""

from __future__ import annotations

from motet.access.clients import Client
from motet.access.principals import Principal
from motet.domain.locales import matching, negotiated
from motet.domain.messages import is_translated, translated


class Voice:
    """Of one request or connection: the language that its user has chosen, else what the request accepts, else that of
    the organisation, else English. It is found out when there is something to say."""

    def __init__(self, client: Client, principal: Principal | None = None) -> None:
        self._client = client
        self._principal = principal
        self._locale: str | None = None
        self._spoken: str | None = None

    @property
    def locale(self) -> str:
        """One of LOCALES."""
        if self._locale is None:
            own, organisations = (None, None) if self._principal is None else self._principal.languages
            accepted = self._client.accept_language
            self._locale = negotiated(own, accept_language=accepted, otherwise=organisations)
        return self._locale

    def say(self, message: str) -> str:
        """The message in the language, or in English."""
        if is_translated(message, self.locale):
            self._spoken = self.locale
        return translated(message, self.locale)

    def headers(self) -> dict[str, str]:
        """What an answer says of its language, if words of ours are in it; `Vary` where the request decided it."""
        if self._spoken is None:
            return {}
        chosen = self._principal is not None and matching(self._principal.languages.own or "") is not None
        return {"content-language": self._spoken} | ({} if chosen else {"vary": "Accept-Language"})
