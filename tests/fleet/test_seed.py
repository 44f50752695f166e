"""The demo's tenants: whole, valid, and the same after every start."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from motet.domain.identities import parse_eid
from motet.domain.numbering import has_luhn_digit
from motet.domain.sim_cards import CardKind, check_card
from motet.domain.sim_ordering import parse_bic
from motet.fleet.policies.policy_rules import check_coverage_policy, check_service_policy
from motet.fleet.seeds.people import DemoUser, seed_reseller
from motet.fleet.seeds.policies import EUROPE, TEXT_ONLY
from motet.fleet.seeds.tenant import DEMO, OTHER, Plan, Tenant, derive_password, seed_tenant
from motet.storage.database import Database

HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
NOW = datetime(2025, 11, 21, tzinfo=UTC)
_ids = itertools.count(1 << 50)


def fits(stored: str, password: str) -> bool:
    try:
        return HASHER.verify(stored, password)
    except VerifyMismatchError:
        return False


async def seed(database: Database, plan: Plan, devices: int, secret: bytes = b"secret") -> Tenant:
    async with database.pool.acquire() as connection:
        return await seed_tenant(
            connection,
            plan,
            devices,
            new_id=lambda: next(_ids),
            now=NOW,
            secret=secret,
            hash_password=HASHER.hash,
            password_fits=fits,
        )


async def test_two_tenants_with_an_account_a_short_code_and_devices(database: Database) -> None:
    demo, other = await seed(database, DEMO, 30), await seed(database, OTHER, 10)
    assert (demo.workspace, demo.system_id, demo.short_code) == ("demo", "demo", "10100")
    assert (other.workspace, other.system_id, other.short_code) == ("other", "other", "20200")
    assert demo.password != other.password
    rows = await database.pool.fetch(
        "SELECT d.workspace_id, d.name, d.tags, d.imei, d.status, s.iccid, s.imsi, s.msisdn, s.status AS sim_status"
        "  FROM device d JOIN sim s ON s.workspace_id = d.workspace_id AND s.id = d.sim_id AND s.device_id = d.id"
        " ORDER BY d.id"
    )
    assert [row["workspace_id"] for row in rows] == [demo.workspace_id] * 30 + [other.workspace_id] * 10
    assert rows[0]["name"] == "Delivery van 0001"
    assert rows[0]["tags"] == ["vehicle", "tracker", "lyon"]
    assert (rows[0]["msisdn"], rows[0]["imsi"]) == ("99900000001", "001010000000001")
    assert rows[30]["msisdn"] == "99950000001"
    for row in rows:
        assert has_luhn_digit(row["iccid"])
        assert has_luhn_digit(row["imei"])
        assert (len(row["iccid"]), len(row["imei"]), len(row["imsi"])) == (19, 15, 15)
        assert (row["status"], row["sim_status"]) == (0, 2)
    for name in ("imei", "iccid", "msisdn"):
        assert len({row[name] for row in rows}) == 40
    directory = await database.pool.fetch("SELECT kind, count(*) AS n FROM directory GROUP BY kind ORDER BY kind")
    # four eUICCs with two profiles more than one, ten SIMs with an IMSI more than one, a box of ten cards for each
    assert [(row["kind"], row["n"]) for row in directory] == [("eid", 4), ("iccid", 68), ("imsi", 78), ("msisdn", 68)]
    for row in await database.pool.fetch("SELECT form_factor, quality_grade, package FROM sim"):
        assert check_card(CardKind(*row)) == CardKind(*row)
    boxes = await database.pool.fetch("SELECT bic, status, quantity FROM sim_batch ORDER BY id")
    assert [(row["status"], row["quantity"], parse_bic(row["bic"])) for row in boxes] == [
        (1, 10, row["bic"]) for row in boxes
    ]
    assert len(boxes) == 2
    profiles = await database.pool.fetch("SELECT state, count(*) AS n FROM euicc_profile GROUP BY state ORDER BY state")
    assert [tuple(row) for row in profiles] == [(0, 4), (2, 4), (3, 4)]
    imsis = await database.pool.fetch("SELECT active, count(*) AS n FROM imsi GROUP BY active ORDER BY active")
    assert [tuple(row) for row in imsis] == [(False, 18), (True, 40)]
    for row in await database.pool.fetch("SELECT eid FROM euicc"):
        assert parse_eid(row["eid"]) == row["eid"]
    accounts = await database.pool.fetch("SELECT * FROM smpp_account ORDER BY system_id")
    assert [(row["workspace_id"], row["window_size"], row["rate_per_s"]) for row in accounts] == [
        (demo.workspace_id, 2000, None),
        (other.workspace_id, 2000, None),
    ]
    assert fits(accounts[0]["password_hash"], demo.password)
    parents = await database.pool.fetch("SELECT parent_id IS NULL AS root FROM organisation ORDER BY id")
    assert [row["root"] for row in parents] == [True, False, False]


async def test_seeding_again_changes_nothing(database: Database) -> None:
    tables = ("organisation", "workspace", "sim", "device", "directory", "smpp_account", "short_code", "setting")

    async def contents() -> list[object]:
        return [await database.pool.fetch(f"TABLE {table} ORDER BY 1, 2") for table in tables]

    first = await seed(database, DEMO, 5)
    before = await contents()
    assert await seed(database, DEMO, 5) == first
    assert await seed(database, DEMO, 3) == first
    assert await contents() == before


async def test_more_devices_are_added_and_deleted_ones_stay_away(database: Database) -> None:
    await seed(database, DEMO, 3)
    await database.pool.execute("DELETE FROM device WHERE name LIKE '%0002'")
    await seed(database, DEMO, 5)
    names = await database.pool.fetch("SELECT name FROM device ORDER BY id")
    assert [row["name"][-4:] for row in names] == ["0001", "0003", "0004", "0005"]


async def test_another_secret_gives_another_password_and_stores_it(database: Database) -> None:
    first, second = await seed(database, DEMO, 1), await seed(database, DEMO, 1, b"other secret")
    assert first.password != second.password
    stored = await database.pool.fetchval("SELECT password_hash FROM smpp_account")
    assert fits(stored, second.password)
    assert not fits(stored, first.password)


def test_passwords_fit_smpp() -> None:
    assert derive_password(b"secret", "demo") == derive_password(b"secret", "demo")
    assert derive_password(b"secret", "demo") != derive_password(b"secret", "other")
    for number in range(50):
        password = derive_password(bytes([number]), "demo")
        assert len(password) == 8
        assert password.isascii()
        assert password.isalnum()


async def test_some_devices_have_addresses_and_some_sleep(database: Database) -> None:
    await seed(database, DEMO, 15)
    pool = database.pool
    space = await pool.fetchrow("SELECT cidr, used FROM ip_address_space ORDER BY id LIMIT 1")
    assert (str(space["cidr"]), space["used"] > 0) == ("10.20.0.0/16", True)
    held = await pool.fetchval("SELECT count(*) FROM device WHERE ip_address_space_id IS NOT NULL")
    assert held == await pool.fetchval("SELECT sum(used) FROM ip_address_space")
    sleeping = await pool.fetch("SELECT name FROM device WHERE psm_active_s IS NOT NULL")
    assert sleeping
    assert all(row["name"].startswith("Water meter") for row in sleeping)


async def test_a_tenant_has_policies_to_choose_from(database: Database) -> None:
    tenant = await seed(database, DEMO, 3)
    await seed(database, DEMO, 3)
    rows = await database.pool.fetch(
        "SELECT name, (SELECT count(*) FROM device d WHERE d.service_policy_id = p.id) AS devices FROM service_policy p"
        " WHERE workspace_id = $1 ORDER BY id",
        tenant.workspace_id,
    )
    assert [tuple(row) for row in rows] == [("Default", 3), ("Text only", 0)]
    assert await database.pool.fetchval("SELECT name FROM coverage_policy") == "Europe"
    assert check_service_policy(TEXT_ONLY) == TEXT_ONLY
    assert check_coverage_policy(EUROPE) == EUROPE


async def test_a_reseller_stands_above_both_tenants_once(database: Database) -> None:
    tenants = [await seed(database, DEMO, 1), await seed(database, OTHER, 1)]

    async def reseller() -> DemoUser:
        async with database.pool.acquire() as connection:
            return await seed_reseller(
                connection, [tenant.workspace_id for tenant in tenants], new_id=lambda: next(_ids), now=NOW,
                secret=b"secret", hash_password=HASHER.hash,
            )  # fmt: skip

    first = await reseller()
    tree = "SELECT name, kind, (SELECT name FROM organisation p WHERE p.id = o.parent_id) AS above FROM organisation o"
    made = {tuple(row) for row in await database.pool.fetch(tree)}
    assert made == {
        ("Operator", "OPERATOR", None),
        ("Example Connect", "SERVICE_PROVIDER", "Operator"),
        ("Example Reseller", "RESELLER", "Example Connect"),
        ("demo", "ENTERPRISE", "Example Reseller"),
        ("other", "ENTERPRISE", "Example Reseller"),
    }
    person = await database.pool.fetchrow(
        "SELECT u.password_hash, u.is_super_admin, o.name FROM user_account u JOIN organisation o"
        " ON o.id = u.organisation_id WHERE u.email = 'reseller@demo.example'"
    )
    assert fits(person["password_hash"], first.password)
    assert (person["is_super_admin"], person["name"]) == (True, "Example Reseller")
    await database.pool.execute("UPDATE organisation SET name = 'Mine' WHERE name = 'Example Reseller'")
    assert await reseller() == first
    assert await database.pool.fetchval("SELECT count(*) FROM organisation") == 5
