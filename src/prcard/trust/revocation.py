"""Revoked signers: the issuer's CRL, and what may be concluded from it at a moment.

A list that is old, from the future or older than one seen before never gives "good"; it says as of when it speaks. A
signer that any authentic list names is revoked, whatever the list's age.

Source: RFC 5280, clauses 5 and 6.3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, unique
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from prcard.trust.algorithms import check_public_key
from prcard.trust.certificate_profile import key_identifier
from prcard.trust.chain import CLOCK_TOLERANCE
from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from prcard.trust.chain import TrustedSigner

__all__ = [
    "AgeReasons",
    "ListStatus",
    "RevocationState",
    "SignerCRL",
    "age_problem",
    "issued_by_any",
    "issuer_key",
    "parse_crl",
    "same_issuer",
    "signer_status",
]

MAX_CRL_BYTES: Final = 8 * 1024 * 1024
_KNOWN_EXTENSIONS: Final = (x509.AuthorityKeyIdentifier, x509.CRLNumber, x509.IssuerAlternativeName)


@unique
class RevocationState(Enum):
    """What a list says of an entry."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStatus:
    """What is known of one signer or one card, and as of when.

    Attributes:
        state: Good, revoked or unknown.
        reason: Why; IN_ORDER when good.
        number: Number of the list, or None without a list.
        as_of: When the list was made, or None without a list.
        next_update: By when the next one was promised, or None without a list.
        since: Since when the entry is revoked, where the list says so.
    """

    state: RevocationState
    reason: TrustReason
    number: int | None = None
    as_of: datetime | None = None
    next_update: datetime | None = None
    since: datetime | None = None


class AgeReasons(NamedTuple):
    """The reasons of one kind of list."""

    rollback: TrustReason
    early: TrustReason
    stale: TrustReason


CRL_AGE: Final = AgeReasons(TrustReason.CRL_ROLLBACK, TrustReason.CRL_EARLY, TrustReason.CRL_STALE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerCRL:
    """A list of revoked signers whose signature holds.

    Attributes:
        raw: The list in DER.
        issuer: Certificate of the issuer that signed it.
        number: CRLNumber.
        this_update: When it was made.
        next_update: By when the next one is promised.
        revoked: Serial number to the moment of revocation.
    """

    raw: bytes = field(repr=False)
    issuer: x509.Certificate
    number: int
    this_update: datetime
    next_update: datetime
    revoked: Mapping[int, datetime] = field(repr=False)


def parse_crl(data: bytes, issuers: Sequence[x509.Certificate]) -> SignerCRL:
    """Reads a CRL and checks that one of the issuers signed it.

    Args:
        data: The list in DER, at most 8 MiB.
        issuers: The pinned issuers.

    Raises:
        TrustError: CRL_PROFILE, TOO_LARGE, ISSUER_UNKNOWN or SIGNATURE_WRONG. Its age is NOT judged here.
    """
    if len(data) > MAX_CRL_BYTES:
        raise refusal(TrustReason.TOO_LARGE, f"CRL: expected at most {MAX_CRL_BYTES} bytes, found {len(data)}")
    try:
        crl = x509.load_der_x509_crl(data)
        number = _check_extensions(crl)
        issuer = _issuer_of(crl, issuers)
        revoked = _entries(crl)
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise refusal(TrustReason.CRL_PROFILE, "CRL: expected a version 2 list in DER") from None
    if crl.next_update_utc is None or not crl.last_update_utc < crl.next_update_utc:
        raise refusal(TrustReason.CRL_PROFILE, "CRL: expected nextUpdate after thisUpdate")
    return SignerCRL(
        raw=crl.public_bytes(Encoding.DER),
        issuer=issuer,
        number=number,
        this_update=crl.last_update_utc,
        next_update=crl.next_update_utc,
        revoked=MappingProxyType(revoked),
    )


def _check_extensions(crl: x509.CertificateRevocationList) -> int:
    """Gives the CRLNumber; refuses delta lists, indirect lists and whatever else narrows the list's scope."""
    number = None
    for extension in crl.extensions:
        if isinstance(extension.value, x509.CRLNumber):
            number = extension.value.crl_number
        if extension.critical or not isinstance(extension.value, _KNOWN_EXTENSIONS):
            raise refusal(TrustReason.CRL_PROFILE, f"CRL extension {extension.oid.dotted_string}: expected none")
    if number is None:
        raise refusal(TrustReason.CRL_PROFILE, "CRLNumber: expected it, found none")
    return number


def _issuer_of(crl: x509.CertificateRevocationList, issuers: Sequence[x509.Certificate]) -> x509.Certificate:
    if not isinstance(crl.signature_hash_algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512):
        raise refusal(TrustReason.WEAK_HASH, "CRL signature: expected SHA-2")
    named = [issuer for issuer in issuers if issuer.subject == crl.issuer]
    if not named:
        raise refusal(TrustReason.ISSUER_UNKNOWN, f"CRL issuer: expected one of {len(issuers)} anchors, found another")
    for issuer in named:
        if crl.is_signature_valid(check_public_key(issuer)):
            return issuer
    raise refusal(TrustReason.SIGNATURE_WRONG, "CRL signature: expected the pinned issuer's")


def _entries(crl: x509.CertificateRevocationList) -> dict[int, datetime]:
    revoked: dict[int, datetime] = {}
    for entry in crl:
        if any(extension.critical for extension in entry.extensions):
            raise refusal(TrustReason.CRL_PROFILE, "CRL entry: expected no critical extension")
        revoked[entry.serial_number] = entry.revocation_date_utc
    return revoked


def age_problem(
    age: tuple[datetime, datetime, int], at: datetime, grace: timedelta, highest: int, reasons: AgeReasons
) -> TrustReason | None:
    """Finds what forbids to trust a list's silence at a moment.

    Args:
        age: thisUpdate, nextUpdate and number of the list.
        at: Aware moment of judging.
        grace: How long after nextUpdate the list still counts.
        highest: The highest number ever seen of this list.
        reasons: What to answer.

    Returns:
        The reason, or None when nothing forbids it.
    """
    this_update, next_update, number = age
    if number < highest:
        return reasons.rollback
    if this_update > at + CLOCK_TOLERANCE:
        return reasons.early
    return reasons.stale if at > next_update + grace else None


def signer_status(
    signer: TrustedSigner,
    crls: Collection[SignerCRL],
    at: datetime,
    *,
    grace: timedelta = timedelta(0),
    highest_seen: Mapping[str, int] = MappingProxyType({}),
) -> ListStatus:
    """Finds whether a signer is revoked.

    Args:
        signer: A signer whose chain holds.
        crls: Lists whose signature holds, of any issuer.
        at: Aware moment of judging.
        grace: How long after nextUpdate a list still counts.
        highest_seen: The highest CRLNumber seen so far, by the issuer's key identifier in hex.
    """
    lists = sorted((crl for crl in crls if same_issuer(crl.issuer, signer.anchor)), key=lambda crl: crl.number)
    if not lists:
        return ListStatus(state=RevocationState.UNKNOWN, reason=TrustReason.CRL_MISSING)
    serial = signer.certificate.serial_number
    naming = [crl for crl in lists if serial in crl.revoked]
    crl = naming[-1] if naming else lists[-1]
    if naming:
        return _status(crl, RevocationState.REVOKED, TrustReason.SIGNER_REVOKED, crl.revoked[serial])
    highest = highest_seen.get(issuer_key(signer.anchor), 0)
    problem = age_problem((crl.this_update, crl.next_update, crl.number), at, grace, highest, CRL_AGE)
    if problem is not None:
        return _status(crl, RevocationState.UNKNOWN, problem)
    return _status(crl, RevocationState.GOOD, TrustReason.IN_ORDER)


def _status(crl: SignerCRL, state: RevocationState, reason: TrustReason, since: datetime | None = None) -> ListStatus:
    return ListStatus(
        state=state,
        reason=reason,
        number=crl.number,
        as_of=crl.this_update,
        next_update=crl.next_update,
        since=since,
    )


def issuer_key(issuer: x509.Certificate) -> str:
    """Gives the issuer's key identifier in hex: the name under which the highest number is kept."""
    return (key_identifier(issuer) or b"").hex()


def same_issuer(one: x509.Certificate, other: x509.Certificate) -> bool:
    """Tells whether two certificates are of one issuer: the same name and the same key identifier."""
    return one.subject == other.subject and key_identifier(one) == key_identifier(other)


def issued_by_any(data: bytes, issuers: Sequence[x509.Certificate]) -> bool:
    """Tells whether a CRL names one of these issuers; True for what cannot be read, so that `parse_crl` says why.

    It looks at the names and key identifiers alone; the signature is `parse_crl`'s to check.
    """
    try:
        crl = x509.load_der_x509_crl(data)
        identifier = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return True
    return any(issuer.subject == crl.issuer and key_identifier(issuer) == identifier for issuer in issuers)
