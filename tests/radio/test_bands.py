"""Bands, and whether a module works on a network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.radio.band_table import BANDS, Band, band_name, parse_band
from motet.radio.bands import Fit, check_module
from motet.radio.coding import RadioError, RadioErrorReason
from motet.radio.rats import Rat

_SETS = st.dictionaries(st.sampled_from(Rat), st.frozensets(st.integers(1, 110), max_size=8))


@pytest.mark.parametrize(
    ("rat", "number", "uplink_khz", "downlink_khz"),
    [
        (Rat.GSM, 8, (880_000, 915_000), (925_000, 960_000)),
        (Rat.GSM, 3, (1_710_000, 1_785_000), (1_805_000, 1_880_000)),
        (Rat.UMTS, 4, (1_710_000, 1_755_000), (2_110_000, 2_155_000)),
        (Rat.LTE, 7, (2_500_000, 2_570_000), (2_620_000, 2_690_000)),
        (Rat.LTE, 11, (1_427_900, 1_447_900), (1_475_900, 1_495_900)),
        (Rat.LTE_M, 13, (777_000, 787_000), (746_000, 756_000)),
        (Rat.LTE_M, 31, (452_500, 457_500), (462_500, 467_500)),
        (Rat.NB_IOT, 20, (832_000, 862_000), (791_000, 821_000)),
        (Rat.NB_IOT, 28, (703_000, 748_000), (758_000, 803_000)),
        (Rat.NB_IOT, 71, (663_000, 698_000), (617_000, 652_000)),
        (Rat.NR, 78, (3_300_000, 3_800_000), (3_300_000, 3_800_000)),
        (Rat.NR, 258, (24_250_000, 27_500_000), (24_250_000, 27_500_000)),
    ],
)
def test_bands_by_number(rat: Rat, number: int, uplink_khz: tuple[int, int], downlink_khz: tuple[int, int]) -> None:
    assert BANDS[rat][number] == Band(number, uplink_khz, downlink_khz)


def test_which_rat_has_which_bands() -> None:
    assert sorted(BANDS[Rat.GSM]) == [2, 3, 5, 8]
    assert sorted(BANDS[Rat.UMTS]) == [1, 2, 4, 5, 6, 8, 9, 19]
    only_lte_m = sorted(set(BANDS[Rat.LTE_M]) - set(BANDS[Rat.NB_IOT]))
    only_nb_iot = sorted(set(BANDS[Rat.NB_IOT]) - set(BANDS[Rat.LTE_M]))
    assert only_lte_m == [27, 39, 40]
    assert only_nb_iot == [17, 65, 70, 103]
    assert (len(BANDS[Rat.LTE_M]), len(BANDS[Rat.NB_IOT])) == (37, 38)


@pytest.mark.parametrize("rat", Rat)
def test_every_band_is_sound(rat: Rat) -> None:
    for number, band in BANDS[rat].items():
        up, down = band.uplink_khz, band.downlink_khz
        assert band.number == number
        assert 400_000 < up[0] < up[1] < 50_000_000
        assert 400_000 < down[0] < down[1] < 50_000_000
        assert band.is_tdd or up[1] <= down[0] or down[1] <= up[0]
        assert band.holds(band)


@pytest.mark.parametrize(
    ("rat", "name", "number"),
    [
        (Rat.LTE, "20", 20),
        (Rat.LTE, "B20", 20),
        (Rat.NB_IOT, " band 8 ", 8),
        (Rat.LTE_M, "LTE B28", 28),
        (Rat.NR, "n78", 78),
        (Rat.UMTS, "WCDMA B1", 1),
        (Rat.GSM, "GSM 900", 8),
        (Rat.GSM, "EGSM900", 8),
        (Rat.GSM, "E-GSM 900 MHz", 8),
        (Rat.GSM, "DCS1800", 3),
        (Rat.GSM, "PCS 1900", 2),
        (Rat.GSM, "850", 5),
        (Rat.GSM, "B5", 5),
    ],
)
def test_names_of_bands_are_read(rat: Rat, name: str, number: int) -> None:
    assert parse_band(rat, name) is BANDS[rat][number]


@pytest.mark.parametrize(
    ("rat", "name", "reason", "message"),
    [
        (Rat.LTE, "B28A", RadioErrorReason.MALFORMED, "'B28A' is not the name of a band."),
        (Rat.LTE, "", RadioErrorReason.MALFORMED, "'' is not the name of a band."),
        (Rat.LTE, "B" * 99, RadioErrorReason.MALFORMED, "is not the name of a band."),
        (Rat.GSM, "GSM 950", RadioErrorReason.INVALID_FOR_RAT, "GSM has no band 950; known are 2, 3, 5, 8."),
        (Rat.LTE_M, "B17", RadioErrorReason.INVALID_FOR_RAT, "LTE_M has no band 17; known are 1, 2, 3,"),
    ],
)
def test_what_is_no_band_is_refused(rat: Rat, name: str, reason: RadioErrorReason, message: str) -> None:
    with pytest.raises(RadioError) as raised:
        parse_band(rat, name)
    assert raised.value.reason is reason
    assert message in raised.value.message


def test_bands_are_written_as_usual() -> None:
    assert (band_name(Rat.LTE, 20), band_name(Rat.NR, 78)) == ("B20", "n78")


def test_a_module_with_a_band_of_the_network_works() -> None:
    answer = check_module({Rat.NB_IOT: (3, 8, 20)}, {Rat.NB_IOT: (8, 20, 28)})
    assert answer.fit is Fit.YES
    assert answer.usable == (Rat.NB_IOT,)
    (nb_iot,) = answer.rats
    assert (nb_iot.shared, nb_iot.possible, nb_iot.unused) == ((8, 20), (), (28,))
    assert nb_iot.reason == "Both have NB-IOT in B8, B20. The module does not hear B28 of the network."


def test_no_band_in_common_is_no() -> None:
    answer = check_module({Rat.LTE_M: (2, 4, 12)}, {Rat.LTE_M: (3, 20)})
    assert (answer.fit, answer.usable) == (Fit.NO, ())
    assert answer.rats[0].reason == "The module has LTE-M in B2, B4, B12, the network in B3, B20."


def test_a_wider_band_may_do() -> None:
    answer = check_module({Rat.LTE_M: (66, 85)}, {Rat.LTE_M: (4, 12)})
    assert answer.fit is Fit.POSSIBLE
    assert answer.rats[0].possible == ((66, 4), (85, 12))
    assert answer.rats[0].unused == ()
    assert answer.rats[0].reason == (
        "The module has LTE-M in B66, B85, the network in B4, B12."
        " B4 of the network lies within B66 of the module, which helps if the network announces B66 too."
        " B12 of the network lies within B85 of the module, which helps if the network announces B85 too."
    )


@pytest.mark.parametrize(
    ("rat", "outer", "inner"),
    [
        (Rat.LTE, 12, 17),
        (Rat.LTE, 25, 2),
        (Rat.LTE, 26, 5),
        (Rat.LTE, 26, 18),
        (Rat.LTE, 26, 19),
        (Rat.LTE, 65, 1),
        (Rat.LTE, 66, 4),
        (Rat.LTE, 85, 17),
        (Rat.LTE, 41, 38),
        (Rat.NR, 77, 78),
        (Rat.UMTS, 19, 6),
    ],
)
def test_bands_that_lie_within_others(rat: Rat, outer: int, inner: int) -> None:
    assert check_module({rat: (outer,)}, {rat: (inner,)}).fit is Fit.POSSIBLE
    assert check_module({rat: (inner,)}, {rat: (outer,)}).fit is Fit.NO


def test_the_same_frequencies_with_another_spacing_do_not_help() -> None:
    assert not BANDS[Rat.LTE][74].holds(BANDS[Rat.LTE][20])
    wide = Band(1, (100_000, 300_000), (400_000, 600_000))
    assert wide.holds(Band(2, (100_000, 200_000), (400_000, 500_000)))
    assert not wide.holds(Band(3, (100_000, 200_000), (410_000, 500_000)))


def test_lte_does_not_serve_lpwan_modules() -> None:
    answer = check_module({Rat.LTE_M: (20,), Rat.NB_IOT: (20,)}, {Rat.LTE: (20,)})
    assert answer.fit is Fit.NO
    assert [one.reason for one in answer.rats] == [
        "The module has no LTE.",
        "The network has no LTE-M. Its LTE does not serve such modules.",
        "The network has no NB-IOT. Its LTE does not serve such modules.",
    ]


def test_the_best_rat_counts() -> None:
    answer = check_module({Rat.GSM: (8,), Rat.LTE_M: (20,)}, {Rat.GSM: (8, 3), Rat.LTE_M: (3,)})
    assert answer.fit is Fit.YES
    assert answer.usable == (Rat.GSM,)
    assert [(one.rat, one.fit) for one in answer.rats] == [(Rat.GSM, Fit.YES), (Rat.LTE_M, Fit.NO)]


def test_a_rat_without_bands_is_not_there() -> None:
    assert check_module({}, {}).rats == ()
    assert check_module({Rat.GSM: ()}, {Rat.GSM: ()}).fit is Fit.NO
    assert check_module({Rat.GSM: (8,)}, {Rat.GSM: ()}).rats[0].reason == "The network has no GSM."


def test_a_band_that_the_table_does_not_know_counts_by_its_number() -> None:
    assert check_module({Rat.LTE: (999,)}, {Rat.LTE: (999,)}).fit is Fit.YES
    assert check_module({Rat.LTE: (999,)}, {Rat.LTE: (998,)}).fit is Fit.NO


@given(_SETS, _SETS)
def test_any_two_sets_are_answered_soundly(
    module: dict[Rat, frozenset[int]], network: dict[Rat, frozenset[int]]
) -> None:
    answer = check_module(module, network)
    assert answer.fit is max((one.fit for one in answer.rats), default=Fit.NO)
    for one in answer.rats:
        own, other = module.get(one.rat, frozenset()), network.get(one.rat, frozenset())
        assert set(one.shared) == own & other
        assert (one.fit is Fit.YES) is bool(own & other)
        assert set(one.shared) | {inner for _, inner in one.possible} | set(one.unused) == other
        assert one.reason
