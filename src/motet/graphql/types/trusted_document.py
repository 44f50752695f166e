"""Documents that clients name instead of sending."""

from __future__ import annotations

from datetime import datetime

import strawberry

from motet.graphql.types.relay import Node, described


@strawberry.type(description="A GraphQL document that clients may name instead of sending it.")
class TrustedDocument(Node):
    id: strawberry.ID = described("The global id; clients name `documentId`.")
    workspace_id: strawberry.ID | None = described(
        "The workspace whose members may name it; null: it is the installation's, and everyone may."
    )
    document_id: str = described("The name by which clients ask for it, as their build gave it.")
    sha256: str = described("The SHA-256 of the text in hex: `sha256:` and this names the document too.")
    text: str = described("The document.")
    created_at: datetime = described("When it was added.")
