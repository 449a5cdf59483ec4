"""Who signs: the protocol that every key store fulfils, and a key in memory for tests and training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from prcard.trust.algorithms import check_public_key, digest_of, issuing_digest
from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["BudgetedSigner", "InMemorySigner", "Signer"]


class Signer(Protocol):
    """A key that signs and the certificate that speaks for it; the key may lie in another machine."""

    @property
    def certificate(self) -> x509.Certificate:
        """The signer's certificate."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Signs `data` (not yet hashed) with ECDSA and the digest that `issuing_digest` names.

        Returns:
            DER of r and s.
        """
        ...


class InMemorySigner:
    """A private key in memory: for tests and training. A back office keeps its keys in an HSM."""

    __slots__ = ("_algorithm", "_digest", "_key", "certificate")

    def __init__(
        self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, *, deterministic: bool = False
    ) -> None:
        """Joins key and certificate.

        Args:
            key: P-256 or P-384 private key.
            certificate: The certificate of this key.
            deterministic: Sign as RFC 6979 says, so that the same data give the same bytes.

        Raises:
            TrustError: the certificate is of another key, or its key is not accepted.
        """
        public_key = check_public_key(certificate)
        if public_key != key.public_key():
            raise refusal(TrustReason.BAD_ARGUMENT, "certificate: expected the one of this key, found another key's")
        self.certificate = certificate
        self._key = key
        self._digest = issuing_digest(public_key)
        # Hashed here, since hashlib does it in a quarter of the time.
        self._algorithm = ec.ECDSA(Prehashed(self._digest.algorithm), deterministic_signing=deterministic)

    def sign(self, data: bytes) -> bytes:
        """Signs `data`; DER of r and s."""
        return self._key.sign(digest_of(self._digest, data), self._algorithm)


class BudgetedSigner:
    """A signer that stops after a number of signatures, whatever key store is behind it."""

    __slots__ = ("_signer", "budget", "used")

    def __init__(self, signer: Signer, *, budget: int, used: int = 0) -> None:
        """Wraps a signer.

        Args:
            signer: The signer.
            budget: How often its key may sign in all.
            used: How often it has signed already, as the caller recorded it.
        """
        self._signer = signer
        self.budget = budget
        self.used = used

    @property
    def certificate(self) -> x509.Certificate:
        """The signer's certificate."""
        return self._signer.certificate

    def sign(self, data: bytes) -> bytes:
        """Signs `data`; DER of r and s.

        Raises:
            TrustError: BUDGET_SPENT. A signature that failed counts too.
        """
        if self.used >= self.budget:
            raise refusal(TrustReason.BUDGET_SPENT, f"budget: {self.budget} signatures, {self.used} made")
        self.used += 1
        return self._signer.sign(data)
