"""Profiles as data."""

from __future__ import annotations

import json
import tomllib
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from prcard.acceptance.messages import CHECKS
from prcard.acceptance.profile import MAX_PROFILE_CHARS, parse_profile
from prcard.acceptance.schema import profile_schema
from prcard.errors import ProfileError

TEXT = (resources.files("prcard.acceptance") / "profiles" / "training.toml").read_text(encoding="utf-8")


def test_a_profile_is_read() -> None:
    profile = parse_profile(TEXT)
    assert profile.name == "training"
    assert profile.date == "2026-11-24"
    assert profile.allow_specimens
    assert profile.reviewed_by == ""
    assert set(profile.required) <= set(CHECKS)


@pytest.mark.parametrize("name", ["training", "counter"])
def test_built_in_profiles_fit_the_schema(name: str) -> None:
    text = (resources.files("prcard.acceptance") / "profiles" / f"{name}.toml").read_text(encoding="utf-8")
    document = json.loads(json.dumps(tomllib.loads(text), default=str))
    Draft202012Validator(profile_schema()).validate(document)


def test_only_training_is_kind() -> None:
    text = (resources.files("prcard.acceptance") / "profiles" / "counter.toml").read_text(encoding="utf-8")
    counter = parse_profile(text)
    assert not (counter.allow_simulated or counter.allow_specimens or counter.allow_test_issuers)
    assert counter.required == tuple(CHECKS)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ('name = "training"', "", "'name' is missing"),
        ('name = "training"', "name = 5", "'name': expected text, found a number"),
        ('name = "training"', 'name = " "', "'name': expected text"),
        ('name = "training"', 'name = "training"\nnonsense = 1', "unknown key 'nonsense'"),
        ('version = "1"', "version = [", "expected TOML"),
        ("date = 2026-11-24", 'date = "2026-11-24"', "'date': expected a day"),
        ("date = 2026-11-24", "date = 2026-11-24T00:00:00", "'date': expected a day"),
        ("allow_simulated = true", "allow_simulated = 1", "'allow_simulated': expected true or false"),
        ("sam_allow_list = []", 'sam_allow_list = "x"', "'sam_allow_list': expected a list"),
        ("sam_allow_list = []", "sam_allow_list = [1]", "'sam_allow_list': expected text"),
        ('mask_level = "counter"', 'mask_level = "none"', "'mask_level': expected one of screen, counter, full"),
        ('"codes-known"', '"codes-nonsense"', "'codes-nonsense' is no check"),
        ('"codes-known"', '"photo-header"', "each once"),
        ('reviewed_by = ""', "reviewed_by = 1.5", "'reviewed_by'"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, match: str) -> None:
    assert old in TEXT
    with pytest.raises(ProfileError, match=match):
        parse_profile(TEXT.replace(old, new))


def test_a_profile_that_asks_for_nothing_is_refused() -> None:
    start, end = TEXT.index("required = ["), TEXT.index("]", TEXT.index("required = [")) + 1
    with pytest.raises(ProfileError, match="at least one check"):
        parse_profile(TEXT[:start] + "required = []" + TEXT[end:])


@given(st.text(max_size=60))
def test_law_any_text_is_a_profile_or_a_profile_error(text: str) -> None:
    with pytest.raises(ProfileError):
        parse_profile(text)


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(ProfileError, match="characters"):
        parse_profile("#" * (MAX_PROFILE_CHARS + 1))
