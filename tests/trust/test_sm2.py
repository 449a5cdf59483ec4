"""SM2: what openssl signs we verify and the other way round; never without a pinned key."""

from __future__ import annotations

import builtins
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes

from prcard.errors import TrustError
from prcard.trust.algorithms import SM3, digest_of
from prcard.trust.asn1 import BitString, SubjectKey, decode, encode
from prcard.trust.material import TrustMaterial, load_material
from prcard.trust.security_object import StatusReference, parse_security_object
from prcard.trust.sm2 import (
    SM2Key,
    build_sm2_security_object,
    check_sm2_key,
    is_sm2,
    load_sm2_key,
    sign_sm2,
    verify_sm2,
)
from prcard.trust.verify import SecurityVerifier

IDENTITY = "distid:1234567812345678"


def openssl(*arguments: str | Path) -> bytes:
    return subprocess.run(["openssl", *arguments], capture_output=True, check=True, timeout=60).stdout


class Pair:
    """A TEST ONLY key pair that openssl made, new for each run."""

    def __init__(self, folder: Path, start: datetime) -> None:
        self.pem = folder / "TEST-ONLY-sm2.pem"
        openssl("genpkey", "-algorithm", "SM2", "-out", self.pem)
        text = openssl("pkey", "-in", self.pem, "-noout", "-text").decode()
        digits = text.partition("priv:")[2].partition("pub:")[0]
        self.private = int("".join(digits.split()).replace(":", ""), 16).to_bytes(32, "big")
        self.spki = openssl("pkey", "-in", self.pem, "-pubout", "-outform", "DER")
        self.key = load_sm2_key(self.spki, valid_from=start, valid_until=start + timedelta(days=90), test_only=True)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, started: datetime) -> Pair:
    return Pair(tmp_path_factory.mktemp("sm2"), started)


@pytest.fixture(scope="module")
def pinned(p256: Any, pair: Pair) -> TrustMaterial:
    return load_material([p256.data["csca.der"]], sm2_keys=[pair.key])


def outcomes(checks: Any) -> dict[str, tuple[str, str]]:
    return {check.code: (check.outcome.value, check.reason.value) for check in checks}


@pytest.mark.parametrize("data", [b"x", b"card data" * 100])
def test_openssl_verifies_what_we_sign(pair: Pair, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "data").write_bytes(data)
    (tmp_path / "signature").write_bytes(sign_sm2(pair.private, pair.key, data))
    command: list[str | Path] = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-inkey",
        pair.pem,
        "-rawin",
        "-digest",
        "sm3",
        "-pkeyopt",
        IDENTITY,
    ]
    command += ["-in", tmp_path / "data", "-sigfile", tmp_path / "signature"]
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0
    (tmp_path / "data").write_bytes(data + b"x")
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode != 0


@pytest.mark.parametrize("data", [b"x", b"card data" * 100])
def test_we_verify_what_openssl_signs(pair: Pair, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "data").write_bytes(data)
    signature = openssl(
        *("pkeyutl", "-sign", "-inkey", pair.pem, "-rawin", "-digest", "sm3", "-pkeyopt", IDENTITY),
        *("-in", tmp_path / "data"),
    )
    verify_sm2(pair.key, signature, data)
    for wrong, changed in ((signature, data + b"x"), (signature[:-1], data), (b"", data), (bytes(70), data)):
        with pytest.raises(TrustError) as caught:
            verify_sm2(pair.key, wrong, changed)
        assert caught.value.reason == "signature-wrong"


def test_sm3_is_that_of_the_standard() -> None:
    # GM/T 0004, example 1.
    assert digest_of(SM3, b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert isinstance(SM3.algorithm, hashes.SM3)


def test_a_card_is_judged_by_a_pinned_key(
    pair: Pair, pinned: TrustMaterial, zones: dict[str, bytes], signed: datetime, judged: datetime
) -> None:
    data = build_sm2_security_object(zones, pair.private, pair.key, signed, status=StatusReference(1, 2))
    assert parse_security_object(data, sm2=True).status == (1, 2)
    assert len(data) <= 512
    assert is_sm2(data)
    found = outcomes(SecurityVerifier(pinned, allow_test_issuers=True).verify(zones, data, judged))
    assert found == {
        "security-object": ("PASSED", "in-order"),
        "zone-digests": ("PASSED", "in-order"),
        "signature": ("PASSED", "in-order"),
        "chain": ("PASSED", "in-order"),
        "signer-not-revoked": ("INDETERMINATE", "crl-missing"),
        "card-not-revoked": ("INDETERMINATE", "status-list-missing"),
    }
    strict = outcomes(SecurityVerifier(pinned).verify(zones, data, judged))
    assert strict["chain"] == ("FAILED", "test-issuer")
    swapped = outcomes(SecurityVerifier(pinned, allow_test_issuers=True).verify({**zones, "text": b"x"}, data, judged))
    assert swapped["zone-digests"] == ("FAILED", "zone-differs")


def test_without_a_pinned_key_it_is_an_unknown_algorithm(
    p256: Any, pair: Pair, zones: dict[str, bytes], signed: datetime, judged: datetime
) -> None:
    data = build_sm2_security_object(zones, pair.private, pair.key, signed)
    found = outcomes(SecurityVerifier(p256.material, allow_test_issuers=True).verify(zones, data, judged))
    assert found["security-object"] == ("FAILED", "unsupported-hash")


def test_another_pinned_key_does_not_know_the_signer(
    p256: Any, pair: Pair, zones: dict[str, bytes], signed: datetime, judged: datetime, tmp_path: Path
) -> None:
    other = Pair(tmp_path, signed)
    material = load_material([p256.data["csca.der"]], sm2_keys=[other.key])
    data = build_sm2_security_object(zones, pair.private, pair.key, signed)
    found = outcomes(SecurityVerifier(material, allow_test_issuers=True).verify(zones, data, judged))
    assert found["signature"] == ("INDETERMINATE", "signer-unknown")
    assert found["chain"] == ("NOT_CHECKED", "needs-earlier-check")


def test_a_pinned_sm2_key_changes_nothing_for_other_cards(
    p256: Any, pair: Pair, zones: dict[str, bytes], judged: datetime
) -> None:
    material = load_material([p256.data["csca.der"]], crls=[p256.data["csca.crl"]], sm2_keys=[pair.key])
    found = outcomes(SecurityVerifier(material, allow_test_issuers=True).verify(zones, p256.sod, judged))
    assert found["chain"] == found["signer-not-revoked"] == ("PASSED", "in-order")


def test_no_changed_byte_is_taken(
    pair: Pair, pinned: TrustMaterial, zones: dict[str, bytes], signed: datetime, judged: datetime
) -> None:
    data = build_sm2_security_object(zones, pair.private, pair.key, signed)
    verifier = SecurityVerifier(pinned, allow_test_issuers=True)
    for at in range(len(data)):
        changed = data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]
        found = outcomes(verifier.verify(zones, changed, judged))
        assert any(found[code][0] != "PASSED" for code in ("security-object", "zone-digests", "signature")), at


@pytest.mark.parametrize(("days", "reason"), [(-1, "signed-outside-usage-period"), (91, "signed-outside-usage-period")])
def test_a_key_signs_in_its_period(
    pair: Pair, zones: dict[str, bytes], started: datetime, days: int, reason: str
) -> None:
    with pytest.raises(TrustError) as caught:
        build_sm2_security_object(zones, pair.private, pair.key, started + timedelta(days=days))
    assert caught.value.reason == reason


def test_a_signature_from_the_future_is_refused(pair: Pair, zones: dict[str, bytes], signed: datetime) -> None:
    made = parse_security_object(build_sm2_security_object(zones, pair.private, pair.key, signed), sm2=True)
    with pytest.raises(TrustError) as caught:
        check_sm2_key(made, pair.key, signed - timedelta(days=1), allow_test_keys=True)
    assert caught.value.reason == "signed-in-the-future"


def load(data: bytes, start: datetime) -> SM2Key:
    return load_sm2_key(data, valid_from=start, valid_until=start, test_only=True)


def test_other_keys_are_refused(pair: Pair, started: datetime, tmp_path: Path) -> None:
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", tmp_path / "p256.pem")
    for data, reason in (
        (openssl("pkey", "-in", tmp_path / "p256.pem", "-pubout", "-outform", "DER"), "unsupported-key"),
        (pair.spki[:-1], "malformed-structure"),
        (b"", "malformed-structure"),
    ):
        with pytest.raises(TrustError) as caught:
            load(data, started)
        assert caught.value.reason == reason
    compressed = decode(SubjectKey, pair.spki, "key")
    compressed.key = BitString(b"\x02" + pair.key.point[:32], 0)
    with pytest.raises(TrustError, match="65 bytes"):
        load(encode(compressed), started)


def test_without_the_extra_it_says_what_to_install(
    pair: Pair, started: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def refuse(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "gmssl_pyx":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(TrustError, match=r"Install prcard\[sm2\]") as caught:
        load(pair.spki, started)
    assert caught.value.reason == "extra-missing"


def test_no_key_material_is_shown(pair: Pair) -> None:
    assert pair.private.hex() not in repr(pair.key)
    assert pair.key.point.hex() not in repr(pair.key)
