"""Coverage: the operator's own list of networks."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, mutation, or_none
from motet.graphql.queries.reference import coverage_version
from motet.graphql.types.reference import CoverageVersion
from motet.graphql.types.relay import described
from motet.radio.coverage_csv import MAX_ROW_ERRORS


@strawberry.input(description="A new version of what is known of networks.")
class CoverageImportInput:
    csv: str = strawberry.field(
        description="CSV with a header: `plmn` and `rat`, and any of `bands` (`3 20`, with `?` where it is not sure),"
        " `psm`, `edrx`, `sms` (yes, no, empty: not known), `roaming`, `sunset_on`, `sunset_source`, `as_of`."
        " At most 20,000 lines."
    )
    name: str = strawberry.field(description="What to call it: 1 to 100 characters.")
    source: str = strawberry.field(description="Where it is from: 1 to 300 characters.")
    as_of: date | None = strawberry.field(
        default=strawberry.UNSET, description="The date of lines that name none; today if not given."
    )
    replace: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="True: these lines alone count. Default false: they go over the current version's.",
    )
    dry_run: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Only check and count; default false."
    )


@strawberry.type(description="What is wrong with a line.")
class CoverageRowError:
    line: int = described("The line; the header is 1.")
    field: str | None = described("The column at fault.")
    message: str = described("What is wrong, in words.")


@strawberry.type(description="What came of importing coverage.")
class CoverageImportPayload:
    coverage_version: CoverageVersion | None = described("The version; null if a line was wrong, or on a dry run.")
    row_count: int | None = described("How many lines there were.")
    row_errors: list[CoverageRowError] | None = described("What is wrong with which line, at most 1,000 of them.")
    added: int | None = described("How many networks are new, or would be.")
    removed: int | None = described("How many are gone, or would be.")
    changed: int | None = described("How many differ, or would.")
    user_errors: list[UserError] = described("Why nothing was read; empty if it was.")


@strawberry.type
class CoverageMutations:
    """The part of Mutation that is about coverage."""

    @mutation(
        Permission.REFERENCE_WRITE,
        "Import what is known of networks, for all workspaces. The operator's. No line is taken if one is wrong.",
    )
    async def coverage_import(
        self,
        info: Info,
        input: Annotated[CoverageImportInput, strawberry.argument(description="The lines.")],  # noqa: A002
    ) -> CoverageImportPayload | None:
        context = context_of(info)
        book = context.services.coverage
        came = await book.import_csv(
            context.principal.subject,
            input.csv,
            name=input.name,
            source=input.source,
            as_of=or_none(input.as_of),
            replace=or_none(input.replace) is True,
            dry_run=or_none(input.dry_run) is True,
        )
        stored = {one.number: one for one in await book.versions()} if came.version else {}
        return done(
            coverageVersion=coverage_version(stored[came.version]) if came.version in stored else None,
            rowCount=came.row_count,
            rowErrors=[
                {"__typename": "CoverageRowError", "line": one.line, "field": one.field, "message": one.message}
                for one in came.errors[:MAX_ROW_ERRORS]
            ],
            added=came.added,
            removed=came.removed,
            changed=came.changed,
        )
