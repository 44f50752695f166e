"""Changes of many devices at once, as jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from motet.domain.errors import InvalidError, LimitReachedError, NotFoundError
from motet.domain.global_ids import decode_global_id, encode_global_id
from motet.domain.jobs import JobKind
from motet.fleet.devices.device_changes import DeviceChanges, applied, new_settings
from motet.fleet.jobs.jobs import MAX_ITEMS, JobService, NewItem, NewJob
from motet.fleet.jobs.selections import DEVICES, check_ids, items_of, items_of_lines, read_lines
from motet.fleet.rules import UNCHANGED, Unchanged
from motet.storage import device_bulk
from motet.storage.database import Database

_POLICIES = {"service_policy_id": "ServicePolicy", "coverage_policy_id": "CoveragePolicy"}
_JSON_NAMES = {
    "tags": "tags",
    "add_tags": "addTags",
    "remove_tags": "removeTags",
    "imei_lock": "imeiLock",
    "service_policy_id": "servicePolicyId",
    "coverage_policy_id": "coveragePolicyId",
    "attributes": "attributes",
    "set_attributes": "setAttributes",
}
"""What of DeviceChanges many devices can share, and what it is called in a job's input."""


MAX_LISTED_TAGS = 1_000
"""Tags of a workspace that are listed, the commonest: more than anyone looks through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkChange:
    """What to do to each of many devices."""

    changes: DeviceChanges = field(default_factory=DeviceChanges)
    enabled: bool | Unchanged = UNCHANGED
    release_sim: bool = False
    """Take the SIM out, where there is one."""

    @property
    def is_nothing(self) -> bool:
        return not self.to_json()

    def to_json(self) -> dict[str, Any]:
        """As the job keeps and shows it."""
        found: dict[str, Any] = {}
        for name, json_name in _JSON_NAMES.items():
            value = getattr(self.changes, name)
            if isinstance(value, Unchanged):
                continue
            found[json_name] = value
            if name in _POLICIES and value is not None:
                found[json_name] = encode_global_id(_POLICIES[name], value)
        if not isinstance(self.enabled, Unchanged):
            found["enabled"] = self.enabled
        if self.release_sim:
            found["releaseSim"] = True
        return found

    @classmethod
    def of_json(cls, given: Mapping[str, Any]) -> BulkChange:
        """What `to_json` made."""
        named: dict[str, Any] = {}
        for name, json_name in _JSON_NAMES.items():
            if json_name in given:
                named[name] = given[json_name]
                if name in _POLICIES and named[name] is not None:
                    decoded = decode_global_id(named[name])
                    named[name] = None if decoded is None else decoded[1]
        return cls(
            changes=DeviceChanges(**named),
            enabled=given.get("enabled", UNCHANGED),
            release_sim=given.get("releaseSim", False),
        )


@dataclass(frozen=True, slots=True)
class BulkReset:
    """What to reset of many devices."""

    location: bool
    data: bool


Bulk = BulkChange | BulkReset | None
"""What a job does to devices; None deletes them."""


class DeviceBulkService:
    """Asks for jobs on devices. Errors are domain errors; paths name input fields.

    Which devices a job is about is found out when it is asked for, and stays so: one that comes to pass a filter later
    is not changed, one that was deleted meanwhile fails.
    """

    def __init__(self, database: Database, jobs: JobService) -> None:
        self._database = database
        self._jobs = jobs

    async def tags(self, workspace_id: int, within: Set[str] | None = None) -> list[tuple[str, int]]:
        """The tags of live devices, or of those with one of the tags `within`, and how many have each, the commonest
        first."""
        if within is not None:
            return await device_bulk.tags_within(self._database.pool, workspace_id, MAX_LISTED_TAGS, within)
        return await device_bulk.tags(self._database.pool, workspace_id, MAX_LISTED_TAGS)

    async def check(self, workspace_id: int, change: Bulk) -> None:
        """Raises NotFoundError (its path) for a policy that the workspace has not, InvalidError for what no device can
        have."""
        if isinstance(change, BulkReset) and not change.location and not change.data:
            raise InvalidError("Say what to reset: the location, data, or both.", path=("location",))
        if not isinstance(change, BulkChange):
            return
        changes = change.changes
        service = [] if isinstance(changes.service_policy_id, Unchanged) else [changes.service_policy_id]
        coverage = changes.coverage_policy_id
        named = [] if isinstance(coverage, Unchanged) or coverage is None else [coverage]
        there = await device_bulk.hold_policies(self._database.pool, workspace_id, service, named)
        for name, wanted, found in (("service_policy_id", service, there[0]), ("coverage_policy_id", named, there[1])):
            if not found.issuperset(wanted):
                raise NotFoundError("No such policy.", path=(name,))
        applied(changes, new_settings(workspace_id)._replace(name="any"))

    async def by_ids(
        self,
        workspace_id: int,
        actor: str,
        change: Bulk,
        device_ids: Sequence[int],
        *,
        dry_run: bool = False,
        is_checked: bool = False,
        within: Set[str] | None = None,
    ) -> int:
        """A job on these devices: its id. Raises NotFoundError (path `ids`) if one is unknown, unless the caller has
        just found them; then there is no job. `within` are the tags that the actor is bound to."""
        await self.check(workspace_id, change)
        if not is_checked:
            check_ids(DEVICES, device_ids, await device_bulk.known(self._database.pool, workspace_id, device_ids))
        return await self._ask(workspace_id, actor, change, items_of(DEVICES, device_ids), dry_run, within)

    async def by_list(
        self,
        workspace_id: int,
        actor: str,
        change: Bulk,
        text: str,
        *,
        dry_run: bool = False,
        within: Set[str] | None = None,
    ) -> int:
        """A job on the devices that a CSV text names by id, name, IMEI, or their SIM's ICCID or MSISDN: its id. One
        without any of the tags `within` is one that there is not."""
        await self.check(workspace_id, change)
        column, lines = read_lines(DEVICES, text)
        pool = self._database.pool

        async def find(column: str, values: Sequence[str]) -> list[tuple[str, int]]:
            found = await device_bulk.find(pool, workspace_id, column, values)
            if within is None:
                return found
            there = await device_bulk.within(pool, workspace_id, [row_id for _, row_id in found], within)
            return [(value, row_id) for value, row_id in found if row_id in there]

        async def known(device_ids: list[int]) -> set[int]:
            found = await device_bulk.known(pool, workspace_id, device_ids)
            return found if within is None else await device_bulk.within(pool, workspace_id, list(found), within)

        items = await items_of_lines(DEVICES, column, lines, find, known)
        return await self._ask(workspace_id, actor, change, items, dry_run, within)

    async def replace_tag(
        self, workspace_id: int, actor: str, tag: str, by: str | None, *, dry_run: bool = False
    ) -> int:
        """A job that renames a tag of all devices that have it, or removes it: its id. Raises NotFoundError (path
        `tag`) if none has it, LimitReachedError if too many have."""
        add = UNCHANGED if by is None else [by]
        change = BulkChange(changes=DeviceChanges(remove_tags=[tag], add_tags=add))
        await self.check(workspace_id, change)
        if tag == by:
            raise InvalidError("It is called that.", path=("to",))
        device_ids = await device_bulk.with_tag(self._database.pool, workspace_id, tag, MAX_ITEMS + 1)
        if not device_ids:
            raise NotFoundError("No device has this tag.", path=("tag",))
        return await self.by_ids(workspace_id, actor, change, device_ids, dry_run=dry_run, is_checked=True)

    async def _ask(
        self,
        workspace_id: int,
        actor: str,
        change: Bulk,
        items: Sequence[NewItem],
        dry_run: bool,
        within: Set[str] | None,
    ) -> int:
        if change is None:
            new = NewJob(JobKind.DEVICE_DELETE, items, dry_run=dry_run, within=within)
        elif isinstance(change, BulkReset):
            asked = {"location": change.location, "data": change.data}
            new = NewJob(JobKind.DEVICE_RESET, items, asked, dry_run=dry_run, within=within)
        elif change.is_nothing:
            raise InvalidError("Say what to change.")
        elif len(items) > MAX_ITEMS:
            raise LimitReachedError("One job takes at most {most:,} devices.", most=MAX_ITEMS)
        else:
            new = NewJob(JobKind.DEVICE_UPDATE, items, change.to_json(), dry_run=dry_run, within=within)
        return await self._jobs.create(workspace_id, actor, new)
