"""The main job: a specimen on a virtual reader behind a real serial device, read, decoded and judged."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prcard.simulator.specimens import SPECIMENS, specimen

Run = Callable[..., Any]


def test_it_passes_and_says_so_in_json(run: Run) -> None:
    result = run("demo", "--json")
    document = result.document("judgement")
    assert result.code == 0
    assert document["verdict"]["outcome"] == "PASSED"
    assert document["record"]["english_name"] == "SPECIMEN, ALICE"
    assert document["provenance"]["transport"] == "serial"
    assert document["provenance"]["simulated"] is True
    assert document["verdict"]["evidence_level"] == "issuer-signed"
    assert all(check["outcome"] in {"PASSED", "NOTED"} for check in document["verdict"]["checks"][:17])
    assert result.err == ""


def test_it_tells_the_story_in_words(run: Run) -> None:
    result = run("demo", "--lang", "en")
    assert result.code == 0
    for words in (
        "Virtual reader on serial:/dev/pts/",
        "Read over the serial device",
        "SPECIMEN, ALICE",
        "PASSED (training",
    ):
        assert words in result.out


def test_the_same_in_chinese(run: Run) -> None:
    assert "通过 (training" in run("demo", "--lang", "zh").out


@pytest.mark.parametrize("name", [entry.name for entry in SPECIMENS])
def test_every_specimen_can_be_shown(name: str, run: Run) -> None:
    result = run("demo", "--card", name, "--json")
    assert result.code == (1 if name == "goro" else 0)
    assert result.document("judgement")["record"]["layout"] == specimen(name).record().layout


def test_keep_leaves_capture_and_zones(run: Run, tmp_path: Path) -> None:
    assert run("demo", "--keep", tmp_path / "new" / "kept", "--json").code == 0
    kept = tmp_path / "new" / "kept"
    card = specimen("alice").card()
    assert (kept / "text.bin").read_bytes() == card.text
    assert (kept / "photo.bin").read_bytes() == card.photo
    capture = json.loads((kept / "card.capture.json").read_text(encoding="utf-8"))
    assert base64.b64decode(capture["zones"]["text"]) == card.text
    assert run("verify", kept / "card.capture.json", "--profile", "training").code == 0


def test_keep_leaves_what_outside_verifiers_need(run: Run, tmp_path: Path) -> None:
    run("demo", "--keep", tmp_path, "--json")
    names = {"card.capture.json", "csca.pem", "dsc.pem", "csca.crl", "sod.der", "text.bin", "photo.bin", "trust"}
    assert names == {path.name for path in tmp_path.iterdir()}
    capture = json.loads((tmp_path / "card.capture.json").read_text(encoding="utf-8"))
    assert base64.b64decode(capture["security_object"]) == (tmp_path / "sod.der").read_bytes()
    assert capture["zones"]["fingerprint"] is None
    (tmp_path / "sod.cms").write_bytes((tmp_path / "sod.der").read_bytes()[4:])
    command = [
        "openssl",
        "cms",
        "-verify",
        "-inform",
        "DER",
        "-in",
        "sod.cms",
        "-CAfile",
        "csca.pem",
        "-out",
        "content",
    ]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    content = (tmp_path / "content").read_bytes()
    for zone in ("text", "photo"):
        assert hashlib.sha256((tmp_path / f"{zone}.bin").read_bytes()).digest() in content
    verified = run(
        "verify", tmp_path / "card.capture.json", "--trust", tmp_path / "trust", "--profile", "training", "--json"
    )
    verdict = verified.document("judgement")["verdict"]
    assert verdict["evidence_level"] == "issuer-signed"
    assert {check["outcome"] for check in verdict["checks"] if 10 < check["number"] < 17} == {"PASSED"}


def test_every_signed_zone_is_kept_and_none_of_a_card_before(run: Run, tmp_path: Path) -> None:
    for name, zones in (("chen", {"fingerprint"}), ("ivan", {"extra"}), ("alice", set())):
        assert run("demo", "--card", name, "--keep", tmp_path, "--json").code == 0
        kept = {path.stem for path in tmp_path.glob("*.bin")}
        assert kept == {"text", "photo"} | zones, name
        states = run("verify", tmp_path / "card.capture.json", "--trust", tmp_path / "trust", "--profile", "training")
        assert states.code == 0


def test_a_trust_folder_that_is_none_is_said(run: Run, tmp_path: Path, fixture_file: Callable[[str], Path]) -> None:
    result = run("verify", fixture_file("alice/card.capture.json"), "--trust", tmp_path, "--json")
    assert result.code == 5
    assert result.document("error")["error"]["kind"] == "TrustError"


def test_a_folder_that_cannot_be_made_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("demo", "--keep", tmp_path / "file" / "below", "--json")
    assert result.code == 5
    assert "a folder that can be made" in result.err


def test_a_name_that_is_none_lists_those_there_are(run: Run) -> None:
    result = run("demo", "--card", "nobody", "--json")
    assert result.code == 2
    assert "'alice', 'bob'" in result.err
