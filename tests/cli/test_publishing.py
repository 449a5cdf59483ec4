"""Status lists, trust stores and the trial of a signer."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from prcard.keys import pem
from prcard.keys.secret import Secret
from prcard.record.capture import load_capture
from prcard.record.raw import RawCard
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import TCPFace
from prcard.simulator.server import Server
from prcard.store.trust import check_store, load_trust
from prcard.trust.compact import pack_compact
from prcard.trust.security_object import StatusReference, build_security_object
from prcard.trust.signer import InMemorySigner
from prcard.trust.status_list import CardStatus, parse_status_list

ROOT = Path(__file__).resolve().parents[2]
PROFILE = (
    (ROOT / "docs" / "how-to" / "be-an-issuer.md").read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
)

Step = Callable[..., Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An issuer with a signer of each kind and the first CRL, made once."""
    from click.testing import CliRunner

    from prcard.cli.main import cli

    folder = tmp_path_factory.mktemp("issuer")
    patch = pytest.MonkeyPatch()
    patch.setattr(pem, "ITERATIONS", 1000)  # for speed; keys/test_pem.py sees the real number
    (folder / "issuer.toml").write_text(PROFILE, encoding="utf-8")

    def step(*arguments: str) -> None:
        reading, writing = os.pipe()
        os.write(writing, b"five random words\n")
        os.close(writing)
        words = [word if word[:1] != "@" else str(folder / word[1:]) for word in arguments]
        result = CliRunner().invoke(cli, ["trust", *words, "--passphrase-fd", str(reading)], standalone_mode=False)
        os.close(reading)
        if result.exception:
            raise result.exception

    profile = ("--profile", "@issuer.toml")
    name = ("--test-only", "--name")
    step("csca", "init", *profile, *name, "TEST ONLY CSCA", "--key", "@csca.key", "--out", "@csca.pem")
    for kind in ("IR", "SL", "TS"):
        step("dsc", "request", *profile, *name, f"TEST ONLY {kind}", "--key", f"@{kind}.key", "--out", f"@{kind}.csr")
        words = ("--csca", "@csca.pem", "--key", "@csca.key", "--request", f"@{kind}.csr", "--type", kind)
        step("dsc", "issue", *profile, *words, "--out", f"@{kind}.pem")
    step("crl", "issue", "--csca", "@csca.pem", "--first", "--key", "@csca.key", "--out", "@1.crl")
    patch.undo()
    return folder


@pytest.fixture
def office(made: Path, tmp_path: Path, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Step:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    shutil.copy(ROOT / "fixtures" / "specimens" / "alice" / "card.capture.json", tmp_path)
    monkeypatch.chdir(tmp_path)

    def step(*arguments: object) -> Any:
        reading, writing = os.pipe()
        os.write(writing, b"five random words\n")
        os.close(writing)
        try:
            return run("trust", *arguments, "--passphrase-fd", reading)
        finally:
            os.close(reading)

    return step


STATUS = ("status", "publish", "--signer", "SL.pem", "--key", "SL.key")
FIRST = (*STATUS, "--first", "--list-id", "3", "--entries", "100", "--bits", "2", "--out", "1.der")
SIGN = ("sign", "card.capture.json", "--signer", "IR.pem", "--key", "IR.key")
STORE = ("store", "build", "--by", "csca.pem", "--key", "csca.key")
FIRST_STORE = (*STORE, "--first", "--csca", "csca.pem", "--signer", "IR.pem", "--crl", "1.crl")


def test_a_status_list_remembers_what_its_predecessor_said(office: Step, tmp_path: Path) -> None:
    (tmp_path / "changes.csv").write_text("5,replaced\n6, suspended\n\n")
    assert office(*FIRST, "--set", "4=revoked", "--statuses", "changes.csv").code == 0
    result = office(
        *STATUS, "--previous", "1.der", "--set", "6=valid", "--set", "7=revoked", "--out", "2.der", "--json"
    )
    document = result.document("ceremony-step")
    assert document["facts"]["revoked"] == "2"
    made = parse_status_list((tmp_path / "2.der").read_bytes())
    assert (made.number, made.list_id, made.entries, made.bits) == (2, 3, 100, 2)
    statuses = [made.status(entry) for entry in range(4, 9)]
    expected = [CardStatus.REVOKED, CardStatus.REPLACED, CardStatus.VALID, CardStatus.REVOKED, CardStatus.VALID]
    assert statuses == expected
    assert json.loads((tmp_path / "SL.pem.count").read_text())["used"] == 2


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("--first", "--list-id", "1"), "give --list-id and --entries", 2),
        (("--previous", "1.der", "--entries", "5"), "leave them out", 2),
        ((), "Give --previous", 2),
        (("--previous", "1.der", "--set", "x=revoked"), "status 1: expected ENTRY", 5),
        (("--previous", "1.der", "--set", "1=gone"), "status 1: expected ENTRY", 5),
        (("--previous", "1.der", "--set", "100=revoked"), "expected entries below 100", 5),
        (("--previous", "1.crl"), "", 5),
    ],
)
def test_status_lists_that_are_refused(words: tuple[str, ...], said: str, code: int, office: Step) -> None:
    office(*FIRST)
    result = office(*STATUS, *words, "--out", "2.der")
    assert result.code == code
    assert said in result.err
    assert not Path("2.der").exists()


def test_a_signer_of_cards_signs_no_status_list(office: Step) -> None:
    words = ("status", "publish", "--signer", "IR.pem", "--key", "IR.key", *FIRST[6:])
    result = office(*words)
    assert result.code == 5
    assert "expected SL, found IR" in result.err


def test_a_card_is_signed_and_believed(office: Step, run: Callable[..., Any]) -> None:
    office(*FIRST)
    assert (
        office(*SIGN, "--status", "3:4", "--out", "signed.json", "--json").document("ceremony-step")["step"] == "sign"
    )
    assert office(*FIRST_STORE, "--status", "1.der", "--out", "s1").code == 0
    result = run("verify", "signed.json", "--trust", "s1", "--profile", "training", "--json")
    verdict = result.document("judgement")["verdict"]
    assert {check["outcome"] for check in verdict["checks"] if 10 < check["number"] < 17} == {"PASSED"}
    evidence = {check["number"]: check["evidence"] for check in verdict["checks"]}
    assert evidence[14]["signer"].startswith("CN=TEST ONLY IR")
    assert evidence[15]["list_number"] == evidence[16]["list_number"] == 1
    assert evidence[16]["as_of"]


def test_a_card_that_is_read_is_believed_by_the_same_folder(office: Step, run: Callable[..., Any]) -> None:
    office(*FIRST)
    office(*SIGN, "--status", "3:4", "--out", "signed.json")
    office(*FIRST_STORE, "--status", "1.der", "--out", "s1")
    signed = load_capture(Path("signed.json").read_bytes())
    assert signed.security_object is not None
    # An unmodified reader carries no file beside the zones, so the object travels in the fingerprint zone.
    compact = build_compact(signed)
    reader = VirtualReader()
    reader.insert(replace(signed, security_object=None, fingerprint=compact), "signed")
    face = TCPFace("127.0.0.1", 0)
    with Server(reader, [face]):
        words = ("read", "--reader", face.uri, "--trust", "s1", "--profile", "training", "--json")
        verdict = run(*words).document("judgement")["verdict"]
    assert verdict["evidence_level"] == "issuer-signed"
    assert {check["outcome"] for check in verdict["checks"] if 10 < check["number"] < 17} == {"PASSED"}


def build_compact(card: RawCard) -> bytes:
    """The compact security object of a card, made with the signer that lies here."""
    certificate = x509.load_pem_x509_certificate(Path("IR.pem").read_bytes())
    key = pem.load_key(Path("IR.key"), lambda: Secret(b"five random words"))
    zones = {"text": card.text, "photo": card.photo}
    status, signer = StatusReference(3, 4), InMemorySigner(key, certificate)
    now = datetime.now(UTC).replace(microsecond=0)
    return pack_compact(build_security_object(zones, signer, now, status=status, embed_certificate=False), 512)


def test_test_issuers_are_refused_outside_training(office: Step, run: Callable[..., Any]) -> None:
    office(*FIRST)
    office(
        "sign", "card.capture.json", "--signer", "IR.pem", "--key", "IR.key", "--status", "3:4", "--out", "signed.json"
    )
    office(*FIRST_STORE, "--status", "1.der", "--out", "s1")
    result = run("verify", "signed.json", "--trust", "s1", "--profile", "counter", "--json")
    assert result.code == 1
    chain = next(check for check in result.document("judgement")["verdict"]["checks"] if check["number"] == 14)
    assert (chain["outcome"], chain["reason"]) == ("FAILED", "test-issuer")


def test_an_older_list_in_the_trust_folder_is_not_believed(office: Step, run: Callable[..., Any]) -> None:
    office(*FIRST)
    office(*STATUS, "--previous", "1.der", "--out", "2.der")
    office(
        "sign", "card.capture.json", "--signer", "IR.pem", "--key", "IR.key", "--status", "3:4", "--out", "signed.json"
    )
    folder = Path("plain")
    for part, source, name in (("csca", "csca", "a.der"), ("crls", "1.crl", "a.crl"), ("status", "2.der", "a.der")):
        (folder / part).mkdir(parents=True)
        if part != "csca":
            shutil.copy(source, folder / part / name)
    assert office_anchor(run, folder) == 0
    words = ("verify", "signed.json", "--trust", folder, "--profile", "training", "--json")
    outcomes = []
    for source in ("2.der", "1.der"):
        shutil.copy(source, folder / "status" / "a.der")
        checks = run(*words).document("judgement")["verdict"]["checks"]
        outcomes.append(next((check["outcome"], check["reason"]) for check in checks if check["number"] == 16))
    assert outcomes == [("PASSED", "in-order"), ("INDETERMINATE", "status-list-rollback")]


def office_anchor(run: Callable[..., Any], folder: Path) -> int:
    code: int = run("trust", "anchor", "add", "csca.pem", "--trust", folder, "--test-only", "--yes").code
    return code


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("--status", "x"), "write it as LIST:ENTRY", 2),
        (("--status", "1:"), "write it as LIST:ENTRY", 2),
        (("--signer", "SL.pem"), "expected IR, found SL", 5),
        (("--key", "SL.key"), "expected the one of this key", 5),
    ],
)
def test_signing_that_is_refused(words: tuple[str, ...], said: str, code: int, office: Step) -> None:
    result = office(
        "sign", "card.capture.json", "--signer", "IR.pem", "--key", "IR.key", "--out", "signed.json", *words
    )
    assert result.code == code
    assert said in result.err
    assert not Path("signed.json").exists()


def test_a_signer_without_its_count_signs_nothing(office: Step) -> None:
    Path("IR.pem.count").unlink()
    result = office(*SIGN, "--out", "signed.json")
    assert result.code == 5
    assert "issue a new signer" in result.err


def test_the_next_store_carries_over_and_replaces(office: Step) -> None:
    office(*FIRST)
    office(*STATUS, "--previous", "1.der", "--out", "2.der")
    assert office(*FIRST_STORE, "--status", "1.der", "--out", "s1").code == 0
    result = office(*STORE, "--previous", "s1", "--status", "2.der", "--out", "s2", "--json")
    names = {str(Path(file["path"]).relative_to("s2")) for file in result.document("ceremony-step")["files"]}
    assert names >= {"manifest.der", "status/3-000002.der"}
    assert "status/3-000001.der" not in names
    assert check_store(Path("s2")).number == 2
    material = load_trust(Path("s2"))
    assert [item.number for item in material.status_lists] == [2]
    assert len(material.signers) == len(material.crls) == 1
    assert oct(Path("s2/manifest.der").stat().st_mode & 0o777) == "0o644"
    result = office(*STORE, "--previous", "s2", "--status", "1.der", "--out", "s3")
    assert "expected a list newer than status/3-000002.der" in result.err
    result = office(*STORE, "--previous", "s1", "--out", "s2")
    assert "the output exists already" in result.err


def test_a_delegate_builds_a_store_and_others_do_not(office: Step) -> None:
    words = ("store", "build", "--first", "--csca", "csca.pem", "--crl", "1.crl", "--out", "s1", "--by")
    assert "expected TS, found IR" in office(*words, "IR.pem", "--key", "IR.key").err
    assert office(*words, "TS.pem", "--key", "TS.key").code == 0
    assert json.loads(Path("TS.pem.count").read_text())["used"] == 1
