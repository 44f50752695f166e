"""The demo from outside: subscriptions change over the simulated network, and texts follow them."""

from __future__ import annotations

from typing import Any

import pytest

from running_demo import RunningDemo, eventually

pytestmark = pytest.mark.timeout(120)

MULTI_IMSI, EUICC, ESIM = "99900000001", "99900000007", "99900000010"
"""The demo's sample SIMs of these kinds; the last is an ordinary one."""


def sim_of(demo: RunningDemo, msisdn: str, shown: str) -> Any:
    return demo.graphql(f'{{ sim(msisdn: "{msisdn}") {{ {shown} }} }}')["sim"]


def mutate(demo: RunningDemo, name: str, shown: str, **fields: Any) -> Any:
    kind = name[0].upper() + name[1:] + "Input"
    query = f"mutation ($input: {kind}!) {{ x: {name}(input: $input) {{ {shown} userErrors {{ code message }} }} }}"
    payload = demo.graphql(query, input=fields)["x"]
    assert payload["userErrors"] == []
    return payload


def test_an_operators_outage_moves_sims_to_their_other_imsi(demo: RunningDemo) -> None:
    shown = "id imsi imsiSwitches { nodes { oldImsi newImsi reason } } events(first: 5) { nodes { type } }"
    before = sim_of(demo, MULTI_IMSI, shown)
    assert before["imsi"] == "001010000000001"
    question = f"""{{ imsiSelection(simId: "{before["id"]}", outages: ["00101"]) {{
        winner {{ imsi }} candidates {{ imsi rank factors {{ name met }} }} }} }}"""
    answer = demo.graphql(question)["imsiSelection"]
    assert answer["winner"]["imsi"] == "001020000000001"
    assert answer["candidates"][1]["factors"][0] == {"name": "OPERATOR_IN_SERVICE", "met": False}
    demo.network("/operators/00101", {"outage": True}, "PATCH")
    try:
        eventually(lambda: sim_of(demo, MULTI_IMSI, "imsi")["imsi"] == "001020000000001", "the SIM's other IMSI")
        after = sim_of(demo, MULTI_IMSI, shown)
        assert after["imsiSwitches"]["nodes"][0] == {
            "oldImsi": "001010000000001", "newImsi": "001020000000001", "reason": "OPERATOR_OUTAGE",
        }  # fmt: skip
        assert "sim.imsi_switched" in {event["type"] for event in after["events"]["nodes"]}
        eventually(lambda: demo.network(f"/phones/{MULTI_IMSI}")["imsi"] == "001020000000001", "the phone's other IMSI")
        mutate(demo, "smsSend", "sms { id }", msisdn=MULTI_IMSI, text="still there")
        eventually(lambda: [one["text"] for one in demo.inbox(MULTI_IMSI)] == ["still there"], "the text")
        assert sim_of(demo, "99900000005", "imsi")["imsi"] == "001010000000005", "it has no other"
    finally:
        demo.network("/operators/00101", {"outage": False}, "PATCH")


def test_another_profile_of_an_euicc_takes_the_texts_and_operations_survive_kill_9(demo: RunningDemo) -> None:
    shown = "id eid device { id } euicc { id profiles { nodes { id state msisdn } } }"
    sim = sim_of(demo, EUICC, shown)
    profiles = {one["state"]: one for one in sim["euicc"]["profiles"]["nodes"]}
    assert set(profiles) == {"ENABLED", "DISABLED", "AVAILABLE"}
    new = profiles["DISABLED"]
    mutate(demo, "euiccProfileEnable", "operation { id state }", id=new["id"])
    eventually(lambda: sim_of(demo, new["msisdn"], "id") == {"id": sim["id"]}, "the new number")
    place = [demo.network(f"/phones/{one}")["operator"] for one in (EUICC, new["msisdn"])]
    assert place[0] == place[1], "the device is where it was"
    mutate(demo, "smsSend", "sms { id }", deviceId=sim["device"]["id"], text="to the new number")
    eventually(lambda: [one["text"] for one in demo.inbox(new["msisdn"])] == ["to the new number"], "the text")
    refused = demo.graphql(
        "mutation ($input: SmsSendInput!) { x: smsSend(input: $input) { userErrors { code } } }",
        input={"msisdn": EUICC, "text": "to the old number"},
    )
    assert refused["x"]["userErrors"] == [{"code": "NOT_FOUND"}]
    assert demo.network(f"/phones/{EUICC}")["attached"] is False
    demo.network(f"/euiccs/{sim['eid']}", {"delay_s": 1}, "PATCH")
    mutate(demo, "euiccProfileDownload", "operation { id }", id=profiles["AVAILABLE"]["id"])
    demo.kill()
    demo.start()
    last = "euicc { operations(first: 1) { nodes { type state history { nodes { state } } } } }"
    eventually(
        lambda: sim_of(demo, new["msisdn"], last)["euicc"]["operations"]["nodes"][0]["state"] == "OK",
        "the download, after a kill",
    )
    mutate(demo, "euiccRollback", "operation { id }", id=sim["euicc"]["id"])
    eventually(lambda: sim_of(demo, EUICC, "id") == {"id": sim["id"]}, "the old number again")


def test_a_phone_loads_an_esim_by_its_code_once(demo: RunningDemo) -> None:
    sim = sim_of(demo, ESIM, "id iccid imsi")
    shown = "activationCode { id code qrSvg } confirmationCode"
    made = mutate(demo, "activationCodeCreate", shown, simId=sim["id"], smdpAddress="smdp.example.com", confirm=True)
    scan = {"code": made["activationCode"]["code"], "eid": "89049032000000000000000000000066"}
    wrong = demo.network("/esims", {**scan, "confirmation_code": "wrong"}, "POST")
    assert (wrong["allowed"], wrong["reason"]) == (False, "DENIED")
    scan["confirmation_code"] = made["confirmationCode"]
    loaded = demo.network("/esims", scan, "POST")
    assert (loaded["allowed"], loaded["iccid"], loaded["state"]) == (True, sim["iccid"], "installed")
    assert demo.network("/esims", scan, "POST")["allowed"] is False
    seen = []
    for state in ("enabled", "deleted"):
        assert demo.network(f"/esims/{sim['iccid']}", {"state": state}, "PATCH")["allowed"] is True
        code = demo.graphql(
            f'{{ activationCode(id: "{made["activationCode"]["id"]}") {{ state history {{ nodes {{ state }} }} }} }}'
        )["activationCode"]
        seen.append(code["state"])
    assert seen == ["ENABLED", "DELETED"]
    assert [step["state"] for step in code["history"]["nodes"]] == [
        "ISSUED", "DOWNLOADED", "INSTALLED", "ENABLED", "DELETED",
    ]  # fmt: skip
