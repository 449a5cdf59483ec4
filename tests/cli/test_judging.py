"""What judging commands share; the commands' own tests show the rest."""

from __future__ import annotations

from datetime import datetime, timedelta

import click
import pytest

from prcard.cli.judging import Moment, language, now


def test_a_day_is_noon_in_china() -> None:
    assert Moment().convert("2026-01-31", None, None) == datetime.fromisoformat("2026-01-31T12:00:00+08:00")


def test_a_moment_keeps_its_offset() -> None:
    moment = Moment().convert("2026-01-31T00:00:00-05:00", None, None)
    assert moment.utcoffset() == timedelta(hours=-5)
    assert Moment().convert(moment, None, None) is moment


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "2026-01-31T25:00"])
def test_what_is_no_moment_is_said(text: str) -> None:
    with pytest.raises(click.BadParameter, match="2026-01-31"):
        Moment().convert(text, None, None)


@pytest.mark.parametrize(
    ("chosen", "variables", "expected"),
    [
        ("zh", {"LANG": "en_US"}, "zh"),
        (None, {"LANG": "zh_CN.UTF-8"}, "zh"),
        (None, {"LANG": "zh_CN", "LC_ALL": "C"}, "en"),
        (None, {}, "en"),
    ],
)
def test_language(
    chosen: str | None, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language(chosen) == expected


def test_now_is_aware() -> None:
    assert now().tzinfo is not None
