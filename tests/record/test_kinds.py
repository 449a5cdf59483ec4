"""Kinds of field: values, JSON forms and refusals. The byte level is held against construct in test_codec."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from prcard.record.kinds import (
    LONG_TERM,
    Date,
    DateOrLongTerm,
    Digits,
    Kind,
    Letters,
    Marker,
    Number15,
    Number18,
    Refused,
    Reserved,
    Text,
    ymd,
)

GOOD: list[tuple[Kind[Any], Any, str | None]] = [
    (Text(5), "样本", "样本"),
    (Text(5), "", ""),
    (Text(2), "𠮷", "𠮷"),
    (Digits(2), "07", "07"),
    (Digits(2, (0, 1, 2)), "", ""),
    (Digits(2, (0, 1, 2)), "7", "7"),
    (Letters(3), "CAN", "CAN"),
    (Number15(), "CAN110081080310", "CAN110081080310"),
    (Number18(), "11010519491231002X", "11010519491231002X"),
    (Date(), date(2024, 2, 29), "2024-02-29"),
    (Date(), date(1, 1, 1), "0001-01-01"),
    (DateOrLongTerm(), LONG_TERM, "长期"),
    (DateOrLongTerm(), date(2030, 1, 2), "2030-01-02"),
    (Marker("Y"), "Y", "Y"),
    (Reserved(2), b" \0 \0", None),
    (Reserved(2), b"\x00\xd8ab", "00d86162"),
]


@pytest.mark.parametrize(("kind", "value", "shown"), GOOD)
def test_value_bytes_and_json_form_agree(kind: Kind[Any], value: Any, shown: str | None) -> None:
    raw = kind.encode(value)
    assert len(raw) == 2 * kind.chars
    assert kind.decode(raw) == value
    assert kind.show(value) == shown
    assert kind.read(shown) == value
    Draft202012Validator(kind.schema()).validate(shown)
    assert eval(repr(kind)).__dict__ == kind.__dict__


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (Text(5), None),
        (Text(5), "样本 "),
        (Text(5), "123456"),
        (Text(5), "a\nb"),
        (Text(1), "𠮷"),
        (Digits(2), "1"),
        (Digits(2), "１２"),
        (Digits(2), 12),
        (Digits(2, (0, 1, 2)), "1 "),
        (Letters(3), "CA"),
        (Letters(3), "can"),
        (Number15(), "CAN11008108031"),
        (Number18(), "11010519491231002x"),
        (Date(), "20240229"),
        (Date(), "2024-02-30"),
        (Date(), "2024-2-29"),
        (Date(), "２０２４-02-29"),
        (Date(), None),
        (DateOrLongTerm(), "长期 "),
        (DateOrLongTerm(), 5),
        (Marker("Y"), "I"),
        (Reserved(2), "2000"),
        (Reserved(2), "zzzzzzzz"),
        (Reserved(2), 5),
    ],
)
def test_json_forms_that_are_none_are_refused(kind: Kind[Any], shown: object) -> None:
    with pytest.raises(Refused) as refused:
        kind.read(shown)
    assert refused.value.expected
    assert refused.value.found


@pytest.mark.parametrize(
    ("kind", "value"),
    [(Date(), "2024-01-01"), (Text(5), 5), (Reserved(1), b"abc"), (Reserved(1), "ab"), (Text(5), "\ud800")],
)
def test_values_of_another_type_are_refused(kind: Kind[Any], value: object) -> None:
    with pytest.raises(Refused):
        kind.encode(value)


def test_the_base_decides_nothing() -> None:
    kind: Kind[str] = Kind(3)
    for call in (lambda: kind.decode(b""), lambda: kind.encode(""), kind.schema):
        with pytest.raises(NotImplementedError):
            call()


def test_days_are_eight_digits() -> None:
    assert ymd(date(987, 6, 5)) == "09870605"
