"""`prcard read`: one card from a reader."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prcard.reader import uri as uris
from prcard.record.capture import load_capture
from prcard.simulator.specimens import specimen

Run = Callable[..., Any]


def test_it_is_masked_unless_asked(run: Run) -> None:
    result = run("read", "--reader", "sim:alice", "--profile", "training", "--json")
    assert result.code == 0
    document = result.document("judgement")
    assert document["record"]["number"] == "911************021"
    assert document["record"]["birth_date"] == "****-**-**"
    for secret in ("ALICE", "911124198504120021", "1985"):
        assert secret not in result.out
    shown = run("read", "--reader", "sim:alice", "--profile", "training", "--json", "--show", "number").document(
        "judgement"
    )
    assert shown["record"]["number"] == "911124198504120021"
    assert shown["record"]["birth_date"] == "****-**-**"


@pytest.mark.parametrize(
    ("reader", "profile", "code"),
    [("sim:alice", "training", 0), ("sim:goro", "training", 1), ("sim:alice", "counter", 1)],
)
def test_the_exit_code_is_the_verdict(reader: str, profile: str, code: int, run: Run) -> None:
    assert run("read", "--reader", reader, "--profile", profile).code == code


def test_words_for_people(run: Run) -> None:
    result = run("read", "--reader", "sim:alice", "--profile", "training", "--lang", "en")
    assert "PASSED (training" in result.out
    assert "Reader sim:alice, SAM 99.99-" in result.err


def test_the_capture_is_saved_for_its_owner_only(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "card.json"
    options = ("--fingerprint", "--extra", "--management")
    run("read", "--reader", "sim:ivan", "--save", target, *options)
    raw = load_capture(target.read_bytes())
    card = specimen("ivan").card()
    assert (raw.text, raw.photo, raw.extra) == (card.text, card.photo, card.extra)
    assert raw.management is not None
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_fingerprint_is_kept_only_when_asked(run: Run, tmp_path: Path) -> None:
    for options, length in (((), 0), (("--fingerprint",), 1024)):
        run("read", "--reader", "sim:chen", "--save", tmp_path / "card.json", *options)
        assert len(load_capture((tmp_path / "card.json").read_bytes()).fingerprint) == length


def test_no_reader_attached(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uris, "attached_readers", list)
    result = run("read", "--json")
    assert result.code == 4
    assert result.document("error")["error"]["fault"] == "reader-not-found"


def test_a_field_that_is_none_is_refused_before_a_card_is_read(run: Run, tmp_path: Path) -> None:
    result = run("read", "--reader", "tcp:127.0.0.1:1", "--show", "nonsense")
    assert result.code == 2
    assert "birth_date" in result.err


def test_an_unknown_profile_is_refused_before_a_card_is_read(run: Run) -> None:
    result = run("read", "--reader", "tcp:127.0.0.1:1", "--profile", "nonsense", "--json")
    assert result.code == 2
    assert result.document("error")["error"]["kind"] == "BadParameter"
    assert "bank, counter, court" in result.err


def test_the_only_reader_is_used_and_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uris, "attached_readers", lambda: [("sim:alice", "")])
    result = run("read", "--profile", "training")
    assert result.code == 0
    assert "Using sim:alice, the only reader attached." in result.err


def test_a_uri_that_is_none_is_wrong_usage(run: Run) -> None:
    for uri in ("nonsense", "foo:bar", "tcp:", "sim:nobody", "serial:/dev/null?baud=x"):
        result = run("read", "--reader", uri, "--json")
        assert result.code == 2
        assert result.document("error")["error"]["fault"] == "reader-uri-malformed"


def test_what_is_read_beside_the_record_is_shown_and_masked(run: Run) -> None:
    options = ("--reader", "sim:ivan", "--profile", "training", "--extra", "--management", "--json")
    masked = run("read", *options).document("judgement")
    assert masked["extra"] == ["******"]
    assert masked["management"] == {"iin": "******", "sn": "******", "dn": "******"}
    shown = run("read", *options, "--show", "extra", "--show", "management").document("judgement")
    assert shown["extra"] == ["云南省大理市样本镇3号"]
    assert shown["management"]["iin"] == "00000000"
    assert "extra: ['******']" in run("read", *options[:-1]).out


@pytest.mark.parametrize(("profile", "said"), [("hotel", True), ("bank", False)])
def test_a_capture_holds_more_than_some_profiles_keep_and_that_is_said(
    run: Run, tmp_path: Path, profile: str, *, said: bool
) -> None:
    result = run("read", "--reader", "sim:alice", "--profile", profile, "--save", tmp_path / "card.json")
    assert (tmp_path / "card.json").exists()
    assert ("does not keep the photo: delete" in result.err) is said
