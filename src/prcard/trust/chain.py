"""The chain: from a document signer's certificate to a pinned issuer.

Our own rules come first, since each gives a reason of its own; then `cryptography`'s path verifier judges names,
signatures, dates and critical extensions independently. Neither looks at revocation: see `revocation`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509 import verification

from prcard.trust.algorithms import check_public_key
from prcard.trust.certificate_profile import (
    UsagePeriod,
    check_anchor,
    check_signer_certificate,
    document_types,
    extension,
    is_test_only,
    key_identifier,
    usage_period,
)
from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prcard.errors import TrustError
    from prcard.trust.algorithms import PublicKey

__all__ = ["CLOCK_TOLERANCE", "TrustedSigner", "check_signing", "verify_signer"]

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far a clock at a counter may be behind that of the issuer; our choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedSigner:
    """A document signer whose chain holds; whether it is revoked is another question.

    Attributes:
        certificate: The signer's certificate.
        anchor: The pinned issuer that it leads to.
        public_key: The signer's key, ready for use.
        valid_from: From when the whole chain is valid.
        valid_until: Until when the whole chain is valid.
        usage_period: When the private key may sign.
        document_types: What it may sign.
        test_only: True when the signer or its issuer is for tests only.
    """

    certificate: x509.Certificate
    anchor: x509.Certificate
    public_key: PublicKey = field(repr=False)
    valid_from: datetime
    valid_until: datetime
    usage_period: UsagePeriod
    document_types: frozenset[str]
    test_only: bool

    def valid_at(self, at: datetime) -> bool:
        """Tells whether the whole chain is valid at an aware moment, so that it need not be verified again."""
        return self.valid_from <= at <= self.valid_until


def verify_signer(certificate: x509.Certificate, anchors: Sequence[x509.Certificate], at: datetime) -> TrustedSigner:
    """Verifies the chain of a document signer at a moment.

    Args:
        certificate: The signer's certificate.
        anchors: The pinned issuers (CSCA), each self-signed.
        at: Aware moment at which the certificates must be valid.

    Raises:
        TrustError: the signer departs from the profile, is not valid at the moment, or leads to none of the anchors.
    """
    if at.tzinfo is None:
        raise refusal(TrustReason.BAD_ARGUMENT, "moment: expected an offset from UTC, found none")
    check_signer_certificate(certificate)
    if at < certificate.not_valid_before_utc:
        raise refusal(TrustReason.NOT_YET_VALID, f"notBefore: {certificate.not_valid_before_utc.isoformat()}")
    if at > certificate.not_valid_after_utc:
        raise refusal(TrustReason.EXPIRED, f"notAfter: {certificate.not_valid_after_utc.isoformat()}")
    candidates = _issuers(certificate, anchors)
    anchor = _verify_path(certificate, candidates, at)
    return TrustedSigner(
        certificate=certificate,
        anchor=anchor,
        public_key=check_public_key(certificate),
        valid_from=max(certificate.not_valid_before_utc, anchor.not_valid_before_utc),
        valid_until=min(certificate.not_valid_after_utc, anchor.not_valid_after_utc),
        usage_period=usage_period(certificate),
        document_types=document_types(certificate),
        test_only=is_test_only(certificate) or is_test_only(anchor),
    )


def _issuers(certificate: x509.Certificate, anchors: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """The anchors with the issuer's name and key identifier."""
    named = [anchor for anchor in anchors if anchor.subject == certificate.issuer]
    if not named:
        raise refusal(TrustReason.ISSUER_UNKNOWN, f"issuer: expected one of {len(anchors)} anchors, found another")
    authority = extension(certificate, x509.AuthorityKeyIdentifier)
    wanted = None if authority is None else authority.value.key_identifier
    fitting = [anchor for anchor in named if key_identifier(anchor) == wanted]
    if not fitting:
        raise refusal(TrustReason.ISSUER_KEY_DIFFERS, "authorityKeyIdentifier: expected the key of the pinned issuer")
    return fitting


def _verify_path(
    certificate: x509.Certificate, candidates: Sequence[x509.Certificate], at: datetime
) -> x509.Certificate:
    builder = verification.PolicyBuilder().store(verification.Store(list(candidates)))
    builder = builder.time(at.astimezone(UTC).replace(tzinfo=None))
    verifier = builder.extension_policies(ca_policy=_CA_POLICY, ee_policy=_SIGNER_POLICY).build_client_verifier()
    try:
        return verifier.verify(certificate, []).chain[-1]
    except verification.VerificationError as error:
        raise _path_refusal(certificate, candidates, at, error) from None


def _path_refusal(
    certificate: x509.Certificate, candidates: Sequence[x509.Certificate], at: datetime, error: Exception
) -> TrustError:
    """Finds the reason behind the path verifier's one error; first of one candidate, as there is rarely another."""
    anchor = candidates[0]
    try:
        check_anchor(anchor)
        certificate.verify_directly_issued_by(anchor)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return refusal(TrustReason.ISSUER_KEY_DIFFERS, "certificate signature: expected the pinned issuer's")
    if not anchor.not_valid_before_utc <= at <= anchor.not_valid_after_utc:
        return refusal(TrustReason.ANCHOR_EXPIRED, f"issuer's notAfter: {anchor.not_valid_after_utc.isoformat()}")
    return refusal(TrustReason.CHAIN_REFUSED, f"path: {error}")


def _signer_rules(_: verification.Policy, certificate: x509.Certificate, __: Any) -> None:
    check_signer_certificate(certificate)


def _anchor_rules(_: verification.Policy, certificate: x509.Certificate, __: Any) -> None:
    check_anchor(certificate)


_ANY: Final = verification.ExtensionPolicy.permit_all()
_SIGNER_POLICY: Final = _ANY.require_present(x509.KeyUsage, verification.Criticality.CRITICAL, _signer_rules)
_CA_POLICY: Final = _ANY.require_present(x509.BasicConstraints, verification.Criticality.CRITICAL, _anchor_rules)


def check_signing(
    signer: TrustedSigner, signing_time: datetime, at: datetime, document_type: str, *, allow_test_issuers: bool
) -> None:
    """Checks that a trusted signer was allowed to sign this kind of document when it says it did.

    Args:
        signer: The signer.
        signing_time: What the signed attributes say.
        at: Aware moment of judging.
        document_type: The kind of document.
        allow_test_issuers: True in training only.

    Raises:
        TrustError: TEST_ISSUER, DOCUMENT_TYPE_WRONG, SIGNED_OUTSIDE_PERIOD or SIGNED_IN_FUTURE.
    """
    if signer.test_only and not allow_test_issuers:
        raise refusal(TrustReason.TEST_ISSUER, "issuer: expected a productive one, found TEST ONLY in its name")
    if document_type not in signer.document_types:
        found = ", ".join(sorted(signer.document_types))
        raise refusal(TrustReason.DOCUMENT_TYPE_WRONG, f"documentTypeList: expected {document_type}, found {found}")
    if not signer.usage_period.start <= signing_time <= signer.usage_period.end:
        period = f"{signer.usage_period.start.date()} to {signer.usage_period.end.date()}"
        detail = f"signing time: expected {period}, found {signing_time.date()}"
        raise refusal(TrustReason.SIGNED_OUTSIDE_PERIOD, detail)
    if signing_time > at + CLOCK_TOLERANCE:
        raise refusal(TrustReason.SIGNED_IN_FUTURE, f"signing time: {signing_time.isoformat()} is after the moment")
