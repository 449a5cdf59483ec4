"""`prcard verify`: a saved capture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Files = Callable[[str], Path]


@pytest.mark.parametrize(
    ("at", "code", "reason"),
    [
        ("2026-06-01", 0, None),
        ("2034-02-28T23:59:59+08:00", 0, None),
        ("2034-02-28T23:59:59", 0, None),
        ("2034-02-28T16:00:00Z", 1, "expired"),
        ("2034-03-01", 1, "expired"),
        ("2024-02-29", 1, "not-yet-valid"),
    ],
)
def test_the_moment_is_the_callers(run: Run, fixture_file: Files, at: str, code: int, reason: str | None) -> None:
    result = run("verify", fixture_file("alice/card.capture.json"), "--profile", "training", "--at", at, "--json")
    verdict = result.document("judgement")["verdict"]
    assert result.code == code
    assert [check["reason"] for check in verdict["checks"] if check["code"] in verdict["failed"]] == (
        [reason] if reason else []
    )


def test_a_moment_that_is_none_is_wrong_usage(run: Run, fixture_file: Files) -> None:
    assert run("verify", fixture_file("alice/card.capture.json"), "--at", "soon").code == 2


def test_a_card_that_does_not_decode_is_judged_too(run: Run, fixture_file: Files, tmp_path: Path) -> None:
    text = fixture_file("alice/card.capture.json").read_text(encoding="utf-8")
    at = text.index('"text": "') + 9
    (tmp_path / "card.json").write_text(text[:at] + "AAAA" + text[at + 4 :], encoding="utf-8")
    result = run("verify", tmp_path / "card.json", "--profile", "training", "--json")
    document = result.document("judgement")
    assert result.code == 1
    assert document["record"] is None
    assert run("verify", tmp_path / "card.json", "--profile", "training").code == 1


@pytest.mark.parametrize("content", ["", "{}", "[]", "rubbish", '{"format": "prcard-capture"}'])
def test_what_is_no_capture_is_malformed(run: Run, tmp_path: Path, content: str) -> None:
    (tmp_path / "card.json").write_text(content)
    result = run("verify", tmp_path / "card.json", "--json")
    assert result.code == 5
    assert result.document("error")["error"]["kind"] == "CaptureError"


def test_a_users_own_profile(run: Run, fixture_file: Files, tmp_path: Path) -> None:
    source = Path(__file__).resolve().parents[2] / "src/prcard/acceptance/profiles/training.toml"
    (tmp_path / "own.toml").write_text(
        source.read_text(encoding="utf-8").replace('"zones-complete", ', '"provenance", "signature", '),
        encoding="utf-8",
    )
    result = run("verify", fixture_file("alice/card.capture.json"), "--profile", tmp_path / "own.toml")
    assert result.code == 3


def test_the_language_follows_the_environment(run: Run, fixture_file: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "通过" in run("verify", fixture_file("alice/card.capture.json"), "--profile", "training").out
