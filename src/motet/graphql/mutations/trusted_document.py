"""Documents that clients name instead of sending: add and remove."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.errors import LimitReachedError
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, mutation, row_id_of
from motet.graphql.types.relay import described

MAX_ADDED = 200
"""Documents in one mutation: each is validated, in some milliseconds."""


@strawberry.input(description="A document and its name.")
class TrustedDocumentInput:
    document_id: str = strawberry.field(
        description="The name by which clients ask for it: 1 to 256 visible ASCII characters, such as a hash of it."
    )
    text: str = strawberry.field(description="The document, which must be valid here.")


@strawberry.input(description="Documents that clients may name.")
class TrustedDocumentAddInput:
    documents: list[TrustedDocumentInput] = strawberry.field(
        description="1 to 200 of them. All are added or none; to add one that is there changes nothing."
    )


@strawberry.type(description="What came of adding documents.")
class TrustedDocumentAddPayload:
    added_count: int | None = described("How many were not there yet.")
    user_errors: list[UserError] = described("Why none was added; empty if they were.")


@strawberry.input(description="Which document to remove.")
class TrustedDocumentDeleteInput:
    id: strawberry.ID = strawberry.field(description="The document.")


@strawberry.type(description="What came of removing a document.")
class TrustedDocumentDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the document that is gone.")
    user_errors: list[UserError] = described("Why it was not removed; empty if it was.")


@strawberry.type
class TrustedDocumentMutations:
    """The part of Mutation that is about documents."""

    @mutation(
        Permission.TRUSTED_DOCUMENT_WRITE,
        "Adds documents that clients may name instead of sending: the workspace's own, or by the operator the"
        " installation's, which every workspace may name.",
    )
    async def trusted_document_add(
        self,
        info: Info,
        input: Annotated[TrustedDocumentAddInput, strawberry.argument(description="The documents.")],  # noqa: A002
    ) -> TrustedDocumentAddPayload | None:
        context = context_of(info)
        if len(input.documents) > MAX_ADDED:
            raise LimitReachedError("At most {most} at once.", path=("documents",), most=MAX_ADDED)
        documents = [(one.document_id, one.text) for one in input.documents]
        added = await context.services.trusted_documents.add(context.principal.workspace_id, documents)
        return done(addedCount=added)

    @mutation(
        Permission.TRUSTED_DOCUMENT_WRITE,
        "Removes a document; within two seconds no node runs it any more by its name.",
    )
    async def trusted_document_delete(
        self,
        info: Info,
        input: Annotated[TrustedDocumentDeleteInput, strawberry.argument(description="Which one.")],  # noqa: A002
    ) -> TrustedDocumentDeletePayload | None:
        context = context_of(info)
        row_id = row_id_of(input.id, "TrustedDocument", "id")
        await context.services.trusted_documents.delete(context.principal.workspace_id, row_id)
        return done(deletedId=input.id)
