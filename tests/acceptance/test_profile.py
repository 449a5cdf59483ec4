"""Profiles as data."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from prcard.acceptance.messages import CHECKS
from prcard.acceptance.profile import MAX_PROFILE_CHARS, Basis, DocumentCode, KeepRule, Period, Profile, parse_profile
from prcard.acceptance.schema import profile_schema
from prcard.errors import ProfileError

TEXT = (resources.files("prcard.acceptance") / "profiles" / "training.toml").read_text(encoding="utf-8")


def test_a_profile_is_read() -> None:
    profile = parse_profile(TEXT)
    assert profile.name == "training"
    assert profile.date == "2026-11-25"
    assert profile.allow_specimens
    assert profile.reviewed_by == ""
    assert set(profile.required) <= set(CHECKS)


FILES = sorted(
    path.name for path in (resources.files("prcard.acceptance") / "profiles").iterdir() if path.name.endswith(".toml")
)
REAL = [name for name in FILES if name != "training.toml"]


def profile_of(name: str) -> Profile:
    return parse_profile((resources.files("prcard.acceptance") / "profiles" / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", FILES)
def test_built_in_profiles_fit_the_schema(name: str) -> None:
    text = (resources.files("prcard.acceptance") / "profiles" / name).read_text(encoding="utf-8")
    document = json.loads(json.dumps(tomllib.loads(text), default=str))
    Draft202012Validator(profile_schema()).validate(document)


@pytest.mark.parametrize("name", REAL)
def test_only_training_is_kind(name: str) -> None:
    profile = profile_of(name)
    kind = (profile.allow_simulated, profile.allow_specimens, profile.allow_test_issuers)
    assert kind == (False, False, False)
    assert not profile.allow_unchecked_signature
    assert {code for code, title in CHECKS.items() if title.number <= 10} <= set(profile.required)
    assert profile.evidence == ("issuer-signed", "reader-attested")
    assert profile.sam_allow_list == ()


@pytest.mark.parametrize("name", FILES)
def test_built_in_profiles_leave_nothing_to_defaults_and_say_what_they_rest_on(name: str) -> None:
    text = (resources.files("prcard.acceptance") / "profiles" / name).read_text(encoding="utf-8")
    document = tomllib.loads(text)
    assert set(profile_schema()["properties"]) == document.keys()
    assert "never legal advice" in text
    profile = profile_of(name)
    assert profile.name == "training" or profile.basis
    groups: tuple[tuple[Basis | KeepRule | DocumentCode, ...], ...]
    groups = (profile.basis, profile.keep, profile.document_codes)
    if not all(fact.confirmed for group in groups for fact in group):
        assert profile.unconfirmed, "what is not confirmed is said in words too"
    kept = {field for rule in profile.keep for field in rule.fields}
    assert kept <= set(profile.may_show) or "all" in profile.may_show
    assert set(profile.may_print) <= set(profile.may_show)


def test_the_sectors_differ_where_the_facts_do() -> None:
    bank, hotel, medical = (profile_of(f"{name}.toml") for name in ("bank", "hotel", "medical"))
    rule = bank.rule_for("number")
    assert rule is not None
    assert (str(rule.floor), rule.counted_from.value, rule.confirmed) == ("10 years", "purpose-end", True)
    assert bank.keeps_photo
    assert not hotel.keeps_photo
    assert hotel.shows("photo")
    assert not medical.shows("nationality")
    assert not hotel.prints("photo")
    assert {code.code for code in profile_of("social-security.toml").document_codes} == {"553", "233"}


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("10 years", date(2026, 3, 1), date(2036, 2, 29)),
        ("1 years", date(2024, 2, 29), date(2025, 2, 28)),
        ("30 days", date(2026, 1, 1), date(2026, 1, 30)),
        ("none", date(2026, 1, 1), date(2025, 12, 31)),
        ("permanent", date(2026, 1, 1), None),
        ("8000 years", date(2024, 2, 29), None),
        ("8000 years", date(2026, 3, 1), None),
        ("36500 days", date(9990, 1, 1), None),
    ],
)
def test_periods(text: str, begin: date, end: date | None) -> None:
    period = Period.parse(text)
    assert str(period) == text
    assert period.end(begin) == end


@pytest.mark.parametrize("text", ["", "10", "ten years", "0 years", "-1 days", "10 months", "１０ years", "99999 days"])
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(text) + "$"):
        Period.parse(text)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ('name = "training"', "", "'name' is missing"),
        ('name = "training"', "name = 5", "'name': expected text, found a number"),
        ('name = "training"', 'name = " "', "'name': expected text"),
        ('name = "training"', 'name = "training"\nnonsense = 1', "unknown key 'nonsense'"),
        ('version = "2"', "version = [", "expected TOML"),
        ("date = 2026-11-25", 'date = "2026-11-25"', "'date': expected a day"),
        ("date = 2026-11-25", "date = 2026-11-25T00:00:00", "'date': expected a day"),
        ("allow_simulated = true", "allow_simulated = 1", "'allow_simulated': expected true or false"),
        ("sam_allow_list = []", 'sam_allow_list = "x"', "'sam_allow_list': expected a list"),
        ("sam_allow_list = []", "sam_allow_list = [1]", "'sam_allow_list': expected text"),
        ('mask_level = "counter"', 'mask_level = "none"', "'mask_level': expected one of screen, counter, full"),
        ('"codes-known"', '"codes-nonsense"', "'codes-nonsense' is no check"),
        ('"codes-known"', '"photo-header"', "each once"),
        ('reviewed_by = ""', "reviewed_by = 1.5", "'reviewed_by'"),
        ('reviewed_by = ""', 'reviewed_by = "A. Nobody"', "belong together"),
        ("evidence = []", 'evidence = ["unattested"]', "'evidence': expected one of issuer-signed, reader-attested"),
        ("evidence = []", 'evidence = ["issuer-signed", "issuer-signed"]', "'evidence': expected each once"),
        ("online_required = false", "online_required = true", "'online_check' is none"),
        ("face_min_score = 0", "face_min_score = 1.5", "'face_min_score': expected a score"),
        ("face_min_score = 0", "face_min_score = true", "'face_min_score': expected a score"),
        ("allow_specimens = true", "allow_specimens = false", "allow_test_issuers"),
        ('"codes-known"', '"evidence"', "follows from the key 'evidence'"),
        ('floor = "30 days"', 'floor = "30 weeks"', r"\[\[keep\]\]: 'floor': expected '10 years'"),
        ('counted_from = "purpose-end"', 'counted_from = "birth"', r"\[\[keep\]\]: 'counted_from'"),
        ("document_codes = []", 'document_codes = ["61"]', "expected tables"),
        ("document_codes = []", "document_codes = [{ code = 61 }]", "'code': expected text.*'used_in' is missing"),
        ("name_max_chars = 0", "name_max_chars = 2000", r"\[entry\]: 'name_max_chars'"),
        ('may_show = ["all"]', 'may_show = ["nonsense"]', "'may_show': expected one of"),
        ("basis = []", "entry2 = 1\nbasis = 5", "unknown key 'entry2'.*'basis': expected tables"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, match: str) -> None:
    assert old in TEXT
    with pytest.raises(ProfileError, match=f"(?s){match}"):
        parse_profile(TEXT.replace(old, new))


def test_a_field_has_one_rule_and_the_entry_is_a_table() -> None:
    with pytest.raises(ProfileError, match="number has more than one rule"):
        parse_profile(
            TEXT.replace(
                "\n[entry]",
                '\n[[keep]]\nfields = ["number"]\nfloor = "none"\n'
                'counted_from = "recorded"\nsource = "x"\nconfirmed = true\n\n[entry]',
            )
        )
    head = TEXT[: TEXT.index("\n# So that keeping")]
    with pytest.raises(ProfileError, match="'entry': expected a table"):
        parse_profile(head + "entry = 1\n")


def test_what_is_left_out_gets_the_strict_default() -> None:
    short = "\n".join(line for line in TEXT[: TEXT.index("\n# Nobody has")].splitlines() if "applies" not in line)
    profile = parse_profile(short)
    assert profile.evidence == ("issuer-signed", "reader-attested")
    assert not profile.allow_specimens
    assert profile.keep == ()
    assert profile.rule_for("number") is None
    assert profile.entry is None


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
