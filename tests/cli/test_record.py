"""`prcard record`: bytes to JSON and back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prcard.simulator.specimens import SPECIMENS

Run = Callable[..., Any]
Files = Callable[[str], Path]


@pytest.mark.parametrize("name", [entry.name for entry in SPECIMENS])
def test_there_and_back(name: str, run: Run, fixture_file: Files, tmp_path: Path) -> None:
    raw = fixture_file(f"{name}/text.bin").read_bytes()
    decoded = run("record", "decode", fixture_file(f"{name}/text.bin"))
    assert decoded.code == 0
    assert decoded.document("record") == json.loads(fixture_file(f"{name}/record.json").read_text(encoding="utf-8"))
    (tmp_path / "record.json").write_text(decoded.out, encoding="utf-8")
    assert run("record", "encode", tmp_path / "record.json", "--hex").out.strip() == raw.hex()
    encoded = run("record", "encode", tmp_path / "record.json", "--json").document("encoded-record")
    assert bytes.fromhex(encoded["text"]) == raw


def test_hexadecimal_text_and_captures_are_taken_too(run: Run, fixture_file: Files, tmp_path: Path) -> None:
    plain = run("record", "decode", fixture_file("alice/text.bin")).out
    raw = fixture_file("alice/text.bin").read_bytes()
    (tmp_path / "text.hex").write_text(raw.hex(" ", 2).upper() + "\n")
    assert run("record", "decode", tmp_path / "text.hex").out == plain
    assert run("record", "decode", fixture_file("alice/card.capture.json")).out == plain


def test_pipes(fixture_file: Files) -> None:
    command = (
        f"{sys.executable} -m prcard.cli.main record decode - < {fixture_file('alice/text.bin')} | "
        f"{sys.executable} -m prcard.cli.main record encode -"
    )
    done = subprocess.run(command, shell=True, check=True, capture_output=True)
    assert done.stdout == fixture_file("alice/text.bin").read_bytes()


@pytest.mark.parametrize(
    "content", [b"", b"rubbish", bytes(255), bytes(257), bytes(256), b"\xff" * 256, b"00" * 255, b"{}"]
)
def test_what_is_no_zone_is_refused(content: bytes, run: Run, tmp_path: Path) -> None:
    (tmp_path / "text.bin").write_bytes(content)
    result = run("record", "decode", tmp_path / "text.bin", "--json")
    assert result.code == 5
    assert result.document("error")["error"]["problems"]


@pytest.mark.parametrize("content", ["", "[]", "5", "{}", '{"layout": "pr2023"}', "[" * 100_000, "NaN"])
def test_what_is_no_record_is_refused(content: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text(content)
    result = run("record", "encode", tmp_path / "record.json", "--json")
    assert result.code == 5
    assert result.document("error")["error"]["problems"]


def test_a_file_that_is_too_large(run: Run, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(2 << 20))
    assert "at most 1048576 bytes" in run("record", "decode", tmp_path / "big").err
