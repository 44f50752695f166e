"""Access tokens: what they say, and everything that must not pass for one."""

from __future__ import annotations

import base64
import json

import jwt
import pytest

from motet.access import tokens
from motet.access.principals import Permission, Role
from motet.access.tokens import (
    AuthenticationError,
    CheckingKey,
    TokenAuthority,
    UnknownKeyError,
    generate_key,
    public_key_of,
)

NOW = 1_763_762_400


@pytest.fixture
def authority() -> TokenAuthority:
    return TokenAuthority([generate_key()])


def issue(authority: TokenAuthority, ttl_s: int = 3600, role: Role = Role.USER) -> str:
    return authority.issue("someone", now=NOW, ttl_s=ttl_s, workspace_id=1 << 60, workspace="demo", role=role)


def test_a_members_token_says_workspace_and_role(authority: TokenAuthority) -> None:
    principal = authority.verify(issue(authority), NOW)
    assert (principal.subject, principal.workspace_id, principal.workspace) == ("someone", 1 << 60, "demo")
    assert (principal.role, principal.is_operator, principal.expires_at) == (Role.USER, False, NOW + 3600)
    assert principal.allows(Permission.SMS_SEND)
    assert not principal.allows(Permission.SMSC_LINK_READ)


def test_a_token_of_a_role_of_the_workspaces_own_names_it_and_allows_nothing_by_itself(
    authority: TokenAuthority,
) -> None:
    token = authority.issue("someone", now=NOW, ttl_s=60, workspace_id=1 << 60, workspace="demo", role_id=1 << 61)
    principal = authority.verify(token, NOW)
    assert (principal.workspace_id, principal.role, principal.role_id) == (1 << 60, None, 1 << 61)
    assert principal.permissions == set()
    with pytest.raises(ValueError, match="a member has"):
        authority.issue("x", now=NOW, ttl_s=60, workspace_id=1, workspace="demo", role=Role.USER, role_id=1)


def test_the_operators_token_names_no_workspace(authority: TokenAuthority) -> None:
    principal = authority.verify(authority.issue("operator", now=NOW, ttl_s=60), NOW)
    assert (principal.workspace_id, principal.workspace, principal.role) == (None, None, None)
    assert principal.is_operator
    assert principal.allows(Permission.SMSC_LINK_WRITE)
    assert not principal.allows(Permission.SMS_READ)


def test_half_a_member_cannot_be_issued(authority: TokenAuthority) -> None:
    with pytest.raises(ValueError, match="a member has"):
        authority.issue("x", now=NOW, ttl_s=60, workspace_id=1)


def test_a_token_ends_with_its_second_also_when_remembered(authority: TokenAuthority) -> None:
    token = issue(authority, ttl_s=10)
    assert authority.verify(token, NOW + 9)
    for _ in range(2):
        with pytest.raises(AuthenticationError, match="expired"):
            authority.verify(token, NOW + 10)


def test_any_of_the_keys_is_accepted_and_the_first_signs() -> None:
    old, new = generate_key(), generate_key()
    before = issue(TokenAuthority([old]))
    both = TokenAuthority([new, old])
    assert both.verify(before, NOW)
    with pytest.raises(AuthenticationError):
        TokenAuthority([old]).verify(issue(both), NOW)


def test_a_former_key_checks_until_its_last_token_has_expired(authority: TokenAuthority) -> None:
    former = generate_key()
    token = issue(TokenAuthority([former]))
    authority.use(generate_key(), [CheckingKey(public_key_of(former), NOW + 100)])
    assert authority.verify(token, NOW + 99)
    assert [len(authority.jwks(now)["keys"]) for now in (NOW + 99, NOW + 100)] == [2, 1]
    authority.use(generate_key(), [CheckingKey(public_key_of(former), NOW + 100)])
    with pytest.raises(AuthenticationError):
        authority.verify(token, NOW + 100)


def test_a_token_with_an_unknown_key_is_told_apart(authority: TokenAuthority) -> None:
    with pytest.raises(UnknownKeyError):
        authority.claims(issue(TokenAuthority([generate_key()])), NOW)


def test_what_a_token_stands_on_is_read_back(authority: TokenAuthority) -> None:
    who = {"now": NOW, "ttl_s": 900, "user_id": 7, "session_id": 1 << 61}
    session = authority.claims(authority.issue_to_user("a@b.example", workspace_id=1 << 60, **who), NOW)
    assert (session.user_id, session.session_id, session.workspace_id) == (7, 1 << 61, 1 << 60)
    assert (session.subject, session.expires_at, session.role) == ("a@b.example", NOW + 900, None)
    above = authority.claims(authority.issue_to_user("a@b.example", workspace_id=None, **who), NOW)
    assert (above.workspace_id, above.is_operator) == (None, False)
    scope = frozenset({"sms:send", "sim:read"})
    program = authority.claims(authority.issue_to_key("api-key:x", 5, "x", "v", scope, now=NOW), NOW)
    assert (program.api_key_id, program.scope, program.workspace_id) == (5, scope, None)
    assert authority.claims(authority.issue_to_key("x", 5, "x", "v", None, now=NOW), NOW).scope is None


def test_a_token_that_stands_on_a_session_says_who_and_not_what_they_may(authority: TokenAuthority) -> None:
    token = authority.issue_to_user("x", now=NOW, ttl_s=9, user_id=7, session_id=8, workspace_id=None)
    principal = authority.verify(token, NOW)
    assert (principal.user_id, principal.session_id, principal.permissions) == (7, 8, frozenset())
    with pytest.raises(AuthenticationError):
        authority.verify(authority.issue_to_key("x", 5, "x", "v", None, now=NOW), NOW)


def test_no_token_lasts_longer_than_a_taken_back_one_is_remembered(authority: TokenAuthority) -> None:
    with pytest.raises(ValueError, match="a token lasts"):
        issue(authority, ttl_s=tokens.MAX_TTL_S + 1)


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_forgeries_are_refused(authority: TokenAuthority) -> None:
    good = issue(authority)
    header, claims, signature = good.split(".")
    kid = jwt.get_unverified_header(good)["kid"]
    operator = _part({"iss": "motet", "sub": "x", "iat": NOW, "exp": NOW + 60, "operator": True})
    forged = [
        "",
        "x",
        "a.b.c",
        good[:-4],
        f"{header}.{operator}.{signature}",
        f"{_part({'alg': 'none', 'kid': kid})}.{claims}.",
        jwt.encode({"iss": "motet", "sub": "x"}, "k" * 32, algorithm="HS256", headers={"kid": kid}),
        issue(TokenAuthority([generate_key()])),
        good + "ü",
        good * 20,
    ]
    for token in forged:
        with pytest.raises(AuthenticationError):
            authority.verify(token, NOW)


def test_well_signed_nonsense_is_refused(authority: TokenAuthority) -> None:
    right = {
        "iss": "motet",
        "aud": "motet",
        "sub": "x",
        "jti": "y",
        "iat": NOW,
        "exp": NOW + 60,
        "workspace_id": "5",
        "workspace": "w",
        "role": "USER",
    }
    kid = jwt.get_unverified_header(issue(authority))["kid"]

    def sign(claims: dict[str, object]) -> str:
        return jwt.encode(claims, authority._private, algorithm="EdDSA", headers={"kid": kid, "typ": "at+jwt"})

    assert authority.verify(sign(right), NOW)
    other_kind = jwt.encode(right, authority._private, algorithm="EdDSA", headers={"kid": kid})
    with pytest.raises(AuthenticationError):
        authority.verify(other_kind, NOW)
    wrong = {"role": "GOD", "aud": "x", "workspace_id": "x", "iss": "other", "exp": "soon", "iat": NOW + 61}
    for name, value in wrong.items():
        with pytest.raises(AuthenticationError):
            authority.verify(sign({**right, name: value}), NOW)
    for name in right:
        with pytest.raises(AuthenticationError):
            authority.verify(sign({key: value for key, value in right.items() if key != name}), NOW)


def test_the_memory_of_tokens_is_bounded(authority: TokenAuthority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "CACHED_TOKENS", 3)
    for _ in range(5):
        authority.verify(issue(authority), NOW)
    assert len(authority._cache) == 3
