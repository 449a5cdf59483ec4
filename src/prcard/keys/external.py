"""A private key that lies elsewhere: in a token, or behind a key service (KMS).

`ExternalKey` is accepted wherever `cryptography` takes an elliptic-curve private key, so certificates, requests, lists
and security objects are all signed by one path. What the other side must do is one thing: sign a digest.

**The slot for a cloud key service** is that one callable. The service may answer with DER or with plain r and s; both
are normalised here, and every signature is verified with the public key before it is handed out, so that a service
that signs with another key, or hashes once more, is found at its first answer:

    def sign_digest(digest: bytes) -> bytes:
        return client.sign(KeyId=…, Message=digest, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")["Signature"]

    key = ExternalKey(public_key, sign_digest)
    signer = InMemorySigner(key, certificate)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Never

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)

from prcard.errors import PRCardError
from prcard.trust.algorithms import check_curve
from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives import _serialization
    from cryptography.utils import Buffer

__all__ = ["ExternalKey", "normalise_signature"]


class ExternalKey(ec.EllipticCurvePrivateKey):
    """The face of a private key that is not here; it signs, and gives nothing else away."""

    def __init__(self, public_key: ec.EllipticCurvePublicKey, sign_digest: Callable[[bytes], bytes]) -> None:
        """Joins the public key with the one operation of the private one.

        Args:
            public_key: P-256 or P-384.
            sign_digest: Takes a digest, gives ECDSA over it: DER, or r and s of equal length one after the other.
                Called from any thread that signs.

        Raises:
            TrustError: the curve is not one that may issue.
        """
        check_curve(public_key.curve)
        self._public_key = public_key
        self._sign_digest = sign_digest

    def sign(self, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """Signs data or, with `Prehashed`, a digest; DER of r and s.

        Raises:
            TrustError: SIGNATURE_WRONG: what came back is no signature of this key. TOKEN_REFUSED: the other side
                raised what is not a `PRCardError`.
        """
        digest, prehashed = _digest(bytes(data), signature_algorithm)
        signature = normalise_signature(self._call(digest), self.curve)
        try:
            self._public_key.verify(signature, digest, ec.ECDSA(prehashed))
        except InvalidSignature:
            detail = "key service: expected a signature by this key over the digest, found another"
            raise refusal(TrustReason.SIGNATURE_WRONG, detail) from None
        return signature

    def _call(self, digest: bytes) -> bytes:
        try:
            return bytes(self._sign_digest(digest))
        except PRCardError:
            raise
        except Exception as error:  # whatever a foreign client raises, its text may hold a credential
            detail = f"key service: expected a signature, found an error of kind {type(error).__name__}"
            raise refusal(TrustReason.TOKEN_REFUSED, detail) from None

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Gives the public key."""
        return self._public_key

    @property
    def curve(self) -> ec.EllipticCurve:
        """The curve."""
        return self._public_key.curve

    @property
    def key_size(self) -> int:
        """Bits of the curve."""
        return self._public_key.key_size

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:  # noqa: ARG002  # as the base has it
        """Refuses: the key signs and does nothing else."""
        _refuse()

    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        """Refuses: the key is not here."""
        _refuse()

    def private_bytes(
        self,
        encoding: _serialization.Encoding,  # noqa: ARG002  # as the base has it
        format: _serialization.PrivateFormat,  # noqa: ARG002, A002  # as the base has it
        encryption_algorithm: _serialization.KeySerializationEncryption,  # noqa: ARG002  # as the base has it
    ) -> bytes:
        """Refuses: the key is not here."""
        _refuse()

    def __copy__(self) -> ExternalKey:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> ExternalKey:
        return self


def _refuse() -> Never:
    raise refusal(TrustReason.TOKEN_REFUSED, "private key: expected to sign only, since it lies in another device")


def _digest(data: bytes, algorithm: ec.EllipticCurveSignatureAlgorithm) -> tuple[bytes, Prehashed]:
    """The digest to sign, and how to say so when it is verified."""
    chosen = algorithm.algorithm
    if isinstance(chosen, Prehashed):
        return data, chosen
    hasher = hashes.Hash(chosen)
    hasher.update(data)
    return hasher.finalize(), Prehashed(chosen)


def normalise_signature(signature: bytes, curve: ec.EllipticCurve) -> bytes:
    """Gives the DER of an ECDSA signature that came as DER or as r and s one after the other.

    Raises:
        TrustError: SIGNATURE_WRONG: it is neither.
    """
    half = (curve.key_size + 7) // 8
    # Plain r and s come first: 64 or 96 octets that are also DER of this curve do not occur by accident, since DER of
    # that length needs an r and s that are 8 bytes short. `ExternalKey` verifies the outcome anyway.
    if len(signature) == 2 * half and not _is_der(signature):
        r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
        return encode_dss_signature(r, s)
    if not _is_der(signature):
        detail = f"signature: expected DER, or r and s of {half} bytes each, found {len(signature)} bytes of neither"
        raise refusal(TrustReason.SIGNATURE_WRONG, detail)
    return signature


def _is_der(signature: bytes) -> bool:
    try:
        return encode_dss_signature(*decode_dss_signature(signature)) == signature
    except ValueError:
        return False
