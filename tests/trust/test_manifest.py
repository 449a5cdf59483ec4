"""Manifests: one form, every file named, and a signer whom a pinned issuer stands behind."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from prcard.errors import TrustError
from prcard.trust.certificates import IssuerProfile, issue_signer, request_signer
from prcard.trust.cms import sign_message
from prcard.trust.manifest import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    build_manifest,
    check_file,
    check_not_revoked,
    check_publisher,
    parse_manifest,
)
from prcard.trust.signer import InMemorySigner

FILES = {"status/1-000002.der": b"status", "crls/ab.crl": b"crl", "csca/a.der": b""}


@pytest.fixture
def issuer_signer(issuer: Any) -> InMemorySigner:
    return InMemorySigner(issuer.csca_key, issuer.csca, deterministic=True)


@pytest.fixture
def raw(issuer_signer: InMemorySigner, signed: datetime) -> bytes:
    return build_manifest(FILES, issuer_signer, number=7, issued_at=signed)


def test_what_is_built_is_parsed(raw: bytes, issuer: Any, signed: datetime) -> None:
    manifest = parse_manifest(raw)
    assert (manifest.number, manifest.issued_at, manifest.certificate) == (7, signed, issuer.csca)
    assert list(manifest.files) == sorted(FILES)
    for path, data in FILES.items():
        check_file(manifest, path, data)
    check_publisher(manifest, issuer.material.anchors, signed)
    check_not_revoked(manifest, issuer.material, signed)


@pytest.mark.parametrize(("path", "data"), [("crls/ab.crl", b"crl "), ("crls/ab.crl", b"CRL"), ("crls/cd.crl", b"crl")])
def test_another_file_is_refused(path: str, data: bytes, raw: bytes) -> None:
    with pytest.raises(TrustError) as caught:
        check_file(parse_manifest(raw), path, data)
    assert caught.value.reason == "store-differs"


def test_every_flipped_byte_is_refused(p256: Any, signed: datetime) -> None:
    signer = InMemorySigner(p256.csca_key, p256.csca, deterministic=True)
    raw = build_manifest(FILES, signer, number=7, issued_at=signed)
    for place in range(len(raw)):
        with pytest.raises(TrustError):
            manifest = parse_manifest(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
            check_publisher(manifest, p256.material.anchors, signed)


ENTRY = {"sha256": "0" * 64, "size_bytes": 1}


def content(files: dict[str, Any] | None = None, **more: Any) -> bytes:
    document = {"format": "prcard-trust-store", "version": 1, "number": 1, "files": files or {}} | more
    return json.dumps(document, indent=1).encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the one form"),
        (b"[]", "the one form"),
        (b"[" * 100_000, "the one form"),
        (content() + b" ", "the one form"),
        (content(version=2), "the one form"),
        (content(extra=1), "the one form"),
        (content({"crls/b.crl": ENTRY, "crls/a.crl": ENTRY}), "the one form"),
        (content({"crls/a.crl": ENTRY | {"x": 1}}), "the one form"),
        (content(number=0), "a number from 1"),
        (content(number=True), "a number from 1"),
        (content(number=2**53), "a number from 1"),
        (content({"crls/../a.crl": ENTRY}), "paths such as"),
        (content({"../a.crl": ENTRY}), "paths such as"),
        (content({"crls/.a.crl": ENTRY}), "paths such as"),
        (content({"crls/a.der": ENTRY}), "paths such as"),
        (content({"keys/a.der": ENTRY}), "paths such as"),
        (content({"crls/a.crl": ENTRY | {"sha256": "0" * 63}}), "SHA-256"),
        (content({"crls/a.crl": ENTRY | {"sha256": 5}}), "SHA-256"),
        (content({"crls/a.crl": ENTRY | {"size_bytes": -1}}), "files of at most"),
        (content({"crls/a.crl": ENTRY | {"size_bytes": (4 << 20) + 1}}), "files of at most"),
        (content({f"crls/{n:04d}.crl": ENTRY for n in range(2001)}), "at most 2000 files"),
        (content({f"crls/{n:04d}.crl": ENTRY | {"size_bytes": 4 << 20} for n in range(65)}), "in all"),
    ],
)
def test_what_is_malformed(data: bytes, said: str, p256: Any, signed: datetime) -> None:
    signer = InMemorySigner(p256.csca_key, p256.csca)
    with pytest.raises(TrustError, match=said) as caught:
        parse_manifest(sign_message(data, MANIFEST, signer, signed))
    assert caught.value.reason == "store-malformed"


def test_too_long_and_without_certificate(p256: Any, signed: datetime) -> None:
    with pytest.raises(TrustError) as caught:
        parse_manifest(bytes(MAX_MANIFEST_BYTES + 1))
    assert caught.value.reason == "too-large"
    signer = InMemorySigner(p256.csca_key, p256.csca)
    with pytest.raises(TrustError) as caught:
        parse_manifest(sign_message(content(), MANIFEST, signer, signed, embed_certificate=False))
    assert caught.value.reason == "certificate-missing"


def delegate(issuer: Any, profile: IssuerProfile, started: datetime, kind: str) -> InMemorySigner:
    key = ec.generate_private_key(ec.SECP256R1())
    request = request_signer(profile, key, common_name="TEST ONLY publisher")
    certificate = issue_signer(
        profile, request, issuer.csca, issuer.csca_key, serial=9, not_before=started, document_types=[kind]
    )
    return InMemorySigner(key, certificate)


def test_a_delegate_of_type_ts_may_publish_and_no_other(
    p256: Any, profile: IssuerProfile, started: datetime, signed: datetime, judged: datetime
) -> None:
    data = build_manifest(FILES, delegate(p256, profile, started, "TS"), number=1, issued_at=signed)
    manifest = parse_manifest(data)
    check_publisher(manifest, p256.material.anchors, signed)
    check_not_revoked(manifest, p256.material, judged)
    with pytest.raises(TrustError) as caught:
        build_manifest(FILES, delegate(p256, profile, started, "SL"), number=1, issued_at=signed)
    assert caught.value.reason == "document-type-wrong"
    pretended = sign_message(parse_content(data), MANIFEST, delegate(p256, profile, started, "IR"), signed)
    with pytest.raises(TrustError) as caught:
        check_publisher(parse_manifest(pretended), p256.material.anchors, signed)
    assert caught.value.reason == "document-type-wrong"


def parse_content(data: bytes) -> bytes:
    from prcard.trust.cms import parse_signed

    return parse_signed(data, MANIFEST, "manifest").content


def test_an_issuer_that_is_not_pinned_may_not_publish(raw: bytes, signed: datetime) -> None:
    with pytest.raises(TrustError) as caught:
        check_publisher(parse_manifest(raw), [], signed)
    assert caught.value.reason == "store-untrusted"
