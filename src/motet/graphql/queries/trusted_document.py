"""Documents that clients name instead of sending."""

from __future__ import annotations

import strawberry

from motet.access.principals import Permission
from motet.graphql.lists import root_list
from motet.graphql.types.trusted_document import TrustedDocument


@strawberry.type
class TrustedDocumentQueries:
    """The part of Query that is about documents."""

    trusted_documents = root_list(
        TrustedDocument,
        Permission.TRUSTED_DOCUMENT_READ,
        "The documents that members of the workspace may name; for the operator those of all workspaces and of the"
        " installation.",
    )
