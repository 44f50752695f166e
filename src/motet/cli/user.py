"""`motet user`: links for people's passwords, where there is no mail or nobody to invite anyone yet."""

from __future__ import annotations

import argparse

from motet.access.principals import Role
from motet.bootstrap.people import invitation_link, operator_link, password_link
from motet.cli.access_flags import DATABASE_FLAGS
from motet.config.errors import SettingError
from motet.config.flags import add_flags, read_settings
from motet.log import configure_logging


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    invite = actions.add_parser("invite", help="print a link by which someone becomes a member, or the operator")
    invite.add_argument("email", metavar="EMAIL", help="the address that they will sign in with")
    where = invite.add_mutually_exclusive_group(required=True)
    where.add_argument("--workspace", metavar="NAME", help="the workspace")
    where.add_argument("--operator", action="store_true", help="above the workspaces: a super administrator of all")
    roles = [role.value for role in Role if role is not Role.SUPER_ADMIN]
    invite.add_argument("--role", choices=roles, help="what they are to be in it (ADMINISTRATOR)")
    invite.add_argument("--name", default="", metavar="NAME", help="what they are called")
    reset = actions.add_parser("reset", help="print a link to set someone's next password by, good for an hour")
    reset.add_argument("email", metavar="EMAIL", help="their address")
    for action in (invite, reset):
        add_flags(action, (*DATABASE_FLAGS, "secret-key-file", "public-url", "http"))


def run(arguments: argparse.Namespace) -> int:
    settings = read_settings(arguments)
    configure_logging(settings.log_format, settings.log_level)
    if arguments.action == "reset":
        print(password_link(settings, arguments.email))
        return 0
    if arguments.operator:
        if arguments.role:
            raise SettingError("--role goes with --workspace")
        print(operator_link(settings, arguments.email, arguments.name))
        return 0
    role = Role(arguments.role or Role.ADMINISTRATOR)
    print(invitation_link(settings, arguments.email, arguments.workspace, role, arguments.name))
    return 0
