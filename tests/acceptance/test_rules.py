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
    st.dates(date(1920, 1, 1), date(2030, 1, 1)),
    st.dates(date(2000, 1, 1), date(2040, 1, 1)),
    st.sampled_from((0, 5, 9, 10, 11, 20)),
    st.integers(-2, 2),
)
def test_law_the_quick_look_at_dates_gives_what_the_careful_one_gives(
    entry: object, birth: date, issue: date, years: int, days: int
) -> None:
    document = to_document(entry.record())  # type: ignore[attr-defined]  # a Specimen
    expiry = date(issue.year + years, issue.month, min(issue.day, 28)) + timedelta(days=days)
    for end in (str(expiry), *(["长期"] if document["layout"] == "resident" else [])):
        changed = {"birth_date": str(birth), "issue_date": str(issue), "expiry_date": end}
        record = from_document(document | changed)
        assert rules.date_problems(record) == rules.careful_date_problems(record)
