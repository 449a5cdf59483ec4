"""`prcard audit`, and the options of judging commands that write to logs and folders."""

from __future__ import annotations

import io
import json
import stat
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from prcard.acceptance.as_of import china_day
from prcard.simulator.specimens import specimen
from prcard.store.profiles import load_profile
from prcard.store.retention import keep_card

Run = Callable[..., Any]
Files = Callable[[str], Path]
TRUST = Path(__file__).resolve().parents[2] / "fixtures" / "trust" / "p256"


@pytest.fixture
def log(run: Run, fixture_file: Files, tmp_path: Path) -> Path:
    """A log of two verdicts about alice and one about bob."""
    path = tmp_path / "audit.log"
    common = ("--audit", path, "--who", "clerk 7", "--where", "counter 3", "--form", "line")
    assert run("verify", fixture_file("alice/card.capture.json"), "--profile", "training", *common).code == 0
    assert run("verify", fixture_file("alice/card.capture.json"), "--profile", "bank", *common).code == 1
    assert run("verify", fixture_file("bob/card.capture.json"), "--profile", "bank", *common).code == 1
    return path


def test_verdicts_are_written_before_they_are_shown(log: Path) -> None:
    entries = [json.loads(line) for line in log.read_text(encoding="ascii").splitlines()]
    assert [entry["kind"] for entry in entries] == ["begin", "judged", "judged", "judged"]
    assert {(entry["who"], entry["where"]) for entry in entries[1:]} == {("clerk 7", "counter 3")}
    for path in (log, log.with_name("audit.log.key")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_verdict_that_cannot_be_logged_is_not_shown(run: Run, fixture_file: Files, tmp_path: Path) -> None:
    result = run(
        "verify", fixture_file("alice/card.capture.json"), "--audit", tmp_path / "none" / "audit.log", "--json"
    )
    assert result.code == 5
    assert result.document("error")["error"]["kind"] == "AuditError"


def test_verify(run: Run, log: Path) -> None:
    result = run("audit", "verify", log, "--json")
    document = result.document("audit-report")
    assert (result.code, document["in_order"], document["entries"]) == (0, True, 4)
    assert "cut off at the end cannot be found" in run("audit", "verify", log).out
    log.write_bytes(log.read_bytes()[:-5])
    assert run("audit", "verify", log, "--json").document("audit-report")["unfinished"]
    assert "unfinished line" in run("audit", "verify", log).out
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(lines[0] + lines[2] + lines[1])
    result = run("audit", "verify", log)
    assert result.code == 1
    assert result.out.startswith("NOT IN ORDER at line 2: entry 1 stands elsewhere: reordered")


def test_checkpoints(run: Run, log: Path, tmp_path: Path) -> None:
    signed = tmp_path / "checkpoint.der"
    certificate = TRUST / "dsc.der"
    arguments = ("--key", TRUST / "TEST-ONLY-dsc.key.pem", "--certificate", certificate, "--output", signed)
    assert run("audit", "checkpoint", log, *arguments, "--json").document("audit-checkpoint")["entries"] == 4
    assert "checkpoint of 4 entries" in run("audit", "checkpoint", log, *arguments).out
    good = run("audit", "verify", log, "--checkpoint", signed, "--signer", certificate, "--json")
    document = good.document("audit-report")["checkpoint"]
    assert (good.code, document["entries"], document["signer_pinned"]) == (0, 4, True)
    assert "name the signer with --signer" in run("audit", "verify", log, "--checkpoint", signed).out
    other = run("audit", "verify", log, "--checkpoint", signed, "--signer", TRUST / "csca.der")
    assert (other.code, "another signer" in other.err) == (5, True)
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
    cut = run("audit", "verify", log, "--checkpoint", signed)
    assert cut.code == 1
    assert "cut off at the end" in cut.out
    assert run("audit", "verify", log).code == 0


@pytest.mark.parametrize(
    ("key", "certificate", "words"),
    [
        (b"rubbish", None, "private key in PEM"),
        (None, b"rubbish", "certificate in PEM or DER"),
        ("rsa", None, "P-256 or P-384"),
    ],
)
def test_signers_that_are_none(
    run: Run, log: Path, tmp_path: Path, key: bytes | str | None, certificate: bytes | None, words: str
) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if key == "rsa":
        private = rsa.generate_private_key(65537, 2048)
        key = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert not isinstance(key, str)
    (tmp_path / "key.pem").write_bytes(key or (TRUST / "TEST-ONLY-dsc.key.pem").read_bytes())
    (tmp_path / "dsc.pem").write_bytes(certificate or (TRUST / "dsc.der").read_bytes())
    arguments = ("--key", tmp_path / "key.pem", "--certificate", tmp_path / "dsc.pem", "--output", tmp_path / "out.der")
    result = run("audit", "checkpoint", log, *arguments)
    assert result.code == 5
    assert words in result.err


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_find_and_rotate(run: Run, log: Path, monkeypatch: pytest.MonkeyPatch, fixture_file: Files) -> None:
    key = log.with_name("audit.log.key")
    keys = run("audit", "rotate-key", key, "--json").document("audit-keys")
    assert len(keys["keys"]) == 2
    assert "3 keys in all" in run("audit", "rotate-key", key).out
    run("verify", fixture_file("alice/card.capture.json"), "--profile", "training", "--audit", log)
    typed(monkeypatch, "911124198504120021\n")
    found = run("audit", "find", log, "--json")
    assert [entry["n"] for entry in found.document("audit-entries")["entries"]] == [1, 2, 4]
    typed(monkeypatch, "911124198504120021\n")
    assert "3 entries" in run("audit", "find", log).out
    typed(monkeypatch, "931586198001010028\n")
    assert run("audit", "find", log).code == 1


def test_keep_end_and_purge(run: Run, fixture_file: Files, tmp_path: Path) -> None:
    folder, audit = tmp_path / "kept", tmp_path / "audit.log"
    result = run("verify", fixture_file("alice/card.capture.json"), "--profile", "training", "--keep", folder)
    assert result.code == 0
    assert "Kept as" in result.err
    (record,) = run("audit", "kept", folder, "--json").document("kept-records")["records"]
    name = record["record"]
    assert f"{name} training since" in run("audit", "kept", folder).out
    assert "911124198504120021" not in run("audit", "kept", folder).out
    today = record["kept_on"]
    ended = run("audit", "end", folder, name, "--on", today, "--audit", audit, "--json").document("kept-records")
    assert ended["records"][0]["purpose_end"] == today
    assert "the purpose ends on" in run("audit", "end", folder, name, "--on", today).out
    assert run("audit", "end", folder, name, "--on", "soon").code == 2
    assert "0 records changed" in run("audit", "purge", folder).out
    assert run("audit", "purge", folder, "--at", "2999-01-01").code == 2


def test_purge_freezes_and_deletes_and_is_logged(run: Run, tmp_path: Path) -> None:
    folder, audit = tmp_path / "kept", tmp_path / "audit.log"
    today = china_day(datetime.now(UTC))
    raw, hotel = specimen("alice").card(), load_profile("hotel")
    long_ago = today - timedelta(days=366 * 4)
    keep_card(folder, raw, hotel, long_ago, long_ago + timedelta(days=3))
    keep_card(folder, raw, load_profile("bank"), long_ago, long_ago + timedelta(days=3))
    purged = run("audit", "purge", folder, "--audit", audit, "--json").document("purge-report")["purged"]
    states = {state for change in purged for state in change["changed"].values()}
    assert states == {"frozen", "deleted"}
    kinds = [json.loads(line)["kind"] for line in audit.read_text(encoding="ascii").splitlines()]
    assert kinds[0] == "begin"
    assert sorted(kinds[1:]) == ["deleted", "frozen"]
    assert "911124198504120021" not in audit.read_text(encoding="ascii")
    assert run("audit", "purge", folder, "--json").document("purge-report")["purged"] == []
    keep_card(folder, raw, hotel, long_ago, long_ago)
    assert "number deleted" in run("audit", "purge", folder).out


def test_a_card_that_does_not_pass_is_not_kept(run: Run, fixture_file: Files, tmp_path: Path) -> None:
    result = run("verify", fixture_file("goro/card.capture.json"), "--profile", "training", "--keep", tmp_path / "kept")
    assert "Nothing is kept" in result.err
    assert not (tmp_path / "kept").exists()


def test_a_file_that_vanishes_is_named(tmp_path: Path) -> None:
    from prcard.cli.audit import _bytes_of
    from prcard.errors import AuditError

    with pytest.raises(AuditError, match="can be read"):
        _bytes_of(tmp_path / "none")
    assert SimpleNamespace is not None
