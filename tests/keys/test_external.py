"""A key elsewhere: certificates, requests, lists and cards are signed through one callable, in either form."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from prcard.errors import TrustError
from prcard.keys.external import ExternalKey, normalise_signature
from prcard.trust.certificates import issue_crl, issue_csca
from prcard.trust.security_object import build_security_object
from prcard.trust.signer import InMemorySigner

CURVES = {"p256": (ec.SECP256R1(), hashes.SHA256()), "p384": (ec.SECP384R1(), hashes.SHA384())}


class LocalService:
    """A stand-in for a cloud key service: holds a key, takes a digest, answers in its own form."""

    def __init__(self, curve: str, form: str) -> None:
        self._curve, self._hash = CURVES[curve]
        self._key = ec.generate_private_key(self._curve)
        self._form = form
        self.asked = 0

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._key.public_key()

    def sign(self, digest: bytes) -> bytes:
        self.asked += 1
        signature = self._key.sign(digest, ec.ECDSA(Prehashed(self._hash)))
        if self._form == "der":
            return signature
        half = (self._curve.key_size + 7) // 8
        return b"".join(part.to_bytes(half, "big") for part in decode_dss_signature(signature))


@pytest.mark.parametrize("form", ["der", "plain"])
@pytest.mark.parametrize("curve", CURVES)
def test_all_that_an_issuer_signs_is_signed_through_it(curve: str, form: str, issuer: Any, certify: Any) -> None:
    service = LocalService(curve, form)
    key = ExternalKey(service.public_key(), service.sign)
    csca = issue_csca(issuer.profile, key, common_name="TEST ONLY", serial=5, not_before=issuer.now)
    crl = issue_crl(
        csca, key, number=1, this_update=issuer.now, next_update=issuer.now + timedelta(days=9), revoked={7: issuer.now}
    )
    assert crl.is_signature_valid(service.public_key())
    dsc = certify(key).dsc
    assert build_security_object(issuer.zones, InMemorySigner(key, dsc), issuer.now)
    assert service.asked == 4


def test_prehashed_data_are_not_hashed_again() -> None:
    service = LocalService("p256", "plain")
    key = ExternalKey(service.public_key(), service.sign)
    digest = b"d" * 32
    signature = key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    service.public_key().verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))


def broken(answer: bytes | Exception) -> Callable[[bytes], bytes]:
    def sign(digest: bytes) -> bytes:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return sign


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "signature-wrong"),
        (b"x" * 63, "signature-wrong"),
        (b"x" * 64, "signature-wrong"),
        (b"\x00" * 64, "signature-wrong"),
        (b"\x30\x06\x02\x01\x01\x02\x01\x01", "signature-wrong"),
        (b"\x30\x07\x02\x02\x00\x01\x02\x01\x01", "signature-wrong"),
        (ConnectionError("token=hush"), "token-refused"),
        (TrustError("token-removed", "gone", "advice"), "token-removed"),
    ],
)
def test_a_service_that_answers_wrongly(answer: bytes | Exception, reason: str) -> None:
    key = ExternalKey(LocalService("p256", "der").public_key(), broken(answer))
    with pytest.raises(TrustError) as caught:
        key.sign(b"data", ec.ECDSA(hashes.SHA256()))
    assert caught.value.reason == reason
    assert "hush" not in str(caught.value)


def test_a_service_that_signs_with_another_key_or_hashes_again() -> None:
    one, other = LocalService("p256", "der"), LocalService("p256", "der")
    for sign in (other.sign, lambda digest: one.sign(b"\x00" + digest[1:])):
        with pytest.raises(TrustError, match="expected a signature by this key") as caught:
            ExternalKey(one.public_key(), sign).sign(b"data", ec.ECDSA(hashes.SHA256()))
        assert caught.value.reason == "signature-wrong"


def test_both_forms_become_one() -> None:
    for r, s in ((1, 1), (2**255, 2**200 + 1), (5, 2**256 - 2**200)):
        der = encode_dss_signature(r, s)
        assert normalise_signature(der, ec.SECP256R1()) == der
        assert normalise_signature(r.to_bytes(32, "big") + s.to_bytes(32, "big"), ec.SECP256R1()) == der


def test_der_of_the_length_of_the_plain_form_stays_der() -> None:
    der = encode_dss_signature(2**231 - 1, 2**231 - 1)
    assert len(der) == 64
    assert normalise_signature(der, ec.SECP256R1()) == der


def test_it_gives_nothing_away_and_copies_to_itself() -> None:
    service = LocalService("p256", "der")
    key = ExternalKey(service.public_key(), service.sign)
    for act in (
        key.private_numbers,
        lambda: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        lambda: key.exchange(ec.ECDH(), service.public_key()),
    ):
        with pytest.raises(TrustError, match="sign only"):
            act()
    assert copy.copy(key) is key
    assert copy.deepcopy(key) is key
    assert key.key_size == 256


def test_another_curve_is_refused() -> None:
    with pytest.raises(TrustError) as caught:
        ExternalKey(ec.generate_private_key(ec.SECP521R1()).public_key(), broken(b""))
    assert caught.value.reason == "unsupported-key"
