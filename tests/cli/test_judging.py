"""What judging commands share; the commands' own tests show the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from prcard.cli.judging import Moment, language, now
from prcard.store.profiles import profile_text

Run = Callable[..., Any]
Files = Callable[[str], Path]


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


def test_the_forms_say_the_same(run: Run, fixture_file: Files) -> None:
    card = fixture_file("goro/card.capture.json")
    line = run("verify", card, "--profile", "hotel", "--form", "line")
    assert line.code == 1
    assert line.out.startswith("FAILED expired hotel/1 ")
    assert line.out.endswith("valid-at-moment:expired provenance:specimen-card evidence:sam-unknown\n")
    assert line.out.count("\n") == 1
    page = run("verify", card, "--profile", "hotel", "--form", "html")
    assert page.code == 1
    assert page.out.startswith("<!DOCTYPE html>")
    assert "valid-at-moment" in page.out
    as_json = run("verify", card, "--profile", "hotel", "--form", "line", "--json").document("judgement")
    assert as_json["verdict"]["indication"] == "expired"


def test_a_report_has_only_what_the_profile_lets_be_printed(run: Run, fixture_file: Files) -> None:
    card = fixture_file("alice/card.capture.json")
    page = run("verify", card, "--profile", "transport", "--form", "html", "--show", "all").out
    assert "911124198504120021" in page
    for secret in ("1985-04-12", ">CAN<", "女"):
        assert secret not in page
    masked = run("verify", card, "--profile", "transport", "--form", "html").out
    assert "911124198504120021" not in masked


def test_what_a_profile_does_not_show_cannot_be_asked_for(run: Run, fixture_file: Files) -> None:
    card = fixture_file("alice/card.capture.json")
    result = run("verify", card, "--profile", "transport", "--show", "birth_date")
    assert (result.code, result.out) == (2, "")
    assert "profile transport does not show birth_date" in result.err
    document = run("verify", card, "--profile", "transport", "--show", "all", "--json").document("judgement")
    assert document["record"]["birth_date"] == document["record"]["sex"] == "******"
    assert document["record"]["number"] == "911124198504120021"


def test_a_reader_is_registered_for_a_run(run: Run, fixture_file: Files, tmp_path: Path) -> None:
    document = json.loads(fixture_file("alice/card.capture.json").read_text(encoding="utf-8"))
    document["provenance"] |= {
        "sam_id": "05.01-20101129-0001228293-0296863149",
        "transport": "serial",
        "simulated": False,
    }
    card = tmp_path / "card.json"
    card.write_text(json.dumps(document), encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(profile_text("bank").replace("allow_specimens = false", "allow_specimens = true"), encoding="utf-8")
    asked = ("verify", card, "--profile", own, "--at", "2026-06-01", "--lang", "en")
    unknown = run(*asked)
    assert unknown.code == 3
    assert "add the sam_id of the evidence to sam_allow_list" in unknown.out
    assert "sam_id 05.01-20101129-0001228293-0296863149" in unknown.out
    assert run(*asked, "--sam-allow", "05.01-20101129-*").code == 0


def test_as_of_an_earlier_day_its_profile_counts(run: Run, fixture_file: Files) -> None:
    card = fixture_file("alice/card.capture.json")
    earlier = run("verify", card, "--profile", "bank", "--at", "2025-06-01", "--json").document("judgement")["verdict"]
    assert (earlier["profile_version"], earlier["as_of"]["profile_of_that_day"]) == ("1", True)
    future = run("verify", card, "--profile", "bank", "--at", "2033-06-01", "--json").document("judgement")["verdict"]
    assert (future["profile_version"], future["as_of"]) == ("2", None)
