"""The rules of traffic: what each asks for, for which kinds, and that the first that is not met gives the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.coverage_policy import CoveragePolicy, Network
from motet.domain.refusals import Refusal
from motet.domain.service_policy import ServicePolicy
from motet.domain.states import DeviceStatus, SimStatus
from motet.domain.traffic_rules import OPEN, RULES, RULES_OF, Facts, Traffic, refusal_of, refusals_of

EVERYTHING = ServicePolicy(p2p_outside=True)
GOOD = Facts(SimStatus.ACTIVATED, DeviceStatus.ENABLED, EVERYTHING)
SMS = [kind for kind in Traffic if kind not in (Traffic.DATA, Traffic.ATTACH)]
FROM_DEVICE = [Traffic.SMS_MO, Traffic.P2P_INSIDE, Traffic.P2P_OUTSIDE]


def refused(facts: Facts) -> dict[Traffic, Refusal]:
    """The kinds that may not pass, with their reasons."""
    return {kind: refusal for kind, refusal in zip(Traffic, refusals_of(facts), strict=True) if refusal is not None}


def with_policy(**changes: Any) -> Facts:
    return GOOD._replace(service=replace(EVERYTHING, **changes))


def test_everything_passes_where_no_rule_objects() -> None:
    assert refusals_of(GOOD) is OPEN
    assert refused(Facts(SimStatus.FACTORY_TEST, DeviceStatus.ENABLED)) == {}


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        (GOOD._replace(sim_status=SimStatus.SUSPENDED), Refusal.SIM_NOT_ACTIVE),
        (GOOD._replace(sim_status=SimStatus.ISSUED, device_status=None), Refusal.SIM_NOT_ACTIVE),
        (GOOD._replace(device_status=None), Refusal.NO_DEVICE),
        (GOOD._replace(sim_status=None), Refusal.NO_DEVICE),
        (GOOD._replace(device_status=DeviceStatus.DISABLED), Refusal.DEVICE_DISABLED),
        (
            GOOD._replace(network=Network("DE", "26201", "LTE"), coverage=CoveragePolicy(countries_denied=("DE",))),
            Refusal.NETWORK_NOT_ALLOWED,
        ),
        (
            GOOD._replace(network=Network("DE", "26201", "LTE"), blocked_operators=("26201",)),
            Refusal.NETWORK_NOT_ALLOWED,
        ),
        (with_policy(allowed_rats=("LTE",))._replace(network=Network(rat="GSM")), Refusal.RAT_NOT_ALLOWED),
    ],
)
def test_what_bars_a_device_bars_every_kind(facts: Facts, refusal: Refusal) -> None:
    assert refused(facts) == dict.fromkeys(Traffic, refusal)


@pytest.mark.parametrize(
    ("changes", "kinds", "refusal"),
    [
        ({"data_enabled": False}, [Traffic.DATA], Refusal.DATA_NOT_ALLOWED),
        ({"sms_mt_enabled": False}, [Traffic.SMS_MT, Traffic.P2P_IN], Refusal.SMS_MT_NOT_ALLOWED),
        ({"sms_mo_enabled": False}, FROM_DEVICE, Refusal.SMS_MO_NOT_ALLOWED),
        ({"p2p_inside": False}, [Traffic.P2P_INSIDE, Traffic.P2P_IN], Refusal.P2P_INSIDE_NOT_ALLOWED),
        ({"p2p_outside": False}, [Traffic.P2P_OUTSIDE], Refusal.P2P_OUTSIDE_NOT_ALLOWED),
    ],
)
def test_a_switch_of_the_service_policy_bars_its_kinds(
    changes: dict[str, bool], kinds: list[Traffic], refusal: Refusal
) -> None:
    assert refused(with_policy(**changes)) == dict.fromkeys(kinds, refusal)


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({}, [Traffic.DATA]),
        ({"imei_lock_applies_to_sms": True}, [*SMS, Traffic.DATA]),
        ({"imei_lock_mode": "ALERT", "imei_lock_applies_to_sms": True}, []),
    ],
)
def test_other_equipment_bars_what_the_service_policy_says(changes: dict[str, Any], kinds: list[Traffic]) -> None:
    facts = with_policy(**changes)
    assert refused(facts._replace(imei_matches=False)) == dict.fromkeys(kinds, Refusal.IMEI_MISMATCH)
    assert refused(facts._replace(imei_matches=True)) == {}
    assert refused(facts._replace(imei_matches=None)) == {}


def test_sms_on_nb_iot_is_refused_where_that_is_known() -> None:
    facts = with_policy(sms_on_nb_iot_refused=True)
    assert refused(facts._replace(network=Network(rat="NB_IOT"))) == dict.fromkeys(SMS, Refusal.SMS_ON_NB_IOT)
    assert refused(facts._replace(network=Network(rat="LTE_M"))) == {}
    assert refused(facts._replace(network=Network(operator="26201"))) == {}
    assert refused(facts) == {}
    assert refused(GOOD._replace(network=Network(rat="NB_IOT"))) == {}


def test_a_place_that_is_not_known_is_no_reason() -> None:
    assert refused(GOOD._replace(coverage=CoveragePolicy(countries_allowed=("DE",)))) == {}
    assert refused(GOOD._replace(coverage=CoveragePolicy(countries_allowed=("DE",)), network=Network())) == {}
    assert refused(with_policy(allowed_rats=("LTE",))) == {}


FLAGS = st.builds(
    ServicePolicy,
    data_enabled=st.booleans(),
    sms_mt_enabled=st.booleans(),
    sms_mo_enabled=st.booleans(),
    p2p_inside=st.booleans(),
    p2p_outside=st.booleans(),
    allowed_rats=st.none() | st.just(("LTE",)),
    imei_lock_mode=st.sampled_from(["ENFORCE", "ALERT"]),
    imei_lock_applies_to_sms=st.booleans(),
    sms_on_nb_iot_refused=st.booleans(),
)
FACTS = st.builds(
    Facts,
    st.none() | st.sampled_from(SimStatus),
    st.none() | st.sampled_from(DeviceStatus),
    st.none() | FLAGS,
    st.none() | st.just(CoveragePolicy(rats_denied=("GSM",))),
    st.sampled_from([(), ("26201",)]),
    st.none() | st.builds(Network, operator=st.just("26201"), rat=st.sampled_from([None, "GSM", "LTE", "NB_IOT"])),
    st.none() | st.booleans(),
)


@given(FACTS)
def test_the_reason_is_that_of_the_first_rule_that_is_not_met(facts: Facts) -> None:
    for kind, refusal in zip(Traffic, refusals_of(facts), strict=True):
        verdicts = [(rule.judge(facts), rule.refusal) for rule in RULES_OF[kind]]
        unmet = [reason for met, reason in verdicts if met is False]
        assert refusal is refusal_of(facts, kind)
        assert refusal is (unmet[0] if unmet else None)


def test_every_rule_is_named_once_and_makes_an_event() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.kinds and rule.refusal.makes_event for rule in RULES)
