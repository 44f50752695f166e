"""The table of roles."""

from hypothesis import given
from hypothesis import strategies as st

from motet.access.principals import (
    EVERYONES,
    GRANTABLE_WITH_TAGS,
    NETWORK_PERMISSIONS,
    OPERATOR_PERMISSIONS,
    ROLE_PERMISSIONS,
    SHARED_PERMISSIONS,
    SUPER_ADMIN_PERMISSIONS,
    Grant,
    Permission,
    Role,
    custom_grant,
    narrowed,
    role_grant,
)


def test_every_role_has_a_row_and_each_holds_more_than_the_next() -> None:
    assert set(ROLE_PERMISSIONS) == set(Role)
    administrator, user, observer = (ROLE_PERMISSIONS[role] for role in (Role.ADMINISTRATOR, Role.USER, Role.OBSERVER))
    assert ROLE_PERMISSIONS[Role.SUPER_ADMIN] == administrator | SUPER_ADMIN_PERMISSIONS
    assert not administrator & SUPER_ADMIN_PERMISSIONS
    assert observer < user < administrator


def test_observers_change_nothing_but_their_own_account() -> None:
    observer = ROLE_PERMISSIONS[Role.OBSERVER] - {Permission.VIEWER_WRITE}
    assert {permission.split(":")[1] for permission in observer} == {"read"}


def test_users_touch_neither_people_nor_credentials() -> None:
    for permission in (
        Permission.USER_WRITE,
        Permission.API_KEY_WRITE,
        Permission.SMPP_ACCOUNT_WRITE,
        Permission.AUDIT_READ,
        Permission.WORKSPACE_WRITE,
    ):
        assert permission not in ROLE_PERMISSIONS[Role.USER]


def test_members_and_the_operator_share_only_what_is_meant_for_both() -> None:
    assert ROLE_PERMISSIONS[Role.ADMINISTRATOR] & OPERATOR_PERMISSIONS == SHARED_PERMISSIONS
    changing = {Permission.VIEWER_WRITE, Permission.SIM_MOVE, Permission.TRUSTED_DOCUMENT_WRITE}
    assert {permission.split(":")[1] for permission in SHARED_PERMISSIONS - changing} == {"read"}
    assert ROLE_PERMISSIONS[Role.ADMINISTRATOR] | OPERATOR_PERMISSIONS | NETWORK_PERMISSIONS == set(Permission)
    assert not NETWORK_PERMISSIONS & (ROLE_PERMISSIONS[Role.ADMINISTRATOR] | OPERATOR_PERMISSIONS)


_CODES = st.lists(st.sampled_from([permission.value for permission in Permission] + ["nothing:read"]))
_TAGS = st.none() | st.lists(st.sampled_from("abc"), min_size=1)


@given(_CODES, _TAGS)
def test_a_custom_role_holds_what_an_administrator_has_and_everyones(codes: list[str], tags: list[str] | None) -> None:
    grant = custom_grant(codes, tags)
    assert EVERYONES <= grant.permissions <= ROLE_PERMISSIONS[Role.ADMINISTRATOR]
    assert {permission.value for permission in grant.permissions - EVERYONES} <= set(codes)
    assert grant.tags == (None if tags is None else set(tags))


def test_a_role_that_is_bound_to_tags_changes_nothing_that_devices_share() -> None:
    grant = custom_grant([permission.value for permission in Permission], ["fleet"])
    assert {permission.value for permission in grant.permissions if not permission.value.endswith(":read")} == {
        "sim:write",
        "device:write",
        "sms:send",
        "quota:write",
        "job:write",
        "alert:write",
        "ticket:write",
        "viewer:write",
    }
    assert Permission.AUDIT_READ not in grant.permissions


@given(_CODES, _TAGS, st.none() | _CODES, _TAGS)
def test_a_key_never_has_more_than_its_role(
    codes: list[str], tags: list[str] | None, keys_codes: list[str] | None, keys_tags: list[str] | None
) -> None:
    role = custom_grant(codes, tags)
    left = narrowed(role, keys_codes, keys_tags)
    assert left.permissions <= role.permissions
    if keys_codes is not None:
        assert {permission.value for permission in left.permissions} <= set(keys_codes)
    for bound in (role.tags, None if keys_tags is None else frozenset(keys_tags)):
        if bound is not None:
            assert left.tags is not None
            assert left.tags <= bound
            assert left.permissions <= GRANTABLE_WITH_TAGS
    assert (left.tags is None) is (role.tags is None and keys_tags is None)


def test_a_key_that_names_nothing_has_what_the_role_has() -> None:
    for role in Role:
        assert narrowed(role_grant(role), None, None) == Grant(ROLE_PERMISSIONS[role])
