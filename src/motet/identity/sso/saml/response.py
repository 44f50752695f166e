"""What makes a response good (SAML Core §2, §3; Profiles §4.1.4; Bindings §3.5), and who is in it. Pure.

All that is read of the assertion is read of what was signed; of the message round it, too, where that is signed.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from motet.identity.sso.errors import ProtocolError, Refusal, SignOnError, refused_by_provider, vouched
from motet.identity.sso.id_token import LEEWAY_S, MAX_AGE_S, SUBJECT_CHARACTERS
from motet.identity.sso.saml.documents import (
    DS,
    SAML,
    SAMLP,
    XSI_NIL,
    Element,
    children,
    local_name,
    only_child,
    optional_child,
    parse,
    text_of,
)
from motet.identity.sso.saml.signatures import signature_in, signed

BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
ENTITY = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"

MAX_ATTRIBUTES = 200
ID_CHARACTERS = 255
SESSION_INDEX_CHARACTERS = 255
STATUS_CHARACTERS = 100

_PARTS = frozenset(f"{{{SAMLP}}}{name}" for name in ("Extensions", "Status")) | {
    f"{{{SAML}}}Issuer",
    f"{{{SAML}}}Assertion",
    f"{{{DS}}}Signature",
}
_CONDITIONS = frozenset(f"{{{SAML}}}{name}" for name in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction"))
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,12})?(Z|\+00:00)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a response must say."""

    issuer: str
    """The provider's entity id."""
    audience: str
    """Ours."""
    acs_url: str
    request_id: str
    """Of the request that this browser left with."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a provider says of someone, once it is checked."""

    id: str
    name_id: str
    name_format: str | None
    session_index: str | None
    attributes: Mapping[str, Sequence[str]]


def check_response(
    octets: bytes, certificates: Sequence[x509.Certificate], expected: Expected, now: float
) -> Assertion:
    """The assertion of a response that is good at Unix second `now`. Raises SignOnError: ProtocolError, but for a
    provider that says no."""
    response = parse(octets)
    if response.tag != f"{{{SAMLP}}}Response":
        raise ProtocolError(f"this is no SAML response ({local_name(response)})")
    _check_message(response, expected)
    _check_status(response)
    given = _the_assertion(response)
    if signature_in(response) is not None:
        covered = signed(response, response, certificates)
        with vouched():
            _check_message(covered, expected, is_signed=True)
            _check_issuer(optional_child(covered, SAML, "Issuer"), expected)
        assertion = only_child(covered, SAML, "Assertion")
        if signature_in(given) is not None:
            assertion = signed(response, given, certificates)
    else:
        assertion = signed(response, given, certificates)
    with vouched():
        checked = _checked(assertion, expected, now)
    # Last: what the assertion says of its issuer is signed, and can be told.
    _check_issuer(optional_child(response, SAML, "Issuer"), expected)
    return checked


def has_signed(octets: bytes, certificates: Sequence[x509.Certificate]) -> bool:
    """Whether a response, good or not, has been signed with the key of one of the certificates."""
    try:
        response = parse(octets)
        given = _the_assertion(response)
        signed(response, given if signature_in(response) is None else response, certificates)
    except SignOnError:
        return False
    return True


def _check_message(response: Element, expected: Expected, *, is_signed: bool = False) -> None:
    _check_version(response)
    destination = response.get("Destination")
    if destination != expected.acs_url and (destination is not None or is_signed):
        raise ProtocolError("the response is for another place (Destination)")
    in_response_to = response.get("InResponseTo")
    if in_response_to is None:
        raise ProtocolError("nobody has asked for this response: sign-in that begins at the provider is not taken")
    if not hmac.compare_digest(in_response_to.encode(), expected.request_id.encode()):
        raise SignOnError(Refusal.EXPIRED, "the response is to another request (InResponseTo)")


def _check_version(element: Element) -> None:
    if element.get("Version") != "2.0":
        raise ProtocolError(f"the {local_name(element)} is not of SAML 2.0")


def _check_issuer(issuer: Element | None, expected: Expected) -> None:
    """A message need not name one."""
    if issuer is not None and (issuer.get("Format", ENTITY) != ENTITY or text_of(issuer) != expected.issuer):
        raise ProtocolError("the issuer is another one", quoted=_words(text_of(issuer)))


def _check_status(response: Element) -> None:
    code = only_child(only_child(response, SAMLP, "Status"), SAMLP, "StatusCode")
    if code.get("Value") == SUCCESS:
        return
    codes = [one.get("Value", "").rpartition(":")[2] for one in (code, *children(code, SAMLP, "StatusCode"))]
    message = response.find(f"{{{SAMLP}}}Status/{{{SAMLP}}}StatusMessage")
    raise refused_by_provider(*map(_words, codes), message="" if message is None else _words(text_of(message)))


def _the_assertion(response: Element) -> Element:
    """The one assertion, where it belongs. What stands anywhere else could be there to be mistaken for it."""
    if children(response, SAML, "EncryptedAssertion"):
        raise ProtocolError("the assertion is encrypted, which is not taken: switch it off at the provider")
    strange = [child for child in response if child.tag not in _PARTS]
    if strange:
        raise ProtocolError(f"the response holds what it must not ({local_name(strange[0])})")
    assertions = list(response.iter(f"{{{SAML}}}Assertion"))
    if len(assertions) != 1 or assertions[0].getparent() is not response:
        raise ProtocolError(f"the response holds {len(assertions)} assertions where there must be one, directly in it")
    if len(list(response.iter(f"{{{SAMLP}}}Response"))) != 1:
        raise ProtocolError("the response holds another response")
    for signature in response.iter(f"{{{DS}}}Signature"):
        if signature.getparent() is not response and signature.getparent() is not assertions[0]:
            raise ProtocolError("there is a signature where none belongs")
    ids = [
        value
        for element in response.iter()
        for name, value in element.attrib.items()
        if str(name).rpartition("}")[2].lower() == "id"
    ]
    if len(set(ids)) != len(ids):
        raise ProtocolError("two elements have the same id")
    return assertions[0]


def _checked(assertion: Element, expected: Expected, now: float) -> Assertion:
    _check_version(assertion)
    assertion_id = assertion.get("ID", "")
    if not 0 < len(assertion_id) <= ID_CHARACTERS:
        raise ProtocolError("the assertion has no id")
    issued_at = _time(assertion, "IssueInstant")
    if issued_at is None or issued_at > now + LEEWAY_S:
        raise ProtocolError("the assertion is from the future: is one of the clocks wrong?")
    if issued_at < now - MAX_AGE_S:
        raise ProtocolError("the assertion is too old")
    _check_issuer(only_child(assertion, SAML, "Issuer"), expected)
    _check_conditions(only_child(assertion, SAML, "Conditions"), expected, now)
    name_id, name_format = _subject(only_child(assertion, SAML, "Subject"), expected, now)
    return Assertion(assertion_id, name_id, name_format, _session(assertion, now), _attributes(assertion))


def _check_conditions(conditions: Element, expected: Expected, now: float) -> None:
    _check_span(conditions, now)
    if any(child.tag not in _CONDITIONS for child in conditions):
        raise ProtocolError("the assertion has a condition that is not known here")
    restrictions = children(conditions, SAML, "AudienceRestriction")
    if not restrictions:
        raise ProtocolError("the assertion does not say for whom it is (Audience)")
    for restriction in restrictions:
        if expected.audience not in [text_of(one) for one in children(restriction, SAML, "Audience")]:
            raise ProtocolError("the assertion is for someone else (Audience)")


def _check_span(element: Element, now: float) -> None:
    """NotBefore is included, NotOnOrAfter is not (Core §2.5.1.2)."""
    begin, end = _time(element, "NotBefore"), _time(element, "NotOnOrAfter")
    if begin is not None and begin > now + LEEWAY_S:
        raise ProtocolError("the assertion is not good yet: is one of the clocks wrong?")
    if end is not None and end <= now - LEEWAY_S:
        raise ProtocolError("the assertion has expired")


def _subject(subject: Element, expected: Expected, now: float) -> tuple[str, str | None]:
    if children(subject, SAML, "EncryptedID"):
        raise ProtocolError("the subject is encrypted, which is not taken: switch it off at the provider")
    name = only_child(subject, SAML, "NameID")
    name_id, name_format = text_of(name), name.get("Format")
    if not 0 < len(name_id) <= SUBJECT_CHARACTERS or not name_id.isprintable():
        raise ProtocolError("the assertion names no subject (NameID)")
    if name_format == TRANSIENT:
        raise ProtocolError(
            "the NameID is a new one each time (transient): have the provider send a persistent one, or the address"
        )
    confirmations = [one for one in children(subject, SAML, "SubjectConfirmation") if one.get("Method") == BEARER]
    if len(confirmations) != 1:
        raise ProtocolError("the subject must be confirmed once, as bearer")
    data = only_child(confirmations[0], SAML, "SubjectConfirmationData")
    if data.get("Recipient") != expected.acs_url:
        raise ProtocolError("the assertion is for another place (Recipient)")
    if not hmac.compare_digest(data.get("InResponseTo", "").encode(), expected.request_id.encode()):
        raise ProtocolError("the assertion is the answer to another request (InResponseTo)")
    if data.get("NotOnOrAfter") is None:
        raise ProtocolError("the assertion does not say until when it may be used (NotOnOrAfter)")
    _check_span(data, now)
    return name_id, name_format


def _session(assertion: Element, now: float) -> str | None:
    statements = children(assertion, SAML, "AuthnStatement")
    if not statements:
        raise ProtocolError("the assertion does not say that anyone has signed in (AuthnStatement)")
    for statement in statements:
        end = _time(statement, "SessionNotOnOrAfter")
        if end is not None and end <= now - LEEWAY_S:
            raise ProtocolError("the session at the provider has ended")
    index = statements[0].get("SessionIndex")
    return index if index is not None and len(index) <= SESSION_INDEX_CHARACTERS and index.isprintable() else None


def _attributes(assertion: Element) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for statement in children(assertion, SAML, "AttributeStatement"):
        if children(statement, SAML, "EncryptedAttribute"):
            raise ProtocolError("an attribute is encrypted, which is not taken: switch it off at the provider")
        for attribute in children(statement, SAML, "Attribute"):
            values = found.setdefault(attribute.get("Name", ""), [])
            for value in children(attribute, SAML, "AttributeValue"):
                # Values that hold elements of their own are passed over: what is asked for here is text.
                if not len(value) and value.get(XSI_NIL) not in ("true", "1"):
                    values.append(text_of(value))
    if len(found) > MAX_ATTRIBUTES:
        raise ProtocolError(f"the assertion has more than {MAX_ATTRIBUTES} attributes")
    return found


def _time(element: Element, name: str) -> float | None:
    """Unix seconds. SAML Core §1.3.3: always UTC."""
    given = element.get(name)
    if given is None:
        return None
    try:
        if not _TIME.fullmatch(given):
            raise ValueError
        return datetime.fromisoformat(given).timestamp()
    except ValueError:
        raise ProtocolError(f"{name} is no time in UTC") from None


def _words(given: str) -> str:
    return "".join(c for c in given[:STATUS_CHARACTERS] if c.isascii() and c.isprintable()).strip()
