"""Where a request comes from, as sessions and the audit log keep it."""

from __future__ import annotations

from dataclasses import dataclass

USER_AGENT_CHARACTERS = 200
"""What is kept of what a program says about itself."""

PROVED = "motet.proved"
"""Where the scope of a WebSocket holds what is to be called once its caller has proved who they are: from then on the
connection makes no room for others."""


@dataclass(frozen=True, slots=True)
class Client:
    """The other end of a request."""

    address: str | None = None
    """An IP address in text, without a port; None for the shell and tests."""
    user_agent: str | None = None
    request_id: str | None = None
    """Ours, that the answer's errors and the log show."""
    accept_language: str | None = None
    """The languages that its Accept-Language header asks for."""

    @property
    def kept_user_agent(self) -> str | None:
        """As much of it as is stored."""
        return None if self.user_agent is None else self.user_agent[:USER_AGENT_CHARACTERS]
