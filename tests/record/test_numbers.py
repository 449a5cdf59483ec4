"""Card numbers: published vectors, laws of the check characters, links between old and new."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prcard.errors import NumberError
from prcard.record.numbers import (
    CardNumber,
    HKMTNumber,
    NumberMatchVerdict,
    PR15Number,
    PR18Number,
    ResidentNumber,
    check_digit_731,
    check_digit_mod11_2,
    match_numbers,
    mod11_2,
    parse_number,
    previous_number,
    weigh_731,
)

DIGITS17 = st.text(st.sampled_from("0123456789"), min_size=17, max_size=17)
BIRTHS = st.dates(date(1900, 1, 1), date(2099, 12, 31))
SEQUENCES = st.integers(0, 999).map("{:03d}".format)


@pytest.mark.parametrize(
    ("text", "kind", "parts"),
    [
        ("911124198108030024", PR18Number, {"province": "11", "nationality_numeric": "124", "sex": "2"}),
        ("932682198501010017", PR18Number, {"province": "32", "nationality_numeric": "682", "sex": "1"}),
        ("931586198001010028", PR18Number, {"province": "31", "birth_date": "1980-01-01", "sequence": "002"}),
        ("810000199408230021", HKMTNumber, {"region": "810000", "birth_date": "1994-08-23"}),
        ("830000199201300022", HKMTNumber, {"region": "830000"}),
        ("830000200209060065", HKMTNumber, {"sequence": "006", "sex": "2"}),
        ("11010519491231002X", ResidentNumber, {"region": "110105", "check": "X"}),
        ("CAN110081080310", PR15Number, {"nationality": "CAN", "region": "1100", "birth_yymmdd": "810803"}),
        ("PAK310080010103", PR15Number, {"sequence": "0", "check": "3"}),
    ],
)
def test_published_numbers(text: str, kind: type, parts: dict[str, str]) -> None:
    number = parse_number(text)
    assert type(number) is kind
    number.check()
    assert parts.items() <= number.parts().items()
    assert number.text == text


@pytest.mark.parametrize(("text", "right"), [("CAN110081080319", "0"), ("CAN110019810803", None)])
def test_published_examples_that_are_wrong(text: str, right: str | None) -> None:
    """Two vendor examples have a wrong check digit; the second is not even a date."""
    try:
        number = parse_number(text)
    except NumberError as error:
        assert right is None
        assert "date of birth" in str(error)
        return
    with pytest.raises(NumberError, match=f"expected check character {right}, found 9"):
        number.check()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "15 or 18 characters, found 0"),
        ("9111241981080300", "15 or 18 characters"),
        ("9111241981080300244", "15 or 18 characters"),
        ("91112419810803002x", "Write X in capitals"),
        ("９11124198108030024", r"U\+FF19 at character 1"),
        ("91112419810803002²", r"U\+00B2 at character 18"),
        ("911124 98108030024", r"U\+0020 at character 7"),
        ("911124198113030024", "month 13"),
        ("911124198102300024", "day 30 in month 02"),
        ("911124000001010024", "year 0000"),
        ("011124198108030024", "first digit from 1 to 8, found 0"),
        ("can110081080310", "capitals"),
        ("C1N110081080310", r"U\+0031 at character 2"),
        ("CAN11008108031X", r"U\+0058 at character 15"),
        ("CAN110081023110", "day 31 in month 02"),
        ("CAN110081130110", "month 13"),
    ],
)
def test_what_is_no_number_says_why(text: str, match: str) -> None:
    with pytest.raises(NumberError, match=match):
        parse_number(text)


def test_29_february_is_possible_without_a_century() -> None:
    assert PR15Number.parse("CAN110000022910").birth_yymmdd == "000229"
    with pytest.raises(NumberError):
        PR15Number.parse("CAN110001022910")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (ResidentNumber, "911124198108030024"),
        (ResidentNumber, "810000199408230021"),
        (HKMTNumber, "11010519491231002X"),
        (PR18Number, "11010519491231002X"),
        (PR18Number, "CAN110081080310"),
        (PR15Number, "911124198108030024"),
    ],
)
def test_a_scheme_refuses_numbers_of_another(kind: type[CardNumber], text: str) -> None:
    with pytest.raises(NumberError):
        kind.parse(text)


def test_nothing_tells_sex_or_century_of_a_15_character_number() -> None:
    number = PR15Number.parse("CAN110081080310")
    assert not {"sex", "birth_date"} & set(number.parts())
    for name in ("sex", "birth_date", "birth_year"):
        assert not hasattr(number, name)


@given(BIRTHS, SEQUENCES, st.sampled_from(("11", "65")), st.sampled_from(("124", "586")))
def test_law_a_built_number_has_its_parts(birth: date, sequence: str, province: str, country: str) -> None:
    number = PR18Number.build(province=province, nationality_numeric=country, birth_date=birth, sequence=sequence)
    number.check()
    assert parse_number(number.text) == number
    assert (number.province, number.nationality_numeric) == (province, country)
    assert (number.birth_date, number.sequence) == (birth, sequence)
    assert number.sex == ("1" if int(sequence) % 2 else "2")


@given(BIRTHS, SEQUENCES)
def test_law_resident_and_hkmt_numbers_are_built_alike(birth: date, sequence: str) -> None:
    for kind, region in ((ResidentNumber, "110105"), (HKMTNumber, "820000")):
        number = kind.build(region=region, birth_date=birth, sequence=sequence)
        number.check()
        assert parse_number(number.text) == number
        assert number.region == region


@given(BIRTHS, st.integers(0, 9).map(str))
def test_law_a_built_15_character_number_has_its_parts(birth: date, sequence: str) -> None:
    number = PR15Number.build(nationality="CAN", region="1100", birth=birth, sequence=sequence)
    number.check()
    assert parse_number(number.text) == number
    assert number.birth_yymmdd == birth.strftime("%y%m%d")


@given(DIGITS17, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_law_mod_11_2_catches_every_single_change(first17: str, at: int, character: str) -> None:
    text = first17 + check_digit_mod11_2(first17)
    changed = text[:at] + character + text[at + 1 :]
    if changed == text or "X" in changed[:17]:
        return
    assert mod11_2(changed[:17]) != changed[17]


@given(DIGITS17, st.integers(0, 15))
def test_law_mod_11_2_catches_every_swap_of_neighbours(first17: str, at: int) -> None:
    swapped = first17[:at] + first17[at + 1] + first17[at] + first17[at + 2 :]
    assert swapped == first17 or mod11_2(swapped) != mod11_2(first17)


@given(DIGITS17)
def test_law_mod_11_2_is_that_of_the_standard(first17: str) -> None:
    """ISO 7064: the weighted sum with powers of two is 1 modulo 11."""
    check = check_digit_mod11_2(first17)
    digits = [*map(int, first17), 10 if check == "X" else int(check)]
    assert sum(digit * pow(2, 17 - at, 11) for at, digit in enumerate(digits)) % 11 == 1


@given(st.from_regex(r"[A-Z]{3}[0-9]{11}", fullmatch=True))
def test_law_the_quick_731_is_that_of_the_standard(first14: str) -> None:
    assert weigh_731(first14) == check_digit_731(first14)


@pytest.mark.parametrize("text", ["", "1" * 16, "1" * 18, "1" * 16 + "X", "１" * 17])
def test_check_characters_need_17_digits(text: str) -> None:
    with pytest.raises(NumberError):
        check_digit_mod11_2(text)


@pytest.mark.parametrize("text", ["", "A" * 13, "A" * 15, "a" * 14, "A" * 13 + "<", "Ä" * 14])
def test_check_digits_need_14_capitals_or_digits(text: str) -> None:
    with pytest.raises(NumberError):
        check_digit_731(text)


@pytest.mark.parametrize(
    "arguments",
    [
        {"province": "1"},
        {"province": "111"},
        {"nationality_numeric": "CAN"},
        {"sequence": "1"},
        {"sequence": "0001"},
    ],
)
def test_parts_of_another_form_are_refused(arguments: dict[str, str]) -> None:
    good = {"province": "11", "nationality_numeric": "124", "sequence": "001"}
    with pytest.raises(NumberError):
        PR18Number.build(birth_date=date(1985, 4, 12), **(good | arguments))


def test_parts_of_old_numbers_are_looked_at_too() -> None:
    for arguments in ({"nationality": "CA"}, {"nationality": "ca1"}, {"region": "110"}, {"sequence": "12"}):
        good = {"nationality": "CAN", "region": "1100", "sequence": "1"}
        with pytest.raises(NumberError):
            PR15Number.build(birth=date(1985, 4, 12), **(good | arguments))


def test_the_old_number_follows_from_a_new_card() -> None:
    """Published: PAK + 931586198001010028 + 000 gives the old card's number."""
    new = PR18Number.parse("931586198001010028")
    assert previous_number(new, "PAK", "000") == PR15Number.parse("PAK310080010103")
    assert previous_number(PR18Number.parse("911124198108030024"), "CAN", "001") == PR15Number.parse("CAN110081080310")
    assert previous_number(new, "PAK", "") is None


@pytest.mark.parametrize(
    ("nationality", "link"), [("PAK", "00"), ("PAK", "0000"), ("PAK", "0x0"), ("PK", "000"), ("pak", "000")]
)
def test_an_old_number_needs_whole_parts(nationality: str, link: str) -> None:
    with pytest.raises(NumberError):
        previous_number(PR18Number.parse("931586198001010028"), nationality, link)


OLD, NEW = "PAK310080010103", "931586198001010028"


@pytest.mark.parametrize(
    ("old", "new", "link", "verdict", "reasons"),
    [
        (OLD, NEW, "000", "MATCH", ()),
        (OLD, NEW, None, "POSSIBLE", ("no-link",)),
        (OLD, NEW, "", "POSSIBLE", ("no-link",)),
        (OLD, NEW, "010", "NO_MATCH", ("city",)),
        (OLD, NEW, "001", "NO_MATCH", ("sequence",)),
        ("PAK310080010104", NEW, "000", "NO_MATCH", ("check-old",)),
        (OLD, "931586198001010029", "000", "NO_MATCH", ("check-new",)),
        (OLD, "911124198108030024", None, "NO_MATCH", ("nationality", "province", "birth")),
        ("PAK310080010103", "932586198001010027", None, "NO_MATCH", ("province", "check-new")),
    ],
)
def test_old_and_new_are_compared_part_by_part(
    old: str, new: str, link: str | None, verdict: str, reasons: tuple[str, ...]
) -> None:
    match = match_numbers(PR15Number.parse(old), PR18Number.parse(new), link=link)
    assert match.verdict is NumberMatchVerdict[verdict]
    assert match.reasons == reasons


def test_a_nationality_that_is_not_known_is_never_a_match() -> None:
    old = PR15Number.build(nationality="XXA", region="3100", birth=date(1980, 1, 1), sequence="0")
    match = match_numbers(old, PR18Number.parse(NEW), link="000")
    assert match.verdict is NumberMatchVerdict.POSSIBLE
    assert match.reasons == ("nationality-unknown",)


def test_a_malformed_link_is_refused() -> None:
    with pytest.raises(NumberError):
        match_numbers(PR15Number.parse(OLD), PR18Number.parse(NEW), link="0")


def test_numbers_are_values_that_cannot_be_changed() -> None:
    number = parse_number(NEW)
    assert number == parse_number(NEW)
    with pytest.raises(dataclasses.FrozenInstanceError):
        number.text = "x"  # type: ignore[misc]  # that is the point


@given(st.text(max_size=20))
@example("expected")
def test_law_any_text_is_a_number_or_a_number_error(text: str) -> None:
    try:
        parse_number(text)
    except NumberError as error:
        assert error.problems
        # The words of the message itself are no value that it gives away.
        words = str(error).replace("number: expected 15 or 18 characters, found", "")
        assert len(text) < 8 or text not in words


@pytest.mark.long
def test_long_mutated_numbers() -> None:
    """100,000 mutations: only NumberError."""
    import random

    source = random.Random(18)
    for _ in range(100_000):
        text = list(source.choice((OLD, NEW, "11010519491231002X", "810000199408230021")))
        for _ in range(source.randrange(3)):
            text[source.randrange(len(text))] = source.choice("0123456789XxA ９²\0\ud800")
        try:
            parse_number("".join(text[: source.choice((18, 18, 15, 7))])).check()
        except NumberError as error:
            assert error.problems
