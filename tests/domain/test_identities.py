"""What people type as an ICCID, EID, IMSI, MSISDN or IMEI."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.domain.errors import InvalidError
from motet.domain.identities import (
    HomeNetwork,
    home_networks,
    iccid_candidates,
    imei_body,
    is_same_device,
    mnc_lengths,
    parse_eid,
    parse_iccid,
    parse_iccid_without_check_digit,
    parse_imei,
    parse_imeisv,
    parse_imsi,
    parse_msisdn,
)
from motet.domain.numbering import has_luhn_digit, has_mod97_digits, luhn_digit, mod97_digits

Parser = Callable[..., str]
_SPREADSHEET = "A spreadsheet has turned this into a number, which loses digits: make the column text there."
_PARSERS: tuple[Parser, ...] = (
    parse_iccid,
    parse_iccid_without_check_digit,
    parse_eid,
    parse_imsi,
    parse_msisdn,
    parse_imei,
    parse_imeisv,
)


def _digits(least: int, most: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=least, max_size=most)


def _message(parse: Parser, typed: str) -> str:
    with pytest.raises(InvalidError) as raised:
        parse(typed, ("input", "sims", 3))
    assert raised.value.path == ("input", "sims", 3)
    return raised.value.message


@pytest.mark.parametrize(
    ("parse", "typed", "canonical"),
    [
        (parse_iccid, "8944501104169548380", "8944501104169548380"),
        (parse_iccid, "89 44501 10416 954838 0", "8944501104169548380"),
        (parse_iccid, "8944-5011-0416-9548-380F", "8944501104169548380"),
        (parse_iccid, "89310410106543789305", "89310410106543789305"),
        (parse_iccid, "'8944501104169548380", "8944501104169548380"),
        (parse_iccid_without_check_digit, "894450110416954838", "8944501104169548380"),
        (parse_iccid_without_check_digit, "8931041010654378930", "89310410106543789305"),
        (parse_eid, "8900 1012 0123 4123 4012 3456 7890 1224", "89001012012341234012345678901224"),
        (parse_eid, "89001567010203040506070809101152", "89001567010203040506070809101152"),
        (parse_eid, "89-04-40-11-11-22-33-44-11-22-33-44-11-22-33-21", "89044011112233441122334411223321"),
        (parse_eid, "89034011560010000000000000000121", "89034011560010000000000000000121"),
        (parse_imsi, "001010000000001", "001010000000001"),
        (parse_imsi, "262 01 1234567890", "262011234567890"),
        (parse_imsi, "26201123456789", "26201123456789"),
        (parse_imsi, "\u200b901431234567890\ufeff", "901431234567890"),
        (parse_msisdn, "+49 171 1234567", "491711234567"),
        (parse_msisdn, "0049-171-1234567", "491711234567"),
        (parse_msisdn, "+44 (0)20 7946 0958", "442079460958"),
        (parse_msisdn, "1.555.123.4567", "15551234567"),
        (parse_msisdn, "６８３４０００", "6834000"),
        (parse_msisdn, "\uff0b882\u2011360\u00a0000\u2009000\u2212001", "882360000000001"),
        (parse_imei, "490154203237518", "490154203237518"),
        (parse_imei, "35-209900-176148-1", "352099001761481"),
        (parse_imei, "49015420323751", "490154203237518"),
        (parse_imeisv, "35-209900-176148-23", "3520990017614823"),
    ],
)
def test_what_people_type_becomes_digits(parse: Parser, typed: str, canonical: str) -> None:
    assert parse(typed) == canonical


@pytest.mark.parametrize(
    ("parse", "typed", "message"),
    [
        (
            parse_iccid,
            "8944501104169548381",
            (
                "The check digit (the last) of this ICCID is 1, but its other digits call for 0."
                " If it has no check digit yet, add 0."
            ),
        ),
        (
            parse_iccid,
            "89310410106543789301",
            "The check digit (the last) of this ICCID is 1, but its other digits call for 5.",
        ),
        (
            parse_iccid,
            "894450110416954838",
            "This ICCID has 18 digits, and ends before its check digit: it would be 8944501104169548380.",
        ),
        (parse_iccid, "89445011041695483", "An ICCID has 19 or 20 digits, this has 17."),
        (parse_iccid, "893104101065437893055", "An ICCID has 19 or 20 digits, this has 21."),
        (parse_iccid, "262011234567890", "An ICCID begins with 89, which stands for telecommunications."),
        (parse_iccid, "8.9445011E+18", _SPREADSHEET),
        (parse_iccid, "89445O1104169548380", "An ICCID has digits only, this has 'O'."),
        (parse_iccid, " - ", "The ICCID is empty."),
        (parse_iccid, "8" * 81, "This is too long for an ICCID."),
        (
            parse_iccid_without_check_digit,
            "89310410106543789305",
            "Without its check digit an ICCID has 18 or 19 digits, this has 20.",
        ),
        (parse_eid, "8900101201234123401234567890122", "An EID has 32 digits, this has 31."),
        (
            parse_eid,
            "89001012012341234012345678901225",
            "The check digits (the last two) of this EID are 25, but its other digits call for 24.",
        ),
        (parse_imsi, "2620112345678", "An IMSI has 14 or 15 digits, this has 13."),
        (parse_imsi, "2620112345678901", "An IMSI has 14 or 15 digits, this has 16."),
        (parse_imsi, "862099001761481", "An IMSI begins with a mobile country code, and 862 is none."),
        (parse_imsi, "100101234567890", "An IMSI begins with a mobile country code, and 100 is none."),
        (parse_imsi, "002101234567890", "An IMSI begins with a mobile country code, and 002 is none."),
        (parse_imsi, "+262011234567890", "An IMSI has digits only, this has '+'."),
        (parse_imsi, "٢٦٢٠١١٢٣٤٥٦٧٨٩٠", "An IMSI has digits only, this has '\\u0662'."),
        (
            parse_msisdn,
            "0171 1234567",
            "An MSISDN begins with the country code, not with 0: give the number in international form.",
        ),
        (parse_msisdn, "+49171", "An MSISDN has 7 to 15 digits with its country code, this has 5."),
        (parse_msisdn, "4917112345678901", "An MSISDN has 7 to 15 digits with its country code, this has 16."),
        (parse_msisdn, "+", "The MSISDN is empty."),
        (parse_msisdn, "491711234567.0", _SPREADSHEET),
        (parse_msisdn, "49+1711234567", "An MSISDN has digits only, this has '+'."),
        (
            parse_imei,
            "490154203237517",
            "The check digit (the last) of this IMEI is 7, but its other digits call for 8.",
        ),
        (
            parse_imei,
            "3520990017614823",
            "This has 16 digits, which is an IMEISV; the IMEI of that device is 352099001761481.",
        ),
        (parse_imei, "4901542032375", "An IMEI has 15 digits, or 14 without its check digit; this has 13."),
        (parse_imeisv, "352099001761481", "An IMEISV has 16 digits, this has 15."),
        (parse_imeisv, "3520990017614899", "An IMEISV does not end with 99: that software version is reserved."),
    ],
)
def test_a_refusal_says_what_is_wrong_and_where(parse: Parser, typed: str, message: str) -> None:
    assert _message(parse, typed) == message


@pytest.mark.parametrize("parse", _PARSERS)
def test_empty_is_refused_as_empty(parse: Parser) -> None:
    assert _message(parse, "").endswith(" is empty.")


@given(st.text(max_size=100))
def test_any_text_gives_digits_or_the_domain_error(typed: str) -> None:
    for parse in _PARSERS:
        try:
            found = parse(typed)
        except InvalidError:
            continue
        assert found.isascii()
        assert found.isdigit()
        assert parse(found) == found or parse is parse_iccid_without_check_digit
    iccid_candidates(typed)
    imei_body(typed)


@given(st.integers(0, 10**17 - 1))
def test_an_iccid_survives_losing_its_check_digit(serial: int) -> None:
    body = f"89{serial:017}"
    iccid = parse_iccid_without_check_digit(body)
    assert iccid[:-1] == body
    assert parse_iccid(iccid) == iccid


@given(_digits(1, 30), st.data())
def test_luhn_finds_every_wrong_digit(body: str, data: st.DataObject) -> None:
    whole = body + luhn_digit(body)
    place = data.draw(st.integers(0, len(whole) - 1))
    wrong = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != whole[place]]))
    assert has_luhn_digit(whole)
    assert not has_luhn_digit(whole[:place] + wrong + whole[place + 1 :])


@given(_digits(30, 30), st.data())
def test_the_digits_of_an_eid_find_every_wrong_digit_and_every_swap(body: str, data: st.DataObject) -> None:
    eid = body + mod97_digits(body)
    place = data.draw(st.integers(0, 30))
    wrong = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != eid[place]]))
    assert parse_eid(eid) == eid
    assert int(eid) % 97 == 1
    assert not has_mod97_digits(eid[:place] + wrong + eid[place + 1 :])
    swapped = eid[:place] + eid[place + 1] + eid[place] + eid[place + 2 :]
    assert has_mod97_digits(swapped) == (swapped == eid)


@pytest.mark.parametrize(
    ("digits", "check_digit"),
    [("7992739871", "3"), ("49015420323751", "8"), ("894450110416954838", "0"), ("0", "0"), ("5", "9"), ("9", "1")],
)
def test_luhn_vectors(digits: str, check_digit: str) -> None:
    assert luhn_digit(digits) == check_digit


def test_check_digits_need_something_to_check() -> None:
    assert not has_luhn_digit("0")
    assert not has_mod97_digits("01")
    assert not has_mod97_digits("x" * 32)
    assert mod97_digits("0" * 30) == "98"


@pytest.mark.parametrize(
    ("typed", "candidates"),
    [
        ("8944501104169548380", ("8944501104169548380", "89445011041695483802")),
        ("894450110416954838", ("8944501104169548380",)),
        ("8931041010654378930", ("89310410106543789305",)),
        ("89310410106543789305", ("89310410106543789305",)),
        ("89310410106543789301", ()),
        ("8931", ()),
        ("meter", ()),
        ("", ()),
    ],
)
def test_a_search_finds_an_iccid_with_and_without_its_check_digit(typed: str, candidates: tuple[str, ...]) -> None:
    assert iccid_candidates(typed) == candidates


@pytest.mark.parametrize(
    ("imsi", "networks"),
    [
        ("262011234567890", (HomeNetwork("262", "01"),)),
        ("310410123456789", (HomeNetwork("310", "410"),)),
        ("732123123456789", (HomeNetwork("732", "123"),)),
        ("405025123456789", (HomeNetwork("405", "025"), HomeNetwork("405", "02"))),
        ("001010000000001", (HomeNetwork("001", "01"), HomeNetwork("001", "010"))),
        ("999701234567890", (HomeNetwork("999", "70"), HomeNetwork("999", "701"))),
        ("502153123456789", (HomeNetwork("502", "15"), HomeNetwork("502", "153"))),
        ("338050123456789", (HomeNetwork("338", "050"),)),
        ("901431234567890", (HomeNetwork("901", "43"),)),
    ],
)
def test_an_imsi_tells_its_network_or_the_choice(imsi: str, networks: tuple[HomeNetwork, ...]) -> None:
    assert home_networks(imsi) == networks


@given(st.integers(0, 999))
def test_every_country_code_has_a_length_of_mnc(mcc: int) -> None:
    assert set(mnc_lengths(f"{mcc:03}")) <= {2, 3}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("490154203237518", "490154203237518", True),
        ("490154203237518", "490154203237510", True),  # the radio sends 0 for the check digit
        ("490154203237518", "4901542032375123", True),  # an IMEISV
        ("490154203237518", "49-015420-323751", True),
        ("490154203237518", "490154203237528", False),
        ("490154203237518", "", False),
        ("", "", False),
        ("4901542032375", "4901542032375", False),
        ("49015420323751234", "49015420323751234", False),
    ],
)
def test_devices_are_compared_by_fourteen_digits(one: str, other: str, same: bool) -> None:
    assert is_same_device(one, other) is same
    assert is_same_device(other, one) is same


@given(_digits(14, 14))
def test_an_imei_gets_the_digit_that_it_is_checked_by(body: str) -> None:
    imei = parse_imei(body)
    assert parse_imei(imei) == imei
    assert imei_body(imei) == body
