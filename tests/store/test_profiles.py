"""Finding profiles."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from prcard.errors import ProfileError
from prcard.store.profiles import load_profile, profile_names, profile_text, profile_versions


def test_built_in_profiles_are_found_by_name() -> None:
    assert profile_names() == [
        *("bank", "counter", "court", "education", "hotel", "medical"),
        *("social-security", "training", "transport", "vehicle"),
    ]
    for name in profile_names():
        assert load_profile(name).name == name


@pytest.mark.parametrize("name", ["", "nonsense", "../training", "training/", "x" * 100])
def test_an_unknown_name_lists_those_there_are(name: str) -> None:
    with pytest.raises(ProfileError, match="one of bank, counter, .*vehicle or a .toml file"):
        load_profile(name)


def test_a_users_own_file(tmp_path: Path) -> None:
    source = Path(__file__).resolve().parents[2] / "src/prcard/acceptance/profiles/counter.toml"
    own = tmp_path / "own.toml"
    own.write_text(source.read_text(encoding="utf-8").replace('name = "counter"', 'name = "own"'), encoding="utf-8")
    assert load_profile(str(own)).name == "own"


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"name ="])
def test_a_file_that_is_none(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ProfileError):
        load_profile(str(path))


@pytest.mark.parametrize(
    ("day", "version"),
    [
        (None, "2"),
        (date(2026, 1, 1), "2"),
        (date(2025, 12, 31), "1"),
        (date(2025, 1, 1), "1"),
        (date(2020, 1, 1), "1"),
    ],
)
def test_a_day_gets_the_version_of_that_day_or_the_oldest(day: date | None, version: str) -> None:
    assert load_profile("bank", day).version == version


def test_a_users_own_file_has_older_versions_beside_it(tmp_path: Path) -> None:
    text = profile_text("counter").replace('name = "counter"', 'name = "own"')
    for day, name in (
        ("2026-01-01", "own.toml"),
        ("2020-05-01", "own@2020-05-01.toml"),
        ("2018-01-01", "own@2018-01-01.toml"),
    ):
        changed = text.replace("applies_from = 2004-08-15", f"applies_from = {day}").replace(
            'version = "2"', f'version = "{day}"'
        )
        (tmp_path / name).write_text(changed, encoding="utf-8")
    own = str(tmp_path / "own.toml")
    assert [profile.version for profile in profile_versions(own)] == ["2018-01-01", "2020-05-01"]
    assert load_profile(own, date(2019, 6, 1)).version == "2018-01-01"
    assert load_profile(own, date(2025, 6, 1)).version == "2020-05-01"
    assert load_profile(own, date(2027, 6, 1)).version == "2026-01-01"
    (tmp_path / "own@2018-01-01.toml").rename(tmp_path / "own@2018-01-02.toml")
    with pytest.raises(ProfileError, match="expected an older version of own.toml from 2018-01-02"):
        profile_versions(own)


def test_too_many_versions_are_refused(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(profile_text("counter"), encoding="utf-8")
    for number in range(101):
        (tmp_path / f"own@{number}.toml").write_text("", encoding="utf-8")
    with pytest.raises(ProfileError, match="at most 100"):
        profile_versions(str(tmp_path / "own.toml"))
