"""Rules inside a record: the same words as the checks of a verdict."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.acceptance import rules
from prcard.acceptance.profile import Profile
from prcard.acceptance.verify import verify
from prcard.errors import RecordError
from prcard.record import decode, from_document, to_document
from prcard.record.raw import RawCard
from prcard.simulator.specimens import SPECIMENS

MakeCard = Callable[..., RawCard]


@pytest.mark.parametrize("entry", SPECIMENS, ids=lambda entry: entry.name)
def test_specimens_are_in_order(entry: object) -> None:
    assert rules.record_problems(entry.record()) == ()  # type: ignore[attr-defined]  # a Specimen


def test_all_problems_come_together(card: MakeCard) -> None:
    record = decode(card(sex="1", nationality="USA", expiry_date="2050-01-01").text)
    assert rules.record_problems(record) == ("sex-differs", "nationality-differs", "validity-too-long")


@given(st.sampled_from(SPECIMENS), st.sampled_from(("birth_date", "issue_date", "expiry_date", "sex")), st.dates())
def test_law_bulk_rules_and_verdict_say_the_same(entry: object, field: str, day: object) -> None:
    from prcard.store.profiles import load_profile

    document = to_document(entry.record())  # type: ignore[attr-defined]  # a Specimen
    document[field] = "1" if field == "sex" else str(day)
    record = from_document(document)
    profile: Profile = load_profile("training")
    at = datetime.fromisoformat("9999-01-01T00:00:00+08:00")
    checks = verify(RawCard(text=record.raw, photo=bytes(1024)), profile, at).checks
    told = {
        reason
        for check in checks
        if check.code in {"number-check-digit", "number-agrees", "dates-lawful"} and not check.good
        for reason in check.evidence["reasons"]
    }
    assert told == set(rules.record_problems(record))


@given(
    st.sampled_from(SPECIMENS),
    st.sampled_from((0, 1, 5, 15, 16, 17, 18, 19, 25, 26, 27, 45, 46, 47, 60)),
    st.integers(-400, 400),
    st.dates(date(2000, 1, 1), date(2040, 1, 1)),
    st.sampled_from((0, 5, 9, 10, 11, 20)),
    st.integers(-2, 2),
)
def test_law_the_quick_look_gives_what_the_careful_one_gives(
    entry: object, age: int, shift: int, issue: date, years: int, days: int
) -> None:
    birth = date(issue.year - age, issue.month, min(issue.day, 28)) + timedelta(days=shift)
    document = to_document(entry.record())  # type: ignore[attr-defined]  # a Specimen
    expiry = date(issue.year + years, issue.month, min(issue.day, 28)) + timedelta(days=days)
    for end in (str(expiry), *(["长期"] if document["layout"] == "resident" else [])):
        changed = {"birth_date": str(birth), "issue_date": str(issue), "expiry_date": end}
        record = from_document(document | changed)
        assert rules.record_problems(record) == rules.careful_problems(record)


@given(st.sampled_from(SPECIMENS), st.sampled_from("0123456789X"), st.integers(0, 17), st.sampled_from("0129"))
def test_law_the_quick_look_misses_no_changed_number(entry: object, digit: str, at: int, sex: str) -> None:
    document = to_document(entry.record())  # type: ignore[attr-defined]  # a Specimen
    number = str(document["number"])
    changed = number[:at] + digit + number[at + 1 :]
    try:
        record = from_document(document | {"number": changed[: len(number)], "sex": sex})
    except RecordError:
        return
    assert rules.record_problems(record) == rules.careful_problems(record)
    assert (changed[: len(number)] == number) or rules.record_problems(record)


def test_specimens_need_no_careful_look() -> None:
    assert [entry.name for entry in SPECIMENS if not rules.looks_in_order(entry.record())] == []
