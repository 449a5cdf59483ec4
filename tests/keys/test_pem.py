"""Encrypted PEM keys: what is written, others read; what is not encrypted, is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NoReturn

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from prcard.errors import TrustError
from prcard.keys.pem import load_key, new_key, serialize_key
from prcard.keys.secret import Secret

PASSPHRASE = Secret(b"five random words of a test")


def ask() -> Secret:
    return PASSPHRASE


def never() -> NoReturn:
    raise AssertionError("the passphrase must not be asked for")


@pytest.mark.parametrize("curve", ["p256", "p384"])
def test_a_key_is_written_encrypted_and_read_back(curve: str, tmp_path: Path) -> None:
    key = new_key(curve)
    path = tmp_path / "key.pem"
    path.write_bytes(serialize_key(key, PASSPHRASE))
    assert load_key(path, ask).private_numbers() == key.private_numbers()


def test_openssl_reads_it_and_sees_600000_rounds(tmp_path: Path) -> None:
    key, path = new_key("p256"), tmp_path / "key.pem"
    path.write_bytes(serialize_key(key, PASSPHRASE))
    (tmp_path / "pass").write_bytes(PASSPHRASE.reveal())
    command = ["openssl", "pkey", "-in", str(path), "-passin", f"file:{tmp_path / 'pass'}"]
    plain = subprocess.run(command, capture_output=True, check=True).stdout
    read = load_pem_private_key(plain, None)
    assert isinstance(read, ec.EllipticCurvePrivateKey)
    assert read.private_numbers() == key.private_numbers()
    structure = subprocess.run(["openssl", "asn1parse", "-in", str(path)], capture_output=True, check=True, text=True)
    assert "INTEGER           :0927C0" in structure.stdout
    assert "aes-256-cbc" in structure.stdout


def test_a_key_that_openssl_encrypted_is_read(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    (tmp_path / "pass").write_bytes(PASSPHRASE.reveal())
    command = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes-256-cbc"]
    subprocess.run([*command, "-pass", f"file:{tmp_path / 'pass'}", "-out", str(path)], check=True, capture_output=True)
    assert load_key(path, ask).curve.name == "secp256r1"


def test_two_files_of_one_key_differ() -> None:
    key = new_key("p256")
    assert serialize_key(key, PASSPHRASE) != serialize_key(key, PASSPHRASE)


def refused(path: Path, data: bytes, reason: str) -> str:
    path.write_bytes(data)
    with pytest.raises(TrustError) as caught:
        load_key(path, never if reason.startswith("key-") else ask)
    assert caught.value.reason == reason
    assert caught.value.advice
    return str(caught.value)


def test_what_is_refused(tmp_path: Path) -> None:
    path, key = tmp_path / "key.pem", new_key("p256")
    encryption = BestAvailableEncryption(PASSPHRASE.reveal())
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        plain = key.private_bytes(Encoding.PEM, form, NoEncryption())
        assert "openssl pkcs8 -topk8" in refused(path, plain, "key-not-encrypted")
    refused(path, key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, encryption), "key-not-encrypted")
    refused(path, b"rubbish", "key-malformed")
    refused(path, serialize_key(key, Secret(b"another passphrase")), "passphrase-wrong")
    refused(path, b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nrubbish\n", "passphrase-wrong")
    edwards = ed25519.Ed25519PrivateKey.generate()
    refused(path, edwards.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption), "unsupported-key")
    brainpool = ec.generate_private_key(ec.BrainpoolP256R1())
    refused(path, brainpool.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption), "brainpool")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="No such file") as caught:
        load_key(tmp_path / "none.pem", never)
    assert caught.value.reason == "key-missing"


def test_a_short_passphrase_and_an_unknown_curve_are_refused() -> None:
    with pytest.raises(TrustError) as short:
        serialize_key(new_key("p256"), Secret(b"7 bytes"))
    assert short.value.reason == "passphrase-too-short"
    with pytest.raises(TrustError, match="expected p256 or p384"):
        new_key("ed25519")
