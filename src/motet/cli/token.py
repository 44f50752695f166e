"""`motet token`: an access token on standard output."""

from __future__ import annotations

import argparse

from motet.access.principals import Role
from motet.bootstrap.commands import issue_network_token, issue_token, revoke_token, rotate_keys
from motet.cli.access_flags import add_issuing_flags, read_ttl_s
from motet.config.errors import SettingError
from motet.config.flags import read_settings
from motet.log import configure_logging


def add_arguments(parser: argparse.ArgumentParser) -> None:
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("--operator", action="store_true", help="the operator's, above the workspaces")
    whose.add_argument("--workspace", metavar="NAME", help="a member's of this workspace, with --role")
    whose.add_argument(
        "--network",
        dest="named_network",
        metavar="NAME",
        help="a mobile network's, which may only tell what happens in it",
    )
    whose.add_argument("--revoke", metavar="TOKEN", help="take this one back instead, before its time")
    whose.add_argument(
        "--revoke-all", action="store_true", help="end every access token that was issued until now; API keys stay"
    )
    parser.add_argument("--role", choices=[role.value for role in Role], help="the member's role (ADMINISTRATOR)")
    parser.add_argument(
        "--custom-role",
        metavar="ID|NAME",
        help="one of the workspace's own roles in place of --role: the token follows it, and ends with it",
    )
    add_issuing_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    settings = read_settings(arguments)
    configure_logging(settings.log_format, settings.log_level)
    if (arguments.role or arguments.custom_role) and not arguments.workspace:
        raise SettingError(f"{'--role' if arguments.role else '--custom-role'} goes with --workspace")
    if arguments.role and arguments.custom_role:
        raise SettingError("give either --role or --custom-role")
    if arguments.revoke is not None:
        print(f"The token {revoke_token(settings, arguments.revoke)} is good no more.")
        return 0
    if arguments.revoke_all:
        kid = rotate_keys(settings, end_tokens=True)
        print(f"Every token that was issued until now has ended. The key {kid} signs from now on.")
        return 0
    if arguments.named_network is not None:
        print(issue_network_token(settings, arguments.named_network, read_ttl_s(arguments)))
        return 0
    role = arguments.custom_role or Role(arguments.role or Role.ADMINISTRATOR)
    print(issue_token(settings, arguments.workspace, role, read_ttl_s(arguments)))
    return 0
