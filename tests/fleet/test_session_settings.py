"""What a network is told to give to a session that it may open."""

from __future__ import annotations

from datetime import UTC, datetime

from motet.domain.ids import IdGenerator
from motet.domain.network import SessionRecord
from motet.fleet.ip.ip_address_space import IpAddressSpaceService
from motet.fleet.journal import Journal
from motet.fleet.usage.session_settings import SessionSettings
from motet.storage.database import Database
from tenants import two_tenants


def record(sim: str, operator: str | None = None) -> SessionRecord:
    now = datetime.now(UTC)
    return SessionRecord(
        at=now, sim=sim, session_id="x", sequence=0, octets_up=0, octets_down=0, opened_at=now, operator=operator
    )


async def test_a_session_has_its_devices_address_and_what_its_policy_says(database: Database) -> None:
    tenants, demo, _ = await two_tenants(database)
    settings = SessionSettings(database)
    sims = await database.pool.fetch("SELECT iccid, imsi, msisdn FROM sim WHERE id = ANY ($1) ORDER BY id", demo.sims)
    iccid, imsi, msisdn = sims[0]["iccid"], sims[1]["imsi"], sims[2]["msisdn"]
    found = await settings.of([record(iccid, "52501"), record(imsi, "310260"), record(msisdn, "26201"), record("1")])
    assert found == {
        iccid: {"dns": ["8.8.8.8", "8.8.4.4"], "region": "ap-southeast-1"},
        imsi: {"dns": ["8.8.8.8", "8.8.4.4"], "region": "us-east-1"},
        msisdn: {"dns": ["8.8.8.8", "8.8.4.4"], "region": "eu-west-1"},
    }
    ids = IdGenerator(3)
    spaces = IpAddressSpaceService(database, ids, Journal(ids))
    space_id = await spaces.create(demo.workspace_id, "10.0.0.0/24")
    await spaces.assign(demo.workspace_id, "me", demo.devices[0], space_id=space_id)
    await tenants.execute(
        "UPDATE service_policy SET breakout_region = 'us-east-1', apn = 'iot.acme',"
        " dns_config_id = (SELECT id FROM dns_config WHERE workspace_id = $1 LIMIT 1) WHERE workspace_id = $1",
        demo.workspace_id,
    )
    assert (await settings.of([record(iccid, "52501")]))[iccid] == {
        "dns": ["192.168.99.53"], "region": "us-east-1", "ip_address": "10.0.0.1", "apn": "iot.acme",
    }  # fmt: skip
    await tenants.execute("INSERT INTO breakout_outage VALUES ('us-east-1', now(), 'operator')")
    assert (await settings.of([record(iccid)]))[iccid]["region"] == "eu-west-1"
    await tenants.execute(
        "INSERT INTO breakout_outage VALUES ('eu-west-1', now(), 'o'), ('ap-southeast-1', now(), 'o')"
    )
    assert "region" not in (await settings.of([record(iccid)]))[iccid]
    assert await settings.of([]) == {}
