"""Algorithms: what is accepted is decided in one place."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from prcard.errors import TrustError
from prcard.trust.algorithms import (
    DIGESTS,
    Scheme,
    check_curve,
    check_public_key,
    digest_of,
    issuing_digest,
    parse_digest,
    parse_scheme,
    verify_signature,
)
from prcard.trust.asn1 import (
    AlgorithmIdentifier,
    HashIdentifier,
    MaskIdentifier,
    Null,
    ObjectIdentifier,
    PSSParameters,
)


def identifier(oid: str, parameters: Null | PSSParameters | None = None) -> AlgorithmIdentifier:
    return AlgorithmIdentifier(algorithm=ObjectIdentifier(oid), parameters=parameters)


def hash_id(oid: str) -> HashIdentifier:
    return HashIdentifier(algorithm=ObjectIdentifier(oid), parameters=None)


def pss(**changes: Any) -> PSSParameters:
    digest, mgf1 = hash_id(DIGESTS[0].oid), ObjectIdentifier("1.2.840.113549.1.1.8")
    values: dict[str, Any] = {
        "hash_algorithm": digest,
        "mask_algorithm": MaskIdentifier(algorithm=mgf1, parameters=digest),
        "salt_length": 32,
        "trailer": None,
    }
    return PSSParameters(**(values | changes))


@pytest.mark.parametrize("digest", DIGESTS)
def test_a_digest_is_that_of_hashlib(digest: Any) -> None:
    assert digest_of(digest, b"abc") == hashlib.new(digest.name, b"abc").digest()
    assert len(digest_of(digest, b"")) == digest.size_bytes == digest.algorithm.digest_size
    assert parse_digest(hash_id(digest.oid), "digest") == digest


@pytest.mark.parametrize(("oid", "reason"), [("1.3.14.3.2.26", "weak-hash"), ("1.2.3", "unsupported-hash")])
def test_other_digests_are_refused(oid: str, reason: str) -> None:
    with pytest.raises(TrustError, match="digest: expected SHA-256") as caught:
        parse_digest(hash_id(oid), "digest")
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("algorithm", "scheme"),
    [
        (identifier("1.2.840.10045.4.3.2"), Scheme.ECDSA),
        (identifier("1.2.840.113549.1.1.1"), Scheme.RSA_PKCS1),
        (identifier("1.2.840.113549.1.1.1", Null()), Scheme.RSA_PKCS1),
        (identifier("1.2.840.113549.1.1.11", Null()), Scheme.RSA_PKCS1),
        (identifier("1.2.840.113549.1.1.10", pss()), Scheme.RSA_PSS),
        (identifier("1.2.840.113549.1.1.10", pss(trailer=1)), Scheme.RSA_PSS),
    ],
)
def test_accepted_signature_algorithms(algorithm: AlgorithmIdentifier, scheme: Scheme) -> None:
    assert parse_scheme(algorithm, DIGESTS[0]) is scheme


@pytest.mark.parametrize(
    ("algorithm", "reason"),
    [
        (identifier("1.2.840.10045.4.3.3"), "digest-algorithm-differs"),
        (identifier("1.2.840.113549.1.1.13", Null()), "digest-algorithm-differs"),
        (identifier("1.2.840.10045.4.3.2", Null()), "unsupported-signature"),
        (identifier("1.2.840.113549.1.1.11", pss()), "unsupported-signature"),
        (identifier("1.2.840.113549.1.1.10"), "unsupported-signature"),
        (identifier("1.2.840.113549.1.1.10", pss(salt_length=20)), "unsupported-signature"),
        (identifier("1.2.840.113549.1.1.10", pss(salt_length=None)), "unsupported-signature"),
        (identifier("1.2.840.113549.1.1.10", pss(trailer=2)), "unsupported-signature"),
        (identifier("1.2.840.113549.1.1.10", pss(hash_algorithm=None)), "unsupported-signature"),
        (identifier("1.2.840.113549.1.1.10", pss(mask_algorithm=None)), "unsupported-signature"),
        (
            identifier("1.2.840.113549.1.1.10", pss(hash_algorithm=hash_id(DIGESTS[1].oid))),
            "unsupported-signature",
        ),
        (
            identifier(
                "1.2.840.113549.1.1.10",
                pss(mask_algorithm=MaskIdentifier(algorithm=ObjectIdentifier("1.2.3"), parameters=hash_id("1.2"))),
            ),
            "unsupported-signature",
        ),
        (identifier("1.3.101.113"), "ed25519"),
        (identifier("1.2.840.113549.1.1.5"), "weak-hash"),
    ],
)
def test_refused_signature_algorithms(algorithm: AlgorithmIdentifier, reason: str) -> None:
    with pytest.raises(TrustError) as caught:
        parse_scheme(algorithm, DIGESTS[0])
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("curve", "reason"), [(ec.BrainpoolP384R1(), "brainpool"), (ec.SECP256K1(), "unsupported-key")]
)
def test_other_curves_are_refused(curve: ec.EllipticCurve, reason: str) -> None:
    with pytest.raises(TrustError) as caught:
        check_curve(curve)
    assert caught.value.reason == reason


def test_the_issuing_digest_follows_the_curve(issuer: Any) -> None:
    digest = issuing_digest(check_public_key(issuer.dsc))
    assert digest.name == {"p256": "sha256", "p384": "sha384"}[issuer.name]


def test_rsa_is_not_issued() -> None:
    key = rsa.RSAPublicNumbers(65537, (1 << 2047) + 1).public_key()
    with pytest.raises(TrustError) as caught:
        issuing_digest(key)
    assert caught.value.reason == "unsupported-key"


def test_a_signature_holds_only_over_its_bytes(issuer: Any) -> None:
    key, digest = check_public_key(issuer.dsc), issuing_digest(check_public_key(issuer.dsc))
    signature = issuer.signer.sign(b"data")
    verify_signature(key, Scheme.ECDSA, digest, signature, b"data")
    for wrong, data, scheme, reason in (
        (signature, b"date", Scheme.ECDSA, "signature-wrong"),
        (signature[:-1], b"data", Scheme.ECDSA, "signature-wrong"),
        (signature, b"data", Scheme.RSA_PKCS1, "key-kind-differs"),
    ):
        with pytest.raises(TrustError) as caught:
            verify_signature(key, scheme, digest, wrong, data)
        assert caught.value.reason == reason
