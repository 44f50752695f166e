"""What permissions mean, in words, for whoever puts a role together."""

from __future__ import annotations

from motet.access.principals import Permission

_NOUNS = {
    "viewer": "one's own account",
    "workspace": "the workspace and its settings",
    "sim": "SIMs: their identities, eUICCs, IMSIs and activation codes",
    "sim_order": "orders of SIM cards",
    "device": "devices: their settings, and where they are",
    "service_policy": "service policies",
    "coverage_policy": "coverage policies",
    "ip_address_space": "private address spaces",
    "dns_config": "DNS configurations",
    "sms": "messages",
    "usage": "what was used, and data sessions",
    "quota": "quotas and pools",
    "event": "events",
    "job": "jobs",
    "alert": "alerts and their rules",
    "ticket": "tickets",
    "webhook": "webhooks and their deliveries",
    "short_code": "short codes",
    "smpp_account": "SMPP accounts",
    "user": "the people of the workspace",
    "identity_provider": "single sign-on",
    "role": "the workspace's own roles",
    "api_key": "API keys",
    "audit": "the audit log",
    "reference": "countries, operators, networks and the like",
}
_VERBS = {"read": "See", "write": "Change", "send": "Send and cancel"}


def words_of(permission: Permission) -> str:
    """One sentence, without a full stop."""
    noun, _, verb = permission.value.partition(":")
    return f"{_VERBS.get(verb, verb.capitalize())} {_NOUNS.get(noun, noun.replace('_', ' '))}"
