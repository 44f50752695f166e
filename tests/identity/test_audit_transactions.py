"""What changes something does so inside `motet.storage.transaction.transaction`, so that it has its entry in the audit
log: other transactions are named here, each with a reason."""

from __future__ import annotations

import ast
from pathlib import Path

import motet

SOURCE = Path(motet.__file__).parent

OTHERS: dict[str, tuple[int, str]] = {
    "bootstrap/audit_commands.py": (1, "the transaction of a command, with its entry"),
    "bootstrap/commands.py": (1, "a savepoint in that"),
    "identity/audit.py": (1, "writes entries"),
    "identity/audit_check.py": (1, "reads them"),
    "identity/audit_sealing.py": (1, "seals them"),
    "identity/users.py": (1, "reads all of a person in one state"),
    "identity/signing_keys.py": (1, "a savepoint: of a command's transaction, or of the schedule's"),
    "identity/sso/sign_on.py": (1, "a code for the browser, good for a minute: exchanging it is the entry"),
    "fleet/jobs/runner.py": (2, "a chunk, audited inside as the act of whoever asked; a savepoint for dry runs"),
    "fleet/seeds/people.py": (2, "the demo's own people, before anybody is there"),
    "fleet/seeds/tenant.py": (1, "the demo's own workspaces, before anybody is there"),
    "fleet/usage/counting.py": (1, "counts messages"),
    "fleet/usage/session.py": (1, "counts sessions that networks report"),
    "fleet/usage/session_cut.py": (1, "a rule about what is counted ends a data session: an event tells of it"),
    "links/esme_server.py": (1, "a session of an ESME, which is its own record"),
}
"""How many there are in a file, and why."""

BELOW = ("storage/", "hub/")
"""`storage` makes savepoints in its callers' transactions, and keeps partitions and nodes; `hub` commits messages, each
its own record."""


def opened_in(path: Path) -> int:
    """Calls of a method named `transaction`."""
    tree = ast.parse(path.read_text())
    return sum(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "transaction"
        for node in ast.walk(tree)
    )


def test_every_other_transaction_has_a_reason() -> None:
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if not name.startswith(BELOW) and (count := opened_in(path)):
            found[name] = count
    assert found == {name: count for name, (count, _) in OTHERS.items()}, (
        "use motet.storage.transaction.transaction, or say here why not"
    )
