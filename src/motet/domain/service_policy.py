"""What the devices of a service policy may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

DEFAULT_NAME: Final = "Default"
"""The policy that every workspace has; its id is the workspace's."""

DEFAULT_DESCRIPTION: Final = "What devices may do unless another policy is chosen."

ENFORCE: Final = "ENFORCE"
ALERT: Final = "ALERT"
AUTO_REGION: Final = "auto"


@dataclass(frozen=True, slots=True)
class ServicePolicy:
    """The content of a policy: the columns of `service_policy` by their names, lists as tuples."""

    name: str = DEFAULT_NAME
    description: str = ""
    data_enabled: bool = True
    sms_mt_enabled: bool = True
    sms_mo_enabled: bool = True
    p2p_inside: bool = True
    """SMS between devices of the workspace."""
    p2p_outside: bool = False
    """SMS from a device to long numbers that are nobody's in the workspace."""
    p2p_limit_per_day: int | None = 5
    """P2P messages from one device in the 24 h that begin with the first; None: as many as it likes."""
    allowed_rats: tuple[str, ...] | None = None
    """Names of motet.radio.rats; None: all, empty: none."""
    breakout_region: str = AUTO_REGION
    dns_config_id: int | None = None
    apn: str | None = None
    internet_breakout: bool = True
    inter_device: bool = False
    """Data between devices of one address space."""
    imei_lock_mode: str = ENFORCE
    imei_lock_applies_to_sms: bool = False
    apply_sms_quota: bool = False
    apply_data_quota: bool = False
    sms_mt_limit_per_month: int | None = None
    sms_mo_limit_per_month: int | None = None
    data_limit_per_month_octets: int | None = None
    limit_warning_percent: int | None = None
    sms_on_nb_iot_refused: bool = False

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> ServicePolicy:
        """From a row that has the columns, or from what `as_json` made; what is missing has its default."""
        return cls(**{name: _frozen(row[name]) for name in SERVICE_POLICY_FIELDS if name in row})

    def as_json(self) -> dict[str, Any]:
        """The content in what JSON takes."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


SERVICE_POLICY_FIELDS: Final = tuple(field.name for field in fields(ServicePolicy))
"""The columns that a version holds, in their order."""


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
