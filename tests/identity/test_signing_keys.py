"""The keys of access tokens: how they change, how nodes take them over, and that a foreign library believes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwk, jwt
from joserfc.jws import JWSRegistry

from audit_reading import acts_of
from motet.access.secrets import SecretBox, SecretError
from motet.access.tokens import AuthenticationError, TokenAuthority, UnknownKeyError, generate_key
from motet.domain.errors import LimitReachedError
from motet.identity import signing_keys
from motet.identity.signing_keys import KEPT_AFTER, ROTATE_AFTER, SigningKeys, load, note_lasting, rotate
from motet.storage.database import Database
from motet.storage.setting import write_setting

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BOX = SecretBox(bytes(32))


class Node:
    """One node's keys, on a clock that tests move."""

    def __init__(self, database: Database, authority: TokenAuthority) -> None:
        self.now = NOW
        self.monotonic = 100.0
        self.keys = SigningKeys(
            database, BOX, authority, clock=lambda: self.now.timestamp(), monotonic=lambda: self.monotonic
        )

    @property
    def authority(self) -> TokenAuthority:
        return self.keys.authority

    def token(self, ttl_s: int = 900) -> str:
        return self.authority.issue("operator", now=int(self.now.timestamp()), ttl_s=ttl_s)

    def accepts(self, token: str) -> bool:
        try:
            self.authority.claims(token, int(self.now.timestamp()))
        except AuthenticationError:
            return False
        return True


async def node(database: Database) -> Node:
    made = Node(database, TokenAuthority([generate_key()]))
    await made.keys.refresh()
    return made


async def change(database: Database, now: datetime = NOW, *, end_others: bool = False) -> None:
    async with database.pool.acquire() as connection:
        assert await rotate(connection, BOX, now, end_others=end_others)


async def test_nodes_of_one_database_sign_with_one_key(database: Database) -> None:
    first, second = await node(database), await node(database)
    assert first.authority.kid == second.authority.kid
    assert second.accepts(first.token())


async def test_the_one_key_of_before_is_taken_over(database: Database) -> None:
    former = generate_key()
    async with database.pool.acquire() as connection:
        await write_setting(connection, "token.signing_key", BOX.encrypt(former))
    assert (await node(database)).authority.kid == TokenAuthority([former]).kid


async def test_a_private_key_lies_sealed_and_goes_when_another_signs(database: Database) -> None:
    made = await node(database)
    sealed = await database.pool.fetchval("SELECT sealed_key FROM signing_key")
    async with database.pool.acquire() as connection:
        assert (await load(connection, BOX, NOW))[0] == BOX.decrypt(sealed)
        with pytest.raises(SecretError):
            await load(connection, SecretBox(b"x" * 32), NOW)
    await change(database)
    assert await database.pool.fetchval("SELECT sealed_key FROM signing_key WHERE kid = $1", made.authority.kid) is None


async def test_after_a_change_the_new_key_signs_and_the_former_ones_tokens_stay_good(database: Database) -> None:
    first, second = await node(database), await node(database)
    before = first.token()
    await change(database)
    await first.keys.refresh()
    assert first.authority.kid != second.authority.kid
    assert first.accepts(before)
    after = first.token()
    with pytest.raises(UnknownKeyError):
        second.authority.claims(after, int(NOW.timestamp()))
    second.monotonic += signing_keys.REREAD_S
    assert await second.keys.refresh_for_unknown()
    assert (second.accepts(after), second.accepts(before)) == (True, True)


async def test_unknown_keys_make_a_node_read_at_most_once_a_second(database: Database) -> None:
    made = await node(database)
    assert not await made.keys.refresh_for_unknown()
    made.monotonic += signing_keys.REREAD_S
    assert await made.keys.refresh_for_unknown()
    assert not await made.keys.refresh_for_unknown()


async def test_a_retired_key_checks_as_long_as_its_last_token_lasts(database: Database) -> None:
    made = await node(database)
    async with database.pool.acquire() as connection:
        await note_lasting(connection, made.authority, 30 * 86_400, int(NOW.timestamp()))
    lasting, short = made.token(30 * 86_400), made.token(900)
    await change(database)
    for later, good in ((timedelta(minutes=14), True), (timedelta(days=29), False)):
        made.now = NOW + later
        await made.keys.refresh()
        assert (made.accepts(short), made.accepts(lasting)) == (good, True)
    made.now = NOW + timedelta(days=30)
    await made.keys.refresh()
    assert len(made.authority.jwks(int(made.now.timestamp()))["keys"]) == 1


async def test_without_lasting_tokens_a_retired_key_goes_soon_and_its_row_at_the_next_change(
    database: Database,
) -> None:
    made = await node(database)
    await change(database)
    made.now = NOW + KEPT_AFTER
    await made.keys.refresh()
    assert len(made.authority.jwks(int(made.now.timestamp()))["keys"]) == 1
    await change(database, made.now)
    assert await database.pool.fetchval("SELECT count(*) FROM signing_key") == 2


async def test_a_key_is_changed_once_it_is_old_and_by_one_node_only(database: Database) -> None:
    first, second = await node(database), await node(database)
    kid = first.authority.kid
    assert not await first.keys.rotate_old()
    first.now = second.now = NOW + ROTATE_AFTER
    assert await first.keys.rotate_old()
    assert not await second.keys.rotate_old()
    await second.keys.refresh()
    assert first.authority.kid == second.authority.kid != kid
    (act,) = await acts_of(database, "SYSTEM")
    assert act[:4] == (0, "SYSTEM", "schedule", "signingKeyRotation")


async def test_all_tokens_can_be_ended_at_once(database: Database) -> None:
    made = await node(database)
    before = made.token()
    await change(database, end_others=True)
    await made.keys.refresh()
    assert not made.accepts(before)
    assert made.accepts(made.token())


async def test_there_are_never_more_keys_than_nodes_read(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing_keys, "MAX_KEYS", 3)
    made = await node(database)
    for _ in range(2):
        await change(database)
    with pytest.raises(LimitReachedError):
        await change(database)
    await change(database, end_others=True)
    await made.keys.refresh()
    assert made.accepts(made.token())


async def test_other_nodes_are_told(database: Database) -> None:
    heard: list[str] = []
    listener = await database.connect("test")
    await listener.add_listener("motet_access", lambda *told: heard.append(str(told[-1])))
    await node(database)
    await change(database)
    await listener.fetchval("SELECT 1")
    assert set(heard) == {"signing_key"}
    await listener.close()


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")  # few libraries know the new name yet
async def test_a_foreign_library_believes_a_token_by_the_key_set(database: Database) -> None:
    made = await node(database)
    former = made.token()
    await change(database)
    await made.keys.refresh()
    keys = jwk.KeySet.import_key_set(made.authority.jwks(int(NOW.timestamp())))  # type: ignore[arg-type]
    registry = JWSRegistry(algorithms=["EdDSA"])
    for token in (former, made.token()):
        read = jwt.decode(token, keys, registry=registry)
        assert (read.header["typ"], read.header["alg"]) == ("at+jwt", "EdDSA")
        assert (read.claims["iss"], read.claims["aud"], read.claims["sub"]) == ("motet", "motet", "operator")
        assert read.claims["exp"] - read.claims["iat"] == 900
        assert set(read.claims) == {"iss", "aud", "sub", "iat", "exp", "jti", "operator"}
