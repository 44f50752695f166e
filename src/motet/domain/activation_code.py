"""Activation codes of consumer eSIMs: how they are written (SGP.22 §4.1), and their life as a table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from motet.domain.errors import DeniedError, InvalidError
from motet.domain.messages import said

PREFIX: Final = "LPA:"
"""Before the activation code in a QR symbol (SGP.22 §4.1)."""

FORMAT: Final = "1"
"""AC_Format: the only one there is."""

MAX_CHARACTERS: Final = 255
"""Of an activation code without its prefix (SGP.22 §4.1)."""

MAX_CONFIRMATION_TRIES: Final = 3
"""Wrong confirmation codes after which the order is closed (SGP.22 §3.1.3 leaves the number to the SM-DP+)."""

Path = tuple[str | int, ...]

_ADDRESS = re.compile(
    r"(?=.{1,200}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,62}(?<!-)"
)
_TOKEN = re.compile(r"[A-Z0-9-]{0,100}")
_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]{0,17})){1,30}")
_CONFIRMATION = re.compile(r"[0-9A-Za-z]{4,16}")


class ActivationCode(NamedTuple):
    """The fields of an activation code."""

    smdp_address: str
    """AC_Token's server: the domain name of the SM-DP+."""
    matching_id: str
    """AC_Token: what the SM-DP+ finds the profile by; capital letters, digits and hyphens, may be empty."""
    oid: str | None = None
    """The SM-DP+'s object identifier, which the phone checks against its certificate."""
    confirmation_required: bool = False

    def checked(self) -> ActivationCode:
        """The same. Raises InvalidError with the path of the field at fault."""
        if not _ADDRESS.fullmatch(self.smdp_address):
            raise InvalidError("This must be a domain name.", path=("smdp_address",))
        if not _TOKEN.fullmatch(self.matching_id):
            raise InvalidError(
                "A matching id has up to 100 capital letters, digits and hyphens.", path=("matching_id",)
            )
        if self.oid is not None and not _OID.fullmatch(self.oid):
            raise InvalidError("This must be an object identifier, such as 1.3.6.1.4.1.31746.", path=("oid",))
        if len(self._plain()) > MAX_CHARACTERS:
            raise InvalidError(
                "An activation code has at most {most} characters.", path=("smdp_address",), most=MAX_CHARACTERS
            )
        return self

    def text(self) -> str:
        """As it stands in the QR symbol, such as `LPA:1$smdp.example.com$04386-AGYFT-A74Y8-3F815$$1`."""
        return PREFIX + self._plain()

    def _plain(self) -> str:
        fields = [FORMAT, self.smdp_address, self.matching_id]
        if self.oid is not None or self.confirmation_required:
            fields.append(self.oid or "")
        if self.confirmation_required:
            fields.append("1")
        return "$".join(fields)


def parse_activation_code(typed: str, path: Path = ()) -> ActivationCode:
    """The fields of what a QR symbol holds or a person types, with or without `LPA:`. Raises InvalidError.

    Fields beyond the fifth, which later versions of SGP.22 add, are dropped, as a phone does that does not know them.
    """
    text = typed.strip()
    if text[: len(PREFIX)].upper() == PREFIX:
        text = text[len(PREFIX) :]
    if len(text) > MAX_CHARACTERS:
        raise InvalidError("An activation code has at most {most} characters.", path=path, most=MAX_CHARACTERS)
    fields = text.split("$")
    if len(fields) < 3 or fields[0] != FORMAT:
        raise InvalidError("An activation code is written 1$address$matching id, parted by dollar signs.", path=path)
    oid = fields[3] if len(fields) > 3 and fields[3] else None
    flag = fields[4] if len(fields) > 4 else ""
    if flag not in ("", "0", "1"):
        raise InvalidError("The fifth field is 1 if a confirmation code is required, or missing.", path=path)
    try:
        return ActivationCode(fields[1], fields[2], oid, flag == "1").checked()
    except InvalidError as error:
        raise InvalidError(error.message, path=path) from None


def check_confirmation_code(typed: str, path: Path = ("confirmation_code",)) -> str:
    """The confirmation code that a person will have to type. Raises InvalidError."""
    if not _CONFIRMATION.fullmatch(typed):
        raise InvalidError("A confirmation code has 4 to 16 letters and digits.", path=path)
    return typed


class CodeState(IntEnum):
    """Where the profile behind a code is. The numbers are stored."""

    ISSUED = 0
    DOWNLOADED = 1
    INSTALLED = 2
    ENABLED = 3
    DELETED = 4
    EXPIRED = 5


class CodeStep(IntEnum):
    """What moves it: the phone's notifications by the SM-DP+ (SGP.22 §5.3.5 HandleDownloadProgressInfo, §5.6.4
    HandleNotification), its validity, or the issuer. The numbers are stored."""

    DOWNLOAD = 0
    INSTALL = 1
    ENABLE = 2
    DISABLE = 3
    DELETE = 4
    EXPIRE = 5
    REVOKE = 6


_USED: Final = said("The code was used: a profile is downloaded once.")
_OVER: Final = said("The code is no longer valid.")
_DELETED: Final = said("The profile was deleted.")
_NOT_YET: Final = said("The profile is not downloaded yet.")
_NOT_INSTALLED: Final = said("The profile is not installed yet.")
_RUNNING: Final = said("The profile is on a phone: only that can delete it.")

CODE_MOVES: Final[Mapping[tuple[CodeState, CodeStep], CodeState | str]] = MappingProxyType(
    {
        (CodeState.ISSUED, CodeStep.DOWNLOAD): CodeState.DOWNLOADED,
        (CodeState.ISSUED, CodeStep.INSTALL): _NOT_YET,
        (CodeState.ISSUED, CodeStep.ENABLE): _NOT_YET,
        (CodeState.ISSUED, CodeStep.DISABLE): _NOT_YET,
        (CodeState.ISSUED, CodeStep.DELETE): _NOT_YET,
        (CodeState.ISSUED, CodeStep.EXPIRE): CodeState.EXPIRED,
        (CodeState.ISSUED, CodeStep.REVOKE): CodeState.EXPIRED,
        (CodeState.DOWNLOADED, CodeStep.DOWNLOAD): _USED,
        (CodeState.DOWNLOADED, CodeStep.INSTALL): CodeState.INSTALLED,
        (CodeState.DOWNLOADED, CodeStep.ENABLE): _NOT_INSTALLED,
        (CodeState.DOWNLOADED, CodeStep.DISABLE): _NOT_INSTALLED,
        (CodeState.DOWNLOADED, CodeStep.DELETE): CodeState.DELETED,
        (CodeState.DOWNLOADED, CodeStep.EXPIRE): CodeState.DOWNLOADED,
        (CodeState.DOWNLOADED, CodeStep.REVOKE): _RUNNING,
        (CodeState.INSTALLED, CodeStep.DOWNLOAD): _USED,
        (CodeState.INSTALLED, CodeStep.INSTALL): CodeState.INSTALLED,
        (CodeState.INSTALLED, CodeStep.ENABLE): CodeState.ENABLED,
        (CodeState.INSTALLED, CodeStep.DISABLE): CodeState.INSTALLED,
        (CodeState.INSTALLED, CodeStep.DELETE): CodeState.DELETED,
        (CodeState.INSTALLED, CodeStep.EXPIRE): CodeState.INSTALLED,
        (CodeState.INSTALLED, CodeStep.REVOKE): _RUNNING,
        (CodeState.ENABLED, CodeStep.DOWNLOAD): _USED,
        (CodeState.ENABLED, CodeStep.INSTALL): CodeState.ENABLED,
        (CodeState.ENABLED, CodeStep.ENABLE): CodeState.ENABLED,
        (CodeState.ENABLED, CodeStep.DISABLE): CodeState.INSTALLED,
        (CodeState.ENABLED, CodeStep.DELETE): CodeState.DELETED,
        (CodeState.ENABLED, CodeStep.EXPIRE): CodeState.ENABLED,
        (CodeState.ENABLED, CodeStep.REVOKE): _RUNNING,
        (CodeState.DELETED, CodeStep.DOWNLOAD): _USED,
        (CodeState.DELETED, CodeStep.INSTALL): _DELETED,
        (CodeState.DELETED, CodeStep.ENABLE): _DELETED,
        (CodeState.DELETED, CodeStep.DISABLE): _DELETED,
        (CodeState.DELETED, CodeStep.DELETE): CodeState.DELETED,
        (CodeState.DELETED, CodeStep.EXPIRE): CodeState.DELETED,
        (CodeState.DELETED, CodeStep.REVOKE): CodeState.DELETED,
        (CodeState.EXPIRED, CodeStep.DOWNLOAD): _OVER,
        (CodeState.EXPIRED, CodeStep.INSTALL): _OVER,
        (CodeState.EXPIRED, CodeStep.ENABLE): _OVER,
        (CodeState.EXPIRED, CodeStep.DISABLE): _OVER,
        (CodeState.EXPIRED, CodeStep.DELETE): _OVER,
        (CodeState.EXPIRED, CodeStep.EXPIRE): CodeState.EXPIRED,
        (CodeState.EXPIRED, CodeStep.REVOKE): CodeState.EXPIRED,
    }
)
"""Every state x every step: the state from then on, or why not. What is said twice changes nothing, but a download."""


def next_state(state: CodeState, step: CodeStep, path: Path = ("id",)) -> CodeState:
    """The state after the step. Raises DeniedError if it is not possible."""
    after = CODE_MOVES[state, step]
    if isinstance(after, str):
        raise DeniedError(after, path=path)
    return after
