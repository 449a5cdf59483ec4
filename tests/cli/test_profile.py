"""`prcard profile`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prcard.acceptance.profile import NO_LEGAL_ADVICE
from prcard.store.profiles import profile_names, profile_text

Run = Callable[..., Any]
Files = Callable[[str], Path]


def test_list(run: Run) -> None:
    document = run("profile", "list", "--json").document("profile-list")
    assert [entry["name"] for entry in document["profiles"]] == profile_names()
    assert next(entry for entry in document["profiles"] if entry["name"] == "bank")["older"] == ["2025-01-01"]
    text = run("profile", "list", "--lang", "zh").out
    assert "旅馆住宿登记" in text
    assert NO_LEGAL_ADVICE[0] in text
    assert NO_LEGAL_ADVICE[1] in run("profile", "list", "--lang", "en").out


@pytest.mark.parametrize("name", profile_names())
def test_show(run: Run, name: str) -> None:
    document = run("profile", "show", name, "--json").document("profile-shown")["profile"]
    assert document["no_legal_advice_zh"] == NO_LEGAL_ADVICE[0]
    assert run("profile", "show", name, "--toml").out == profile_text(name)
    assert NO_LEGAL_ADVICE[1] in run("profile", "show", name, "--lang", "en").out


def test_show_of_a_day(run: Run) -> None:
    assert (
        run("profile", "show", "bank", "--at", "2025-06-01", "--json").document("profile-shown")["profile"]["version"]
        == "1"
    )
    assert run("profile", "show", "nonsense").code == 2


def test_check_explains_a_good_file_and_what_to_review(run: Run, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(profile_text("bank"), encoding="utf-8")
    result = run("profile", "check", tmp_path / "own.toml", "--json")
    document = result.document("profile-checked")
    assert result.code == 0
    assert "nobody has reviewed it" in [remark["en"] for remark in document["remarks"]]
    text = run("profile", "check", tmp_path / "own.toml", "--lang", "zh").out
    assert "尚无人审阅" in text
    assert NO_LEGAL_ADVICE[0] in text
    assert "To review:" in run("profile", "check", tmp_path / "own.toml", "--lang", "en").out


def test_check_names_every_error_at_once(run: Run, tmp_path: Path) -> None:
    text = profile_text("bank").replace("online_required = false", "online_required = 5\nnonsense = 1")
    (tmp_path / "own.toml").write_text(text.replace('mask_level = "counter"', 'mask_level = "none"'), encoding="utf-8")
    result = run("profile", "check", tmp_path / "own.toml", "--json")
    assert result.code == 5
    message = result.document("error")["error"]["message"]
    for word in ("nonsense", "online_required", "mask_level"):
        assert word in message


@pytest.mark.parametrize("content", [b"\xff\xfe", b"name =", b"", None])
def test_check_of_what_is_none(run: Run, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "own.toml").write_bytes(content)
    assert run("profile", "check", tmp_path / "own.toml").code == 5


def test_enter(run: Run, fixture_file: Files) -> None:
    card = fixture_file("alice/card.capture.json")
    document = run("profile", "enter", card, "--profile", "social-security", "--json").document("profile-entered")
    assert document["fields"]["sex"] == "女"
    assert document["document_codes"][0] == {
        "code": "553",
        "used_in": "an insurance and administrative list",
        "confirmed": False,
    }
    text = run("profile", "enter", card, "--profile", "social-security").out
    assert "document type 553 (an insurance and administrative list; not confirmed)" in text
    assert "SPECIMEN, ALICE" in text


def test_enter_says_what_to_look_at(run: Run, fixture_file: Files, tmp_path: Path) -> None:
    own = profile_text("hotel").replace("name_max_chars = 0", "name_max_chars = 12")
    (tmp_path / "own.toml").write_text(own, encoding="utf-8")
    result = run("profile", "enter", fixture_file("emile/card.capture.json"), "--profile", tmp_path / "own.toml")
    assert "SPECIMEN-DE?" in result.out
    assert "look: name-cut" in result.out
