"""Names and the like as a sector enters them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.acceptance.entry import enter_name, enter_nationality, enter_record, enter_sex, half_width
from prcard.acceptance.profile import EntryForm
from prcard.simulator.specimens import SPECIMENS, specimen
from prcard.store.profiles import load_profile, profile_names


def form(**changes: object) -> EntryForm:
    entry = load_profile("hotel").entry
    assert entry is not None
    return replace(entry, **changes)  # type: ignore[arg-type]  # a test's shorthand


@pytest.mark.parametrize(
    ("printed", "limit", "text", "cut", "told"),
    [
        ("SPECIMEN, ALICE", 0, "SPECIMEN, ALICE", False, True),
        ("Specimen , Alice", 0, "SPECIMEN, ALICE", False, True),
        ("ＳＰＥＣＩＭＥＮ，\u3000ＡＬＩＣＥ", 0, "SPECIMEN, ALICE", False, True),
        ("  SPECIMEN,   ALICE  B ", 0, "SPECIMEN, ALICE B", False, True),
        ("SPECIMEN", 0, "SPECIMEN", False, True),
        ("SPECIMEN,", 0, "SPECIMEN", False, True),
        ("SPECIMEN ALICE", 0, "SPECIMEN ALICE", False, False),
        ("SPECIMEN-DE-LA-LONGUE-FONTAINE, EMILE ALPHONSE", 20, "SPECIMEN-DE-LA-LONG?", True, True),
        ("SPECIMEN, ALICE", 11, "SPECIMEN?", True, True),
        ("SPECIMEN, ALICE", 15, "SPECIMEN, ALICE", False, True),
        ("SPECIMEN, ALICE", 14, "SPECIMEN, ALI?", True, True),
    ],
)
def test_names(printed: str, limit: int, text: str, cut: bool, told: bool) -> None:
    assert enter_name(printed, form(name_max_chars=limit)) == (text, cut, told)


def test_a_form_may_leave_the_name_as_it_is_printed() -> None:
    as_printed = form(capitals=False, half_width=False, surname_first=False)
    assert enter_name("Specimen Ａlice", as_printed) == ("Specimen Ａlice", False, True)


@given(st.text(alphabet="ABab ,-'éＡ，　", max_size=60), st.integers(2, 40))
def test_law_an_entered_name_is_never_too_long_and_entering_twice_changes_nothing(printed: str, limit: int) -> None:
    rules = form(name_max_chars=limit)
    once = enter_name(printed, rules)
    assert len(once.text) <= limit
    assert once.cut == once.text.endswith("?")
    assert enter_name(once.text, rules).text == once.text
    assert half_width(half_width(printed)) == half_width(printed)


@pytest.mark.parametrize(
    ("code", "form_name", "text"),
    [
        ("1", "code", "1"),
        ("1", "zh", "男"),
        ("2", "letter", "F"),
        ("1", "printed", "男/M"),
        ("9", "zh", "未说明"),
        ("9", "letter", "9"),
        ("9", "printed", "未说明"),
        ("7", "printed", "7"),
    ],
)
def test_sex(code: str, form_name: str, text: str) -> None:
    assert enter_sex(code, form_name) == text


@pytest.mark.parametrize(
    ("alpha3", "form_name", "text"),
    [
        ("CAN", "alpha3", "CAN"),
        ("CAN", "alpha2", "CA"),
        ("CAN", "numeric", "124"),
        ("CAN", "zh", "加拿大"),
        ("CAN", "printed", "加拿大/CAN"),
        ("ZZZ", "zh", "ZZZ"),
        ("XXA", "printed", "XXA"),
    ],
)
def test_nationality(alpha3: str, form_name: str, text: str) -> None:
    assert enter_nationality(alpha3, form_name) == text


def test_a_guest_with_a_chinese_name_has_it_entered_too() -> None:
    fields, remarks = enter_record(specimen("alice").record(), load_profile("hotel"))
    assert list(fields) == [
        *("chinese_name", "english_name", "sex", "nationality", "birth_date", "number", "issue_date", "expiry_date")
    ]
    assert (fields["chinese_name"], fields["sex"], fields["nationality"]) == ("样本爱丽", "女", "加拿大")
    assert remarks == []
    assert "chinese_name" not in enter_record(specimen("emile").record(), load_profile("hotel"))[0]


def test_what_needs_a_persons_eye_is_remarked() -> None:
    from prcard.record import from_document, to_document

    record = from_document(to_document(specimen("alice").record()) | {"english_name": "SPECIMEN ALICE BETTINA"})
    short = replace(load_profile("hotel"), entry=form(name_max_chars=10, chinese_name=False))
    fields, remarks = enter_record(record, short)
    assert fields["english_name"] == "SPECIMEN?"
    assert "chinese_name" not in fields
    assert remarks == ["name-cut", "surname-not-told"]
    assert enter_record(record, replace(short, entry=None))[1] == ["no-entry-form"]


@pytest.mark.parametrize("name", profile_names())
def test_only_what_a_profile_shows_is_entered(name: str) -> None:
    profile = load_profile(name)
    for entry in SPECIMENS:
        fields, _ = enter_record(entry.record(), profile)
        assert all(profile.shows(field) for field in fields)
        assert fields["number"] == entry.record().number
