"""SM2 with SM3, for interoperability alone: no compliance with any scheme is claimed, and no module here is certified.

A security object signed so has the compact form: no certificate, and a key identifier that names a key which the
operator pinned. There is no chain and no list of revoked signers for it: a key is withdrawn by removing it. Without a
pinned key every such object is refused as an unsupported algorithm.

The signature algorithm is written as standard CMS has it, SM2-with-SM3 (1.2.156.10197.1.501), which other libraries
verify; the message formats of GM/T 0010 are another thing. The signer's identity is the usual 1234567812345678.

Source: GM/T 0003 and 0009 (algorithm, default identity), GM/T 0006 (object identifiers), RFC 7093 (key identifier).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from prcard.errors import TrustError
from prcard.trust.algorithms import EC_PUBLIC_KEY, SM3
from prcard.trust.asn1 import ObjectIdentifier, SubjectKey, decode, encode, wrap
from prcard.trust.chain import CLOCK_TOLERANCE
from prcard.trust.cms import assemble, check_message_digest
from prcard.trust.reasons import TrustReason, refusal
from prcard.trust.security_object import (
    CONTENT_IDENTIFIER,
    LDS_SECURITY_OBJECT,
    SECURITY_OBJECT_TAG,
    parse_security_object,
    security_content,
    status_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from prcard.trust.security_object import SecurityObject, StatusReference

__all__ = [
    "SM2Key",
    "build_sm2_security_object",
    "check_sm2_key",
    "check_sm2_signature",
    "is_sm2",
    "load_sm2_key",
    "sign_sm2",
    "verify_sm2",
]

SM2_CURVE: Final = "1.2.156.10197.1.301"
SIGNER_IDENTITY: Final = b"1234567812345678"
_POINT_BYTES: Final = 65


@dataclass(frozen=True, slots=True, kw_only=True)
class SM2Key:
    """A public key that an operator pinned.

    Attributes:
        point: x and y, 64 bytes.
        key_identifier: 20 bytes by which security objects name it.
        valid_from: From when it signs.
        valid_until: Until when it signs.
        test_only: True when it is for tests only.
    """

    point: bytes = field(repr=False)
    key_identifier: bytes
    valid_from: datetime
    valid_until: datetime
    test_only: bool


def load_sm2_key(data: bytes, *, valid_from: datetime, valid_until: datetime, test_only: bool) -> SM2Key:
    """Takes a public key to pin.

    Args:
        data: SubjectPublicKeyInfo in DER, as `openssl pkey -pubout -outform DER` writes it.
        valid_from: Aware moment from which it signs.
        valid_until: Aware moment until which it signs.
        test_only: True for a key that is for tests only.

    Raises:
        TrustError: UNSUPPORTED_KEY or MALFORMED; EXTRA_MISSING here already, so that no card meets it later.
    """
    _gmssl()
    key = decode(SubjectKey, data, "SM2 key")
    curve = encode(ObjectIdentifier(SM2_CURVE))
    if key.algorithm.algorithm.dotted_string != EC_PUBLIC_KEY or encode(key.algorithm.parameters) != curve:
        raise refusal(TrustReason.UNSUPPORTED_KEY, f"SM2 key: expected the curve {SM2_CURVE}, found another")
    point = key.key.as_bytes()
    if len(point) != _POINT_BYTES or point[0] != 4:
        raise refusal(TrustReason.UNSUPPORTED_KEY, "SM2 key: expected an uncompressed point of 65 bytes")
    return SM2Key(
        point=point[1:],
        key_identifier=sha256(point).digest()[:20],
        valid_from=valid_from,
        valid_until=valid_until,
        test_only=test_only,
    )


def sign_sm2(private_key: bytes, key: SM2Key, data: bytes) -> bytes:
    """Signs with a key in memory, for tests and training.

    Args:
        private_key: 32 bytes.
        key: Its public key.
        data: What to sign, not yet hashed.

    Returns:
        DER of r and s.
    """
    signature: bytes = _gmssl().sm2_sign(private_key, key.point, data, SIGNER_IDENTITY)
    return signature


def verify_sm2(key: SM2Key, signature: bytes, data: bytes) -> None:
    """Checks a signature; returns nothing when it holds.

    Raises:
        TrustError: SIGNATURE_WRONG.
    """
    gmssl = _gmssl()
    try:
        holds = gmssl.sm2_verify(key.point, data, signature, SIGNER_IDENTITY)
    except (gmssl.GmsslInnerError, gmssl.InvalidValueError):
        holds = False
    if not holds:
        raise refusal(TrustReason.SIGNATURE_WRONG, "signature: it was not made by this SM2 key over these bytes")


def _gmssl() -> Any:
    """Loads the optional library at its first use.

    Raises:
        TrustError: EXTRA_MISSING.
    """
    try:
        import gmssl_pyx
    except ImportError:
        raise refusal(TrustReason.EXTRA_MISSING, "SM2: expected the package of the extra sm2, found none") from None
    return gmssl_pyx


def build_sm2_security_object(
    zones: Mapping[str, bytes],
    private_key: bytes,
    key: SM2Key,
    signing_time: datetime,
    *,
    status: StatusReference | None = None,
) -> bytes:
    """Signs the zones of one card, and verifies the result before it is handed out.

    Args:
        zones: The zones by name, as stored; text and photo at least.
        private_key: 32 bytes.
        key: Its public key.
        signing_time: Aware moment.
        status: The card's place in a status list.

    Returns:
        EF.SOD with its outer tag, in the compact form.

    Raises:
        TrustError: a zone is missing or unknown, the moment is outside the key's period, or the result does not verify.
    """
    message = assemble(
        encode(security_content(zones, SM3)),
        LDS_SECURITY_OBJECT,
        lambda data: sign_sm2(private_key, key, data),
        signing_time,
        digest=SM3,
        signer_id=key.key_identifier,
        certificate=None,
        extra_attributes=[] if status is None else [(CONTENT_IDENTIFIER, encode(status_bytes(status)))],
    )
    data = wrap(SECURITY_OBJECT_TAG, message)
    made = parse_security_object(data, sm2=True)
    check_sm2_signature(made, key)
    check_sm2_key(made, key, signing_time, allow_test_keys=True)
    return data


def is_sm2(data: bytes) -> bool:
    """Tells whether a security object reads as one that is signed by SM2."""
    try:
        parse_security_object(data, sm2=True)
    except TrustError:
        return False
    return True


def check_sm2_signature(security_object: SecurityObject, key: SM2Key) -> None:
    """Checks that the content is what was signed, and that this key signed it.

    Raises:
        TrustError: MESSAGE_DIGEST_DIFFERS or SIGNATURE_WRONG.
    """
    check_message_digest(security_object.message)
    verify_sm2(key, security_object.message.signature, security_object.message.signed_bytes)


def check_sm2_key(security_object: SecurityObject, key: SM2Key, at: datetime, *, allow_test_keys: bool) -> None:
    """Checks that a pinned key was allowed to sign when it says it did.

    Args:
        security_object: What it signed.
        key: The key that it names.
        at: Aware moment of judging.
        allow_test_keys: True in training only.

    Raises:
        TrustError: TEST_ISSUER, SIGNED_OUTSIDE_PERIOD or SIGNED_IN_FUTURE.
    """
    signing_time = security_object.signing_time
    if key.test_only and not allow_test_keys:
        raise refusal(TrustReason.TEST_ISSUER, "SM2 key: expected a productive one, found one for tests only")
    if not key.valid_from <= signing_time <= key.valid_until:
        period = f"{key.valid_from.date()} to {key.valid_until.date()}"
        detail = f"signing time: expected {period}, found {signing_time.date()}"
        raise refusal(TrustReason.SIGNED_OUTSIDE_PERIOD, detail)
    if signing_time > at + CLOCK_TOLERANCE:
        raise refusal(TrustReason.SIGNED_IN_FUTURE, f"signing time: {signing_time.isoformat()} is after the moment")
