"""The XML that is taken, and what makes other readers of it trip."""

from __future__ import annotations

import pytest
from lxml import etree

from motet.identity.sso.errors import ProtocolError
from motet.identity.sso.saml.documents import parse, parse_metadata, text_of

DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
BILLION_LAUGHS = b'<!DOCTYPE a [<!ENTITY l0 "ha">' + LAUGHS + b"]><a>&l9;</a>"


@pytest.mark.parametrize(
    "octets",
    [
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/evil.dtd"><a/>',
        b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
        b'<!DOCTYPE a [<!ENTITY % e SYSTEM "http://127.0.0.1:1/"> %e;]><a/>',
        BILLION_LAUGHS,
        DECLARATION + BILLION_LAUGHS,
        b"\xef\xbb\xbf" + BILLION_LAUGHS,
    ],
)
def test_document_types_and_entities_are_refused(octets: bytes) -> None:
    for read in (parse, parse_metadata):
        with pytest.raises(ProtocolError, match="DTD"):
            read(octets)


@pytest.mark.parametrize(
    "octets",
    [
        b"<a>admin@example.org<!-- -->.evil.example</a>",
        b"<a>admin@example.org<![CDATA[.evil.example]]></a>",
        b"<a>admin@example.org<?x?>.evil.example</a>",
        b"<!-- first --><a/>",
        b"<a/><?x?>",
        b"<?x?><a/>",
        b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>',
        b'<?xml version="1.0" encoding="UTF-7"?><a/>',
    ],
)
def test_what_splits_a_text_is_refused(octets: bytes) -> None:
    with pytest.raises(ProtocolError, match="DTD, a comment or a processing instruction"):
        parse(octets)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_other_encodings_hide_nothing(encoding: str) -> None:
    with pytest.raises(ProtocolError):
        parse("<!DOCTYPE a [<!ENTITY e 'é'>]><a>&e;é</a>".encode(encoding))


@pytest.mark.parametrize("octets", [b"", b"\x00", b"<a>", b"<a/><b/>", b"<a>&e;</a>", b"<a b='<'/>", b"<x:a/>", b"{}"])
def test_what_is_not_well_formed_is_refused(octets: bytes) -> None:
    with pytest.raises(ProtocolError, match="not well-formed"):
        parse(octets)


def test_bounds_hold() -> None:
    with pytest.raises(ProtocolError, match="more than 262144 octets"):
        parse(b"<a>" + b"x" * 262_144 + b"</a>")
    for many in (b"<a>" + b"<b/>" * 10_000 + b"</a>", b"<a>" * 31 + b"</a>" * 31):
        with pytest.raises(ProtocolError, match="more than 10000 elements"):
            parse(many)
    with pytest.raises(ProtocolError):
        parse(b"<a>" * 20_000 + b"</a>" * 20_000)
    for name in (b"a%d", b"xmlns:a%d"):
        one = b"<a " + b" ".join(name % n + b"='x'" for n in range(21)) + b"/>"
        with pytest.raises(ProtocolError, match="too many attributes or namespaces"):
            parse(one)
    assert len(parse(b"<a>" + b"<b/>" * 9_999 + b"</a>")) == 9_999
    assert parse(DECLARATION + b"<a>" * 30 + b"</a>" * 30).tag == "a"


def test_text_is_whole_or_nothing() -> None:
    assert text_of(parse(b"<a> x &amp; &#x3C;!-- y </a>")) == "x & <!-- y"
    assert text_of(parse(b"<a/>")) == ""
    with pytest.raises(ProtocolError, match="a holds more than text"):
        text_of(parse(b"<a>admin<b/>.evil</a>"))


def test_metadata_may_hold_comments() -> None:
    root = parse_metadata(DECLARATION + b"<!-- x --><a><!-- y --><b/><?z?></a>")
    assert [child.tag for child in root] == ["b"]
    assert etree.tostring(root) == b"<a><b/></a>"
