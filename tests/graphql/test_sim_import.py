"""Carriers' lists of SIMs: columns by any name, errors by line, all good lines or, in a dry run, none."""

from __future__ import annotations

from typing import Any

import pytest
from graphql_client import Client
from graphql_world import World
from test_mutations import error, mutate

from motet.domain.global_ids import encode_global_id
from motet.fleet.seeds.tenant import identity

SHOWN = "rowCount importedCount rowErrorCount rowErrors { __typename line field code }"


def lines(first: int, count: int, delimiter: str = ",") -> list[str]:
    """Lines with ICCID, IMSI and MSISDN of sample SIMs that nobody has."""
    return [delimiter.join(identity(60_000_000 + number)) for number in range(first, first + count)]


async def run(client: Client, text: str, **more: Any) -> Any:
    return await mutate(client, "simImport", SHOWN, csv=text, **more)


def row_error(line: int, field: str, code: str) -> dict[str, Any]:
    return {"__typename": "SimImportRowError", "line": line, "field": field, "code": code}


async def test_good_lines_are_imported_and_bad_ones_told(world: World, client: Client) -> None:
    good = lines(1, 6)
    theirs = await world.tenants.database.pool.fetchval("SELECT msisdn FROM sim WHERE id = $1", world.other.sims[0])
    one = identity(60_000_050)
    text = "\n".join(
        [
            "iccid,imsi,msisdn",
            *good[:2],
            f"{one.iccid[:-1]}x,{one.imsi},{one.msisdn}",
            "",
            f"{one.iccid},{one.imsi},{theirs}",
            f"{one.iccid},{one.imsi}",
            good[1],
            *good[2:],
        ]
    )
    expected = {
        "rowCount": 10,
        "importedCount": 6,
        "rowErrorCount": 4,
        "rowErrors": [
            row_error(4, "iccid", "INVALID"), row_error(6, "msisdn", "CONFLICT"), row_error(7, "msisdn", "INVALID"),
            row_error(8, "iccid", "CONFLICT"),
        ],
        "userErrors": [],
    }  # fmt: skip
    assert await run(client, text, dryRun=True) == expected
    assert (await client.query("{ sims { totalCount } }")).data["sims"]["totalCount"] == 5
    assert world.changes == []
    assert await run(client, text) == expected
    assert world.changes == ["sim"]
    reply = await client.query(
        "{ sims(last: 1) { totalCount"
        " nodes { msisdn status history { nodes { from to } } events { nodes { type } } } } }"
    )
    assert reply.data["sims"]["totalCount"] == 11
    assert reply.data["sims"]["nodes"] == [
        {
            "msisdn": identity(60_000_006).msisdn,
            "status": "ISSUED",
            "history": {"nodes": [{"from": None, "to": "ISSUED"}]},
            "events": {"nodes": [{"type": "sim.registered"}]},
        }
    ]
    again = await run(client, text)
    assert (again["importedCount"], again["rowErrorCount"]) == (0, 10)
    # what a refused line had claimed is free
    freed = await run(client, "\n".join(["iccid,imsi,msisdn", ",".join(one)]))
    assert freed["importedCount"] == 1


async def test_columns_have_the_carriers_names_and_order(world: World, client: Client) -> None:
    one = identity(60_000_001)
    text = f'\ufeffNumber; Card ID ;Note;I-M-S-I;Form Factor\r\n+{one.msisdn};{one.iccid};"a;b";{one.imsi};MFF2\r\n'
    columns = {"msisdn": "number", "iccid": "card_id"}
    assert (await run(client, text, columns=columns))["importedCount"] == 1
    reply = await client.query(f'{{ sim(iccid: "{one.iccid}") {{ imsi msisdn formFactor eid }} }}')
    assert reply.data["sim"] == {"imsi": one.imsi, "msisdn": one.msisdn, "formFactor": "MFF2", "eid": None}
    tabs = "\n".join(["iccid\timsi\tmsisdn\teid", *(line + "\t" for line in lines(2, 1, "\t"))])
    assert (await run(client, tabs, delimiter="\t"))["importedCount"] == 1


@pytest.mark.parametrize(
    ("fields", "path", "code"),
    [
        ({"csv": ""}, ("csv",), "INVALID"),
        ({"csv": "iccid,imsi\n"}, ("csv",), "INVALID"),
        ({"csv": 'iccid,imsi,msisdn\n"a"b,c,d\n'}, ("csv",), "INVALID"),
        ({"csv": "iccid,imsi,msisdn\n\0"}, ("csv",), "INVALID"),
        ({"csv": "iccid,imsi,msisdn\n", "delimiter": "x"}, ("delimiter",), "INVALID"),
        ({"csv": "iccid,imsi,msisdn\n", "columns": {"eid": "EUICC"}}, ("columns", "eid"), "INVALID"),
        ({"csv": "iccid,imsi,msisdn\n" + "x\n" * 10_001}, ("csv",), "LIMIT_REACHED"),
    ],
)
async def test_what_is_no_list_at_all_is_said(
    world: World, client: Client, fields: dict[str, Any], path: tuple[str, ...], code: str
) -> None:
    payload = await mutate(client, "simImport", SHOWN, **fields)
    assert payload["userErrors"] == error(code, *path)
    assert payload["rowCount"] is None


async def test_a_list_of_ten_thousand_lines(world: World, client: Client) -> None:
    text = "\n".join(["iccid,imsi,msisdn", *lines(1, 9_998), "bad,bad,bad", "x"])
    imported = await run(client, text)
    assert (imported["rowCount"], imported["importedCount"], imported["rowErrorCount"]) == (10_000, 9_998, 2)
    pool = world.tenants.database.pool
    counts = await pool.fetchrow(
        "SELECT (SELECT count(*) FROM sim WHERE workspace_id = $1) AS sims,"
        " (SELECT count(*) FROM sim_history WHERE workspace_id = $1) AS steps,"
        " (SELECT count(*) FROM event WHERE workspace_id = $1) AS events",
        world.demo.workspace_id,
    )
    assert tuple(counts) == (10_003, 10_003, 10_003)
    assert await pool.fetchval("SELECT count(*) FROM directory") == 3 * (9_998 + 10)
    sim_id = encode_global_id("Sim", await pool.fetchval("SELECT max(id) FROM sim"))
    assert (await mutate(client, "simActivate", "sim { status }", id=sim_id))["sim"] == {"status": "ACTIVATED"}
