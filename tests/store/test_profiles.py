"""Finding profiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from prcard.errors import ProfileError
from prcard.store.profiles import load_profile, profile_names


def test_built_in_profiles_are_found_by_name() -> None:
    assert profile_names() == ["counter", "training"]
    for name in profile_names():
        assert load_profile(name).name == name


@pytest.mark.parametrize("name", ["", "nonsense", "../training", "training/", "x" * 100])
def test_an_unknown_name_lists_those_there_are(name: str) -> None:
    with pytest.raises(ProfileError, match="one of counter, training or a .toml file"):
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
