"""What connects applications: webhooks, short codes, SMPP accounts."""

from __future__ import annotations

import strawberry

from motet.access.principals import Permission
from motet.graphql.lists import root_list
from motet.graphql.types.esme import ShortCode, SmppAccount, SmppSession
from motet.graphql.types.webhook import Webhook


@strawberry.type
class EsmeQueries:
    """The part of Query that is about applications."""

    webhooks = root_list(Webhook, Permission.WEBHOOK_READ, "The webhooks of the workspace.")
    short_codes = root_list(ShortCode, Permission.SHORT_CODE_READ, "The short codes of the workspace.")
    smpp_accounts = root_list(SmppAccount, Permission.SMPP_ACCOUNT_READ, "The SMPP accounts of the workspace.")
    smpp_sessions = root_list(
        SmppSession, Permission.SMPP_ACCOUNT_READ, "The sessions of the workspace's ESMEs that are bound now."
    )
