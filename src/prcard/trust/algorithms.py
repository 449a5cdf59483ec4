"""Digest and signature algorithms: which are accepted, and why others are not.

ECDSA on P-256 and P-384 is issued; RSA from 2048 bits is accepted on reading. Ed25519 and Brainpool are refused because
independent verifiers and the chain verifier we build on do not handle them alike; SHA-1 and MD5 since they are broken.

Source: RFC 5754, RFC 5758, RFC 4055.
"""

from __future__ import annotations

import hashlib
from enum import Enum, unique
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from prcard.trust.asn1 import AlgorithmIdentifier, CertificateParts, PSSParameters, SubjectKey, decode, encode
from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509

    from prcard.trust.asn1 import HashIdentifier

__all__ = [
    "DIGESTS",
    "SM3",
    "Digest",
    "PublicKey",
    "Scheme",
    "check_curve",
    "check_public_key",
    "digest_function",
    "digest_of",
    "issuing_digest",
    "parse_digest",
    "parse_scheme",
    "verify_signature",
]

RSA_MIN_BITS: Final = 2048
EC_PUBLIC_KEY: Final = "1.2.840.10045.2.1"
MGF1: Final = "1.2.840.113549.1.1.8"
RSASSA_PSS: Final = "1.2.840.113549.1.1.10"

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class Digest(NamedTuple):
    """One digest algorithm.

    Attributes:
        name: As hashlib names it.
        oid: Dotted object identifier.
        size_bytes: Length of a digest.
        algorithm: The same for signatures.
        ecdsa_oid: Object identifier of ECDSA with it.
    """

    name: str
    oid: str
    size_bytes: int
    algorithm: hashes.HashAlgorithm
    ecdsa_oid: str


DIGESTS: Final = (
    Digest("sha256", "2.16.840.1.101.3.4.2.1", 32, hashes.SHA256(), "1.2.840.10045.4.3.2"),
    Digest("sha384", "2.16.840.1.101.3.4.2.2", 48, hashes.SHA384(), "1.2.840.10045.4.3.3"),
    Digest("sha512", "2.16.840.1.101.3.4.2.3", 64, hashes.SHA512(), "1.2.840.10045.4.3.4"),
)
"""The accepted digest algorithms."""

SM3: Final = Digest("sm3", "1.2.156.10197.1.401", 32, hashes.SM3(), "1.2.156.10197.1.501")
"""The digest of SM2 signatures, accepted where an operator pins an SM2 key and nowhere else. Its last part is SM2 with
SM3 (GM/T 0006)."""

_BY_OID: Final = {digest.oid: digest for digest in DIGESTS}
_WEAK: Final = {
    "1.3.14.3.2.26": "SHA-1",
    "1.2.840.113549.2.5": "MD5",
    "1.2.840.10045.4.1": "ECDSA with SHA-1",
    "1.2.840.113549.1.1.5": "RSA with SHA-1",
    "1.2.840.113549.1.1.4": "RSA with MD5",
}
_EDWARDS: Final = {"1.3.101.112", "1.3.101.113"}


@unique
class Scheme(Enum):
    """How a signature is made from key and digest."""

    ECDSA = "ECDSA"
    RSA_PKCS1 = "RSA PKCS#1 v1.5"
    RSA_PSS = "RSA PSS"
    SM2 = "SM2"


_SCHEMES: Final[dict[str, tuple[Scheme, str | None]]] = {
    **{digest.ecdsa_oid: (Scheme.ECDSA, digest.name) for digest in DIGESTS},
    "1.2.840.113549.1.1.1": (Scheme.RSA_PKCS1, None),
    "1.2.840.113549.1.1.11": (Scheme.RSA_PKCS1, "sha256"),
    "1.2.840.113549.1.1.12": (Scheme.RSA_PKCS1, "sha384"),
    "1.2.840.113549.1.1.13": (Scheme.RSA_PKCS1, "sha512"),
    RSASSA_PSS: (Scheme.RSA_PSS, None),
}


def digest_of(digest: Digest, data: bytes) -> bytes:
    """Computes a digest."""
    return _COMPUTE[digest.name](data)


def digest_function(digest: Digest) -> Callable[[bytes], bytes]:
    """Gives the function that computes a digest.

    It copies a fresh state, since making one looks the algorithm up, which takes longer than hashing 300 bytes.
    """
    fresh = hashlib.new(digest.name).copy if digest is not SM3 else _SM3State

    def compute(data: bytes) -> bytes:
        state = fresh()
        state.update(data)
        return state.digest()

    return compute


class _SM3State:
    """SM3 by cryptography, since not every Python's hashlib has it."""

    def __init__(self) -> None:
        self._state = hashes.Hash(hashes.SM3())

    def update(self, data: bytes) -> None:
        self._state.update(data)

    def digest(self) -> bytes:
        return self._state.finalize()


_COMPUTE: Final = {digest.name: digest_function(digest) for digest in (*DIGESTS, SM3)}


def parse_digest(identifier: HashIdentifier, name: str, *, sm2: bool = False) -> Digest:
    """Looks a digest algorithm up.

    Args:
        identifier: As it stands in the message.
        name: What it is of, for the message.
        sm2: True accepts SM3 and nothing else.

    Raises:
        TrustError: WEAK_HASH or UNSUPPORTED_HASH.
    """
    oid = identifier.algorithm.dotted_string
    if oid in _WEAK:
        raise refusal(TrustReason.WEAK_HASH, f"{name}: expected SHA-256, SHA-384 or SHA-512, found {_WEAK[oid]}")
    if sm2 and oid == SM3.oid:
        return SM3
    if sm2 or oid not in _BY_OID:
        raise refusal(TrustReason.UNSUPPORTED_HASH, f"{name}: expected SHA-256, SHA-384 or SHA-512, found {oid}")
    return _BY_OID[oid]


def parse_scheme(identifier: AlgorithmIdentifier, digest: Digest) -> Scheme:
    """Looks a signature algorithm up, which must go with `digest`.

    Raises:
        TrustError: ED25519, WEAK_HASH, UNSUPPORTED_SIGNATURE or DIGEST_DIFFERS.
    """
    oid = identifier.algorithm.dotted_string
    if digest is SM3 and oid == SM3.ecdsa_oid and identifier.parameters is None:
        return Scheme.SM2
    if oid in _EDWARDS:
        raise refusal(TrustReason.ED25519, f"signatureAlgorithm: expected ECDSA or RSA, found {oid}")
    if oid in _WEAK:
        raise refusal(TrustReason.WEAK_HASH, f"signatureAlgorithm: expected SHA-2, found {_WEAK[oid]}")
    scheme, digest_name = _SCHEMES.get(oid, (None, None))
    if scheme is None or not _parameters_fit(scheme, identifier, digest):
        raise refusal(TrustReason.UNSUPPORTED_SIGNATURE, f"signatureAlgorithm: expected ECDSA or RSA, found {oid}")
    if digest_name not in {None, digest.name}:
        raise refusal(TrustReason.DIGEST_DIFFERS, f"signatureAlgorithm: expected {digest.name}, found {digest_name}")
    return scheme


def _parameters_fit(scheme: Scheme, identifier: AlgorithmIdentifier, digest: Digest) -> bool:
    """ECDSA has no parameters, RSA PKCS#1 has NULL or none, PSS exactly the digest, its MGF1 and its salt length."""
    parameters = identifier.parameters
    if scheme is not Scheme.RSA_PSS:
        return parameters is None if scheme is Scheme.ECDSA else not isinstance(parameters, PSSParameters)
    if not isinstance(parameters, PSSParameters):
        return False
    hash_used, mask = parameters.hash_algorithm, parameters.mask_algorithm
    return (
        hash_used is not None
        and mask is not None
        and hash_used.algorithm.dotted_string == mask.parameters.algorithm.dotted_string == digest.oid
        and mask.algorithm.dotted_string == MGF1
        and parameters.salt_length == digest.size_bytes
        and parameters.trailer in {None, 1}
    )


@lru_cache(maxsize=64)
def check_public_key(certificate: x509.Certificate) -> PublicKey:
    """Takes the public key out of a certificate.

    Raises:
        TrustError: ED25519, BRAINPOOL, EXPLICIT_CURVE, WEAK_KEY or UNSUPPORTED_KEY.
    """
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        _check_named_curve(certificate)
        raise refusal(TrustReason.UNSUPPORTED_KEY, "public key: expected P-256, P-384 or RSA") from None
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        raise refusal(TrustReason.ED25519, "public key: expected P-256, P-384 or RSA, found an Edwards curve")
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < RSA_MIN_BITS:
        raise refusal(TrustReason.WEAK_KEY, f"public key: expected {RSA_MIN_BITS} bits or more, found {key.key_size}")
    if isinstance(key, rsa.RSAPublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey):
        check_curve(key.curve)
        _check_named_curve(certificate)
        return key
    raise refusal(TrustReason.UNSUPPORTED_KEY, "public key: expected P-256, P-384 or RSA, found another kind")


def check_curve(curve: ec.EllipticCurve) -> None:
    """Checks that a curve is P-256 or P-384.

    Raises:
        TrustError: BRAINPOOL or UNSUPPORTED_KEY.
    """
    if curve.name.startswith("brainpool"):
        raise refusal(TrustReason.BRAINPOOL, f"public key: expected P-256 or P-384, found {curve.name}")
    if not isinstance(curve, ec.SECP256R1 | ec.SECP384R1):
        raise refusal(TrustReason.UNSUPPORTED_KEY, f"public key: expected P-256 or P-384, found {curve.name}")


def _check_named_curve(certificate: x509.Certificate) -> None:
    """Refuses a curve that is written out in full; the library accepts one that equals a known curve."""
    parts = decode(CertificateParts, certificate.public_bytes(Encoding.DER), "certificate")
    algorithm = decode(SubjectKey, encode(parts.tbs.subject_key), "public key").algorithm
    if algorithm.algorithm.dotted_string == EC_PUBLIC_KEY and algorithm.parameters.tag_bytes == b"\x30":
        raise refusal(TrustReason.EXPLICIT_CURVE, "public key: expected a named curve, found explicit parameters")


def issuing_digest(key: PublicKey) -> Digest:
    """Chooses the digest that our own signatures use with a key: SHA-256 for P-256, SHA-384 for P-384.

    Raises:
        TrustError: the key is RSA, which is accepted on reading only.
    """
    if isinstance(key, rsa.RSAPublicKey):
        raise refusal(TrustReason.UNSUPPORTED_KEY, "signing key: expected P-256 or P-384, found RSA")
    return DIGESTS[0] if isinstance(key.curve, ec.SECP256R1) else DIGESTS[1]


def verify_signature(key: PublicKey, scheme: Scheme, digest: Digest, signature: bytes, data: bytes) -> None:
    """Checks a signature; returns nothing when it holds.

    Args:
        key: The signer's public key.
        scheme: How the signature was made.
        digest: The digest algorithm.
        signature: DER of r and s for ECDSA, the plain octets for RSA.
        data: What was signed, not yet hashed.

    Raises:
        TrustError: KEY_DIFFERS or SIGNATURE_WRONG.
    """
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and scheme is Scheme.ECDSA:
            key.verify(signature, data, ec.ECDSA(digest.algorithm))
        elif isinstance(key, rsa.RSAPublicKey) and scheme is not Scheme.ECDSA:
            key.verify(signature, data, _padding(scheme, digest), digest.algorithm)
        else:
            raise refusal(TrustReason.KEY_DIFFERS, f"signatureAlgorithm: found {scheme.value} with another kind of key")
    except InvalidSignature:
        raise refusal(TrustReason.SIGNATURE_WRONG, "signature: it was not made by this key over these bytes") from None


def _padding(scheme: Scheme, digest: Digest) -> padding.AsymmetricPadding:
    if scheme is Scheme.RSA_PSS:
        return padding.PSS(padding.MGF1(digest.algorithm), digest.size_bytes)
    return padding.PKCS1v15()
