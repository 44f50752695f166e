"""XML signature wrapping: someone has a response that a provider signed, and puts an assertion of their own beside what
the signature covers. XSW1 to XSW8 as Somorovsky et al. have them (On Breaking SAML, USENIX Security 2012), and others.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from lxml import etree

from people_world import People
from saml_provider import NS, SamlProvider, SamlWorld

SAML, SAMLP, DS = (f"{{{NS[name]}}}" for name in ("saml", "samlp", "ds"))


@pytest_asyncio.fixture
async def world(people: People) -> AsyncIterator[SamlWorld]:
    provider = SamlProvider(people.clock)
    provider.attributes["email"] = ["anna@example.org"]
    made = SamlWorld(people, provider)
    await people.user()
    await people.user("boss@example.org")
    await made.add_provider()
    yield made


def evil(element: Any, *, new_id: bool = True) -> Any:
    """A copy, without signatures, that says the boss has come."""
    made = copy.deepcopy(element)
    for signature in list(made.iter(f"{DS}Signature")):
        signature.getparent().remove(signature)
    for one in made.iter():
        if new_id and one.get("ID"):
            one.set("ID", one.get("ID") + "_evil")
        if one.text == "anna@example.org":
            one.text = "boss@example.org"
        if one.text == "anna-1":
            one.text = "boss-1"
    return made


def assertion_of(response: Any) -> Any:
    return response.find(f"{SAML}Assertion")


def xsw1(response: Any) -> Any:
    """The evil response holds the good one in its signature."""
    made = evil(response)
    signature = response.find(f"{DS}Signature")
    response.remove(signature)
    signature.append(response)
    made.insert(1, signature)
    return made


def xsw2(response: Any) -> Any:
    """The good response stands before the signature, in the evil one."""
    made = evil(response)
    signature = response.find(f"{DS}Signature")
    response.remove(signature)
    made.insert(1, response)
    made.insert(2, signature)
    return made


def xsw3(response: Any) -> None:
    """The evil assertion first, then the good one."""
    response.insert(list(response).index(assertion_of(response)), evil(assertion_of(response)))


def xsw4(response: Any) -> None:
    """The good assertion in the evil one."""
    good = assertion_of(response)
    made = evil(good)
    response.replace(good, made)
    made.append(good)


def xsw5(response: Any) -> None:
    """The evil assertion has the signature; the good one follows without it."""
    good = assertion_of(response)
    made = evil(good, new_id=False)
    signature = good.find(f"{DS}Signature")
    good.remove(signature)
    made.insert(1, signature)
    response.insert(list(response).index(good), made)


def xsw6(response: Any) -> None:
    """The evil assertion has the signature, and in that the good one."""
    good = assertion_of(response)
    made = evil(good)
    signature = good.find(f"{DS}Signature")
    good.remove(signature)
    signature.append(good)
    made.insert(1, signature)
    response.append(made)


def xsw7(response: Any) -> None:
    """The evil assertion, with the same id, in Extensions."""
    extensions = etree.Element(f"{SAMLP}Extensions")
    extensions.append(evil(assertion_of(response), new_id=False))
    response.insert(1, extensions)


def xsw8(response: Any) -> None:
    """The good assertion in an Object of the signature, whose place is in the evil one."""
    good = assertion_of(response)
    made = evil(good, new_id=False)
    signature = good.find(f"{DS}Signature")
    good.remove(signature)
    etree.SubElement(signature, f"{DS}Object").append(good)
    made.insert(1, signature)
    response.append(made)


def other_place(response: Any) -> None:
    """The good assertion one deeper, the evil one where it was, with no signature."""
    good = assertion_of(response)
    response.replace(good, evil(good))
    status = response.find(f"{SAMLP}Status")
    etree.SubElement(status, f"{SAMLP}StatusDetail").append(good)


def same_id_elsewhere(response: Any) -> None:
    """Another element has the assertion's id, in another spelling of the attribute."""
    response.find(f"{SAMLP}Status").set("Id", assertion_of(response).get("ID"))


def second_reference(response: Any) -> None:
    """A reference to the good assertion beside the one that the signature has."""
    reference = next(response.iter(f"{DS}Reference"))
    reference.addnext(copy.deepcopy(reference))


def reference_to_all(response: Any) -> None:
    next(response.iter(f"{DS}Reference")).set("URI", "")


def another_canonical_form(response: Any) -> None:
    form = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
    next(response.iter(f"{DS}CanonicalizationMethod")).set("Algorithm", form)


def cutting_transform(response: Any) -> None:
    """A transform that leaves only what its author wants to be covered."""
    transforms = next(response.iter(f"{DS}Transforms"))
    transform = etree.SubElement(transforms, f"{DS}Transform")
    transform.set("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
    etree.SubElement(transform, f"{DS}XPath").text = "false()"


def no_transforms(response: Any) -> None:
    """What is covered would hold the signature, then."""
    transforms = next(response.iter(f"{DS}Transforms"))
    transforms.getparent().remove(transforms)


def changed_after(response: Any) -> None:
    for one in response.iter():
        if one.text == "anna@example.org":
            one.text = "boss@example.org"


def key_of_their_own(response: Any) -> None:
    """A KeyValue, which a careless reader would check the signature with."""
    key_info = next(response.iter(f"{DS}KeyInfo"))
    key_info.clear()
    value = etree.SubElement(etree.SubElement(key_info, f"{DS}KeyValue"), f"{DS}RSAKeyValue")
    etree.SubElement(value, f"{DS}Modulus").text = "AQAB"
    etree.SubElement(value, f"{DS}Exponent").text = "AQAB"
    changed_after(response)


def endless_prefixes(response: Any) -> None:
    transform = next(response.iter(f"{DS}CanonicalizationMethod"))
    namespaces = etree.SubElement(transform, "{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces")
    namespaces.set("PrefixList", " ".join(f"n{number}" for number in range(10_000)))


def endless_transform(response: Any) -> None:
    transform = next(response.iter(f"{DS}Transform"))
    for _ in range(5_000):
        etree.SubElement(transform, "{urn:x}x")


def two_signatures(response: Any) -> None:
    signature = next(response.iter(f"{DS}Signature"))
    signature.addnext(copy.deepcopy(signature))


@pytest.mark.parametrize("attack", [xsw1, xsw2, xsw7, other_place, same_id_elsewhere, changed_after])
async def test_a_signed_response_that_was_wrapped_is_refused(world: SamlWorld, attack: Callable[[Any], Any]) -> None:
    world.provider.signs = ("Response",)
    world.provider.after = attack
    await world.refused()


@pytest.mark.parametrize(
    "attack",
    [
        xsw3, xsw4, xsw5, xsw6, xsw7, xsw8, other_place, same_id_elsewhere, second_reference, reference_to_all,
        another_canonical_form, cutting_transform, no_transforms, changed_after, key_of_their_own, two_signatures,
        endless_prefixes, endless_transform,
    ],
)  # fmt: skip
async def test_a_signed_assertion_that_was_wrapped_is_refused(world: SamlWorld, attack: Callable[[Any], Any]) -> None:
    world.provider.after = attack
    await world.refused()


@pytest.mark.parametrize("attack", [xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8, changed_after])
async def test_wrapping_is_refused_where_both_are_signed(world: SamlWorld, attack: Callable[[Any], Any]) -> None:
    world.provider.signs = ("Assertion", "Response")
    world.provider.after = attack
    await world.refused()


async def test_a_signature_of_another_element_does_not_do(world: SamlWorld) -> None:
    """The response's signature, put into the assertion."""
    world.provider.signs = ("Response",)

    def move(response: Any) -> None:
        assertion_of(response).insert(1, response.find(f"{DS}Signature"))

    world.provider.after = move
    assert await world.refused() == "the signature refers to something else than the element that it stands in"


async def test_what_the_signature_says_of_its_key_does_not_matter(world: SamlWorld) -> None:
    def without_key(response: Any) -> None:
        for key_info in list(response.iter(f"{DS}KeyInfo")):
            key_info.getparent().remove(key_info)

    world.provider.after = without_key
    assert await world.subject() == "anna@example.org ADMINISTRATOR in demo"


async def test_encrypted_parts_are_refused_in_words(world: SamlWorld) -> None:
    def encrypted(response: Any) -> None:
        assertion = assertion_of(response)
        made = etree.Element(f"{SAML}EncryptedAssertion")
        response.replace(assertion, made)

    def encrypted_name(response: Any) -> None:
        subject = assertion_of(response).find(f"{SAML}Subject")
        subject.replace(subject.find(f"{SAML}NameID"), etree.Element(f"{SAML}EncryptedID"))

    def encrypted_attribute(response: Any) -> None:
        etree.SubElement(assertion_of(response).find(f"{SAML}AttributeStatement"), f"{SAML}EncryptedAttribute")

    for change, part in ((encrypted_name, "subject"), (encrypted_attribute, "attribute")):
        world.provider.before = change
        assert f"{part} is encrypted, which is not taken: switch it off" in await world.refused()
    world.provider.before, world.provider.after = lambda _: None, encrypted
    assert await world.refused() == "the assertion is encrypted, which is not taken: switch it off at the provider"


async def test_a_condition_that_is_not_known_is_not_passed_over(world: SamlWorld) -> None:
    def unknown(response: Any) -> None:
        etree.SubElement(assertion_of(response).find(f"{SAML}Conditions"), f"{SAML}Condition")

    world.provider.before = unknown
    assert await world.refused() == "the assertion has a condition that is not known here"


async def test_every_audience_restriction_must_name_us(world: SamlWorld) -> None:
    def another(response: Any) -> None:
        conditions = assertion_of(response).find(f"{SAML}Conditions")
        restriction = etree.SubElement(conditions, f"{SAML}AudienceRestriction")
        etree.SubElement(restriction, f"{SAML}Audience").text = "https://other.example"

    world.provider.before = another
    assert await world.refused() == "the assertion is for someone else (Audience)"


async def test_someone_must_have_signed_in(world: SamlWorld) -> None:
    def nobody(response: Any) -> None:
        assertion = assertion_of(response)
        assertion.remove(assertion.find(f"{SAML}AuthnStatement"))

    world.provider.before = nobody
    assert await world.refused() == "the assertion does not say that anyone has signed in (AuthnStatement)"
