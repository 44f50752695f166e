"""A device in the network of a running demo: where it is, what it carries, how it is lost and brought back."""

from __future__ import annotations

from typing import Any

import pytest

from motet.domain.numbering import luhn_digit
from running_demo import RunningDemo, eventually

pytestmark = pytest.mark.timeout(120)

IMEI, OTHER_IMEI = "490154203237518", "356938035643809"

CONNECTIVITY = """query ($msisdn: String) { device(msisdn: $msisdn) { id imei
  connectivity { status blockedBy openSessions imeiSeen location { operator country rat cell }
                 lastReset { state reattachedAt } }
  locationHistory(first: 2) { nodes { operator } } events(first: 30) { nodes { type } } } }"""


def device(demo: RunningDemo, msisdn: str) -> dict[str, Any]:
    found: dict[str, Any] = demo.graphql(CONNECTIVITY, msisdn=msisdn)["device"]
    return found


def status(demo: RunningDemo, msisdn: str) -> str:
    return str(device(demo, msisdn)["connectivity"]["status"])


def mutate(demo: RunningDemo, name: str, fields: str, given: dict[str, Any]) -> dict[str, Any]:
    kind = name[0].upper() + name[1:] + "Input"
    query = f"mutation ($input: {kind}!) {{ {name}(input: $input) {{ {fields} userErrors {{ code message }} }} }}"
    done: dict[str, Any] = demo.graphql(query, input=given)[name]
    assert done["userErrors"] == [], done
    return done


def test_a_device_moves_carries_data_loses_its_network_and_is_reset(demo: RunningDemo) -> None:
    msisdn = demo.phones()[0]
    place = {"attached": True, "operator": "22801", "rat": "NB_IOT", "cell": "228-01-0001-0002", "imei": IMEI}
    shown = demo.network(f"/phones/{msisdn}", place, "PATCH")
    assert {name: shown[name] for name in place} == place
    found = device(demo, msisdn)
    assert found["connectivity"]["location"] == {
        "operator": "22801", "country": "CH", "rat": "NB_IOT", "cell": "228-01-0001-0002",
    }  # fmt: skip
    assert found["connectivity"]["imeiSeen"] == IMEI
    assert found["locationHistory"]["nodes"][0] == {"operator": "22801"}
    session = demo.network(f"/phones/{msisdn}/session", {"bytes_up": 1000, "bytes_down": 2000}, "POST")
    assert (session["allowed"], session["open"]) == (True, True)
    assert status(demo, msisdn) == "ONLINE"
    assert demo.network("/operators/22801", {"outage": True}, "PATCH")["phones"] == 1
    eventually(lambda: status(demo, msisdn) == "OFFLINE", "the device is offline")
    sms = mutate(demo, "smsSend", "sms { id }", {"msisdn": msisdn, "text": "are you there?"})["sms"]["id"]
    eventually(lambda: demo.network(f"/phones/{msisdn}")["held"] == 1, "the text is held")
    assert demo.network("/operators/22801", {"outage": False}, "PATCH")["phones"] == 1
    eventually(lambda: status(demo, msisdn) == "ATTACHED", "the device is back")
    state = "query ($id: ID!) { smsMessage(id: $id) { status } }"
    eventually(lambda: demo.graphql(state, id=sms)["smsMessage"]["status"] == "DELIVERED", "the text has arrived")
    mutate(demo, "deviceResetConnectivity", "device { id }", {"id": found["id"]})
    reset = eventually(
        lambda: (last := device(demo, msisdn)["connectivity"]["lastReset"])["reattachedAt"] and last, "it is back"
    )
    assert reset["state"] == "DONE"
    told = [one["type"] for one in device(demo, msisdn)["events"]["nodes"]]
    assert {
        "device.location_updated", "device.detached", "device.attach_failed", "device.attached",
        "device.connectivity_reset", "device.reset_done", "session.created",
    } <= set(told)  # fmt: skip


def test_a_locked_sim_in_other_equipment_has_no_data(demo: RunningDemo) -> None:
    msisdn = demo.phones()[1]
    device_id = device(demo, msisdn)["id"]
    mutate(demo, "deviceUpdate", "device { id }", {"id": device_id, "imei": None, "imeiLock": True})
    demo.network(f"/phones/{msisdn}", {"imei": IMEI}, "PATCH")
    assert demo.network(f"/phones/{msisdn}/session", {"up": 10, "down": 10, "close": True}, "POST")["allowed"] is True
    assert device(demo, msisdn)["imei"] == IMEI
    demo.network(f"/phones/{msisdn}", {"imei": OTHER_IMEI}, "PATCH")
    refused = demo.network(f"/phones/{msisdn}/session", {"bytes_up": 10}, "POST")
    assert (refused["allowed"], refused["reason"]) == (False, "IMEI_MISMATCH")
    connectivity = device(demo, msisdn)["connectivity"]
    assert (connectivity["status"], connectivity["blockedBy"]) == ("BLOCKED", "IMEI_MISMATCH")
    mutate(demo, "deviceUpdate", "device { id }", {"id": device_id, "imei": None})
    assert status(demo, msisdn) == "ATTACHED"
    assert demo.network(f"/phones/{msisdn}/session", {"bytes_up": 10}, "POST")["allowed"] is True


def test_a_sim_that_is_registered_later_gets_a_phone_that_gets_texts(demo: RunningDemo) -> None:
    iccid, msisdn = "899990177777777777", "99977777777"
    given = {"iccid": iccid + luhn_digit(iccid), "imsi": "001017777777777", "msisdn": msisdn}
    sim = mutate(demo, "simRegister", "sim { id }", given)["sim"]["id"]
    mutate(demo, "simActivate", "sim { id }", {"id": sim})
    policy = demo.graphql("{ servicePolicies(first: 1) { nodes { id } } }")["servicePolicies"]["nodes"][0]["id"]
    mutate(demo, "deviceCreate", "device { id }", {"name": "late", "simId": sim, "servicePolicyId": policy})
    eventually(lambda: status(demo, msisdn) == "ATTACHED", "its phone has come into the network")
    mutate(demo, "smsSend", "sms { id }", {"msisdn": msisdn, "text": "welcome"})
    eventually(lambda: [one["text"] for one in demo.inbox(msisdn)] == ["welcome"], "the text is there")
    demo.mobile_originated(msisdn, demo.short_code, "hello")


def test_what_could_not_be_told_is_told_when_motet_is_back(demo: RunningDemo) -> None:
    msisdn = demo.phones()[2]
    demo.network(f"/phones/{msisdn}", {"attached": False}, "PATCH")
    assert status(demo, msisdn) == "OFFLINE"
    demo.kill()
    demo.start()
    assert demo.network(f"/phones/{msisdn}")["attached"] is False
    demo.network(f"/phones/{msisdn}", {"attached": True, "operator": "20801", "rat": "LTE"}, "PATCH")
    eventually(lambda: status(demo, msisdn) == "ATTACHED", "the device is back")
