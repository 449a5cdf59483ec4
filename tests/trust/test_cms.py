"""Signed messages: forms beyond the security object's, and what never verifies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from prcard.errors import TrustError
from prcard.trust.algorithms import check_public_key
from prcard.trust.asn1 import encode
from prcard.trust.cms import check_signature, names_certificate, parse_signed, sign_message

CONTENT_TYPE = "1.2.3.4.5"


@pytest.mark.parametrize("embed", [True, False])
@pytest.mark.parametrize("content", [b"", b"content", b"\x00" * 70_000])
def test_what_is_signed_verifies(issuer: Any, signed: datetime, content: bytes, embed: bool) -> None:
    data = sign_message(
        content,
        CONTENT_TYPE,
        issuer.signer,
        signed,
        embed_certificate=embed,
        extra_attributes=[("1.2.3", encode(b"more"))],
    )
    message = parse_signed(data, CONTENT_TYPE, "message")
    assert (message.content, message.signing_time) == (content, signed)
    assert message.attributes["1.2.3"] == encode(b"more")
    assert names_certificate(message, issuer.dsc)
    assert not names_certificate(message, issuer.csca)
    check_signature(message, check_public_key(issuer.dsc))
    with pytest.raises(TrustError) as caught:
        check_signature(message, check_public_key(issuer.csca))
    assert caught.value.reason == "signature-wrong"


@pytest.mark.parametrize("year", [1949, 1950, 2049, 2050])
def test_times_change_their_form_in_1950_and_2050(p256: Any, year: int) -> None:
    moment = datetime(year, 6, 1, tzinfo=UTC)
    data = sign_message(b"", CONTENT_TYPE, p256.signer, moment)
    assert parse_signed(data, CONTENT_TYPE, "message").signing_time == moment
    assert (b"\x18\x0f%d0601000000Z" % year in data) == (year in {1949, 2050})


def test_a_moment_without_offset_is_refused(p256: Any) -> None:
    with pytest.raises(TrustError) as caught:
        sign_message(b"", CONTENT_TYPE, p256.signer, datetime(2026, 1, 1))  # noqa: DTZ001  the defect
    assert caught.value.reason == "bad-argument"


def test_a_certificate_without_key_identifier_cannot_be_named_by_it(p256: Any, signed: datetime) -> None:
    builder = x509.CertificateBuilder().subject_name(p256.dsc.subject).issuer_name(p256.csca.subject)
    builder = (
        builder.public_key(p256.dsc.public_key()).serial_number(1).not_valid_before(signed).not_valid_after(signed)
    )
    builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)

    class Unnamed:
        certificate = builder.sign(p256.csca_key, hashes.SHA256())

        def sign(self, data: bytes) -> bytes:
            return data

    with pytest.raises(TrustError) as caught:
        sign_message(b"", CONTENT_TYPE, Unnamed(), signed, embed_certificate=False)
    assert caught.value.reason == "extension-missing"
    by_key = parse_signed(
        sign_message(b"", CONTENT_TYPE, p256.signer, signed, embed_certificate=False), CONTENT_TYPE, "message"
    )
    assert not names_certificate(by_key, Unnamed.certificate)
