"""How names of ours are spelled in answers."""


def camel(name: str) -> str:
    """A name of ours as GraphQL spells it: `expires_at` is `expiresAt`."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
