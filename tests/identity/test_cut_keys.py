"""A node that dies in the middle: what keys and refresh tokens are good for afterwards, cut at every step."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cut_database import CutDatabase
from motet.access.tokens import AuthenticationError
from motet.identity.api_keys import ApiKeys
from motet.identity.login import SecondFactorNeeded
from motet.identity.sessions import Sessions
from people_world import HERE, PASSWORD, People

MOST_STEPS = 40


async def cut_everywhere(people: People, act: Any) -> int:
    """Does the act with the connection cut at its first step, its second, and so on, until it is done uncut."""
    for at in range(1, MOST_STEPS):
        cut = CutDatabase(people.ground.database, at)
        try:
            await act(cut)
        except OSError:
            continue
        return at
    raise AssertionError("it takes more steps than that")


async def test_whoever_lost_the_answer_of_a_refresh_asks_again_and_goes_on(people: People) -> None:
    await people.user()
    ground = people.ground
    signed = await people.identity.login.with_password("anna@example.org", PASSWORD, HERE)
    assert not isinstance(signed, SecondFactorNeeded)
    token = signed.refresh_token

    async def refresh(cut: CutDatabase) -> None:
        nonlocal token
        sessions = Sessions(cut, ground.authority, ground.ids, people.clock)  # type: ignore[arg-type]
        token = (await sessions.refresh(token, HERE)).refresh_token

    assert await cut_everywhere(people, refresh) > 5
    again = await people.identity.sessions.refresh(token, HERE)
    assert await people.identity.authenticator.authenticate(f"Bearer {again.access_token}")
    unused = "SELECT count(*) FROM refresh_token WHERE used_at IS NULL"
    assert await ground.database.pool.fetchval(unused) == 1


async def test_a_rotation_that_is_cut_leaves_the_former_secret_good_for_the_overlap(people: People) -> None:
    ground, authenticate = people.ground, people.identity.authenticator.authenticate
    user_id = await people.user()
    signed = await people.identity.login.with_password("anna@example.org", PASSWORD, HERE)
    assert not isinstance(signed, SecondFactorNeeded)
    assert signed.user_id == user_id
    maker = await authenticate(f"Bearer {signed.access_token}")
    workspace_id = people.demo.workspace_id
    api_key_id, first = await people.identity.api_keys.create(workspace_id, maker, {"name": "x", "role": "USER"})
    rotations = 0

    async def rotate(cut: CutDatabase) -> None:
        nonlocal rotations
        keys = ApiKeys(cut, ground.ids, people.clock)  # type: ignore[arg-type]
        before = await ground.database.pool.fetchval("SELECT secret_hash FROM api_key")
        try:
            await keys.rotate(workspace_id, maker, api_key_id, timedelta(hours=1))
        finally:
            rotations += await ground.database.pool.fetchval("SELECT secret_hash FROM api_key") != before
            if rotations <= 1:
                assert (await authenticate(f"Bearer {first.text}")).api_key_id == api_key_id

    assert await cut_everywhere(people, rotate) > 3
    assert rotations == 2  # cut behind its commit, and uncut
    with pytest.raises(AuthenticationError):
        await authenticate(f"Bearer {first.text}")


async def test_a_revocation_is_whole_or_not_at_all(people: People) -> None:
    ground, authenticate = people.ground, people.identity.authenticator.authenticate
    await people.user()
    signed = await people.identity.login.with_password("anna@example.org", PASSWORD, HERE)
    assert not isinstance(signed, SecondFactorNeeded)
    maker = replace(await authenticate(f"Bearer {signed.access_token}"))
    workspace_id = people.demo.workspace_id
    api_key_id, key = await people.identity.api_keys.create(workspace_id, maker, {"name": "x", "role": "USER"})

    async def revoke(cut: CutDatabase) -> None:
        keys = ApiKeys(cut, ground.ids, people.clock)  # type: ignore[arg-type]
        try:
            await keys.revoke(workspace_id, api_key_id)
        finally:
            revoked = await ground.database.pool.fetchval("SELECT revoked_at IS NOT NULL FROM api_key")
            try:
                await authenticate(f"Bearer {key.text}")
            except AuthenticationError:
                assert revoked
            else:
                assert not revoked

    assert await cut_everywhere(people, revoke) > 3
