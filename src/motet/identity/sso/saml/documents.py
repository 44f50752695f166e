"""XML as SAML messages and metadata have it, and nothing beyond: bounded, without DTDs, entities or comments. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxml import etree

from motet.identity.sso.errors import ProtocolError

RESPONSE_OCTETS = 256 * 1024
"""Of a response; one that names 2,000 groups has some 200 KiB."""

METADATA_OCTETS = 256 * 1024
"""Of a metadata document; Entra's, the largest known, have 60 KiB."""

MAX_ELEMENTS = 10_000
MAX_DEPTH = 30
"""A signed assertion with all its parts is 9 deep."""

MAX_NAMESPACES = 20
"""In scope of one element: canonical form repeats them, and a document could be made to grow by their number."""

SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
MD = "urn:oasis:names:tc:SAML:2.0:metadata"
DS = "http://www.w3.org/2000/09/xmldsig#"
XSI_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

Element = etree._Element

# What a document may begin with. Any encoding but UTF-8 could hide from the checks of the text.
_ENCODING = r"""(\s+encoding=["']utf-?8["'])?"""
_ALONE = r"""(\s+standalone=["'](yes|no)["'])?"""
_DECLARATION = re.compile(rf"""\ufeff?\s*(<\?xml\s+version=["']1\.[01]["']{_ENCODING}{_ALONE}\s*\?>)?""", re.IGNORECASE)


def parse(octets: bytes, limit: int = RESPONSE_OCTETS) -> Element:
    """The root of a message. Comments, CDATA sections and processing instructions are refused along with DTDs: no
    provider writes them, and texts that readers split differently at them have let strangers in. Raises
    ProtocolError."""
    text = _text(octets, limit)
    if "<!" in text or "<?" in text:
        raise ProtocolError("the document holds a DTD, a comment or a processing instruction, which is not taken")
    return _parsed(text, _parser())


def parse_metadata(octets: bytes) -> Element:
    """The root of a metadata document, in which comments are passed over. Raises ProtocolError."""
    text = _text(octets, METADATA_OCTETS)
    if re.search(r"<!(?!--)", text):
        raise ProtocolError("the document holds a DTD, which is not taken")
    return _parsed(text, _parser(passes_over=True))


def _text(octets: bytes, limit: int) -> str:
    if len(octets) > limit:
        raise ProtocolError(f"the document has more than {limit} octets")
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise ProtocolError("the document is not in UTF-8") from None
    begin = _DECLARATION.match(text)
    return text[begin.end() :] if begin is not None else text


def _parser(*, passes_over: bool = False) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=passes_over,
        remove_pis=passes_over,
    )


def _parsed(text: str, parser: etree.XMLParser) -> Element:
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError):
        raise ProtocolError("the document is not well-formed XML") from None
    for number, (depth, element) in enumerate(_walk(root)):
        if number >= MAX_ELEMENTS or depth >= MAX_DEPTH:
            raise ProtocolError(f"the document has more than {MAX_ELEMENTS} elements, or is over {MAX_DEPTH} deep")
        if not isinstance(element.tag, str):
            raise ProtocolError("the document holds a node that is no element")
        if len(element.attrib) > MAX_NAMESPACES or len(element.nsmap) > MAX_NAMESPACES:
            raise ProtocolError("an element has too many attributes or namespaces")
    return root


def _walk(root: Element) -> Iterable[tuple[int, Element]]:
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event == "end":
            depth -= 1
            continue
        yield depth, element
        if event == "start":
            depth += 1


def children(element: Element, namespace: str, name: str) -> list[Element]:
    """Of this name, directly below."""
    return element.findall(f"{{{namespace}}}{name}")


def only_child(element: Element, namespace: str, name: str) -> Element:
    """The one child of this name. Raises ProtocolError."""
    found = children(element, namespace, name)
    if len(found) != 1:
        raise ProtocolError(f"{local_name(element)} holds {len(found)} elements {name} where there must be one")
    return found[0]


def optional_child(element: Element, namespace: str, name: str) -> Element | None:
    """The child of this name, if there is one. Raises ProtocolError for several."""
    return only_child(element, namespace, name) if children(element, namespace, name) else None


def text_of(element: Element) -> str:
    """All of an element's text, without blanks round it. Raises ProtocolError if there is anything else in it."""
    if len(element):
        raise ProtocolError(f"{local_name(element)} holds more than text")
    return (element.text or "").strip()


def local_name(element: Element) -> str:
    """Without its namespace, for people."""
    return etree.QName(element).localname[:60]
