"""What an organisation's workspaces have and used, added up for who may see all of them."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

from graphql_world import World

from motet.access.principals import Role
from motet.domain.global_ids import encode_global_id
from motet.domain.states import MessageState
from tenants import NOW

SINCE, UNTIL = (NOW - timedelta(days=20)).isoformat(), (NOW + timedelta(days=1)).isoformat()
SHOWN = """
query ($since: DateTime!, $until: DateTime!, $granularity: UsageGranularity, $id: ID) {
  organisationReport(since: $since, until: $until, granularity: $granularity, organisationId: $id) {
    granularity isTruncated csv
    totals { smsMt smsMo octetsUp }
    periods { volume { smsMt } }
    workspaces {
      workspaceName organisationName endedAt deviceCount volume { smsMt }
      sims { status count } smsNotDelivered { status count }
    }
  }
}
"""


def asked(**more: Any) -> dict[str, Any]:
    return {"since": SINCE, "until": UNTIL, **more}


async def test_a_report_adds_up_what_the_workspaces_have_and_used(world: World) -> None:
    await world.tenants.message(world.demo, state=MessageState.FAILED)
    await world.tenants.message(world.demo, state=MessageState.EXPIRED)
    await world.tenants.sim(world.demo, status=0)
    await world.tenants.execute(
        "INSERT INTO workspace_usage (workspace_id, granularity, start, sms_mt, octets_up)"
        " VALUES ($1, 1, date_trunc('day', $2::timestamptz) - interval '3 days', 9, 5000000000)",
        world.demo.workspace_id, NOW,
    )  # fmt: skip
    report = (await world.operator().query(SHOWN, asked())).data["organisationReport"]
    assert report["granularity"] == "DAY"
    assert not report["isTruncated"]
    assert report["totals"] == {"smsMt": 11.0, "smsMo": 0.0, "octetsUp": 5e9}
    assert [period["volume"]["smsMt"] for period in report["periods"]] == [9.0, 2.0]
    demo, other = report["workspaces"]
    assert demo == {
        "workspaceName": "demo",
        "organisationName": "demo",
        "endedAt": None,
        "deviceCount": 5,
        "volume": {"smsMt": 10.0},
        "sims": [{"status": "ISSUED", "count": 1}, {"status": "ACTIVATED", "count": 5}],
        "smsNotDelivered": [{"status": "FAILED", "count": 1}, {"status": "EXPIRED", "count": 1}],
    }
    assert (other["workspaceName"], other["volume"]["smsMt"], other["smsNotDelivered"]) == ("other", 1.0, [])
    lines = list(csv.DictReader(io.StringIO(report["csv"])))
    assert [(line["workspace"], line["sims_activated"], line["sms_mt"], line["sms_failed"]) for line in lines] == [
        ("demo", "5", "10", "1"),
        ("other", "5", "1", "0"),
    ]
    months = (await world.operator().query(SHOWN, asked(granularity="MONTH", since="2025-06-01T00:00:00Z"))).data
    assert months["organisationReport"]["totals"]["smsMt"] == 2.0


async def test_a_super_administrator_has_a_report_of_its_branch_and_others_have_none(world: World) -> None:
    above = world.client(world.demo, Role.SUPER_ADMIN)
    report = (await above.query(SHOWN, asked())).data["organisationReport"]
    assert [one["workspaceName"] for one in report["workspaces"]] == ["demo"]
    mine, theirs = (encode_global_id("Organisation", tenant.organisation_id) for tenant in (world.demo, world.other))
    assert (await above.query(SHOWN, asked(id=mine))).data["organisationReport"]["workspaces"] == report["workspaces"]
    for wrong in (theirs, "", "nonsense", encode_global_id("Workspace", world.demo.workspace_id)):
        assert (await above.query(SHOWN, asked(id=wrong))).data == {"organisationReport": None}
    assert (await world.client(world.demo).query(SHOWN, asked())).codes == ["FORBIDDEN"]


async def test_a_report_spans_a_time_and_not_too_much_of_it(world: World) -> None:
    operator = world.operator()
    for wrong in (
        asked(until=SINCE),
        asked(since=UNTIL),
        asked(since="2025-01-01T00:00:00Z"),
        asked(granularity="HOUR", since=(NOW - timedelta(days=31)).isoformat()),
    ):
        assert (await operator.query(SHOWN, wrong)).codes == ["INVALID"]
