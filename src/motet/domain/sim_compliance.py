"""What every quality grade complies with, and what its software can do: emnify's service description §2.4 as data.

Spelled as the standards are (SGP.16, where §2.1.1 slips to SGP.016). SGP.01 is cited as version 1.1, as printed.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from motet.domain.sim_cards import FORM_FACTORS, PACKAGES, QUALITY_GRADES

MAX_PROFILES: Final = 10
"""Profiles on one eUICC."""


class Standard(NamedTuple):
    """A standard or a rule that all cards comply with. `version` is null where it has none."""

    code: str
    body: str
    title: str
    version: str | None


class SoftwareFeature(NamedTuple):
    """Something that the card's software can do. `value` is a number where it is one, null where it is just there."""

    code: str
    group: str
    title: str
    value: int | None = None
    standard: str | None = None


STANDARDS: Final = (
    Standard("SGP.01", "GSMA", "Embedded SIM Remote Provisioning Architecture", "1.1"),
    Standard("SGP.02", "GSMA", "Remote Provisioning Architecture for Embedded UICC Technical Specification", "3.2"),
    Standard("SGP.16", "GSMA", "M2M Compliance Process", "1.1"),
    Standard("TCA_PROFILE", "TCA", "eUICC Profile Package: Interoperable Format Technical Specification", "2.1"),
    Standard("ROHS", "EU", "Restriction of Hazardous Substances", None),
    Standard("REACH", "EU", "Registration, Evaluation, Authorisation and Restriction of Chemicals", None),
)

_EUICC, _LPWAN, _OTA, _GP, _JAVA = "EUICC", "LPWAN", "OTA", "GLOBAL_PLATFORM", "JAVA_CARD"

SOFTWARE_FEATURES: Final = (
    SoftwareFeature("MAX_PROFILES", _EUICC, "Maximum number of profiles", MAX_PROFILES, "SGP.02"),
    SoftwareFeature("ISD_A", _EUICC, "ISD-A system applet"),
    SoftwareFeature("ISD_R", _EUICC, "ISD-R system applet", None, "SGP.02"),
    SoftwareFeature("EAP_SIM", _EUICC, "EAP-SIM authentication", None, "RFC 4186"),
    SoftwareFeature("EAP_AKA", _EUICC, "EAP-AKA authentication", None, "RFC 4187"),
    SoftwareFeature("SUSPEND_RESUME", _LPWAN, "Suspend and resume of the SIM's state", None, "ETSI TS 102 221"),
    SoftwareFeature("POLL_INTERVAL", _LPWAN, "Poll interval negotiation", None, "ETSI TS 102 221"),
    SoftwareFeature("RFM", _OTA, "Remote file management on the ISD-P"),
    SoftwareFeature("RAM", _OTA, "Remote applet management on the ISD-P"),
    SoftwareFeature("OTA_HTTPS", _OTA, "Over the air by HTTPS"),
    SoftwareFeature("OTA_TLS_1_2", _OTA, "Over the air with TLS 1.2", None, "RFC 5246"),
    SoftwareFeature("AES_128", _OTA, "AES with keys of 128 bits", 128),
    SoftwareFeature("AES_192", _OTA, "AES with keys of 192 bits", 192),
    SoftwareFeature("AES_256", _OTA, "AES with keys of 256 bits", 256),
    SoftwareFeature("SECURE_CHANNEL", _GP, "All secure channel protocols"),
    SoftwareFeature("JAVA_CARD_API", _JAVA, "Standard Java Card APIs"),
    SoftwareFeature("GLOBAL_PLATFORM_API", _JAVA, "GlobalPlatform API"),
)

EXPORT_FORMAT: Final = "motet-sim-compliance-1"


def compliance_export() -> dict[str, Any]:
    """Everything that the tables say of the cards, as one document for machines: always the same for one release."""
    common: dict[str, Any] = {
        "standards": [one._asdict() for one in STANDARDS],
        "softwareFeatures": [one._asdict() for one in SOFTWARE_FEATURES],
    }
    return {
        "format": EXPORT_FORMAT,
        **common,
        "qualityGrades": [
            {
                "code": grade.code,
                "commonCriteria": grade.common_criteria,
                "temperatureC": [grade.temperature_min_c, grade.temperature_max_c],
                "standards": [one.code for one in STANDARDS],
                "tests": {
                    name: test
                    for name in ("moisture", "humidity", "corrosion", "vibration", "shock")
                    if (test := getattr(grade, name)) is not None
                },
                "packages": [one.code for one in PACKAGES.values() if one.quality_grade == grade.code],
            }
            for grade in QUALITY_GRADES.values()
        ],
        "packages": [
            {"code": one.code, "qualityGrade": one.quality_grade, "formFactors": list(one.form_factors)}
            for one in PACKAGES.values()
        ],
        "formFactors": list(FORM_FACTORS),
    }
