"""Carriers' lists as they come: encodings, delimiters, headers by any name or none, and what is wrong with a line."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.errors import InvalidError
from motet.fleet.seeds.tenant import identity
from motet.fleet.sims.sim_sheet import Layout, Row, RowError, decoded_lines, encoding_of, read_rows

ONE, TWO = identity(90_000_001), identity(90_000_002)


def read(text: str, layout: Layout | None = None) -> list[Row | RowError]:
    return list(read_rows(io.StringIO(text, newline=""), layout or Layout()))


def imported(text: str, layout: Layout | None = None) -> list[tuple[int, str, str, str]]:
    rows = read(text, layout)
    assert all(isinstance(row, Row) for row in rows), rows
    return [(row.line, row.new.iccid, row.new.imsi, row.new.msisdn) for row in rows if isinstance(row, Row)]


@pytest.mark.parametrize(
    "header",
    [
        "ICCID,IMSI,MSISDN", "icc,imsi,msisdn", "SIM ID,IMSI Number,Phone Number", "Kartennummer,IMSI,Rufnummer",
        "iccid_with_luhn,imsi,msisdn", "Numéro de carte SIM,IMSI,Numéro de téléphone", " Card-ID , I.M.S.I , Number ",
    ],
)  # fmt: skip
def test_columns_are_known_by_their_usual_names(header: str) -> None:
    assert imported(f"{header}\n{ONE.iccid},{ONE.imsi},+{ONE.msisdn}\n") == [(2, *ONE)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_told_from_the_header(delimiter: str) -> None:
    assert imported(f"iccid,imsi,msisdn\n{','.join(ONE)}\n".replace(",", delimiter)) == [(2, *ONE)]


def test_a_spreadsheets_mark_of_the_delimiter_counts() -> None:
    assert imported(f"sep=;\r\niccid;imsi;msisdn\r\n{';'.join(ONE)}\r\n") == [(3, *ONE)]


def test_titles_before_the_header_and_blank_lines_are_passed_over() -> None:
    text = f"Export of Carrier Ltd\n\n2026-11-22,,\niccid,imsi,msisdn\n\n,,\n{','.join(ONE)}\n"
    assert imported(text) == [(7, *ONE)]


def test_a_list_without_header_is_understood_by_its_content() -> None:
    rows = "\n".join(f'"{one.imsi}","+{one.msisdn}","tag","{one.iccid}"' for one in (ONE, TWO))
    assert imported(rows) == [(1, *ONE), (2, *TWO)]


def test_quoted_cells_may_hold_delimiters_and_line_ends() -> None:
    text = f'note,iccid,imsi,msisdn\n"a, ""b""\nc",{",".join(ONE)}\nx,{",".join(TWO)}\n'
    assert imported(text) == [(3, *ONE), (4, *TWO)]


def test_missing_check_digits_are_added_only_if_asked_for() -> None:
    text = f"iccid,imsi,msisdn\n{ONE.iccid[:-1]},{ONE.imsi},{ONE.msisdn}\n"
    assert imported(text, Layout(complete_iccid=True)) == [(2, *ONE)]
    assert imported(text, Layout(preset="EMNIFY")) == [(2, *ONE)]
    (error,) = read(text)
    assert isinstance(error, RowError)
    assert (error.line, error.field, error.code) == (2, "iccid", "INVALID")
    assert ONE.iccid in error.message


@pytest.mark.parametrize("spoilt", ["8.999901E+18", "8,999901e18", "8.999901E18", "899990100000000000.0"])
def test_numbers_that_a_spreadsheet_has_spoilt_are_refused_in_clear_words(spoilt: str) -> None:
    for layout in (Layout(), Layout(complete_iccid=True)):
        (error,) = read(f'iccid,imsi,msisdn\n"{spoilt}",{ONE.imsi},{ONE.msisdn}\n', layout)
        assert isinstance(error, RowError)
        assert (error.field, error.code) == ("iccid", "INVALID")
        assert "spreadsheet" in error.message


def test_form_factors_grades_and_packages_are_read_as_carriers_spell_them() -> None:
    text = f"iccid,imsi,msisdn,SIM Type,Grade,Package\n{','.join(ONE)},Nano SIM,commercial,triple-cut\n"
    (row,) = read(text)
    assert isinstance(row, Row)
    assert (row.new.form_factor, row.new.quality_grade, row.new.package) == ("4FF", "COMMERCIAL", "TRIPLE_CUT")
    (error,) = read(f"iccid,imsi,msisdn,form factor,grade\n{','.join(ONE)},MFF2,COMMERCIAL\n")
    assert isinstance(error, RowError)
    assert error.field == "quality_grade"


@pytest.mark.parametrize(
    ("text", "layout", "path"),
    [
        ("", Layout(), ("csv",)),
        ("hello\nworld\n", Layout(), ("csv",)),
        ("iccid,imsi\n1,2\n", Layout(), ("csv",)),
        ("iccid,imsi,msisdn\n", Layout(delimiter="x"), ("delimiter",)),
        ("iccid,imsi,msisdn\n", Layout(preset="NOBODY"), ("preset",)),
        ("iccid,imsi,msisdn\n", Layout({"iccid": "Card"}), ("columns", "iccid")),
        ("iccid,imsi,msisdn\n" + "x" * 10_001, Layout(), ("csv",)),
        ('iccid,imsi,msisdn\n"a"b,c,d\n', Layout(), ("csv",)),
    ],
)
def test_what_is_no_list_is_refused(text: str, layout: Layout, path: tuple[str, ...]) -> None:
    with pytest.raises(InvalidError) as refused:
        read(text, layout)
    assert refused.value.path == path


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"),
        ("utf-16-le", b""), ("utf-16-be", b""), ("cp1252", b""),
    ],
)  # fmt: skip
def test_encodings_are_told_from_the_octets(encoding: str, mark: bytes) -> None:
    text = f"note;iccid;imsi;msisdn\r\nZähler größer;{';'.join(ONE)}\r\n"
    octets = mark + text.encode(encoding)
    rows = list(read_rows(decoded_lines(io.BytesIO(octets)), Layout()))
    assert [row.new.iccid for row in rows if isinstance(row, Row)] == [ONE.iccid]


def test_a_file_without_line_ends_is_no_list() -> None:
    with pytest.raises(InvalidError):
        list(read_rows(decoded_lines(io.BytesIO(b"x" * 300_000)), Layout()))


@given(st.binary(max_size=300))
def test_any_octets_give_rows_or_an_error(octets: bytes) -> None:
    encoding_of(octets)
    try:
        list(read_rows(decoded_lines(io.BytesIO(octets)), Layout()))
    except InvalidError as refused:
        assert refused.path  # noqa: PT017


@given(st.text(max_size=300))
def test_any_text_behind_a_header_gives_rows_or_an_error(text: str) -> None:
    try:
        found = read("iccid,imsi,msisdn\n" + text)
    except InvalidError as refused:
        assert refused.path[0] == "csv"  # noqa: PT017
    else:
        assert all(isinstance(row, RowError) for row in found)
