"""Code tables and the rules of validity."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.record import LAYOUTS
from prcard.record.codes import (
    COUNTRY_EDITION,
    ICAO_CODES,
    ISSUER,
    NATION,
    PROVINCE,
    SEX,
    VALIDITY,
    age_on,
    countries,
    country_by_alpha3,
    country_by_numeric,
    end_dates,
    lawful_validity_years,
)

TABLES = (SEX, NATION, PROVINCE, ICAO_CODES)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_has_edition_source_and_both_languages(table: object) -> None:
    assert table.edition  # type: ignore[attr-defined]  # a CodeTable
    assert table.source  # type: ignore[attr-defined]
    for code, text in table.entries.items():  # type: ignore[attr-defined]
        assert code
        assert text.zh
        assert not text.zh.isascii()
        assert text.en.isascii()


def test_well_known_entries() -> None:
    assert SEX.get("2") == ("女", "female")
    assert NATION.get("01") == ("汉", "Han")
    assert NATION.get("98") is not None
    assert PROVINCE.get("31") == ("上海", "Shanghai")
    assert PROVINCE.get("15") == ("内蒙古", "Inner Mongolia")
    assert PROVINCE.get("83") == PROVINCE.get("71")


def test_nations_are_complete() -> None:
    assert [code for code in NATION.entries if code < "90"] == [f"{number:02d}" for number in range(1, 57)]
    # GB/T 3304: numbers that are easy to check by hand.
    assert NATION.entries["05"].zh == "维吾尔"
    assert NATION.entries["10"].zh == "朝鲜"
    assert NATION.entries["44"].zh == "俄罗斯"
    assert NATION.entries["56"].zh == "基诺"


@pytest.mark.parametrize(
    ("alpha3", "numeric", "zh"), [("CAN", "124", "加拿大"), ("PAK", "586", "巴基斯坦"), ("SAU", "682", "沙特阿拉伯")]
)
def test_countries_by_both_codes(alpha3: str, numeric: str, zh: str) -> None:
    country = country_by_alpha3(alpha3)
    assert country is not None
    assert country == country_by_numeric(numeric)
    assert (country.numeric, country.zh) == (numeric, zh)


def test_countries_are_one_to_one() -> None:
    for country in countries():
        assert country_by_alpha3(country.alpha3) == country == country_by_numeric(country.numeric)
        assert country.zh
        assert country.en
    assert "pycountry" in COUNTRY_EDITION


@given(st.text(max_size=5))
def test_law_an_unknown_code_is_none_never_an_error(code: str) -> None:
    for table in TABLES:
        assert table.get(code) is None or code in table.entries
    for find in (country_by_alpha3, country_by_numeric):
        country = find(code)
        assert country is None or code in country


def test_icao_codes_are_not_in_iso() -> None:
    assert not [code for code in ICAO_CODES.entries if country_by_alpha3(code)]


def test_every_layout_has_its_rules() -> None:
    assert set(ISSUER) == set(VALIDITY) == set(LAYOUTS)


@pytest.mark.parametrize(
    ("layout", "birth", "issue", "years"),
    [
        ("pr2023", date(2006, 6, 2), date(2024, 6, 1), (5,)),
        ("pr2023", date(2006, 6, 1), date(2024, 6, 1), (10,)),
        ("pr2017", date(1980, 1, 1), date(2018, 6, 1), (10,)),
        ("resident", date(2010, 1, 2), date(2026, 1, 1), (5,)),
        ("resident", date(2010, 1, 1), date(2026, 1, 1), (10,)),
        ("resident", date(2000, 1, 1), date(2026, 1, 1), (20,)),
        ("resident", date(1980, 1, 1), date(2026, 1, 1), (None,)),
        ("hkmt", date(1980, 1, 1), date(2026, 1, 1), ()),
        ("none", date(1980, 1, 1), date(2026, 1, 1), ()),
    ],
)
def test_lawful_validity(layout: str, birth: date, issue: date, years: tuple[int | None, ...]) -> None:
    assert lawful_validity_years(layout, birth, issue) == years


def test_age_turns_on_the_birthday() -> None:
    assert age_on(date(2006, 6, 1), date(2024, 5, 31)) == 17
    assert age_on(date(2006, 6, 1), date(2024, 6, 1)) == 18
    assert age_on(date(2004, 2, 29), date(2022, 2, 28)) == 17
    assert age_on(date(2004, 2, 29), date(2022, 3, 1)) == 18


@pytest.mark.parametrize(
    ("issue", "years", "ends"),
    [
        (date(2023, 8, 8), 10, {date(2033, 8, 7), date(2033, 8, 8)}),
        (date(2024, 1, 1), 5, {date(2028, 12, 31), date(2029, 1, 1)}),
        (date(2024, 2, 29), 5, {date(2029, 2, 27), date(2029, 2, 28), date(2029, 3, 1)}),
        (date(2024, 2, 29), 20, {date(2044, 2, 28), date(2044, 2, 29)}),
        (date(9995, 1, 1), 10, set()),
    ],
)
def test_end_dates(issue: date, years: int, ends: set[date]) -> None:
    assert set(end_dates(issue, years)) == ends
