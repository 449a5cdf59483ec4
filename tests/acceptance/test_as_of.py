"""As of an earlier day: what was at hand then, and what is said where it was not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from prcard.acceptance.as_of import TABLES, as_of
from prcard.acceptance.page import verdict_page
from prcard.acceptance.profile import Profile
from prcard.acceptance.render import render, render_line
from prcard.acceptance.schema import verdict_schema
from prcard.acceptance.verify import verify
from prcard.record import codes

JUDGED = datetime.fromisoformat("2026-11-01T00:00:00+00:00")


@pytest.mark.parametrize(
    ("day", "of_that_day", "later"),
    [
        ("2026-01-01", True, {"sex", "nation", "nationality, ICAO only"}),
        ("2017-06-16", True, {"sex", "nation", "nationality, ICAO only", "province"}),
        ("2003-01-01", False, {table.name for table in TABLES}),
    ],
)
def test_profile_and_tables_of_that_day(counter: Profile, day: str, of_that_day: bool, later: set[str]) -> None:
    found = as_of(counter, datetime.fromisoformat(f"{day}T12:00:00+08:00"), JUDGED, None)
    assert found.profile_of_that_day is of_that_day
    assert set(found.later_tables) == later
    assert found.lists == ()


def test_every_table_that_a_check_looks_into_is_listed() -> None:
    names = {table.edition for table in TABLES}
    tables = [value for value in vars(codes).values() if isinstance(value, codes.CodeTable)]
    assert {table.edition for table in tables} | {codes.COUNTRY_EDITION} <= names
    assert len([table for table in TABLES if table.name.startswith("validity")]) == 2


def test_every_form_says_so(card: Any, counter: Profile, now: datetime) -> None:
    old = replace(counter, applies_from="2026-07-01")
    verdict = verify(card(), old, now, now=JUDGED)
    for lang, words in (
        ("en", ("As of that moment", "No version of that day")),
        ("zh", ("按早前时刻判定", "没有当日")),
    ):
        text = "\n".join(render(verdict, lang))
        assert all(word in text for word in words)
    assert "as-of-judged-at=2026-11-01T00:00:00+00:00" in render_line(verdict)
    assert "As of that moment" in verdict_page(verdict, old)
    document = verdict.to_document()
    Draft202012Validator(verdict_schema(), format_checker=FormatChecker()).validate(document)
    assert document["as_of"]["profile_of_that_day"] is False
    present = verify(card(), counter, now)
    assert present.to_document()["as_of"] is None
    assert "As of" not in "\n".join(render(present, "en"))
