"""A document signer as a back office runs it: a key, wherever it lies, behind the limits of its certificate."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prcard.trust.certificate_profile import check_may_sign, usage_period
from prcard.trust.signer import InMemorySigner

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    from prcard.keys.count import SignatureCount

__all__ = ["LimitedSigner"]


def _now() -> datetime:
    return datetime.now(UTC)


class LimitedSigner:
    """A `Signer` that signs only within its usage period, its document type and its budget.

    The moment is that of the clock, whatever signing time a caller states: a key whose period is over cannot sign by
    being told an earlier day. `build_security_object` and `build_status_list` judge the stated time as well, and verify
    what was signed before it is returned.
    """

    __slots__ = ("_clock", "_count", "_document_type", "_period", "_signer")

    def __init__(
        self,
        key: ec.EllipticCurvePrivateKey,
        certificate: x509.Certificate,
        *,
        document_type: str,
        count: SignatureCount,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """Joins key, certificate and limits.

        Args:
            key: In memory (`keys.pem`), in a token (`keys.pkcs11`) or behind a key service (`keys.external`).
            certificate: The certificate of this key.
            document_type: What this signer is for; its certificate must list it.
            count: How often the key has signed.
            clock: Gives the aware present moment.

        Raises:
            TrustError: the certificate is of another key, departs from the profile, does not list the document type,
                or is outside its usage period now.
        """
        check_may_sign(certificate, clock(), document_type)
        self._signer = InMemorySigner(key, certificate)
        self._document_type = document_type
        self._period = usage_period(certificate)
        self._count = count
        self._clock = clock

    @property
    def certificate(self) -> x509.Certificate:
        """The signer's certificate."""
        return self._signer.certificate

    def sign(self, data: bytes) -> bytes:
        """Signs `data`; DER of r and s.

        Raises:
            TrustError: SIGNED_OUTSIDE_PERIOD, BUDGET_SPENT, the count cannot be kept, or the key cannot be used. A
                signature that failed counts too.
        """
        moment = self._clock()
        if not self._period.start <= moment <= self._period.end:
            check_may_sign(self.certificate, moment, self._document_type)  # says why
        self._count.reserve()
        return self._signer.sign(data)
