"""Countries, operators and networks as GraphQL shows them: they become plain objects, and filters tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from motet.domain.errors import InvalidError
from motet.radio import reference
from motet.radio.band_table import band_name, parse_band
from motet.radio.coding import RadioError
from motet.radio.coverage import Coverage, Network, NetworkChange
from motet.radio.rats import Rat
from motet.radio.reference import Country, Operator

Plain = dict[str, Any]


class ReferenceView:
    """What is known, as of one version of the coverage and one day."""

    def __init__(self, coverage: Coverage, today: date) -> None:
        self._coverage = coverage
        self._today = today

    def country(self, country: Country) -> Plain:
        """A Country."""
        return {
            "__typename": "Country",
            "code": country.code,
            "code3": country.code3,
            "number": country.number,
            "name": country.name,
            "mccs": list(country.mccs),
            "latitude": country.latitude,
            "longitude": country.longitude,
            "rats": lambda _: [rat.name for rat in Rat if rat in self._rats_in(country.code)],
        }

    def operator(self, operator: Operator) -> Plain:
        """An Operator."""
        known = reference.countries()
        countries = [known[code] for code in operator.countries]
        return {
            "__typename": "Operator",
            "code": operator.plmn,
            "mcc": operator.mcc,
            "mnc": operator.mnc,
            "name": operator.name,
            "brand": operator.brand,
            "kind": operator.kind.name,
            "operational": operator.operational,
            "country": lambda _: self.country(countries[0]) if countries else None,
            "countries": lambda _: [self.country(one) for one in countries],
            "networks": lambda _: [self.network(one) for one in self._coverage.by_plmn.get(operator.plmn, ())],
        }

    def network(self, network: Network) -> Plain:
        """A Network."""
        operator = reference.operators().get(network.plmn)
        sunset = {"__typename": "Sunset", "on": network.sunset_on, "source": network.sunset_source}
        country = reference.country_of(network.plmn)
        return {
            "__typename": "Network",
            "code": network.plmn,
            "rat": network.rat.name,
            "operatorName": network.plmn if operator is None else operator.brand or operator.name,
            "countries": list(operator.countries) if operator else [country.code] if country else [],
            "bands": [band_name(network.rat, band) for band in network.bands],
            "possibleBands": [band_name(network.rat, band) for band in network.possible_bands],
            "psm": network.psm,
            "edrx": network.edrx,
            "sms": network.sms,
            "roaming": network.roaming,
            "onAir": network.is_on_air(self._today),
            "sunset": sunset if network.sunset_on else None,
            "asOf": network.as_of,
        }

    def change(self, change: NetworkChange, devices: Mapping[tuple[str, Rat], int] | None) -> Plain:
        """A NetworkChange."""
        kind = "ADDED" if change.before is None else "REMOVED" if change.after is None else "CHANGED"
        network = change.network
        return {
            "__typename": "NetworkChange",
            "kind": kind,
            "before": None if change.before is None else self.network(change.before),
            "after": None if change.after is None else self.network(change.after),
            "changed": list(change.changed),
            "deviceCount": None if devices is None else devices.get((network.plmn, network.rat), 0),
        }

    def countries(self, filters: Mapping[str, Any]) -> list[Country]:
        """The countries that pass a CountryFilter, by code."""
        codes, name, mcc, rats = (filters.get(key) for key in ("code", "name", "mcc", "rat"))
        codes = _upper(codes)
        wanted = _rats(rats)
        return [
            one
            for one in reference.countries().values()
            if (codes is None or one.code in codes)
            and (name is None or name.casefold() in one.name.casefold())
            and (mcc is None or mcc in one.mccs)
            and (wanted is None or wanted & self._rats_in(one.code))
        ]

    def operators(self, filters: Mapping[str, Any]) -> list[Operator]:
        """The operators that pass an OperatorFilter, by code."""
        codes, countries, kinds = (_upper(filters.get(key)) for key in ("code", "country", "kind"))
        name, operational, feature = (filters.get(key) for key in ("name", "operational", "feature"))
        rats = _rats(filters.get("rat"))
        return [
            one
            for one in reference.operators().values()
            if (codes is None or one.plmn in codes)
            and (countries is None or countries & set(one.countries))
            and (kinds is None or one.kind in kinds)
            and (operational is None or one.operational is operational)
            and (name is None or _is_named(one, name))
            and ((rats is None and feature is None) or self._offers(one.plmn, rats, feature or ()))
        ]

    def networks(self, filters: Mapping[str, Any]) -> list[Network]:
        """The networks that pass a NetworkFilter, by code and RAT. Raises InvalidError for a band that is none."""
        codes, countries, roaming = (_upper(filters.get(key)) for key in ("code", "country", "roaming"))
        band, feature, before = (filters.get(key) for key in ("band", "feature", "sunsetBefore"))
        on_air, rats = filters.get("onAir"), _rats(filters.get("rat"))
        plmns = None if countries is None else _plmns_of(countries)
        bands = None if band is None else _bands(band)
        return [
            one
            for one in self._coverage.networks.values()
            if (codes is None or one.plmn in codes)
            and (plmns is None or one.plmn in plmns)
            and (rats is None or one.rat in rats)
            and (bands is None or bands.get(one.rat) in one.bands)
            and (feature is None or has_features(one, feature))
            and (roaming is None or one.roaming in roaming)
            and (on_air is None or one.is_on_air(self._today) is on_air)
            and (before is None or (one.sunset_on is not None and one.sunset_on < before))
        ]

    def _offers(self, plmn: str, rats: set[Rat] | None, feature: Iterable[str]) -> bool:
        return any(
            (rats is None or one.rat in rats) and one.is_on_air(self._today) and has_features(one, feature)
            for one in self._coverage.by_plmn.get(plmn, ())
        )

    def _rats_in(self, country: str) -> set[Rat]:
        return {one.rat for one in self._coverage.of_country(country) if one.is_on_air(self._today)}


def network_key(network: Network) -> str:
    """The place of a network in lists."""
    return f"{network.plmn} {int(network.rat)}"  # a blank comes before every digit


def has_features(network: Network, names: Iterable[str]) -> bool:
    """Whether a network is known to have all of these NetworkFeatures."""
    return all(getattr(network, name.lower()) is True for name in names)


def _is_named(operator: Operator, part: str) -> bool:
    return any(part.casefold() in text.casefold() for text in (operator.name, operator.brand or ""))


def _plmns_of(countries: Iterable[str]) -> set[str]:
    return {one.plmn for code in countries for one in reference.operators_of(code)}


def _bands(name: str) -> dict[Rat, int]:
    """The number that a band's name stands for, by RAT."""
    found: dict[Rat, int] = {}
    is_nr = name.strip().lower().startswith("n") and not name.strip().lower().startswith("nb")
    for rat in (Rat.NR,) if is_nr else (rat for rat in Rat if rat is not Rat.NR):
        try:
            found[rat] = parse_band(rat, name).number
        except RadioError:
            continue
    if not found:
        raise InvalidError("{name!a} is the name of no band.", path=("filter", "band"), name=name[:40])
    return found


def _upper(values: Iterable[str] | None) -> set[str] | None:
    return None if values is None else {value.upper() for value in values}


def _rats(names: Iterable[str] | None) -> set[Rat] | None:
    return None if names is None else {Rat[name] for name in names}
