"""An issuer's policy from a file and from options, strictly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from prcard.errors import TrustError
from prcard.store.issuer_profiles import ISSUER_FIELDS, load_issuer_profile, remarks

TEXT = """
country = "UT"
country_alpha3 = "UTO"
organization = "TEST ONLY Issuer of Utopia"
email = "test-only@issuer.invalid"
crl_uri = "http://issuer.invalid/test-only.crl"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "issuer.toml").write_text(TEXT, encoding="utf-8")
    return tmp_path / "issuer.toml"


def test_what_the_file_leaves_out_is_usual_practice(file: Path) -> None:
    profile = load_issuer_profile(file, {})
    assert (profile.country, profile.signer_key_days) == ("UT", 90)
    assert remarks(profile) == ()


def test_options_count_instead_of_the_file(file: Path) -> None:
    profile = load_issuer_profile(file, {"signer_key_days": 30, "country": "XX"})
    assert (profile.country, profile.signer_key_days) == ("XX", 30)
    options = {name: getattr(profile, name) for name in ISSUER_FIELDS}
    assert load_issuer_profile(None, options) == profile


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "country: expected it, found none"),
        (TEXT + "colour = 1", "colour: unknown key"),
        (TEXT.replace('"UT"', "1"), "country: expected a text"),
        (TEXT + "crl_days = true", "crl_days: expected a number"),
        (TEXT + "crl_days = 91", "crl_days: expected 1 to 90"),
        (TEXT.replace('"UT"', '"ut"'), "country: expected two capital letters"),
        ("country = ", "expected TOML"),
    ],
)
def test_what_is_refused(text: str, said: str, file: Path) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(TrustError, match=said):
        load_issuer_profile(file, {})


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="No such file"):
        load_issuer_profile(tmp_path / "none.toml", {})
    (tmp_path / "latin.toml").write_bytes(b'country = "\xe9"')
    with pytest.raises(TrustError, match="expected TOML"):
        load_issuer_profile(tmp_path / "latin.toml", {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("signer_key_days", 365),
        ("csca_key_days", 10),
        ("crl_uri", "ldap:somewhere"),
        ("signer_budget", 10**6),
        ("card_days", 9999),
    ],
)
def test_what_is_remarked(name: str, value: str | int, file: Path) -> None:
    profile = replace(load_issuer_profile(file, {}), **{name: value})  # type: ignore[arg-type]  # by name
    (remark,) = remarks(profile)
    assert remark.startswith(name)
