"""Profiles in words."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from datetime import date

import pytest
from jsonschema import Draft202012Validator

from prcard.acceptance.describe import profile_document, profile_lines, profile_remarks
from prcard.acceptance.profile import NO_LEGAL_ADVICE, parse_profile
from prcard.cli.schemas import schemas
from prcard.store.profiles import load_profile, profile_names, profile_text

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize("name", profile_names())
@pytest.mark.parametrize(("lang", "at"), [("zh", 0), ("en", 1)])
def test_every_profile_says_that_it_is_no_advice_and_what_is_unconfirmed(name: str, lang: str, at: int) -> None:
    profile = load_profile(name)
    text = "\n".join(profile_lines(profile, lang))
    assert text.endswith(NO_LEGAL_ADVICE[at])
    facts = [
        *(fact.confirmed for fact in profile.basis),
        *(fact.confirmed for fact in profile.keep),
        *(fact.confirmed for fact in profile.document_codes),
        *([profile.entry.confirmed] if profile.entry else []),
    ]
    assert text.count(("（未确认）", "NOT CONFIRMED")[at]) == facts.count(False)
    assert all(words in text for words in profile.unconfirmed)
    assert all(code.code in text for code in profile.document_codes)
    assert all(str(rule.floor) in text for rule in profile.keep)


@pytest.mark.parametrize("name", profile_names())
def test_its_document_fits_the_schema(name: str) -> None:
    document = json.loads(json.dumps({"profile": profile_document(load_profile(name))}))
    Draft202012Validator(schemas()["profile-shown"]).validate(document)
    assert document["profile"]["no_legal_advice_en"] == NO_LEGAL_ADVICE[1]


def test_a_profile_without_entry_or_rules_is_told_too() -> None:
    short = replace(load_profile("counter"), entry=None, evidence=(), online_check="real-name", online_required=True)
    text = "\n".join(profile_lines(short, "en"))
    assert "Kept: nothing" in text
    assert "Evidence that is enough: none" in text
    assert "Online check: real-name (required)" in text
    document = json.loads(json.dumps({"profile": profile_document(short)}))
    Draft202012Validator(schemas()["profile-shown"]).validate(document)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "nobody has reviewed it"),
        ({"reviewed_by": "A", "reviewed_on": "2025-01-01"}, "more than a year old"),
        ({"basis": ()}, "names no basis"),
        ({"evidence": ()}, "nobody to vouch"),
        ({"allow_specimens": True}, "training only: allow_specimens"),
        ({"sam_allow_list": ("*",)}, "every reader there is"),
        ({}, "no reader is registered"),
        ({"may_show": ("all",)}, "every field may be shown"),
        ({"required": ("text-decodes",)}, "does not require: zones-complete"),
        ({}, "the photo is kept"),
    ],
)
def test_what_a_reviewer_should_look_at(changes: dict[str, object], words: str) -> None:
    profile = replace(load_profile("bank"), **changes)  # type: ignore[arg-type]  # a test's shorthand
    given = tomllib.loads(profile_text("bank")).keys()
    remarks = profile_remarks(profile, given, TODAY)
    assert any(words in en for _, en in remarks)
    assert all(not zh.isascii() for zh, _ in remarks)


def test_a_profile_that_is_reviewed_and_complete_has_few_remarks() -> None:
    good = replace(load_profile("hotel"), reviewed_by="A", reviewed_on="2026-11-01", sam_allow_list=("05.01-1-*",))
    assert profile_remarks(good, tomllib.loads(profile_text("hotel")).keys(), TODAY) == []
    assert "keys left to their defaults" in profile_remarks(good, {"name"}, TODAY)[0][1]


def test_the_text_of_a_profile_is_the_profile() -> None:
    assert parse_profile(profile_text("bank")) == load_profile("bank")
