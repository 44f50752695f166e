"""SIMs of a carrier's list."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.fleet.sims.sim_import import MAX_ROW_ERRORS, import_sims
from motet.fleet.sims.sim_sheet import FIELDS, Layout, RowError
from motet.graphql.errors import UserError, UserErrorCode, camel
from motet.graphql.fields import context_of, done, mutation, or_none
from motet.graphql.types.relay import described


@strawberry.input(
    description="What the columns of a list of SIMs are called; letter case, blanks, `_` and `-` do not count."
)
class SimImportColumns:
    iccid: str | None = strawberry.field(default=strawberry.UNSET, description="The ICCID; `iccid` if not given.")
    imsi: str | None = strawberry.field(default=strawberry.UNSET, description="The IMSI; `imsi` if not given.")
    msisdn: str | None = strawberry.field(default=strawberry.UNSET, description="The MSISDN; `msisdn` if not given.")
    eid: str | None = strawberry.field(
        default=strawberry.UNSET, description="The EID; `eid` if not given, where there is one."
    )
    form_factor: str | None = strawberry.field(
        default=strawberry.UNSET, description="The form factor; `formFactor` if not given, where there is one."
    )
    quality_grade: str | None = strawberry.field(
        default=strawberry.UNSET, description="The quality grade; `qualityGrade` if not given, where there is one."
    )
    package: str | None = strawberry.field(
        default=strawberry.UNSET, description="The package; `package` if not given, where there is one."
    )


@strawberry.enum(description="How a carrier's own export of SIMs looks.")
class SimImportPreset(Enum):
    GENERIC = strawberry.enum_value("GENERIC", description="Columns by any of the usual names.")
    EMNIFY = strawberry.enum_value("EMNIFY", description="`iccid` without its check digit, `imsi`, `msisdn`.")
    EMNIFY_WITH_LUHN = strawberry.enum_value("EMNIFY_WITH_LUHN", description="`iccid_with_luhn`, `imsi`, `msisdn`.")
    ONE_NCE = strawberry.enum_value("ONE_NCE", description="`ICCID`, `IMSI`, `MSISDN`.")
    CONTROL_CENTER = strawberry.enum_value("CONTROL_CENTER", description="`ICCID`, `IMSI`, `MSISDN`.")
    KITE = strawberry.enum_value("KITE", description="`ICC`, `IMSI`, `MSISDN`.")


@strawberry.input(description="A carrier's list of SIMs.")
class SimImportInput:
    csv: str = strawberry.field(description="The list as CSV: at most 10,000 lines. Pass it as a variable.")
    columns: SimImportColumns | None = strawberry.field(
        default=strawberry.UNSET, description="What its columns are called, where not as the fields here."
    )
    delimiter: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="What stands between cells: comma, semicolon, tab or bar; told from the header if not given.",
    )
    preset: SimImportPreset | None = strawberry.field(
        default=strawberry.UNSET, description="Whose export it is; `columns` count before it. GENERIC if not given."
    )
    complete_iccid: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether ICCIDs stop before their check digit, which is then added; default as the preset has it.",
    )
    dry_run: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether to check only and import nothing; default false."
    )


@strawberry.type(description="Why a line of a list was not imported.")
class SimImportRowError:
    line: int = described("The line of the text, from 1 on; the header is the first.")
    field: str | None = described("What is at fault, such as `iccid`.")
    code: UserErrorCode = described("What kind of trouble: INVALID, or CONFLICT for an identity that is taken.")
    message: str = described("What is wrong, in words.")


@strawberry.type(description="What came of importing a list of SIMs.")
class SimImportPayload:
    row_count: int | None = described("How many lines of data the list has.")
    imported_count: int | None = described("How many SIMs were registered; after a dry run, would be.")
    row_error_count: int | None = described("How many lines were not imported.")
    row_errors: list[SimImportRowError] | None = described("Why not: of the first 1,000 of these lines.")
    user_errors: list[UserError] = described("Why nothing was imported at all; empty if lines were looked at.")


@strawberry.type
class SimImportMutations:
    """The part of Mutation that is about lists of SIMs."""

    @mutation(
        Permission.SIM_WRITE,
        "Register the SIMs of a carrier's list. Good lines are imported together, the others are told.",
    )
    async def sim_import(
        self,
        info: Info,
        input: Annotated[SimImportInput, strawberry.argument(description="The list.")],  # noqa: A002
    ) -> SimImportPayload | None:
        context = context_of(info)
        preset = or_none(input.preset)
        imported = await import_sims(
            context.services.sims,
            context.workspace_id,
            context.principal.subject,
            input.csv,
            Layout(
                columns_of(input.columns),
                or_none(input.delimiter),
                preset.name if isinstance(preset, SimImportPreset) else None,
                or_none(input.complete_iccid),
            ),
            dry_run=bool(or_none(input.dry_run)),
        )
        return done(
            rowCount=imported.row_count,
            importedCount=imported.imported_count,
            rowErrorCount=len(imported.errors),
            rowErrors=row_errors_of(imported.errors),
        )


def columns_of(typed: SimImportColumns | None) -> dict[str, str]:
    """What the columns of a list are called, by field."""
    columns = or_none(typed)
    named = {field: or_none(getattr(columns, field)) for field in FIELDS} if columns is not None else {}
    return {field: name for field, name in named.items() if name is not None}


def row_errors_of(errors: Sequence[RowError]) -> list[dict[str, Any]]:
    """The errors that are told, as objects of GraphQL."""
    return [
        {
            "line": error.line,
            "field": None if error.field is None else camel(error.field),
            "code": error.code,
            "message": error.message,
            "__typename": "SimImportRowError",
        }
        for error in errors[:MAX_ROW_ERRORS]
    ]
