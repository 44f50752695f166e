"""SIMs: register, import, activate, suspend, delete."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.fleet.sim import NewSim
from motet.fleet.sim_import import FIELDS, MAX_ROW_ERRORS, import_sims
from motet.graphql.errors import UserError, UserErrorCode, camel
from motet.graphql.fields import context_of, done, idempotency_key, mutation, or_none, row_id_of
from motet.graphql.types.relay import described
from motet.graphql.types.sim import Sim


@strawberry.input(description="A SIM as its carrier describes it.")
class SimRegisterInput:
    iccid: str = strawberry.field(description="19 or 20 digits from 89 on; the last is the check digit.")
    imsi: str = strawberry.field(description="14 or 15 digits.")
    msisdn: str = strawberry.field(description="7 to 15 digits in international form; a leading plus is let pass.")
    eid: str | None = strawberry.field(
        default=strawberry.UNSET, description="Of an eUICC: 32 digits; the last two check them."
    )
    form_factor: str | None = strawberry.field(
        default=strawberry.UNSET, description="Shape of the card, such as 2FF, 4FF or MFF2."
    )
    quality_grade: str | None = strawberry.field(
        default=strawberry.UNSET, description="What the card is made for, such as INDUSTRIAL."
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of registering a SIM.")
class SimRegisterPayload:
    sim: Sim | None = described("The SIM; it is ISSUED.")
    user_errors: list[UserError] = described("Why it was not registered; empty if it was.")


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


@strawberry.input(description="A carrier's list of SIMs.")
class SimImportInput:
    csv: str = strawberry.field(
        description="The list as CSV with a header line: at most 10,000 lines. Pass it as a variable."
    )
    columns: SimImportColumns | None = strawberry.field(
        default=strawberry.UNSET, description="What its columns are called, where not as the fields here."
    )
    delimiter: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="What stands between cells: comma, semicolon, tab or bar; told from the header if not given.",
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


@strawberry.input(description="Which SIM to take into use.")
class SimActivateInput:
    id: strawberry.ID = strawberry.field(description="The SIM.")


@strawberry.type(description="What came of activating a SIM.")
class SimActivatePayload:
    sim: Sim | None = described("The SIM, as it is now.")
    user_errors: list[UserError] = described("Why it was not activated; empty if it was.")


@strawberry.input(description="Which SIM to bar.")
class SimSuspendInput:
    id: strawberry.ID = strawberry.field(description="The SIM.")


@strawberry.type(description="What came of suspending a SIM.")
class SimSuspendPayload:
    sim: Sim | None = described("The SIM, as it is now.")
    user_errors: list[UserError] = described("Why it was not suspended; empty if it was.")


@strawberry.input(description="Which SIM to end for good.")
class SimDeleteInput:
    id: strawberry.ID = strawberry.field(description="The SIM; it must be in no device.")


@strawberry.type(description="What came of deleting a SIM.")
class SimDeletePayload:
    deleted_id: strawberry.ID | None = described("The id of the SIM that is gone.")
    user_errors: list[UserError] = described("Why it was not deleted; empty if it was.")


@strawberry.type
class SimMutations:
    """The part of Mutation that is about SIMs."""

    @mutation(Permission.SIM_WRITE, "Add a SIM of a carrier by its identities, which no other SIM has.", ("sim", "Sim"))
    async def sim_register(
        self,
        info: Info,
        input: Annotated[SimRegisterInput, strawberry.argument(description="The SIM.")],  # noqa: A002
    ) -> SimRegisterPayload | None:
        context = context_of(info)
        new = NewSim(
            iccid=input.iccid,
            imsi=input.imsi,
            msisdn=input.msisdn,
            eid=or_none(input.eid),
            form_factor=or_none(input.form_factor),
            quality_grade=or_none(input.quality_grade),
        )
        return done(await context.services.sims.register(context.workspace_id, context.principal.subject, new))

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
        columns = or_none(input.columns)
        named = {field: or_none(getattr(columns, field)) for field in FIELDS} if columns is not None else {}
        imported = await import_sims(
            context.services.sims,
            context.workspace_id,
            context.principal.subject,
            input.csv,
            {field: name for field, name in named.items() if name is not None},
            delimiter=or_none(input.delimiter),
            dry_run=bool(or_none(input.dry_run)),
        )
        return done(
            rowCount=imported.row_count,
            importedCount=imported.imported_count,
            rowErrorCount=len(imported.errors),
            rowErrors=[
                {
                    "line": error.line,
                    "field": None if error.field is None else camel(error.field),
                    "code": error.code,
                    "message": error.message,
                    "__typename": "SimImportRowError",
                }
                for error in imported.errors[:MAX_ROW_ERRORS]
            ],
        )

    @mutation(
        Permission.SIM_WRITE,
        "Take a SIM into use, or end its suspension. The next SMS goes through. One that is in use stays as it is.",
        ("sim", "Sim"),
    )
    async def sim_activate(
        self,
        info: Info,
        input: Annotated[SimActivateInput, strawberry.argument(description="Which SIM.")],  # noqa: A002
    ) -> SimActivatePayload | None:
        context = context_of(info)
        sim_id = row_id_of(input.id, "Sim", "id")
        await context.services.sims.activate(context.workspace_id, context.principal.subject, sim_id)
        return done(sim_id)

    @mutation(
        Permission.SIM_WRITE,
        "Bar a SIM that is ACTIVATED: the next SMS is refused. One that is barred stays as it is.",
        ("sim", "Sim"),
    )
    async def sim_suspend(
        self,
        info: Info,
        input: Annotated[SimSuspendInput, strawberry.argument(description="Which SIM.")],  # noqa: A002
    ) -> SimSuspendPayload | None:
        context = context_of(info)
        sim_id = row_id_of(input.id, "Sim", "id")
        await context.services.sims.suspend(context.workspace_id, context.principal.subject, sim_id)
        return done(sim_id)

    @mutation(Permission.SIM_WRITE, "End a SIM for good; its identities are free for another, its history stays.")
    async def sim_delete(
        self,
        info: Info,
        input: Annotated[SimDeleteInput, strawberry.argument(description="Which SIM.")],  # noqa: A002
    ) -> SimDeletePayload | None:
        context = context_of(info)
        sim_id = row_id_of(input.id, "Sim", "id")
        await context.services.sims.delete(context.workspace_id, context.principal.subject, sim_id)
        return done(deletedId=input.id)
