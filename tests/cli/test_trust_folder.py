"""What a counter's operator does: pin, update, look."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from prcard.store.trust import load_trust
from prcard.trust.certificate_profile import fingerprint

ROOT = Path(__file__).resolve().parents[2]
P256 = ROOT / "fixtures" / "trust" / "p256"
CSCA = P256 / "csca.der"
Run = Callable[..., Any]


@pytest.fixture
def add(run: Run, tmp_path: Path) -> Run:
    def anchor(file: Path, *more: object) -> Any:
        return run("trust", "anchor", "add", file, "--trust", tmp_path / "trust", "--test-only", *more)

    return anchor


def printed(file: Path) -> str:
    return fingerprint(x509.load_der_x509_certificate(file.read_bytes()))


def test_an_issuer_is_pinned_by_its_fingerprint(add: Run, tmp_path: Path) -> None:
    digest = printed(CSCA)
    for told in (
        digest,
        digest.upper(),
        ":".join(digest[at : at + 2] for at in range(0, 64, 2)),
        f"{digest[:32]} {digest[32:]}",
    ):
        document = add(CSCA, "--fingerprint", told, "--json").document("trust-contents")
        assert document["items"][0]["kind"] == "issuer"
    assert len(load_trust(tmp_path / "trust").anchors) == 1


def test_the_wrong_fingerprint_pins_nothing(add: Run, tmp_path: Path) -> None:
    result = add(CSCA, "--fingerprint", "0" + printed(CSCA)[1:] if printed(CSCA)[0] != "0" else "1" * 64)
    assert result.code == 5
    assert "expected the one that you were told" in result.err
    assert not (tmp_path / "trust").exists()


def test_nothing_is_pinned_without_somebodys_word(add: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipe:
        def isatty(self) -> bool:
            return False

    monkeypatch.setattr("sys.stdin", Pipe())
    result = add(CSCA)
    assert result.code == 2
    assert "give --fingerprint HEX, or --yes" in result.err
    assert not (tmp_path / "trust").exists()


def test_a_test_issuer_is_pinned_on_purpose_only(run: Run, tmp_path: Path) -> None:
    result = run("trust", "anchor", "add", CSCA, "--trust", tmp_path / "trust", "--yes")
    assert result.code == 2
    assert "give --test-only" in result.err


def test_what_is_no_issuer_is_not_pinned(add: Run) -> None:
    assert add(P256 / "dsc.der", "--yes").code == 5
    assert add(P256 / "link.der", "--yes").code == 5


def test_a_successor_with_the_word_of_the_old_issuer(add: Run, tmp_path: Path) -> None:
    link = ("--link", P256 / "link.der", "--yes")
    assert "pins no issuer" in add(P256 / "next-csca.der", *link).err
    add(CSCA, "--yes")
    result = add(P256 / "next-csca.der", *link)
    assert result.code == 0
    assert "Vouched for by: CN=TEST ONLY CSCA" in result.out
    assert len(load_trust(tmp_path / "trust").anchors) == 2
    wrong = add(P256 / "next-csca.der", "--link", P256 / "dsc.der", "--yes")
    assert wrong.code == 5
    assert "expected that a pinned issuer vouches" in wrong.err


def test_a_folder_that_cannot_be_made(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("trust", "anchor", "add", CSCA, "--trust", tmp_path / "file" / "x", "--test-only", "--yes")
    assert result.code == 5
    assert "a file cannot be used" in result.err


def test_show_tells_what_a_file_is(run: Run) -> None:
    kinds = {"csca.der": "issuer", "dsc.der": "signer", "csca.crl": "crl", "status-list.der": "status-list"}
    for name, kind in kinds.items():
        document = run("trust", "show", P256 / name, "--json").document("trust-contents")
        assert [item["kind"] for item in document["items"]] == [kind]
    assert "May sign: IR" in run("trust", "show", P256 / "dsc.der").out
    result = run("trust", "show", P256 / "sod.der")
    assert result.code == 5
    assert "found none of them" in result.err
    assert run("trust", "show", P256 / "none.der").code == 5


def test_show_tells_what_a_folder_holds(run: Run, tmp_path: Path) -> None:
    run("demo", "--keep", tmp_path / "kept", "--json")
    document = run("trust", "show", tmp_path / "kept" / "trust", "--json").document("trust-contents")
    assert [item["kind"] for item in document["items"]] == ["issuer", "signer", "crl", "status-list"]
    assert document["published"] is None
    assert document["seen"]["status"] == {"1": 1}
    assert run("trust", "show", tmp_path).code == 5


def test_demo_leaves_a_plain_folder(run: Run, tmp_path: Path) -> None:
    run("demo", "--keep", tmp_path, "--json")
    files = {str(path.relative_to(tmp_path / "trust")) for path in (tmp_path / "trust").rglob("*") if path.is_file()}
    assert files == {"csca/001.der", "signers/001.der", "crls/001.crl", "status/001.der"}
    names = {path.name for path in tmp_path.iterdir()}
    zones = {"text.bin", "photo.bin"}
    assert names == {"card.capture.json", "csca.pem", "dsc.pem", "csca.crl", "sod.der", "trust"} | zones


def test_update_says_what_is_in_use_and_what_is_offered(
    run: Run, tmp_path: Path, add: Run, publish_store: Callable[..., Path]
) -> None:
    store = publish_store(tmp_path / "s1", 1)
    assert add(store.parent / "csca.der", "--yes").code == 0
    result = run("trust", "update", store, "--trust", tmp_path / "trust", "--json")
    document = result.document("trust-update")
    assert (document["changed"], document["number"], document["offered"]) == (True, 1, [])
    assert "already in use" in run("trust", "update", store, "--trust", tmp_path / "trust").out
    store = publish_store(tmp_path / "s2", 2, successor=True)
    result = run("trust", "update", f"file://{store}", "--trust", tmp_path / "trust")
    for words in (
        "Version 2 is now in use",
        "offered and NOT trusted",
        "vouched for by CN=TEST ONLY CSCA",
        "anchor add",
    ):
        assert words in result.out
    document = run("trust", "update", store, "--trust", tmp_path / "trust", "--json").document("trust-update")
    assert document["offered"][0]["vouched_by"].startswith("CN=TEST ONLY CSCA")
    shown = run("trust", "show", tmp_path / "trust", "--json").document("trust-contents")
    assert (shown["published"], shown["seen"]["store"]) == (2, 2)
    assert run("trust", "show", store / "manifest.der", "--json").document("trust-contents")["items"][0]["kind"] == (
        "manifest"
    )
    old = run("trust", "update", tmp_path / "s1", "--trust", tmp_path / "trust", "--json")
    assert old.code == 5
    assert "older than seen before" in old.document("error")["error"]["message"]


def test_no_issuer_is_pinned_in_a_published_store(run: Run, tmp_path: Path, publish_store: Callable[..., Path]) -> None:
    store = publish_store(tmp_path / "s1", 1)
    result = run("trust", "anchor", "add", CSCA, "--trust", store, "--test-only", "--yes")
    assert result.code == 2
    assert "Pin issuers in a folder of your own" in result.err


@pytest.fixture
def publish_store(tmp_path: Path) -> Callable[..., Path]:
    """Publishes stores of the TEST ONLY issuer in fixtures, whose certificate lies beside them."""
    from datetime import timedelta

    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from prcard.store.update import publish
    from prcard.trust.manifest import build_manifest
    from prcard.trust.signer import InMemorySigner

    certificate = x509.load_der_x509_certificate(CSCA.read_bytes())
    key: Any = load_pem_private_key((P256 / "TEST-ONLY-csca.key.pem").read_bytes(), None)
    shutil.copy(CSCA, tmp_path / "csca.der")

    def make(folder: Path, number: int, *, successor: bool = False) -> Path:
        files = {"csca/a.der": CSCA.read_bytes(), "crls/a.crl": (P256 / "csca.crl").read_bytes()}
        if successor:
            files |= {
                "csca/b.der": (P256 / "next-csca.der").read_bytes(),
                "links/b.der": (P256 / "link.der").read_bytes(),
            }
        moment = certificate.not_valid_before_utc + timedelta(days=1)
        manifest = build_manifest(files, InMemorySigner(key, certificate), number=number, issued_at=moment)
        publish(folder, files, manifest)
        return folder

    return make


def test_pem_is_read_too(add: Run, tmp_path: Path) -> None:
    certificate = x509.load_der_x509_certificate(CSCA.read_bytes())
    (tmp_path / "csca.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    assert add(tmp_path / "csca.pem", "--yes").code == 0
    command = ["openssl", "x509", "-inform", "DER", "-in", str(CSCA), "-noout", "-fingerprint", "-sha256"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().partition("=")[2]
    assert add(tmp_path / "csca.pem", "--fingerprint", told).code == 0
