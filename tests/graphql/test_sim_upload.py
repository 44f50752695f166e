"""Large lists of SIMs: taken in whole or not at all, registered line by line exactly once, each bad line told."""

from __future__ import annotations

import asyncio
import io
import time
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import orjson
import pytest
import pytest_asyncio
from graphql_client import Client

from motet.access.principals import Role
from motet.access.tokens import TokenAuthority, generate_key
from motet.domain.errors import DOMAIN_ERRORS, InvalidError, LimitReachedError
from motet.domain.ids import IdGenerator
from motet.domain.jobs import JobKind
from motet.fleet.jobs.runner import JobRunner
from motet.fleet.journal import Journal
from motet.fleet.seeds.tenant import identity
from motet.fleet.sims.sim import SimService
from motet.fleet.sims.sim_sheet import Layout
from motet.fleet.sims.sim_upload import SimImportWorker, SimUploadService
from motet.identity.audit import AuditLog
from motet.identity.authenticator import Authenticator
from motet.rest.answers import STATUS
from motet.rest.sim_imports import UPLOADS_OF_ONE, SimImports
from motet.storage.database import Database
from tenants import Tenant, Tenants

FIRST = 95_000_000
AUTHORITY = TokenAuthority([generate_key()])


@dataclass
class Yard:
    """Two tenants, and what takes lists in."""

    tenants: Tenants
    mine: Tenant
    other: Tenant
    uploads: SimUploadService
    runner: JobRunner
    worker: SimImportWorker
    changes: list[str]

    async def upload(self, text: str, layout: Layout | None = None, **more: Any) -> tuple[int, int]:
        file = io.BytesIO(text.encode())
        return await self.uploads.upload(self.mine.workspace_id, "me", file, layout or Layout(), **more)

    async def job(self, job_id: int) -> tuple[Any, ...]:
        """(state, total, done, changed, failed)."""
        row = await self.tenants.database.pool.fetchrow(
            "SELECT state, total, done, changed, failed FROM job WHERE id = $1", job_id
        )
        return tuple(row)

    async def errors(self, job_id: int) -> list[tuple[Any, ...]]:
        """(line, field, code) of each line that failed."""
        rows = await self.tenants.database.pool.fetch(
            "SELECT number, path, code FROM job_item WHERE job_id = $1 AND outcome = 3 ORDER BY number", job_id
        )
        return [(row["number"], *(row["path"] or [None]), row["code"]) for row in rows]

    async def count(self, table: str) -> int:
        query = f"SELECT count(*) FROM {table} WHERE workspace_id = $1"  # noqa: S608
        return int(await self.tenants.database.pool.fetchval(query, self.mine.workspace_id))


@pytest_asyncio.fixture
async def yard(database: Database) -> Yard:
    tenants = Tenants(database)
    changes: list[str] = []

    async def changed() -> None:
        changes.append("sims")

    ids = IdGenerator(3)
    sims = SimService(database, ids, Journal(ids), on_change=changed)
    worker = SimImportWorker(sims)
    runner = JobRunner(database, {JobKind.SIM_IMPORT: worker})
    mine, other = await tenants.workspace("demo"), await tenants.workspace("other")
    return Yard(tenants, mine, other, SimUploadService(sims, wake=runner.wake), runner, worker, changes)


def sheet(*lines: str) -> str:
    return "\n".join(["iccid,imsi,msisdn", *lines]) + "\n"


def line(number: int) -> str:
    return ",".join(identity(FIRST + number))


SUCCEEDED = 2


async def test_good_lines_become_sims_and_bad_ones_are_told(yard: Yard) -> None:
    theirs = await yard.tenants.sim(yard.other)
    taken = await yard.tenants.database.pool.fetchval("SELECT imsi FROM sim WHERE id = $1", theirs)
    third, fourth = identity(FIRST + 3), identity(FIRST + 4)
    text = sheet(
        line(1), "", line(2), f"{third.iccid[:-1]}x,{third.imsi},{third.msisdn}",
        f"{fourth.iccid},{taken},{fourth.msisdn}", line(1), f"{third.iccid},{third.imsi},{identity(FIRST + 2).msisdn}",
    )  # fmt: skip
    job_id, rows = await yard.upload(text)
    assert rows == 6
    assert await yard.count("sim") == 0
    await yard.runner.run_all()
    assert await yard.job(job_id) == (SUCCEEDED, 6, 6, 2, 4)
    assert await yard.errors(job_id) == [
        (5, "iccid", "INVALID"), (6, "imsi", "CONFLICT"), (7, "iccid", "CONFLICT"), (8, "msisdn", "CONFLICT"),
    ]  # fmt: skip
    assert (await yard.count("sim"), await yard.count("sim_history"), await yard.count("event")) == (2, 2, 2)
    assert await yard.count("directory") == 6
    assert yard.changes == ["sims"]


async def test_a_dry_run_changes_nothing(yard: Yard) -> None:
    job_id, _ = await yard.upload(sheet(line(1), "x,y,z", line(2)), dry_run=True)
    await yard.runner.run_all()
    assert await yard.job(job_id) == (SUCCEEDED, 3, 3, 2, 1)
    assert (await yard.count("sim"), await yard.count("directory"), await yard.count("event")) == (0, 0, 0)


async def test_a_crash_between_chunks_doubles_no_line(yard: Yard) -> None:
    yard.worker.chunk_items = 3  # type: ignore[misc]
    job_id, _ = await yard.upload(sheet(*(line(number) for number in range(10))))
    await yard.runner.run_chunk()
    assert await yard.count("sim") == 3
    after_the_crash = JobRunner(yard.tenants.database, {JobKind.SIM_IMPORT: yard.worker})
    await after_the_crash.run_all()
    assert await yard.job(job_id) == (SUCCEEDED, 10, 10, 10, 0)
    assert (await yard.count("sim"), await yard.count("directory")) == (10, 30)


async def test_a_crash_within_a_chunk_leaves_nothing_of_it(yard: Yard) -> None:
    job_id, _ = await yard.upload(sheet(line(1), line(2)))
    pool = yard.tenants.database.pool
    await pool.execute("ALTER TABLE event ADD CONSTRAINT full_disk CHECK (type <> 'sim.registered')")
    await yard.runner.run_chunk()
    assert (await yard.count("sim"), await yard.count("directory")) == (0, 0)
    await pool.execute("ALTER TABLE event DROP CONSTRAINT full_disk")
    late = JobRunner(yard.tenants.database, {JobKind.SIM_IMPORT: yard.worker}, clock=lambda: time.time() + 3_600)
    await late.run_all()
    assert await yard.job(job_id) == (SUCCEEDED, 2, 2, 2, 0)
    assert await yard.count("sim") == 2


async def test_the_same_list_again_registers_nothing(yard: Yard) -> None:
    text = sheet(line(1), line(2))
    await yard.upload(text)
    job_id, _ = await yard.upload(text)
    await yard.runner.run_all()
    assert await yard.job(job_id) == (SUCCEEDED, 2, 2, 0, 2)
    assert await yard.count("sim") == 2


@pytest.mark.parametrize("text", ["", "iccid,imsi,msisdn\n", "nonsense\n"])
async def test_a_list_without_lines_makes_no_job(yard: Yard, text: str) -> None:
    with pytest.raises(InvalidError):
        await yard.upload(text)
    assert await yard.count("job") == 0


async def test_a_list_that_breaks_off_makes_no_job(yard: Yard) -> None:
    with pytest.raises(InvalidError):
        await yard.upload(sheet(*(line(number) for number in range(6_000))) + '"a"b,c,d\n')
    assert (await yard.count("job"), await yard.count("job_item")) == (0, 0)


async def test_open_jobs_are_bounded(yard: Yard) -> None:
    for number in range(10):
        await yard.upload(sheet(line(number)))
    with pytest.raises(LimitReachedError):
        await yard.upload(sheet(line(11)))


# Over HTTP -----------------------------------------------------------------------------------------------------------


def http(yard: Yard, *, max_octets: int = 1 << 20) -> Any:
    authenticator = Authenticator(yard.tenants.database, AUTHORITY)

    async def upload(workspace_id: int, actor: str, file: BinaryIO, *, dry_run: bool, **layout: Any) -> tuple[int, int]:
        return await yard.uploads.upload(workspace_id, actor, file, Layout(**layout), dry_run=dry_run)

    return SimImports(upload, authenticator, AuditLog(yard.tenants.database), max_octets=max_octets)


def token_of(yard: Yard, who: str) -> str:
    """A token of a role in the workspace, of the operator, or one that is none."""
    now = int(time.time())
    if who == "operator":
        return AUTHORITY.issue("operator", now=now, ttl_s=60)
    if who.upper() not in Role.__members__:
        return who
    workspace_id = yard.mine.workspace_id
    return AUTHORITY.issue(
        who, now=now, ttl_s=60, workspace_id=workspace_id, workspace=yard.mine.name, role=Role(who.upper())
    )


async def post(
    yard: Yard, app: Any, who: str | None, text: bytes, method: str = "POST", **parameters: str
) -> tuple[int, Any]:
    token = None if who is None else token_of(yard, who)
    reply = await Client(app, token).http(method, parameters=parameters, body=text)
    return reply.status, orjson.loads(reply.body)


async def test_a_list_is_posted_with_its_layout(yard: Yard) -> None:
    one = identity(FIRST)
    text = f"Card;N1;N2\n{one.iccid[:-1]};{one.imsi};{one.msisdn}\n".encode("utf-16")
    parameters = {
        "column.iccid": "card", "column.imsi": "N1", "column.msisdn": "N2", "delimiter": ";", "completeIccid": "true",
    }  # fmt: skip
    status, told = await post(yard, http(yard), "user", text, **parameters)
    assert (status, told["rowCount"]) == (202, 1)
    await yard.runner.run_all()
    row = await yard.tenants.database.pool.fetchrow("SELECT iccid, msisdn FROM sim")
    assert tuple(row) == (one.iccid, one.msisdn)


async def test_a_dry_run_is_posted(yard: Yard) -> None:
    status, _ = await post(yard, http(yard), "user", sheet(line(1)).encode(), dryRun="1")
    assert status == 202
    await yard.runner.run_all()
    assert await yard.count("sim") == 0


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [(None, 401, "UNAUTHENTICATED"), ("nobody", 401, "UNAUTHENTICATED"), ("observer", 403, "FORBIDDEN"),
     ("operator", 403, "FORBIDDEN")],
)  # fmt: skip
async def test_who_may_not_write_sims_may_not_post(yard: Yard, token: str | None, status: int, code: str) -> None:
    got, told = await post(yard, http(yard), token, sheet(line(1)).encode())
    assert (got, told["error"]["code"]) == (status, code)


async def test_slow_senders_keep_only_their_own_workspace_from_sending(yard: Yard) -> None:
    begun, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def upload(*_: Any, **__: Any) -> tuple[int, int]:
        begun.release()
        await go_on.wait()
        return 1, 1

    authenticator = Authenticator(yard.tenants.database, AUTHORITY)
    app = SimImports(upload, authenticator, AuditLog(yard.tenants.database), max_octets=1 << 20)
    text = sheet(line(1)).encode()
    held = [asyncio.create_task(post(yard, app, "user", text)) for _ in range(UPLOADS_OF_ONE)]
    for _ in held:
        await begun.acquire()
    status, told = await post(yard, app, "user", text)
    assert (status, told["error"]["code"]) == (429, "LIMIT_REACHED")
    theirs = asyncio.create_task(post(replace(yard, mine=yard.other), app, "user", text))
    await begun.acquire()
    go_on.set()
    assert [status for status, _ in await asyncio.gather(*held, theirs)] == [202] * (UPLOADS_OF_ONE + 1)
    assert (await post(yard, app, "user", text))[0] == 202


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"color": "red"}, ["color"]), ({"column.color": "red"}, ["column.color"]), ({"dryRun": "perhaps"}, ["dryRun"]),
        ({"delimiter": "xy"}, ["delimiter"]), ({"preset": "NOBODY"}, ["preset"]),
        ({"preset": "a\0"}, ["preset"]), ({"column.iccid": "\0"}, ["column.iccid"]),
        ({"delimiter": "\0"}, ["delimiter"]),
        ({"column.iccid": "x" * 101}, None),
        ({"column.iccid": "Card"}, ["columns", "iccid"]),
    ],
)  # fmt: skip
async def test_parameters_that_make_no_sense_are_refused(
    yard: Yard, parameters: dict[str, str], path: list[str] | None
) -> None:
    status, told = await post(yard, http(yard), "user", sheet(line(1)).encode(), **parameters)
    assert (status, told["error"]["code"]) == (400, "INVALID")
    assert path is None or told["error"]["path"] == path


async def test_a_body_over_the_bound_and_another_method_are_refused(yard: Yard) -> None:
    assert (await post(yard, http(yard, max_octets=100), "user", b"x" * 101))[0] == 413
    assert (await post(yard, http(yard), "user", b"", "GET"))[0] == 405
    assert await yard.count("job") == 0


def test_every_domain_error_has_a_status() -> None:
    assert {error.code for error in DOMAIN_ERRORS} == set(STATUS)


async def test_lists_that_are_refused_are_in_the_audit_log(yard: Yard) -> None:
    app = http(yard, max_octets=100)
    for who, text in (("observer", sheet(line(1))), ("user", sheet(*map(line, range(9)))), ("user", "x\ny\n")):
        await post(yard, app, who, text.encode())
    rows = await yard.tenants.database.pool.fetch(
        "SELECT action, outcome, code FROM audit_entry WHERE edge = 'REST' ORDER BY id"
    )
    assert [tuple(row) for row in rows] == [
        ("POST /sim-imports", "FORBIDDEN", "FORBIDDEN"),
        ("POST /sim-imports", "REFUSED", "LIMIT_REACHED"),
        ("POST /sim-imports", "REFUSED", "INVALID"),
    ]
