"""On which networks the devices of a coverage policy may be, and which of them are preferred."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, NamedTuple


@dataclass(frozen=True, slots=True)
class CoveragePolicy:
    """The content of a policy: the columns of `coverage_policy` by their names, lists as tuples.

    Countries are ISO 3166 alpha-2, operators PLMN codes (MCC and MNC digits), RATs the names of motet.radio.rats. An
    allow list that is None lets everything pass, an empty one nothing; what is on a deny list may not be used, whatever
    the others say.
    """

    name: str = ""
    description: str = ""
    countries_allowed: tuple[str, ...] | None = None
    countries_denied: tuple[str, ...] = ()
    operators_allowed: tuple[str, ...] | None = None
    operators_denied: tuple[str, ...] = ()
    """`26201`, or `26201:NB_IOT` for one RAT of the operator."""
    rats_allowed: tuple[str, ...] | None = None
    rats_denied: tuple[str, ...] = ()
    steering: tuple[str, ...] = ()
    """`26201=70`: operators and their weights, the preferred one first."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> CoveragePolicy:
        """From a row that has the columns, or from what `as_json` made; what is missing has its default."""
        return cls(**{name: _frozen(row[name]) for name in COVERAGE_POLICY_FIELDS if name in row})

    def as_json(self) -> dict[str, Any]:
        """The content in what JSON takes."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


COVERAGE_POLICY_FIELDS: Final = tuple(field.name for field in fields(CoveragePolicy))
"""The columns that a version holds, in their order."""


class Network(NamedTuple):
    """Where a device is, or would be. None: not known, and no list can object to it."""

    country: str | None = None
    operator: str | None = None
    rat: str | None = None


class Attachment(NamedTuple):
    """Whether a device may be there. `reason` names the list that objects."""

    allowed: bool
    reason: str | None = None
    words: str | None = None


ALLOWED: Final = Attachment(True)


def can_attach(policy: CoveragePolicy | None, network: Network, blocked: tuple[str, ...] = ()) -> Attachment:
    """Whether a device of the policy may use the network. No policy: every network. `blocked` are the operators that
    the device itself may not use."""
    country, operator, rat = network
    if operator is not None and operator in blocked:
        return Attachment(False, "DEVICE_BLOCKS_OPERATOR", f"The device may not use operator {operator}")
    if policy is None:
        return ALLOWED
    if country is not None:
        if country in policy.countries_denied:
            return Attachment(False, "COUNTRY_DENIED", f"The coverage policy denies country {country}")
        if policy.countries_allowed is not None and country not in policy.countries_allowed:
            return Attachment(False, "COUNTRY_NOT_ALLOWED", f"The coverage policy does not allow country {country}")
    if operator is not None:
        if operator in policy.operators_denied:
            return Attachment(False, "OPERATOR_DENIED", f"The coverage policy denies operator {operator}")
        if rat is not None and f"{operator}:{rat}" in policy.operators_denied:
            return Attachment(False, "OPERATOR_RAT_DENIED", f"The coverage policy denies {rat} of operator {operator}")
        if policy.operators_allowed is not None and operator not in policy.operators_allowed:
            return Attachment(False, "OPERATOR_NOT_ALLOWED", f"The coverage policy does not allow operator {operator}")
    if rat is not None:
        if rat in policy.rats_denied:
            return Attachment(False, "RAT_DENIED", f"The coverage policy denies {rat}")
        if policy.rats_allowed is not None and rat not in policy.rats_allowed:
            return Attachment(False, "RAT_NOT_ALLOWED", f"The coverage policy does not allow {rat}")
    return ALLOWED


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
