"""Reference data of SIM cards, the same for all: form factors, packages, grades, standards. Keyed by code."""

from __future__ import annotations

import strawberry

from motet.graphql.types.relay import described


@strawberry.type(description="A shape of card.")
class FormFactor:
    code: str = described("The code: 2FF, 3FF, 4FF or MFF2.")
    name: str = described("What people call it, such as Nano SIM.")
    length_mm: float = described("The longer side in millimetres.")
    width_mm: float = described("The shorter side in millimetres.")
    thickness_mm: float = described("The thickness in millimetres, as the product's description prints it.")
    nominal_thickness_mm: float | None = described("ETSI's nominal thickness in millimetres; null where there is none.")
    removable: bool = described("Whether it is plugged in; false: it is soldered.")
    pins: int | None = described("The pins of one that is soldered.")
    packages: list[str] = described("The codes of the packages that break out to it.")


@strawberry.type(description="What cards can be ordered: a card that breaks out to its form factors, in one grade.")
class SimPackage:
    code: str = described("The code, such as TRIPLE_CUT or INDUSTRIAL_2FF.")
    name: str = described("What people call it.")
    multi_cut: bool = described("Whether it breaks out to more than one form factor.")
    form_factors: list[FormFactor] = described("What it breaks out to, largest first.")
    quality_grade: QualityGrade = described("The grade it is made in; there is no other for it.")


@strawberry.type(description="What a card stands. The standards are those it is tested by; null: no test is promised.")
class QualityGrade:
    code: str = described("The code: COMMERCIAL, INDUSTRIAL or MFF2.")
    name: str = described("What people call it.")
    temperature_min_c: int = described("The lowest temperature for work and storage, in degrees Celsius.")
    temperature_max_c: int = described("The highest temperature for work and storage, in degrees Celsius.")
    temperature_standard: str = described("What the temperatures are tested by.")
    voltage_min: float = described("The lowest operating voltage.")
    voltage_max: float = described("The highest operating voltage.")
    interface: str = described("The interface to the device.")
    nvm_kilobytes: int = described("The size of the chip's non-volatile memory.")
    ram_kilobytes: int = described("The size of the chip's working memory.")
    erase_cycles_per_page: int = described("How often a page of memory may be erased.")
    high_endurance_cycles: int = described("How often a file may be written with the high-endurance operating system.")
    retention_years: int = described("How long data is kept at `retentionTemperatureC`.")
    retention_temperature_c: int = described("The temperature that `retentionYears` holds for.")
    moisture: str | None = described("The moisture sensitivity level for reflow soldering.")
    humidity: str | None = described("The class of humidity.")
    corrosion: str | None = described("The class of corrosion.")
    vibration: str | None = described("The class of vibration.")
    shock: str | None = described("The class of shock.")
    common_criteria: str = described("The Common Criteria certificate.")
    packages: list[str] = described("The codes of the packages made in it.")


@strawberry.type(description="A standard or a rule that cards of every grade comply with.")
class ComplianceStandard:
    code: str = described("The code, such as SGP.02 or ROHS.")
    body: str = described("Whose standard it is.")
    title: str = described("Its title.")
    version: str | None = described("The version complied with; null where there are none.")


@strawberry.type(description="Something that the software on cards of every grade can do.")
class SimSoftwareFeature:
    code: str = described("The code, such as MAX_PROFILES or EAP_AKA.")
    group: str = described("What it belongs to: EUICC, LPWAN, OTA, GLOBAL_PLATFORM or JAVA_CARD.")
    title: str = described("What it is, in words.")
    value: int | None = described("Its number, where it is one: how many profiles, how many bits.")
    standard: str | None = described("What it follows.")


@strawberry.type(description="Something about a card that does not suit its use. It forbids nothing.")
class SimCardWarning:
    code: str = described("What does not suit, such as TOO_COLD, VIBRATION or MULTI_CUT_IN_MOBILE_DEVICE.")
    message: str = described("The same in words.")


@strawberry.type(description="How well a package suits an environment.")
class SimPackageFit:
    package: SimPackage = described("The package.")
    fits: bool = described("Whether nothing speaks against it.")
    warnings: list[SimCardWarning] = described("What speaks against it.")


@strawberry.input(description="What a device meets where it works; what is left out says nothing.")
class SimEnvironmentInput:
    temperature_min_c: float | None = strawberry.field(
        default=strawberry.UNSET, description="The lowest temperature at the card, in degrees Celsius."
    )
    temperature_max_c: float | None = strawberry.field(
        default=strawberry.UNSET, description="The highest temperature at the card, in degrees Celsius."
    )
    supply_voltage: float | None = strawberry.field(
        default=strawberry.UNSET, description="The voltage that the device supplies the card with."
    )
    lifetime_years: float | None = strawberry.field(
        default=strawberry.UNSET, description="How long the device shall live."
    )
    writes_per_day: int | None = strawberry.field(
        default=strawberry.UNSET, description="How often a day the device writes to the same file of the card."
    )
    vibration: bool | None = strawberry.field(default=strawberry.UNSET, description="It vibrates, as engines do.")
    shock: bool | None = strawberry.field(default=strawberry.UNSET, description="It is knocked about.")
    humidity: bool | None = strawberry.field(default=strawberry.UNSET, description="The air is humid.")
    corrosion: bool | None = strawberry.field(default=strawberry.UNSET, description="The air holds salt or acid.")
    reflow_soldered: bool | None = strawberry.field(default=strawberry.UNSET, description="The card is soldered in.")
    mobile: bool | None = strawberry.field(
        default=strawberry.UNSET, description="The device moves: a vehicle, a tracker, a wearable."
    )
