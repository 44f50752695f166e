"""eUICCs, IMSIs and activation codes through GraphQL: what is shown of them, and null, omitted and empty inputs."""

from __future__ import annotations

import base64
from typing import Any

from graphql_client import Client
from graphql_world import World
from test_mutations import error, mutate

from motet.domain.global_ids import encode_global_id
from motet.domain.network import OperationResult, OrderKind
from motet.fleet.cards.euicc_results import EuiccResults

EID = "89049032000000000000000000000066"
SIM = {"iccid": "8999901000000000013", "imsi": "001019000000001", "msisdn": "99912345678"}
PROFILE = {"iccid": "8999901000000000021", "imsi": "001019000000002", "msisdn": "99912345679"}
EFFECTS = "effects { iccid before after isFallback }"
OPERATION = f"operation {{ id type state }} {EFFECTS}"


async def ask(client: Client, query: str, **variables: Any) -> Any:
    return (await client.query(query, variables)).data


async def confirm(world: World) -> None:
    """The network confirms the operation that is open."""
    results = EuiccResults(world.services.euiccs, on_change=lambda: noted(world))
    async with world.tenants.database.pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(
            "SELECT workspace_id, euicc_id, order_id FROM euicc_operation WHERE state IN (0, 1)"
        )
        told = OperationResult(world.services.euiccs.now(), row["order_id"], True)
        await results.ended(connection, row["workspace_id"], row["euicc_id"], OrderKind.EUICC, told)


async def noted(world: World) -> None:
    world.changes.append("euicc")


async def test_an_euicc_from_registration_to_another_operator(world: World, client: Client) -> None:
    made = await mutate(client, "simRegister", "sim { id eid euicc { id maxProfiles } }", **SIM, eid=EID)
    euicc_id = made["sim"]["euicc"]["id"]
    assert made["sim"] == {"id": made["sim"]["id"], "eid": EID, "euicc": {"id": euicc_id, "maxProfiles": 10}}
    shown = "euiccProfile { id iccid plmn state isFallback imsis { nodes { imsi active } } }"
    added = await mutate(client, "euiccProfileAdd", shown, euiccId=euicc_id, **PROFILE, idempotencyKey="k")
    profile_id = added["euiccProfile"].pop("id")
    assert added == {
        "euiccProfile": {
            "iccid": PROFILE["iccid"], "plmn": "00101", "state": "AVAILABLE", "isFallback": False,
            "imsis": {"nodes": [{"imsi": PROFILE["imsi"], "active": False}]},
        },
        "userErrors": [],
    }  # fmt: skip
    again = await mutate(
        client, "euiccProfileAdd", "euiccProfile { id }", euiccId=euicc_id, **PROFILE, idempotencyKey="k"
    )
    assert again["euiccProfile"]["id"] == profile_id
    dry = await mutate(client, "euiccProfileDownload", OPERATION, id=profile_id, dryRun=True, validityS=60)
    assert dry == {
        "operation": None,
        "effects": [{"iccid": PROFILE["iccid"], "before": "AVAILABLE", "after": "DISABLED", "isFallback": False}],
        "userErrors": [],
    }
    for name in ("euiccProfileDownload", "euiccProfileEnable", "euiccProfileSetFallback"):
        ordered = await mutate(client, name, OPERATION, id=profile_id)
        assert (ordered["userErrors"], ordered["operation"]["state"]) == ([], "QUEUED"), name
        busy = await mutate(client, "euiccRollback", OPERATION, id=euicc_id)
        assert busy["userErrors"][0]["code"] in {"CONFLICT", "DENIED"}
        assert busy["effects"] is None
        await confirm(world)
    for name in ("euiccProfileDelete", "euiccProfileDisable", "euiccProfileEnable"):
        assert (await mutate(client, name, OPERATION, id=profile_id))["userErrors"] == error("DENIED", "id"), name
    reply = await ask(
        client,
        """query ($eid: String) { euicc(eid: $eid) {
             sim { iccid imsi msisdn }
             profiles { nodes { iccid state isFallback operations(filter: {state: [OK]}) { totalCount } } }
             operations(first: 1) {
               nodes { type state error actor profile { iccid } history { nodes { state } } } } } }""",
        eid=EID,
    )
    assert reply["euicc"] == {
        "sim": PROFILE,
        "profiles": {
            "nodes": [
                {"iccid": SIM["iccid"], "state": "DISABLED", "isFallback": False, "operations": {"totalCount": 0}},
                {"iccid": PROFILE["iccid"], "state": "ENABLED", "isFallback": True, "operations": {"totalCount": 3}},
            ]
        },
        "operations": {
            "nodes": [
                {
                    "type": "SET_FALLBACK", "state": "OK", "error": None, "actor": "administrator@demo",
                    "profile": {"iccid": PROFILE["iccid"]},
                    "history": {"nodes": [{"state": "QUEUED"}, {"state": "OK"}]},
                }
            ]
        },
    }  # fmt: skip
    for wrong in ({"validityS": None}, {"validityS": 0}):
        refused = await mutate(client, "euiccRollback", OPERATION, id=euicc_id, **wrong)
        assert [one["code"] for one in refused["userErrors"]] == ["INVALID"]
    never = await mutate(client, "euiccRollback", "operation { rollbackAfterS }", id=euicc_id, dryRun=None)
    assert never["operation"] == {"rollbackAfterS": None}
    theirs = world.client(world.other)
    assert (await ask(theirs, f'{{ euicc(eid: "{EID}") {{ id }} }}'))["euicc"] is None


async def test_several_imsis_a_question_and_a_switch(world: World, client: Client) -> None:
    sim_id = (await mutate(client, "simRegister", "sim { id }", **SIM))["sim"]["id"]
    partners = []
    for name, plmn, rats in (("North", "00101", ["LTE"]), ("South", "00102", ["LTE", "NB_IOT"])):
        terms = [{"country": "DE", "networks": ["26201"], "rats": rats}]
        made = await mutate(
            client, "roamingPartnerCreate", "roamingPartner { id terms { nodes { country rats permanentRoaming } } }",
            name=name, plmn=plmn, terms=terms,
        )  # fmt: skip
        assert made["roamingPartner"]["terms"]["nodes"] == [{"country": "DE", "rats": rats, "permanentRoaming": True}]
        partners.append(made["roamingPartner"]["id"])
    first = await ask(client, "query ($id: ID) { sim(id: $id) { imsis { nodes { id active } } } }", id=sim_id)
    first_id = first["sim"]["imsis"]["nodes"][0]["id"]
    for partner in (None, partners[0]):
        updated = await mutate(client, "imsiUpdate", "imsi { partner { name } }", id=first_id, partnerId=partner)
        assert updated["imsi"] == {"partner": None if partner is None else {"name": "North"}}
    added = await mutate(
        client, "imsiAdd", "imsi { id active homeNetwork }", simId=sim_id, imsi="001029000000001",
        partnerId=partners[1],
    )  # fmt: skip
    second_id = added["imsi"].pop("id")
    assert added["imsi"] == {"active": False, "homeNetwork": "00102"}
    question = """query ($sim: ID!, $country: String, $rat: Rat, $outages: [String!]) {
      imsiSelection(simId: $sim, country: $country, rat: $rat, outages: $outages) {
        __typename country outages explanation winner { imsi sim { id } }
        candidates { imsiId imsi active rank score factors { name isHard met points explanation } } } }"""
    answer = (await ask(client, question, sim=sim_id, country="DE"))["imsiSelection"]
    assert (answer["winner"], answer["country"]) == ({"imsi": SIM["imsi"], "sim": {"id": sim_id}}, "DE")
    assert [(one["imsiId"], one["rank"], one["score"]) for one in answer["candidates"]] == [
        (first_id, 1, 10), (second_id, 2, 10),
    ]  # fmt: skip
    answer = (await ask(client, question, sim=sim_id, country="DE", rat="NB_IOT"))["imsiSelection"]
    assert answer["winner"]["imsi"] == "001029000000001"
    assert {"name": "RAT", "isHard": False, "met": True, "points": 100, "explanation": "NB_IOT is there."} in (
        answer["candidates"][0]["factors"]
    )
    answer = (await ask(client, question, sim=sim_id, country="DE", outages=["26201"]))["imsiSelection"]
    assert (answer["winner"], answer["outages"]) == (None, ["26201"])
    for wrong in ({"country": None}, {"country": ""}, {"country": "DE", "outages": ["x"]}):
        assert (await client.query(question, {"sim": sim_id, **wrong})).codes == ["INVALID"]
    for not_mine in (encode_global_id("Sim", world.other.sims[0]), first_id, "nonsense"):
        assert (await ask(client, question, sim=not_mine, country="DE"))["imsiSelection"] is None
    ordered = await mutate(
        client, "imsiPreferenceSet", "country partnerIds", country="DE", partnerIds=[partners[1], partners[0]]
    )
    assert ordered == {"country": "DE", "partnerIds": [partners[1], partners[0]], "userErrors": []}
    mine = '{ imsiPreferences(filter: {country: "DE"}) { nodes { position partner { name } } } }'
    assert (await ask(client, mine))["imsiPreferences"]["nodes"][-2:] == [
        {"position": 1, "partner": {"name": "South"}}, {"position": 2, "partner": {"name": "North"}},
    ]  # fmt: skip
    switched = await mutate(
        client, "simSwitchImsi",
        "sim { imsi imsiSwitches { nodes { oldImsi newImsi reason actor } } events(first: 1) { nodes { type } } }",
        id=sim_id, imsiId=second_id,
    )  # fmt: skip
    assert switched["sim"] == {
        "imsi": "001029000000001",
        "imsiSwitches": {
            "nodes": [
                {
                    "oldImsi": SIM["imsi"], "newImsi": "001029000000001", "reason": "REQUEST",
                    "actor": "administrator@demo",
                }
            ]
        },
        "events": {"nodes": [{"type": "sim.imsi_switched"}]},
    }  # fmt: skip
    assert "imsi" in world.changes
    assert (await mutate(client, "imsiRemove", "deletedId", id=second_id))["userErrors"] == error("DENIED", "id")
    assert (await mutate(client, "imsiRemove", "deletedId", id=first_id))["deletedId"] == first_id
    in_use = await mutate(client, "roamingPartnerDelete", "deletedId", id=partners[1])
    assert in_use["userErrors"] == error("DENIED", "id")
    assert (await mutate(client, "roamingPartnerDelete", "deletedId", id=partners[0]))["deletedId"] == partners[0]
    taken = await mutate(client, "roamingPartnerUpdate", "roamingPartner { id }", id=partners[1], name="partner")
    assert taken["userErrors"] == error("CONFLICT", "name")
    empty = await mutate(
        client, "roamingPartnerUpdate", "roamingPartner { name terms { totalCount } }", id=partners[1], terms=[]
    )
    assert empty["roamingPartner"] == {"name": "South", "terms": {"totalCount": 0}}


async def test_an_activation_code_and_its_symbols(client: Client) -> None:
    sim_id = (await mutate(client, "simRegister", "sim { id }", **SIM))["sim"]["id"]
    shown = "activationCode { id code state confirmationRequired qrSvg qrPng sim { id } } confirmationCode"
    made = await mutate(
        client, "activationCodeCreate", shown, simId=sim_id, smdpAddress="smdp.example.com", matchingId="A1-B2",
        confirm=True,
    )  # fmt: skip
    code = made["activationCode"]
    assert (code["code"], code["state"], code["confirmationRequired"], code["sim"]) == (
        "LPA:1$smdp.example.com$A1-B2$$1", "ISSUED", True, {"id": sim_id},
    )  # fmt: skip
    assert code["qrSvg"].startswith("<svg")
    assert base64.b64decode(code["qrPng"]).startswith(b"\x89PNG")
    assert made["confirmationCode"].isdigit()
    twice = await mutate(client, "activationCodeCreate", shown, simId=sim_id, smdpAddress="smdp.example.com")
    assert twice["userErrors"] == error("CONFLICT", "simId")
    assert twice["confirmationCode"] is None
    for wrong, field in (({"smdpAddress": ""}, "smdpAddress"), ({"matchingId": "a b"}, "matchingId")):
        given = {"simId": sim_id, "smdpAddress": "smdp.example.com", **wrong}
        refused = await mutate(client, "activationCodeCreate", shown, **given)
        assert refused["userErrors"] == error("INVALID", field)
    revoked = await mutate(client, "activationCodeRevoke", "activationCode { state }", id=code["id"])
    assert revoked["activationCode"] == {"state": "EXPIRED"}
    again = await mutate(
        client, "activationCodeCreate", shown, simId=sim_id, smdpAddress="smdp.example.com", matchingId=None,
        confirm=None, oid=None, expiresAt=None,
    )  # fmt: skip
    assert again["activationCode"]["code"].startswith("LPA:1$smdp.example.com$")
    listed = await ask(
        client, "query ($id: ID) { activationCodes(filter: {simId: $id}) { nodes { state } } }", id=sim_id
    )
    assert listed["activationCodes"]["nodes"] == [{"state": "ISSUED"}, {"state": "EXPIRED"}]
