"""The calculators of power saving through GraphQL: vectors of TS 24.008, both ways, and errors that say why."""

from __future__ import annotations

from typing import Any

import pytest
from graphql_client import Client
from graphql_world import World

TAU = {  # seconds: octet, the one with the smallest unit that is exact
    0: "01100000", 10: "01100101", 62: "01111111", 90: "10000011", 300: "10001010", 600: "10010100", 930: "10011111",
    1_860: "10111111", 3_600: "00000110", 14_400: "00011000", 18_600: "00011111", 86_400: "00111000",
    111_600: "00111111", 252_000: "01000111", 504_000: "01001110", 1_116_000: "01011111", 1_152_000: "11000001",
    35_712_000: "11011111",
}  # fmt: skip
ACTIVE = {0: "00000000", 10: "00000101", 62: "00011111", 240: "00100100", 720: "00101100", 11_160: "01011111"}
DECODED = [
    ("T3412_EXTENDED", "01001110", 504_000), ("T3412_EXTENDED", "01000111", 252_000),
    ("T3412_EXTENDED", "00100100", 14_400), ("T3412_EXTENDED", "00000110", 3_600),
    ("T3412_EXTENDED", "00100001", 3_600), ("T3412_EXTENDED", "10100101", 300),
    ("T3412_EXTENDED", "11000001", 1_152_000), ("T3412_EXTENDED", "11011111", 35_712_000),
    ("T3412_EXTENDED", "01011111", 1_116_000), ("T3412_EXTENDED", "00111000", 86_400),
    ("T3412_EXTENDED", "11100000", None), ("T3324", "00000101", 10), ("T3324", "00100100", 240),
    ("T3324", "01000010", 720), ("T3324", "01011111", 11_160), ("T3324", "00000000", 0), ("T3324", "01100001", 60),
    ("T3324", "11100000", None),
]  # fmt: skip


async def ask(client: Client, *fields: str) -> list[Any]:
    """The fields' values, asked for in one operation."""
    reply = await client.query("{ " + " ".join(f"f{n}: {field}" for n, field in enumerate(fields)) + " }")
    return [reply.data[f"f{n}"] for n in range(len(fields))]


async def refused(client: Client, field: str) -> str:
    """The reason for which a field is null."""
    reply = await client.query(f"{{ {field} }}")
    assert reply.codes == ["INVALID"], field
    return str(reply.json["errors"][0]["message"]).partition(":")[0]


async def test_times_become_octets_and_octets_times(client: Client) -> None:
    for timer, vectors in (("T3412_EXTENDED", TAU), ("T3324", ACTIVE)):
        shown = "{ bits requestedSeconds encodedSeconds exact timer }"
        fields = [f"psmEncode(timer: {timer}, seconds: {seconds}, rounding: ERROR) {shown}" for seconds in vectors]
        assert await ask(client, *fields) == [
            {"bits": bits, "requestedSeconds": seconds, "encodedSeconds": seconds, "exact": True, "timer": timer}
            for seconds, bits in vectors.items()
        ]
    fields = [f'psmDecode(timer: {timer}, bits: "{bits}") {{ seconds deactivated }}' for timer, bits, _ in DECODED]
    assert await ask(client, *fields) == [
        {"seconds": seconds, "deactivated": seconds is None} for _, _, seconds in DECODED
    ]


@pytest.mark.parametrize(
    ("seconds", "nearest", "up", "down"),
    [(3_240, 3_000, 3_600, 3_000), (259_200, 252_000, 288_000, 252_000), (64, 60, 90, 62)],
)
async def test_what_has_no_code_is_rounded_as_told(
    client: Client, seconds: int, nearest: int, up: int, down: int
) -> None:
    shown = "{ requestedSeconds encodedSeconds exact }"
    ways = ["NEAREST", "UP", "DOWN"]
    fields = [f"psmEncode(timer: T3412_EXTENDED, seconds: {seconds}, rounding: {way}) {shown}" for way in ways]
    plain = f"psmEncode(timer: T3412_EXTENDED, seconds: {seconds}) {shown}"
    found = await ask(client, *fields, plain)
    assert found[0] == found[3]  # a calculator rounds to the nearest unless told otherwise
    assert (found[1]["encodedSeconds"], found[2]["encodedSeconds"]) == (up, down)
    assert found[0]["encodedSeconds"] in (nearest, down, up)
    assert all(one["requestedSeconds"] == seconds and one["exact"] is False for one in found)
    with_error = f"psmEncode(timer: T3412_EXTENDED, seconds: {seconds}, rounding: ERROR) {{ bits }}"
    assert await refused(client, with_error) == "NOT_ENCODABLE"


async def test_what_cannot_be_said_on_the_air_is_refused_with_the_reason(client: Client) -> None:
    for field, reason in (
        ("psmEncode(timer: T3412_EXTENDED, seconds: 35712001) { bits }", "OUT_OF_RANGE"),
        ("psmEncode(timer: T3324, seconds: 11161) { bits }", "OUT_OF_RANGE"),
        ("psmEncode(timer: T3324, seconds: -1) { bits }", "OUT_OF_RANGE"),
        ('psmDecode(timer: T3324, bits: "0000010") { seconds }', "MALFORMED"),
        ('psmDecode(timer: T3324, bits: "0000010x") { seconds }', "MALFORMED"),
        ("edrxEncode(rat: NB_IOT, cycleSeconds: 143.36, rounding: ERROR) { rat }", "INVALID_FOR_RAT"),
        ("edrxEncode(rat: LTE_M, cycleSeconds: 10485.76, rounding: ERROR) { rat }", "INVALID_FOR_RAT"),
        ("edrxEncode(rat: LTE_M, cycleSeconds: 11, rounding: ERROR) { rat }", "NOT_ENCODABLE"),
        ("edrxEncode(rat: NR, cycleSeconds: 10.24) { rat }", "INVALID_FOR_RAT"),
        ("edrxEncode(rat: LTE_M, cycleSeconds: 10.24, pagingTimeWindowSeconds: 20.48) { rat }", "CONFLICTING"),
        ("edrxEncode(rat: LTE_M, cycleSeconds: 5.12, pagingTimeWindowSeconds: 1.28) { rat }", "CONFLICTING"),
        ("edrxEncode(rat: LTE_M, cycleSeconds: -1) { rat }", "OUT_OF_RANGE"),
        ("edrxEncode(rat: LTE_M, cycleSeconds: 1e300) { rat }", "OUT_OF_RANGE"),
        ('edrxDecode(rat: LTE_M, bits: "10000") { valid }', "MALFORMED"),
        ('edrxDecode(rat: GSM, bits: "0000", pagingTimeWindow: "0000") { valid }', "INVALID_FOR_RAT"),
        ('atCommandParse(line: "AT+CFUN=1") { kind }', "MALFORMED"),
        ('atCommandParse(line: "") { kind }', "MALFORMED"),
        ("atCommandBuild(psm: {mode: ON, tauSeconds: 60, activeSeconds: 60}) { line }", "CONFLICTING"),
        ("atCommandBuild(psm: {mode: ON, tauSeconds: 3240}) { line }", "NOT_ENCODABLE"),
        ("atCommandBuild(edrx: {switch: ON, cycleSeconds: 10.24}) { line }", "CONFLICTING"),
        ('moduleCheck(country: "DE", bands: [{rat: LTE, bands: ["999"]}]) { fit }', "INVALID_FOR_RAT"),
    ):  # fmt: skip
        assert await refused(client, field) == reason, field
    for field in ("atCommandBuild { line }", "atCommandBuild(psm: {mode: ON}, edrx: {switch: ON}) { line }"):
        assert (await client.query(f"{{ {field} }}")).codes == ["INVALID"]


async def test_edrx_follows_the_table_of_the_rat(client: Client) -> None:
    m1, nb, decoded_m1, decoded_nb, lowest, ptw = await ask(
        client,
        "edrxEncode(rat: LTE_M, cycleSeconds: 143.36, pagingTimeWindowSeconds: 10.24) {"
        " cycle { bits encodedSeconds exact } pagingTimeWindow { bits encodedSeconds } }",
        "edrxEncode(rat: NB_IOT, cycleSeconds: 150) { cycle { bits requestedSeconds encodedSeconds exact } }",
        'edrxDecode(rat: LTE_M, bits: "1000", pagingTimeWindow: "0111") { cycleSeconds valid pagingTimeWindowSeconds }',
        'edrxDecode(rat: NB_IOT, bits: "1000", pagingTimeWindow: "0111") {'
        " cycleSeconds valid pagingTimeWindowSeconds }",
        'edrxDecode(rat: NB_IOT, bits: "0000") { cycleSeconds valid }',
        'edrxDecode(rat: LTE_M, bits: "1111") { cycleSeconds valid }',
    )
    assert m1 == {
        "cycle": {"bits": "1000", "encodedSeconds": 143.36, "exact": True},
        "pagingTimeWindow": {"bits": "0111", "encodedSeconds": 10.24},
    }
    assert nb["cycle"] == {"bits": "1001", "requestedSeconds": 150.0, "encodedSeconds": 163.84, "exact": False}
    assert decoded_m1 == {"cycleSeconds": 143.36, "valid": True, "pagingTimeWindowSeconds": 10.24}
    assert decoded_nb == {"cycleSeconds": 20.48, "valid": False, "pagingTimeWindowSeconds": 20.48}
    assert lowest == {"cycleSeconds": None, "valid": False}
    assert ptw == {"cycleSeconds": 2621.44, "valid": False}


async def test_at_commands_are_built_and_read(client: Client) -> None:
    on, off, edrx, sloppy, granted, report, empty = await ask(
        client,
        "atCommandBuild(psm: {mode: ON, tauSeconds: 504000, activeSeconds: 10}) { line kind }",
        "atCommandBuild(psm: {mode: OFF}) { line }",
        "atCommandBuild(edrx: {switch: ON, rat: LTE_M, cycleSeconds: 143.36}) { line kind }",
        'atCommandParse(line: "AT+CPSMS=1,,,01001110,00000101") {'
        " kind line psmMode tau { seconds } active { seconds } }",
        r'atCommandParse(line: "+CEREG: 5,1,\"002F\",\"0012BEEF\",9,,,\"00000101\",\"01001110\"") {'
        " kind registered stat rat trackingArea cell tau { seconds canonicalBits } active { seconds } }",
        r'atCommandParse(line: "+CEDRXS: [4,\"1000\",\"1000\",\"0111\"]") {'
        " kind line edrxMode requestedCycleSeconds providedCycleSeconds pagingTimeWindowSeconds psmMode tau { bits } }",
        'atCommandParse(line: "+CEDRXP: 0") { kind edrxMode providedCycleSeconds }',
    )
    assert on == {"line": 'AT+CPSMS=1,,,"01001110","00000101"', "kind": "CPSMS"}
    assert off == {"line": "AT+CPSMS=0"}
    assert edrx == {"line": 'AT+CEDRXS=1,4,"1000"', "kind": "CEDRXS"}
    assert sloppy == {
        "kind": "CPSMS", "line": 'AT+CPSMS=1,,,"01001110","00000101"', "psmMode": "ON", "tau": {"seconds": 504_000},
        "active": {"seconds": 10},
    }  # fmt: skip
    assert granted == {
        "kind": "CEREG", "registered": True, "stat": 1, "rat": "NB_IOT", "trackingArea": "002F", "cell": "0012BEEF",
        "tau": {"seconds": 504_000, "canonicalBits": "01001110"}, "active": {"seconds": 10},
    }  # fmt: skip
    assert report == {
        "kind": "EDRX_REPORT", "line": '+CEDRXP: 4,"1000","1000","0111"', "edrxMode": "WB_S1",
        "requestedCycleSeconds": 143.36, "providedCycleSeconds": 143.36, "pagingTimeWindowSeconds": 10.24,
        "psmMode": None, "tau": None,
    }  # fmt: skip
    assert empty == {"kind": "EDRX_REPORT", "edrxMode": None, "providedCycleSeconds": None}


async def test_a_module_is_checked_against_every_operator_of_a_country(world: World, client: Client) -> None:
    shown = "{ country { code } fit operators { code name fit usableRats rats { rat fit sharedBands reason } } }"
    german, unsure, without, nowhere = await ask(
        client,
        'moduleCheck(country: "de", bands: [{rat: LTE, bands: ["B20", "3"]}, {rat: GSM, bands: ["GSM 900"]}])' + shown,
        f'moduleCheck(country: "AU", bands: [{{rat: LTE, bands: ["B5"]}}]) {shown}',
        f'moduleCheck(country: "DE", bands: [{{rat: LTE_M, bands: ["8"]}}]) {shown}',
        f'moduleCheck(country: "XX", bands: []) {shown}',
    )
    assert (german["country"], german["fit"]) == ({"code": "DE"}, "YES")
    telekom = german["operators"][0]
    assert (telekom["code"], telekom["name"], telekom["usableRats"]) == ("26201", "Telekom", ["GSM", "LTE"])
    assert telekom["rats"][1]["sharedBands"] == ["B3", "B20"]
    assert telekom["rats"][1]["reason"].startswith("Both have LTE in B3, B20.")
    assert unsure["fit"] == "POSSIBLE"
    assert (
        "not known for sure" in unsure["operators"][0]["rats"][0]["reason"]
        or unsure["operators"][0]["fit"] == "POSSIBLE"
    )
    assert without["fit"] == "NO"
    assert nowhere is None
    assert (await client.query('{ moduleCheck(country: "DE", bands: []) { fit } }')).data["moduleCheck"]["fit"] == "NO"
    operator = world.operator()
    csv = "plmn,rat,bands\n26201,LTE_M,8 20"
    await operator.query(
        "mutation ($csv: String!) {"
        ' coverageImport(input: {csv: $csv, name: "x", source: "x"}) { userErrors { code } } }',
        {"csv": csv},
    )
    (after,) = await ask(client, f'moduleCheck(country: "DE", bands: [{{rat: LTE_M, bands: ["8"]}}]) {shown}')
    assert after["operators"][0]["usableRats"] == ["LTE_M"]


async def test_rats_and_bands_are_told(client: Client) -> None:
    rats, bands, everything = await ask(
        client,
        "rats { code generation gtpTypes accessTechnologies edrxCyclesSeconds psmTimers bands { code }"
        " categories { code downlinkKbps uplinkKbps } }",
        "bands(rat: LTE) { code number duplex uplinkLowMhz uplinkHighMhz downlinkLowMhz downlinkHighMhz }",
        "bands { rat code }",
    )
    by_code = {rat["code"]: rat for rat in rats}
    assert list(by_code) == ["GSM", "UMTS", "LTE", "LTE_M", "NB_IOT", "NR"]
    assert (by_code["NB_IOT"]["gtpTypes"], by_code["NB_IOT"]["accessTechnologies"]) == ([8], [9])
    assert by_code["NB_IOT"]["edrxCyclesSeconds"][0] == 20.48
    assert by_code["LTE_M"]["edrxCyclesSeconds"][-1] == 2621.44
    assert by_code["NR"]["edrxCyclesSeconds"] == []
    assert {"code": "Cat 1", "downlinkKbps": 10_000, "uplinkKbps": 5_000} in by_code["LTE"]["categories"]
    assert {"code": "n78"} in by_code["NR"]["bands"]
    assert {
        "code": "B20", "number": 20, "duplex": "FDD", "uplinkLowMhz": 832.0, "uplinkHighMhz": 862.0,
        "downlinkLowMhz": 791.0, "downlinkHighMhz": 821.0,
    } in bands  # fmt: skip
    assert len(everything) == sum(len(rat["bands"]) for rat in rats)
