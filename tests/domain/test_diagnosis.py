"""What is wrong with a device: the likeliest cause, and how sure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.coverage_policy import CoveragePolicy, Network
from motet.domain.diagnosis import CHECKS, ORDER, QUIET_AFTER, RULE_ADVICE, Known, Verdict, diagnose
from motet.domain.refusals import Refusal
from motet.domain.service_policy import ServicePolicy
from motet.domain.states import DeviceStatus, SimStatus
from motet.domain.traffic_rules import RULES, Facts, Traffic

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FACTS = Facts(SimStatus.ACTIVATED, DeviceStatus.ENABLED, ServicePolicy(p2p_outside=True), None, (), None, None)
WELL = Known(
    facts=FACTS, now=NOW, attached=True, since=NOW, last_seen_at=NOW, operator="26201", session_open=True,
    counted=dict.fromkeys((Traffic.SMS_MT, Traffic.SMS_MO, Traffic.DATA)),
)  # fmt: skip
GONE = replace(WELL, attached=False, since=NOW - timedelta(hours=5), last_seen_at=NOW - timedelta(hours=5))
UNSEEN = Known(facts=FACTS, now=NOW)


def cause(known: Known) -> tuple[Verdict, str | None]:
    found = diagnose(known)
    return found.verdict, None if found.cause is None else found.cause.name


def with_facts(known: Known, **facts: object) -> Known:
    return replace(known, facts=known.facts._replace(**facts))  # type: ignore[arg-type]


def test_all_is_well() -> None:
    assert cause(WELL) == (Verdict.ONLINE, None)
    assert diagnose(WELL).blocked == frozenset()


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (with_facts(GONE, sim_status=None), (Verdict.OFFLINE, "SIM_IN_DEVICE")),
        (with_facts(GONE, sim_status=SimStatus.SUSPENDED), (Verdict.OFFLINE, "SIM_ACTIVE")),
        (with_facts(WELL, sim_status=SimStatus.SUSPENDED), (Verdict.OFFLINE, "SIM_ACTIVE")),
        (with_facts(UNSEEN, sim_status=SimStatus.ISSUED), (Verdict.OFFLINE, "SIM_ACTIVE")),
        (with_facts(GONE, device_status=DeviceStatus.DISABLED), (Verdict.OFFLINE, "DEVICE_ENABLED")),
        (replace(GONE, refused="NETWORK_NOT_ALLOWED", refused_at=NOW), (Verdict.OFFLINE, "ATTACH_ACCEPTED")),
        (replace(GONE, outage_since=NOW), (Verdict.OFFLINE, "OPERATOR_WORKS")),
        (replace(WELL, outage_since=NOW), (Verdict.LIMITED, "OPERATOR_WORKS")),
        (GONE, (Verdict.OFFLINE, "ATTACHED")),
        (UNSEEN, (Verdict.UNKNOWN, "SEEN")),
        (replace(UNSEEN, last_seen_at=NOW), (Verdict.UNKNOWN, None)),
        (replace(WELL, last_seen_at=NOW - QUIET_AFTER), (Verdict.ONLINE, None)),
        (replace(WELL, last_seen_at=NOW - QUIET_AFTER * 2), (Verdict.LIMITED, "HEARD_LATELY")),
        (with_facts(WELL, service=ServicePolicy(data_enabled=False)), (Verdict.LIMITED, "DATA_ENABLED")),
        (with_facts(WELL, service=ServicePolicy(sms_mt_enabled=False)), (Verdict.LIMITED, "SMS_MT_ENABLED")),
        (with_facts(WELL, service=ServicePolicy(p2p_outside=False)), (Verdict.ONLINE, None)),
        (with_facts(WELL, imei_matches=False), (Verdict.LIMITED, "IMEI_LOCK")),
        (
            with_facts(
                WELL, coverage=CoveragePolicy(countries_denied=("DE",)), network=Network("DE", "26201", "4G")
            ),
            (Verdict.OFFLINE, "COVERAGE"),
        ),
        (replace(WELL, counted={Traffic.DATA: Refusal.QUOTA_USED_UP}), (Verdict.LIMITED, "DATA_COUNTED")),
        (replace(WELL, counted={Traffic.SMS_MT: Refusal.MONTH_LIMIT_REACHED}), (Verdict.LIMITED, "SMS_MT_COUNTED")),
        (replace(WELL, session_open=False, session_reason="DATA_NOT_ALLOWED"), (Verdict.LIMITED, "DATA_SESSION")),
        (replace(WELL, session_open=False), (Verdict.ONLINE, None)),
    ],
)  # fmt: skip
def test_the_likeliest_cause_comes_first(known: Known, expected: tuple[Verdict, str | None]) -> None:
    assert cause(known) == expected


def test_what_is_wrong_says_what_to_do() -> None:
    found = diagnose(replace(GONE, refused="NETWORK_NOT_ALLOWED", refused_at=NOW)).cause
    assert found is not None
    assert found.reason == "NETWORK_NOT_ALLOWED"
    assert found.detail == f"{Refusal.NETWORK_NOT_ALLOWED.words}, at 2026-11-22T12:00:00Z."
    assert found.advice
    used_up = diagnose(replace(WELL, counted={Traffic.DATA: Refusal.QUOTA_USED_UP}))
    assert used_up.blocked == {Traffic.DATA}


def test_every_rule_is_asked_and_has_advice() -> None:
    names = {rule.name for rule in RULES} | {check.name for check in CHECKS}
    assert {decision.name for decision in diagnose(WELL).decisions} == names
    assert set(ORDER) == names
    assert {rule.name for rule in RULES} == set(RULE_ADVICE)


@given(
    st.sampled_from([None, *SimStatus]),
    st.sampled_from([DeviceStatus.ENABLED, DeviceStatus.DISABLED]),
    st.sampled_from([None, True, False]),
    st.booleans(),
    st.dictionaries(
        st.sampled_from([Traffic.SMS_MT, Traffic.SMS_MO, Traffic.DATA]), st.sampled_from([None, Refusal.QUOTA_USED_UP])
    ),
)
def test_a_verdict_never_contradicts_what_is_told(
    sim: int | None, device: int, attached: bool | None, seen: bool, counted: dict[Traffic, Refusal | None]
) -> None:
    known = Known(
        facts=Facts(sim, device, ServicePolicy()),
        now=NOW,
        attached=attached,
        last_seen_at=NOW if seen else None,
        counted=counted,
    )
    found = diagnose(known)
    failed = [decision for decision in found.decisions if decision.met is False]
    assert found.cause is None or found.cause in failed
    assert all(decision.advice for decision in failed)
    assert not any(decision.advice or decision.detail for decision in found.decisions if decision.met is not False)
    assert (found.verdict is Verdict.ONLINE) <= (attached is True and found.cause is None)
    assert (found.verdict is Verdict.OFFLINE) <= (found.cause is not None)
    assert (attached is False) <= (found.verdict is Verdict.OFFLINE)
