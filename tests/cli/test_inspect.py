"""`prcard inspect`: every byte explained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Files = Callable[[str], Path]


def test_a_capture(run: Run, fixture_file: Files) -> None:
    document = run("inspect", fixture_file("chen/card.capture.json"), "--json").document("inspection")
    assert document["text"]["layout"] == "resident"
    assert document["photo"]["kind"] == "specimen-png"
    assert [finger["position_text"] for finger in document["fingerprint"]["fingers"]] == ["right thumb", "left thumb"]
    assert (
        "".join(place["hex"] for place in document["text"]["places"])
        == fixture_file("chen/text.bin").read_bytes().hex()
    )


def test_a_zone_raw_and_in_hex(run: Run, fixture_file: Files) -> None:
    raw = fixture_file("alice/text.bin").read_bytes()
    first = run("inspect", fixture_file("alice/text.bin"), "--json").document("inspection")
    assert first == run("inspect", raw.hex(), "--json").document("inspection")
    words = run("inspect", fixture_file("alice/text.bin")).out
    assert "122–157  number" in words
    assert "(unconfirmed)" in words


def test_damage_is_shown_beside_the_rest(run: Run, fixture_file: Files, tmp_path: Path) -> None:
    raw = bytearray(fixture_file("alice/text.bin").read_bytes())
    raw[36:38] = b"X\0"
    (tmp_path / "text.bin").write_bytes(raw)
    result = run("inspect", tmp_path / "text.bin")
    assert result.code == 5
    assert "!! birth_date at byte 36" in result.out
    assert "SPECIMEN, ALICE" in result.out


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("AAAAAA969600032001 22", 5, "preamble at byte 4"),
        ("AAAAAA9669 0003 2001 22", 0, "find a card"),
        ("AAAAAA9669 0003 2001 23", 5, "CHK"),
        ("AAAAAA9669 0004 000080 84", 0, "no card"),
    ],
)
def test_frames(run: Run, text: str, code: int, words: str) -> None:
    result = run("inspect", text)
    assert result.code == code
    assert words in result.out


def test_zones_are_known_by_their_length(run: Run, fixture_file: Files) -> None:
    assert run("inspect", fixture_file("alice/photo.bin"), "--json").document("inspection")["photo"]["width"] == 68
    zone = run("inspect", fixture_file("chen/fingerprint.bin"), "--json").document("inspection")["fingerprint"]
    assert zone["kind"] == "fingerprints"


def test_what_lies_beside_the_text_is_shown_too(run: Run, fixture_file: Files) -> None:
    document = run("inspect", fixture_file("ivan/card.capture.json"), "--json").document("inspection")
    assert document["extra"]["addresses"] == ["云南省大理市样本镇3号"]
    assert document["management"]["numbers"] is None


def test_hexadecimal_text_may_be_in_pieces_and_a_file_goes_first(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("inspect", "AAAAAA9669", "0003", "2001", "22").code == 0
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d1").write_bytes(bytes.fromhex("AAAAAA96690003200122"))
    assert "find a card" in run("inspect", "d1").out


@pytest.mark.parametrize("content", [b"", b"rubbish", bytes(300), b"\x00" * 256])
def test_rubbish_is_malformed(run: Run, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    result = run("inspect", tmp_path / "x", "--json")
    assert result.code == 5
    assert result.document("inspection")["text"]["problem"]


def test_no_such_file(run: Run) -> None:
    assert run("inspect", "no-such-file").code == 5
