"""What a provider has signed: an element of a message, as the signature has it and not as the message shows it. Pure.

XML signatures are checked by signxml; what may be signed, where the signature stands and by which algorithms is
decided here before. Whoever reads a message reads what `signed` gives and nothing else, so that elements that are
moved round a good signature (XML signature wrapping, XSW) are never looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from motet.identity.sso.errors import ProtocolError
from motet.identity.sso.saml.documents import DS, Element, children, local_name, only_child, optional_child

RSA_METHODS = frozenset(
    {
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.SHA256_RSA_MGF1,
        SignatureMethod.SHA384_RSA_MGF1,
        SignatureMethod.SHA512_RSA_MGF1,
    }
)
EC_METHODS = frozenset({SignatureMethod.ECDSA_SHA256, SignatureMethod.ECDSA_SHA384, SignatureMethod.ECDSA_SHA512})
METHODS = RSA_METHODS | EC_METHODS
"""Signatures that are taken. No SHA-1; no HMAC, whose key would be the public one."""

DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})

ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
CANONICAL = frozenset({EXCLUSIVE, EXCLUSIVE + "WithComments"})
"""SAML Core §5.4.3, §5.4.4. There are no comments: both are the same."""

MAX_SIGNATURE_CHARACTERS = 4_096
MAX_SIGNED_INFO_ELEMENTS = 20
"""Of what SAML has in it, there are 11."""

MAX_PREFIXES_CHARACTERS = 200

_METHOD_NAMES = {method.value: method for method in METHODS}
_DIGEST_NAMES = {digest.value for digest in DIGESTS}


def signature_in(element: Element) -> Element | None:
    """The signature of an element, which stands directly in it. Raises ProtocolError for several."""
    return optional_child(element, DS, "Signature")


def signed(root: Element, element: Element, certificates: Sequence[x509.Certificate]) -> Element:
    """What was signed of `element`, which is `root` or a child of it and has a signature: a tree of its own.

    The signature must cover just this element, and be made with the key of one of the certificates. Raises
    ProtocolError.
    """
    signature = signature_in(element)
    if signature is None:
        raise ProtocolError(f"the {local_name(element)} is not signed")
    method = _check_form(signature, element)
    location = "./" if element is root else f"./{element.tag}/"
    octets = _without_key_info(root, element)
    for certificate in certificates:
        if not _fits(method, certificate):
            continue
        found = _verified(octets, location, certificate)
        if found is None:
            continue
        if found.tag != element.tag or found.get("ID") != element.get("ID"):
            raise ProtocolError("the signature covers another element")
        return found
    raise ProtocolError("the signature is not right, or made with a key that is none of the provider's certificates'")


def _verified(octets: bytes, location: str, certificate: x509.Certificate) -> Element | None:
    config = SignatureConfiguration(
        location=location,
        signature_methods=METHODS,
        digest_algorithms=DIGESTS,
        # The key counts, not until when its certificate is good: domain/certificates.py says why.
        verification_time=certificate.not_valid_after_utc,
    )
    try:
        result = XMLVerifier().verify(octets, x509_cert=certificate, expect_config=config, id_attribute="ID")
    except (SignXMLException, etree.LxmlError, ValueError, TypeError, KeyError, AttributeError, NotImplementedError):
        return None  # whatever a made-up signature makes the library say
    if isinstance(result, list):
        return None
    return result.signed_xml


def _check_form(signature: Element, element: Element) -> SignatureMethod:
    """Whether the signature is of the form that SAML Core §5.4 has, and by what method. Raises ProtocolError."""
    if [child.tag for child in signature if child.tag != f"{{{DS}}}KeyInfo"] != [
        f"{{{DS}}}SignedInfo",
        f"{{{DS}}}SignatureValue",
    ] or len(children(signature, DS, "KeyInfo")) > 1:
        raise ProtocolError("the signature holds what it must not")
    signed_info = only_child(signature, DS, "SignedInfo")
    prefixes = [one.get("PrefixList", "") for one in signed_info.iter(f"{{{EXCLUSIVE}}}InclusiveNamespaces")]
    # Canonical form looks each prefix up at each element, before it is known who has signed.
    if len(list(signed_info.iter())) > MAX_SIGNED_INFO_ELEMENTS or len("".join(prefixes)) > MAX_PREFIXES_CHARACTERS:
        raise ProtocolError("the signature holds what it must not")
    if only_child(signed_info, DS, "CanonicalizationMethod").get("Algorithm") not in CANONICAL:
        raise ProtocolError("the signature's canonical form is not the exclusive one")
    method = only_child(signed_info, DS, "SignatureMethod").get("Algorithm", "")
    if method not in _METHOD_NAMES:
        raise ProtocolError(f"the signature's algorithm is not one that is taken ({_last(method)})")
    reference = only_child(signed_info, DS, "Reference")
    if not element.get("ID") or reference.get("URI") != "#" + element.get("ID", ""):
        raise ProtocolError("the signature refers to something else than the element that it stands in")
    transforms = [one.get("Algorithm") for one in children(only_child(reference, DS, "Transforms"), DS, "Transform")]
    if not 1 <= len(transforms) <= 2 or transforms[0] != ENVELOPED or not CANONICAL.issuperset(transforms[1:]):
        raise ProtocolError("the signature transforms what it covers in a way that is not taken")
    if len(transforms) == 1:
        raise ProtocolError("the signature does not name the canonical form of what it covers")
    digest = only_child(reference, DS, "DigestMethod").get("Algorithm", "")
    if digest not in _DIGEST_NAMES:
        raise ProtocolError(f"the signature's digest is not one that is taken ({_last(digest)})")
    if len(only_child(signature, DS, "SignatureValue").text or "") > MAX_SIGNATURE_CHARACTERS:
        raise ProtocolError("the signature is too long")
    return _METHOD_NAMES[method]


def _without_key_info(root: Element, element: Element) -> bytes:
    """The message without what this signature says of its key: that is not signed, and keys are known beforehand."""
    octets = etree.tostring(root)
    copy = etree.fromstring(octets, etree.XMLParser(resolve_entities=False, no_network=True))
    place = copy if element is root else copy[list(root).index(element)]
    signature = only_child(place, DS, "Signature")
    for key_info in children(signature, DS, "KeyInfo"):
        signature.remove(key_info)  # a tail is blank text of the signature, which is not covered
    return etree.tostring(copy)


def _fits(method: SignatureMethod, certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    if method in RSA_METHODS:
        return isinstance(key, rsa.RSAPublicKey)
    return isinstance(key, ec.EllipticCurvePublicKey)


def _last(algorithm: str) -> str:
    """The end of an algorithm's URI, for people."""
    words = algorithm.rpartition("#")[2][:40]
    return words if words.isascii() and words.isprintable() and words else "none"
