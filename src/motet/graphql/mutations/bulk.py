"""Many devices or SIMs at once, as jobs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from motet.access.principals import Permission
from motet.domain.errors import InvalidError, LimitReachedError
from motet.fleet.devices.device_bulk import BulkChange, BulkReset
from motet.fleet.devices.device_changes import DeviceChanges
from motet.fleet.jobs.jobs import MAX_ITEMS
from motet.fleet.jobs.selections import MAX_IDS
from motet.graphql.errors import UserError
from motet.graphql.fields import context_of, done, given, idempotency_key, mutation, or_none, raw, row_id_of
from motet.graphql.scoping import Scoping
from motet.graphql.selection import selection_of
from motet.graphql.types.device import DeviceFilter
from motet.graphql.types.job import Job
from motet.graphql.types.relay import described
from motet.graphql.types.sim import SimFilter

_DRY_RUN = "Whether to find out only what would happen, item by item; default false."
_DEVICE_CSV = (
    "These: a text with a header line and a column `id`, `name`, `imei`, or the SIM's `iccid` or `msisdn`. A line that"
    " names none fails by itself. Pass it as a variable."
)


@strawberry.input(description="Which devices, exactly one of `ids`, `filter`, `csv`; and what to do to each.")
class DeviceBulkUpdateInput:
    ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="These: at most 5,000. If one is unknown, nothing is done."
    )
    filter: DeviceFilter | None = strawberry.field(
        default=strawberry.UNSET, description="Those that it lets through now, at most 100,000; not what comes later."
    )
    csv: str | None = strawberry.field(default=strawberry.UNSET, description=_DEVICE_CSV)
    enabled: bool | None = strawberry.field(default=strawberry.UNSET, description="Whether they may send and receive.")
    tags: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="All labels that they are to have: at most 50, each of 1 to 50 characters.",
    )
    add_tags: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Labels that they are to have besides their own."
    )
    remove_tags: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Labels that they are not to have any more."
    )
    attributes: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="All attributes that they are to have: an object of texts by key."
    )
    set_attributes: JSON | None = strawberry.field(
        default=strawberry.UNSET,
        description="Attributes that they are to have besides their own, as an object of texts by key; null removes"
        " one.",
    )
    imei_lock: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether only the equipment with a device's IMEI may use its SIM."
    )
    service_policy_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The service policy that they are to have."
    )
    coverage_policy_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The coverage policy that they are to have; null: every network."
    )
    release_sim: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether to take the SIMs out; default false."
    )
    dry_run: bool | None = strawberry.field(default=strawberry.UNSET, description=_DRY_RUN)
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of asking for a change of many devices.")
class DeviceBulkUpdatePayload:
    job: Job | None = described("The job that changes them.")
    user_errors: list[UserError] = described("Why there is none; empty if there is.")


@strawberry.input(description="Which devices to remove: exactly one of `ids`, `filter`, `csv`.")
class DeviceBulkDeleteInput:
    ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="These: at most 5,000. If one is unknown, nothing is done."
    )
    filter: DeviceFilter | None = strawberry.field(
        default=strawberry.UNSET, description="Those that it lets through now, at most 100,000; not what comes later."
    )
    csv: str | None = strawberry.field(default=strawberry.UNSET, description=_DEVICE_CSV)
    dry_run: bool | None = strawberry.field(default=strawberry.UNSET, description=_DRY_RUN)
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of asking for the removal of many devices.")
class DeviceBulkDeletePayload:
    job: Job | None = described("The job that removes them; what it does cannot be taken back.")
    user_errors: list[UserError] = described("Why there is none; empty if there is.")


@strawberry.input(
    description="Which devices' connectivity to reset, exactly one of `ids`, `filter`, `csv`; and what of it."
)
class DeviceBulkResetConnectivityInput:
    ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="These: at most 5,000. If one is unknown, nothing is done."
    )
    filter: DeviceFilter | None = strawberry.field(
        default=strawberry.UNSET, description="Those that it lets through now, at most 100,000; not what comes later."
    )
    csv: str | None = strawberry.field(default=strawberry.UNSET, description=_DEVICE_CSV)
    location: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether networks forget where they are; default true."
    )
    data: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether their data sessions are cut; default true."
    )
    dry_run: bool | None = strawberry.field(default=strawberry.UNSET, description=_DRY_RUN)
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of asking for resets of many devices.")
class DeviceBulkResetConnectivityPayload:
    job: Job | None = described("The job that orders them of the network.")
    user_errors: list[UserError] = described("Why there is none; empty if there is.")


@strawberry.input(description="A tag, and what to call it.")
class DeviceTagRenameInput:
    tag: str = strawberry.field(description="The tag as it is.")
    to: str = strawberry.field(description="What it is to be: 1 to 50 characters. Devices that have both keep the one.")
    dry_run: bool | None = strawberry.field(default=strawberry.UNSET, description=_DRY_RUN)
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of asking for another name of a tag.")
class DeviceTagRenamePayload:
    job: Job | None = described("The job that changes all devices which have it.")
    user_errors: list[UserError] = described("Why there is none; empty if there is.")


@strawberry.input(description="A tag to remove.")
class DeviceTagDeleteInput:
    tag: str = strawberry.field(description="The tag.")
    dry_run: bool | None = strawberry.field(default=strawberry.UNSET, description=_DRY_RUN)
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of asking for the removal of a tag.")
class DeviceTagDeletePayload:
    job: Job | None = described("The job that changes all devices which have it.")
    user_errors: list[UserError] = described("Why there is none; empty if there is.")


@strawberry.enum(description="A step in a SIM's life that many can take at once.")
class SimBulkStep(Enum):
    ACTIVATE = strawberry.enum_value("ACTIVATE", description="As `simActivate`.")
    SUSPEND = strawberry.enum_value("SUSPEND", description="As `simSuspend`.")
    DELETE = strawberry.enum_value("DELETE", description="As `simDelete`.")


@strawberry.input(description="Which SIMs, exactly one of `ids`, `filter`, `csv`; and the step that each is to take.")
class SimBulkUpdateInput:
    step: SimBulkStep = strawberry.field(description="The step.")
    ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="These: at most 5,000. If one is unknown, nothing is done."
    )
    filter: SimFilter | None = strawberry.field(
        default=strawberry.UNSET, description="Those that it lets through now, at most 100,000; not what comes later."
    )
    csv: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="These: a text with a header line and a column `id`, `iccid`, `imsi` or `msisdn`. A line that names"
        " none fails by itself. Pass it as a variable.",
    )
    dry_run: bool | None = strawberry.field(default=strawberry.UNSET, description=_DRY_RUN)
    idempotency_key: str | None = idempotency_key()


@strawberry.type(description="What came of asking for a step of many SIMs.")
class SimBulkUpdatePayload:
    job: Job | None = described("The job that takes it with each.")
    user_errors: list[UserError] = described("Why there is none; empty if there is.")


@strawberry.type
class BulkMutations:
    """The part of Mutation that is about many things at once."""

    @mutation(
        Permission.DEVICE_WRITE,
        "Change many devices: the answer is a job that goes through them. Each has the events of a change by itself.",
        ("job", "Job"),
        scoping=Scoping.IDS,
    )
    async def device_bulk_update(
        self,
        info: Info,
        input: Annotated[DeviceBulkUpdateInput, strawberry.argument(description="What and which.")],  # noqa: A002
    ) -> DeviceBulkUpdatePayload | None:
        return done(await _devices(info, input, _change(input)))

    @mutation(
        Permission.DEVICE_WRITE,
        "Remove many devices: the answer is a job that goes through them. Their SIMs are released.",
        ("job", "Job"),
        scoping=Scoping.IDS,
    )
    async def device_bulk_delete(
        self,
        info: Info,
        input: Annotated[DeviceBulkDeleteInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> DeviceBulkDeletePayload | None:
        return done(await _devices(info, input, None))

    @mutation(
        Permission.DEVICE_WRITE,
        "Reset the connectivity of many devices: the answer is a job that orders it of the network, 10 devices in a"
        " second. The bounds of `deviceResetConnectivity` hold for each.",
        ("job", "Job"),
        scoping=Scoping.IDS,
    )
    async def device_bulk_reset_connectivity(
        self,
        info: Info,
        input: Annotated[DeviceBulkResetConnectivityInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> DeviceBulkResetConnectivityPayload | None:
        location, data = given(input.location, "location"), given(input.data, "data")
        return done(await _devices(info, input, BulkReset(location is not False, data is not False)))

    @mutation(Permission.DEVICE_WRITE, "Rename a tag of all devices, by a job.", ("job", "Job"))
    async def device_tag_rename(
        self,
        info: Info,
        input: Annotated[DeviceTagRenameInput, strawberry.argument(description="Which tag.")],  # noqa: A002
    ) -> DeviceTagRenamePayload | None:
        context = context_of(info)
        return done(
            await context.services.device_bulk.replace_tag(
                context.workspace_id, context.principal.subject, input.tag, input.to, dry_run=_dry_run(input)
            )
        )

    @mutation(Permission.DEVICE_WRITE, "Take a tag from all devices, by a job.", ("job", "Job"))
    async def device_tag_delete(
        self,
        info: Info,
        input: Annotated[DeviceTagDeleteInput, strawberry.argument(description="Which tag.")],  # noqa: A002
    ) -> DeviceTagDeletePayload | None:
        context = context_of(info)
        return done(
            await context.services.device_bulk.replace_tag(
                context.workspace_id, context.principal.subject, input.tag, None, dry_run=_dry_run(input)
            )
        )

    @mutation(
        Permission.SIM_WRITE,
        "Activate, suspend or delete many SIMs: the answer is a job that goes through them.",
        ("job", "Job"),
        scoping=Scoping.IDS,
    )
    async def sim_bulk_update(
        self,
        info: Info,
        input: Annotated[SimBulkUpdateInput, strawberry.argument(description="What and which.")],  # noqa: A002
    ) -> SimBulkUpdatePayload | None:
        context = context_of(info)
        bulk, space, actor, step = (
            context.services.sim_bulk,
            context.workspace_id,
            _actor(info),
            str(given(input.step, "step")),
        )
        within = context.principal.tags

        async def by_ids(ids: list[int], is_checked: bool) -> int:
            return await bulk.by_ids(
                space, actor, step, ids, dry_run=_dry_run(input), is_checked=is_checked, within=within
            )

        async def by_list(text: str) -> int:
            return await bulk.by_list(space, actor, step, text, dry_run=_dry_run(input), within=within)

        return done(await _selected(info, input, "Sim", by_ids, by_list))


async def _devices(
    info: Info,
    given_: DeviceBulkUpdateInput | DeviceBulkDeleteInput | DeviceBulkResetConnectivityInput,
    change: BulkChange | BulkReset | None,
) -> int:
    context = context_of(info)
    bulk, space, actor = context.services.device_bulk, context.workspace_id, _actor(info)
    within = context.principal.tags
    await bulk.check(space, change)

    async def by_ids(ids: list[int], is_checked: bool) -> int:
        return await bulk.by_ids(
            space, actor, change, ids, dry_run=_dry_run(given_), is_checked=is_checked, within=within
        )

    async def by_list(text: str) -> int:
        return await bulk.by_list(space, actor, change, text, dry_run=_dry_run(given_), within=within)

    return await _selected(info, given_, "Device", by_ids, by_list)


async def _selected(
    info: Info,
    given_: Any,
    type_name: str,
    by_ids: Callable[[list[int], bool], Awaitable[int]],
    by_list: Callable[[str], Awaitable[int]],
) -> int:
    """The id of the job on what the input selects."""
    context = context_of(info)
    ids, filter_, text = or_none(given_.ids), or_none(given_.filter), or_none(given_.csv)
    if sum(each is not None for each in (ids, filter_, text)) != 1:
        raise InvalidError("Give exactly one of `ids`, `filter` and `csv`.")
    if text is not None:
        return await by_list(text)
    if ids is not None:
        if len(ids) > MAX_IDS:
            raise LimitReachedError("At most {most:,} ids: use a filter or a CSV text.", path=("ids",), most=MAX_IDS)
        return await by_ids([row_id_of(each, type_name, "ids") for each in ids], False)
    asked = selection_of(raw(info)).arguments["input"]["filter"]
    found = await context.services.reader.ids(context.principal, type_name, asked, MAX_ITEMS + 1)
    if len(found) > MAX_ITEMS:
        raise LimitReachedError("The filter lets more than {most:,} through.", path=("filter",), most=MAX_ITEMS)
    if not found:
        raise InvalidError("The filter lets none through.", path=("filter",))
    return await by_ids(found, True)


def _change(input_: DeviceBulkUpdateInput) -> BulkChange:
    names = ("tags", "add_tags", "remove_tags", "attributes", "set_attributes", "imei_lock")
    named: dict[str, Any] = {name: given(getattr(input_, name), name) for name in names}
    service = or_none(input_.service_policy_id)
    if service is not None:
        named["service_policy_id"] = row_id_of(service, "ServicePolicy", "service_policy_id")
    if input_.coverage_policy_id is not strawberry.UNSET:
        coverage = input_.coverage_policy_id
        named["coverage_policy_id"] = (
            None if coverage is None else row_id_of(coverage, "CoveragePolicy", "coverage_policy_id")
        )
    return BulkChange(
        changes=DeviceChanges(**named),
        enabled=given(input_.enabled, "enabled"),
        release_sim=or_none(input_.release_sim) is True,
    )


def _dry_run(input_: Any) -> bool:
    return or_none(input_.dry_run) is True


def _actor(info: Info) -> str:
    return context_of(info).principal.subject
