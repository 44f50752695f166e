"""The table of roles."""

from motet.access.principals import (
    NETWORK_PERMISSIONS,
    OPERATOR_PERMISSIONS,
    ROLE_PERMISSIONS,
    SHARED_PERMISSIONS,
    Permission,
    Role,
)


def test_every_role_has_a_row_and_each_holds_more_than_the_next() -> None:
    assert set(ROLE_PERMISSIONS) == set(Role)
    administrator, user, observer = (ROLE_PERMISSIONS[role] for role in (Role.ADMINISTRATOR, Role.USER, Role.OBSERVER))
    assert ROLE_PERMISSIONS[Role.SUPER_ADMIN] == administrator
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
    assert {permission.split(":")[1] for permission in SHARED_PERMISSIONS - {Permission.VIEWER_WRITE}} == {"read"}
    assert ROLE_PERMISSIONS[Role.ADMINISTRATOR] | OPERATOR_PERMISSIONS | NETWORK_PERMISSIONS == set(Permission)
    assert not NETWORK_PERMISSIONS & (ROLE_PERMISSIONS[Role.ADMINISTRATOR] | OPERATOR_PERMISSIONS)
