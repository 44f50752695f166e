"""SIMs: register, test, activate, suspend, delete."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.sim_lifecycle import SimTrigger
from motet.fleet.sims.sim import NewSim
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, idempotency_key, mutation, or_none, row_id_of
from motet.graphql.scoping import Scoping
from motet.graphql.types.relay import described
from motet.graphql.types.sim import Sim, SimScheduledTransition, SimTransition


@strawberry.input(description="A SIM as its carrier describes it.")
class SimRegisterInput:
    iccid: str = strawberry.field(description="19 or 20 digits from 89 on; the last is the check digit.")
    imsi: str = strawberry.field(description="14 or 15 digits.")
    msisdn: str = strawberry.field(description="7 to 15 digits in international form; a leading plus is let pass.")
    eid: str | None = strawberry.field(
        default=strawberry.UNSET, description="Of an eUICC: 32 digits; the last two check them."
    )
    form_factor: str | None = strawberry.field(
        default=strawberry.UNSET, description="Shape of the card: a code of `formFactors`."
    )
    quality_grade: str | None = strawberry.field(
        default=strawberry.UNSET, description="What the card is made for: a code of `qualityGrades`."
    )
    package: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The package that it came in: a code of `simPackages`, which says the grade and maybe the form.",
    )
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of registering a SIM.")
class SimRegisterPayload:
    sim: Sim | None = described("The SIM; it is ISSUED.")
    user_errors: list[UserError] = described("Why it was not registered; empty if it was.")


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


@strawberry.input(description="Which SIM to put into factory test.")
class SimStartFactoryTestInput:
    id: strawberry.ID = strawberry.field(description="The SIM; it is ISSUED.")
    ends_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="When the test ends at the latest; in 30 days if not given."
    )


@strawberry.type(description="What came of starting a factory test.")
class SimStartFactoryTestPayload:
    sim: Sim | None = described("The SIM, as it is now.")
    user_errors: list[UserError] = described("Why it is not in factory test; empty if it is.")


@strawberry.input(description="What a SIM is to do later.")
class SimScheduleTransitionInput:
    id: strawberry.ID = strawberry.field(description="The SIM.")
    transition: SimTransition = strawberry.field(description="What it is to do.")
    at: datetime = strawberry.field(description="When, up to three years ahead.")
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of planning.")
class SimScheduleTransitionPayload:
    sim_scheduled_transition: SimScheduledTransition | None = described("The plan.")
    user_errors: list[UserError] = described("Why it was not planned; empty if it was.")


@strawberry.input(description="Which plan to call off.")
class SimScheduledTransitionCancelInput:
    id: strawberry.ID = strawberry.field(description="The plan.")


@strawberry.type(description="What came of calling a plan off.")
class SimScheduledTransitionCancelPayload:
    sim_scheduled_transition: SimScheduledTransition | None = described("The plan, as it is now.")
    user_errors: list[UserError] = described("Why it was not called off; empty if it was.")


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
            package=or_none(input.package),
        )
        return done(await context.services.sims.register(context.workspace_id, context.principal.subject, new))

    @mutation(
        Permission.SIM_WRITE,
        "Take a SIM into use, or end its suspension. The next SMS goes through. One that is in use stays as it is.",
        ("sim", "Sim"),
        scoping=Scoping.IDS,
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
        scoping=Scoping.IDS,
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

    @mutation(
        Permission.SIM_WRITE,
        "End a SIM for good; its identities are free for another, its history stays.",
        scoping=Scoping.IDS,
    )
    async def sim_delete(
        self,
        info: Info,
        input: Annotated[SimDeleteInput, strawberry.argument(description="Which SIM.")],  # noqa: A002
    ) -> SimDeletePayload | None:
        context = context_of(info)
        sim_id = row_id_of(input.id, "Sim", "id")
        await context.services.sims.delete(context.workspace_id, context.principal.subject, sim_id)
        return done(deletedId=input.id)

    @mutation(
        Permission.SIM_WRITE,
        "Put a SIM that was never activated into factory test. The tenth SMS, 100 KB of data, a change of its device's"
        " status, a reset of its connectivity or the end of the period activate it.",
        ("sim", "Sim"),
        scoping=Scoping.IDS,
    )
    async def sim_start_factory_test(
        self,
        info: Info,
        input: Annotated[SimStartFactoryTestInput, strawberry.argument(description="Which SIM.")],  # noqa: A002
    ) -> SimStartFactoryTestPayload | None:
        context = context_of(info)
        sim_id = row_id_of(input.id, "Sim", "id")
        subject, ends_at = context.principal.subject, or_none(input.ends_at)
        await context.services.sims.start_test(context.workspace_id, subject, sim_id, ends_at)
        return done(sim_id)

    @mutation(
        Permission.SIM_WRITE,
        "Have a SIM activated, suspended, deleted or tested later. Whether its status allows it is judged then: what is"
        " refused is an event with the reason.",
        ("simScheduledTransition", "SimScheduledTransition"),
        scoping=Scoping.IDS,
    )
    async def sim_schedule_transition(
        self,
        info: Info,
        input: Annotated[SimScheduleTransitionInput, strawberry.argument(description="What and when.")],  # noqa: A002
    ) -> SimScheduleTransitionPayload | None:
        context = context_of(info)
        sim_id = row_id_of(input.id, "Sim", "id")
        trigger = SimTrigger[input.transition.name]
        schedule = context.services.sim_schedule
        subject = context.principal.subject
        return done(await schedule.schedule(context.workspace_id, subject, sim_id, trigger, input.at))

    @mutation(
        Permission.SIM_WRITE,
        "Call off what a SIM was to do later.",
        ("simScheduledTransition", "SimScheduledTransition"),
        scoping=Scoping.IDS,
    )
    async def sim_scheduled_transition_cancel(
        self,
        info: Info,
        input: Annotated[SimScheduledTransitionCancelInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> SimScheduledTransitionCancelPayload | None:
        context = context_of(info)
        schedule_id = row_id_of(input.id, "SimScheduledTransition", "id")
        await context.services.sim_schedule.cancel(context.workspace_id, schedule_id)
        return done(schedule_id)
