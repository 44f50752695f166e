"""Countries, operators and networks through GraphQL, and the operator's own versions of the coverage."""

from __future__ import annotations

from typing import Any

from graphql_client import Client
from graphql_world import World
from test_mutations import error, mutate

LTE_M_IN_GERMANY = """plmn,rat,bands,psm,edrx,sms,roaming,sunset_on,sunset_source,as_of
262-01,LTE-M,B8 20?,yes,yes,no,RESTRICTED,,,2026-10-01
26201,NB_IOT,8;20,yes,,,AVAILABLE,,,
26201,GSM,8,,,,,2027-12-31,our own notice,
"""
IMPORT = "coverageVersion { number name source asOf networkCount importedBy } rowCount rowErrors { line field message }"
IMPORT += " added removed changed"


async def bring(client: Client, csv: str = LTE_M_IN_GERMANY, **more: Any) -> dict[str, Any]:
    return await mutate(client, "coverageImport", IMPORT, **{"csv": csv, "name": "ours", "source": "contracts", **more})


async def test_countries_are_found_by_code_name_and_what_is_on_the_air(client: Client) -> None:
    reply = await client.query(
        """{ country(code: "de") { code code3 number name mccs latitude longitude rats }
             nowhere: country(code: "XX") { code }
             named: countries(filter: {name: "GERM"}) { totalCount totalCountIsEstimate nodes { code } }
             both: countries(filter: {code: ["fr", "DE", "zz"], mcc: "262"}) { nodes { code } }
             with3g: countries(filter: {code: ["DE", "FR"], rat: [UMTS]}) { nodes { code } } }"""
    )
    assert reply.data["country"] == {
        "code": "DE", "code3": "DEU", "number": "276", "name": "Germany", "mccs": ["262"], "latitude": 52.52,
        "longitude": 13.4, "rats": ["GSM", "LTE", "NR"],
    }  # fmt: skip
    assert reply.data["nowhere"] is None
    assert reply.data["named"] == {"totalCount": 1, "totalCountIsEstimate": False, "nodes": [{"code": "DE"}]}
    assert reply.data["both"]["nodes"] == [{"code": "DE"}]
    assert reply.data["with3g"]["nodes"] == [{"code": "FR"}]


async def test_lists_of_reference_data_are_paged_by_code_both_ways(client: Client) -> None:
    page = (
        "{ edges { cursor node { code } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount }"
    )
    seen: list[str] = []
    after = None
    while True:
        reply = await client.query(
            f"query ($after: String) {{ countries(first: 100, after: $after) {page} }}", {"after": after}
        )
        found = reply.data["countries"]
        seen += [edge["node"]["code"] for edge in found["edges"]]
        assert found["pageInfo"]["hasPreviousPage"] is (after is not None)
        assert found["pageInfo"]["endCursor"] == found["edges"][-1]["cursor"]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert seen == sorted(set(seen))
    assert len(seen) == found["totalCount"] == 250
    reply = await client.query(
        f"query ($before: String) {{ countries(last: 2, before: $before) {page} }}", {"before": after}
    )
    assert [edge["node"]["code"] for edge in reply.data["countries"]["edges"]] == seen[-3:-1]
    assert reply.data["countries"]["pageInfo"]["hasNextPage"] is True
    for bad in ("first: 201", "first: -1", "first: 1, last: 1", 'after: "nonsense"'):
        assert (await client.query(f"{{ countries({bad}) {{ totalCount }} }}")).codes == ["INVALID"]
    reply = await client.query("{ none: countries(first: 0) { nodes { code } pageInfo { hasNextPage endCursor } } }")
    assert reply.data["none"]["nodes"] == []


async def test_operators_have_countries_and_networks(client: Client) -> None:
    reply = await client.query(
        """{ operator(code: "262-01") { code mcc mnc name brand kind operational country { code } countries { name }
               networks { code rat operatorName countries bands possibleBands psm roaming onAir asOf
                          sunset { on source } } }
             nobody: operator(code: "00000") { code }
             test: operator(code: "00101") { kind country { code } countries { code } networks { rat } }
             german: operators(filter: {country: ["de"], operational: true, kind: [NETWORK], rat: [GSM]}) {
               nodes { code } }
             named: operators(filter: {name: "emnify"}) { nodes { code kind } }
             aliased: operators(filter: {code: ["26201"]}) {
               nodes { __typename plmn: code again: networks { rat } } } }"""
    )
    telekom = reply.data["operator"]
    networks = telekom.pop("networks")
    assert telekom == {
        "code": "26201", "mcc": "262", "mnc": "01", "name": "Telekom Deutschland GmbH", "brand": "Telekom",
        "kind": "NETWORK", "operational": True, "country": {"code": "DE"}, "countries": [{"name": "Germany"}],
    }  # fmt: skip
    assert [one["rat"] for one in networks] == ["GSM", "LTE", "NR"]
    assert networks[0] == {
        "code": "26201", "rat": "GSM", "operatorName": "Telekom", "countries": ["DE"], "bands": ["B8"],
        "possibleBands": [], "psm": None, "roaming": None, "onAir": True, "asOf": "2025-12-31",
        "sunset": {"on": "2028-06-30", "source": "telespiegel.de/news/25/abschaltung-2g"},
    }  # fmt: skip
    assert networks[2]["bands"] == ["n1", "n28", "n78"]
    assert networks[1]["sunset"] is None
    assert reply.data["nobody"] is None
    assert reply.data["test"] == {"kind": "TEST", "country": None, "countries": [], "networks": []}
    assert {"code": "26202"} in reply.data["german"]["nodes"]
    assert {"code": "90143", "kind": "MVNO"} in reply.data["named"]["nodes"]
    assert reply.data["aliased"]["nodes"][0]["plmn"] == "26201"
    assert reply.data["aliased"]["nodes"][0]["__typename"] == "Operator"


async def test_networks_are_searched_by_country_rat_band_and_end(client: Client) -> None:
    reply = await client.query(
        """{ b20: networks(first: 200, filter: {country: ["DE"], rat: [LTE], band: "B20"}) { nodes { code bands } }
             n78: networks(filter: {country: ["DE"], band: "n78"}) { nodes { rat bands } }
             ending: networks(filter: {sunsetBefore: "2027-01-01", onAir: true}) { nodes { code rat } }
             gone: networks(filter: {code: ["26002"], onAir: false}) { nodes { rat onAir } }
             psm: networks(filter: {feature: [PSM]}) { totalCount } }"""
    )
    assert {"code": "26201", "bands": ["B1", "B3", "B7", "B8", "B20", "B28"]} in reply.data["b20"]["nodes"]
    assert all("B20" in one["bands"] for one in reply.data["b20"]["nodes"])
    assert {one["rat"] for one in reply.data["n78"]["nodes"]} == {"NR"}
    assert reply.data["gone"]["nodes"] == [{"rat": "UMTS", "onAir": False}]
    assert reply.data["psm"]["totalCount"] == 0
    assert (await client.query('{ networks(filter: {band: "B999"}) { totalCount } }')).codes == ["INVALID"]


async def test_the_operator_brings_its_own_coverage_and_everyone_sees_it_at_once(world: World, client: Client) -> None:
    operator = world.operator()
    dry = await bring(operator, dryRun=True)
    assert (dry["coverageVersion"], dry["added"], dry["removed"], dry["changed"]) == (None, 2, 0, 1)
    made = await bring(operator)
    assert made["userErrors"] == made["rowErrors"] == []
    assert (made["rowCount"], made["added"], made["removed"], made["changed"]) == (3, 2, 0, 1)
    version = made["coverageVersion"]
    assert (version["number"], version["name"], version["source"]) == (1, "ours", "contracts")
    assert version["importedBy"] == "operator"
    reply = await client.query(
        """{ networks(filter: {code: ["26201"], feature: [PSM]}) {
               nodes { rat bands possibleBands psm edrx sms roaming asOf } }
             operators(filter: {feature: [PSM, EDRX]}) { nodes { code } }
             coverageVersions { number name networkCount csv }
             coverageVersion { number createdAt }
             packaged: coverageVersion(number: 0) { importedBy createdAt csv }
             none: coverageVersion(number: 7) { number }
             coverageChanges(from: 0, to: 1) { totalCount nodes {
               kind changed deviceCount before { rat sunset { on } } after { rat sunset { on source } } } }
             never: coverageChanges(from: 0, to: 7) { totalCount } }"""
    )
    first, second = reply.data["networks"]["nodes"]
    assert first == {
        "rat": "LTE_M", "bands": ["B8"], "possibleBands": ["B20"], "psm": True, "edrx": True, "sms": False,
        "roaming": "RESTRICTED", "asOf": "2026-10-01",
    }  # fmt: skip
    assert (second["rat"], second["bands"], second["edrx"], second["sms"]) == ("NB_IOT", ["B8", "B20"], None, None)
    assert reply.data["operators"]["nodes"] == [{"code": "26201"}]
    assert [(one["number"], one["csv"]) for one in reply.data["coverageVersions"]] == [(1, None), (0, None)]
    assert reply.data["coverageVersion"]["number"] == 1
    assert reply.data["packaged"]["csv"].startswith("plmn,rat,bands,")
    assert reply.data["none"] is None
    assert reply.data["never"] is None
    changes = reply.data["coverageChanges"]["nodes"]
    assert [(one["kind"], one["after"]["rat"]) for one in changes] == [
        ("CHANGED", "GSM"), ("ADDED", "LTE_M"), ("ADDED", "NB_IOT"),
    ]  # fmt: skip
    assert changes[0]["changed"] == ["sunset_on"]
    assert changes[0]["before"]["sunset"] == {"on": "2028-06-30"}
    assert changes[0]["after"]["sunset"] == {"on": "2027-12-31", "source": "our own notice"}


async def test_what_was_exported_is_imported_again_without_a_difference(world: World) -> None:
    operator = world.operator()
    await bring(operator)
    csv = (await operator.query("{ coverageVersion { csv } }")).data["coverageVersion"]["csv"]
    again = await bring(operator, csv, replace=True)
    assert (again["coverageVersion"]["number"], again["added"], again["removed"], again["changed"]) == (2, 0, 0, 0)
    alone = await bring(operator, replace=True, dryRun=True)
    assert alone["removed"] > 2_000


async def test_an_import_with_a_wrong_line_changes_nothing_and_says_which(world: World) -> None:
    operator = world.operator()
    bad = "plmn;rat;bands;psm;roaming;sunset_on\n26201;LTE;20;maybe;;\n2620;LTE;;;;\n26201;6G;;;;\n26201;GSM;20;;;\n"
    bad += "26201;LTE;20;;;soon\n26202;LTE;20;;NEVER;\n26203;LTE;3;;;\n26203;LTE;3;;;\n\n"
    came = await bring(operator, bad)
    assert came["coverageVersion"] is None
    assert [(one["line"], one["field"]) for one in came["rowErrors"]] == [
        (2, "psm"), (3, "plmn"), (4, "rat"), (5, "bands"), (6, "sunset_on"), (7, "roaming"), (9, "plmn"),
    ]  # fmt: skip
    for csv in ("", "a,b\n1,2", 'plmn,rat\n"26201'):
        assert (await bring(operator, csv))["userErrors"] == error("INVALID", "csv")
    assert (await bring(operator, name=""))["userErrors"] == error("INVALID", "name")
    assert (await bring(operator, source="x" * 301))["userErrors"] == error("INVALID", "source")
    assert (await operator.query("{ coverageVersion { number } }")).data["coverageVersion"] == {"number": 0}
