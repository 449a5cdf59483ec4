"""What a certificate must look like: the rules for a document signer and for an issuer, each with its own refusal.

Source: ICAO Doc 9303-12 for the profile; that nothing else is tolerated is our decision, since lenient verifiers accept
signers that must not sign.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from prcard.trust.algorithms import check_public_key
from prcard.trust.asn1 import DocumentTypeList, decode
from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from prcard.errors import TrustError

__all__ = [
    "DOCUMENT_TYPE",
    "STATUS_LIST_TYPE",
    "STORE_TYPE",
    "UsagePeriod",
    "check_anchor",
    "check_link",
    "check_may_sign",
    "check_signer_certificate",
    "document_types",
    "extension",
    "fingerprint",
    "is_test_only",
    "key_identifier",
    "usage_period",
]

DOCUMENT_TYPE: Final = "IR"
"""Document type of residence cards in our signer certificates; our choice within Doc 9303-5, table of codes."""
STATUS_LIST_TYPE: Final = "SL"
"""Document type of those who sign status lists, so that a card signer cannot clear its own cards; our choice."""
STORE_TYPE: Final = "TS"
"""Document type of those who sign the manifest of a published trust store in the issuer's place, so that the issuer's
key stays offline when a new list is published; our choice."""

DOCUMENT_TYPES_OID: Final = "2.23.136.1.1.6.2"
TEST_MARK: Final = "TEST ONLY"
ANCHOR_PATH_LENGTH_MAX: Final = 1

_NAME_BYTES: Final = {
    NameOID.COUNTRY_NAME: (2, 2),
    NameOID.JURISDICTION_COUNTRY_NAME: (2, 2),
    NameOID.COMMON_NAME: (1, 64),
}
"""Shortest and longest value of a part of a name, in bytes of UTF-8 (X.520, upper bounds)."""
_NAME_LIMIT: Final = 1024

E = TypeVar("E", bound=x509.ExtensionType)


class UsagePeriod(NamedTuple):
    """When a private key may sign; both ends count."""

    start: datetime
    end: datetime


def fingerprint(certificate: x509.Certificate) -> str:
    """Gives the SHA-256 of the whole certificate as hex: what an operator compares and pins."""
    return certificate.fingerprint(hashes.SHA256()).hex()


@lru_cache(maxsize=64)
def load_certificate(data: bytes) -> x509.Certificate:
    """Reads one certificate in DER, and every part of it that would otherwise be read at its first use only.

    The same bytes give the same object, since one signer's certificate comes with every card.

    Raises:
        TrustError: CERTIFICATE_MALFORMED.
    """
    try:
        certificate = x509.load_der_x509_certificate(data)
        names = [*certificate.subject, *certificate.issuer]
        for name in (certificate.subject, certificate.issuer):
            name.rfc4514_string()
        _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        _ = certificate.extensions
        serial = certificate.serial_number
    except (ValueError, Warning, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise _malformed("certificate: expected X.509 in DER, each part well-formed") from None
    # The library only warns of these; its warnings cannot be caught where threads share one list of filters.
    if serial <= 0 or not all(_length_fits(part) for part in names):
        raise _malformed("certificate: expected a serial number above 0 and names of the length that X.520 sets")
    return certificate


def _length_fits(part: x509.NameAttribute[Any]) -> bool:
    shortest, longest = _NAME_BYTES.get(part.oid, (0, _NAME_LIMIT))
    return shortest <= len(str(part.value).encode("utf-8", "replace")) <= longest


def extension(certificate: x509.Certificate, kind: type[E]) -> x509.Extension[E] | None:
    """Finds an extension; None when the certificate has none of this kind.

    Raises:
        TrustError: CERTIFICATE_MALFORMED: the extensions cannot be read or one occurs twice.
    """
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise _malformed("extensions: expected each once and well-formed") from None


def _malformed(detail: str) -> TrustError:
    return refusal(TrustReason.CERTIFICATE_MALFORMED, detail)


def key_identifier(certificate: x509.Certificate) -> bytes | None:
    """Gives the subject key identifier, or None."""
    found = extension(certificate, x509.SubjectKeyIdentifier)
    return None if found is None else found.value.digest


def is_test_only(certificate: x509.Certificate) -> bool:
    """Tells whether subject or issuer say TEST ONLY."""
    return any(TEST_MARK in str(part.value) for name in (certificate.subject, certificate.issuer) for part in name)


def usage_period(certificate: x509.Certificate) -> UsagePeriod:
    """Gives the private key usage period; an open end is the certificate's own.

    Raises:
        TrustError: USAGE_PERIOD_MISSING.
    """
    found = extension(certificate, x509.PrivateKeyUsagePeriod)
    if found is None:
        raise refusal(TrustReason.USAGE_PERIOD_MISSING, "privateKeyUsagePeriod: expected it, found none")
    start, end = found.value.not_before, found.value.not_after
    return UsagePeriod(
        certificate.not_valid_before_utc if start is None else start.replace(tzinfo=UTC),
        certificate.not_valid_after_utc if end is None else end.replace(tzinfo=UTC),
    )


def document_types(certificate: x509.Certificate) -> frozenset[str]:
    """Gives the kinds of documents that a signer may sign.

    Raises:
        TrustError: DOCUMENT_TYPE_MISSING, or the extension is malformed.
    """
    extension(certificate, x509.KeyUsage)  # refuses extensions that cannot be read
    for found in certificate.extensions:
        if found.oid.dotted_string == DOCUMENT_TYPES_OID and isinstance(found.value, x509.UnrecognizedExtension):
            listed = decode(DocumentTypeList, found.value.value, "documentTypeList")
            if listed.version != 0:
                raise refusal(
                    TrustReason.WRONG_VERSION, f"documentTypeList version: expected 0, found {listed.version}"
                )
            return frozenset(item.as_str() for item in listed.types.as_list())
    raise refusal(TrustReason.DOCUMENT_TYPE_MISSING, "documentTypeList: expected it, found none")


def check_signer_certificate(certificate: x509.Certificate) -> None:
    """Checks that a certificate is a document signer's.

    Its issuer's signature and its dates are NOT checked here.

    Raises:
        TrustError: it departs from the profile, with a reason for each way to do so.
    """
    _check_not_ca(certificate)
    _check_signer_key_usage(certificate)
    if extension(certificate, x509.ExtendedKeyUsage) is not None:
        raise refusal(TrustReason.EXTENDED_KEY_USAGE, "extKeyUsage: expected none")
    check_public_key(certificate)
    _check_certificate_hash(certificate)
    for kind in (x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier):
        if extension(certificate, kind) is None:
            raise refusal(TrustReason.EXTENSION_MISSING, f"{kind.__name__}: expected it, found none")
    usage_period(certificate)
    document_types(certificate)
    if _country(certificate.subject) != _country(certificate.issuer):
        raise refusal(TrustReason.ISSUER_INCONSISTENT, "countryName: expected the same in subject and issuer")


def _check_not_ca(certificate: x509.Certificate) -> None:
    constraints = extension(certificate, x509.BasicConstraints)
    usage = extension(certificate, x509.KeyUsage)
    if (constraints is not None and constraints.value.ca) or (usage is not None and usage.value.key_cert_sign):
        raise refusal(TrustReason.CA_AS_SIGNER, "signer: expected an end-entity certificate, found one of a CA")
    if constraints is not None:
        raise refusal(TrustReason.EXTENSION_FORBIDDEN, "basicConstraints: expected none in a signer")


def _check_signer_key_usage(certificate: x509.Certificate) -> None:
    usage = extension(certificate, x509.KeyUsage)
    if usage is None:
        raise refusal(TrustReason.KEY_USAGE_MISSING, "keyUsage: expected digitalSignature, found none")
    value = usage.value
    others = (
        value.content_commitment,
        value.key_encipherment,
        value.data_encipherment,
        value.key_agreement,
        value.crl_sign,
    )
    if not usage.critical or not value.digital_signature or any(others):
        raise refusal(TrustReason.KEY_USAGE_WRONG, "keyUsage: expected digitalSignature alone, critical")


def _check_certificate_hash(certificate: x509.Certificate) -> None:
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        algorithm = None
    if isinstance(algorithm, hashes.SHA1 | hashes.MD5):
        raise refusal(TrustReason.WEAK_HASH, f"certificate signature: expected SHA-2, found {algorithm.name}")
    if not isinstance(algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512):
        raise refusal(TrustReason.UNSUPPORTED_SIGNATURE, "certificate signature: expected ECDSA or RSA with SHA-2")


def _country(name: x509.Name) -> str:
    found = [str(part.value) for part in name.get_attributes_for_oid(NameOID.COUNTRY_NAME)]
    if len(found) != 1 or not (len(found[0]) == 2 and found[0].isascii() and found[0].isalpha() and found[0].isupper()):
        raise refusal(TrustReason.NAME_MALFORMED, "countryName: expected two capital letters, once")
    return found[0]


def check_anchor(certificate: x509.Certificate) -> None:
    """Checks that a certificate is a self-signed issuer's (CSCA). Its dates are NOT checked here.

    That it is *our* issuer only the operator can say, who pins it.

    Raises:
        TrustError: it departs from the profile.
    """
    check_public_key(certificate)
    _check_certificate_hash(certificate)
    _country(certificate.subject)
    _check_ca_extensions(certificate)
    if certificate.issuer != certificate.subject or not _issued_by(certificate, certificate):
        raise refusal(TrustReason.ANCHOR_PROFILE, "issuer: expected a certificate signed by its own key")


def _check_ca_extensions(certificate: x509.Certificate) -> None:
    constraints = extension(certificate, x509.BasicConstraints)
    if constraints is None or not constraints.critical or not constraints.value.ca:
        raise refusal(TrustReason.ANCHOR_PROFILE, "basicConstraints: expected CA, critical")
    if constraints.value.path_length not in range(ANCHOR_PATH_LENGTH_MAX + 1):
        raise refusal(TrustReason.ANCHOR_PROFILE, "basicConstraints: expected a path length of 0 or 1")
    usage = extension(certificate, x509.KeyUsage)
    if usage is None or not (usage.critical and usage.value.key_cert_sign and usage.value.crl_sign):
        raise refusal(TrustReason.ANCHOR_PROFILE, "keyUsage: expected keyCertSign and cRLSign, critical")
    if key_identifier(certificate) is None:
        raise refusal(TrustReason.ANCHOR_PROFILE, "subjectKeyIdentifier: expected it, found none")


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def check_link(link: x509.Certificate, old: x509.Certificate, new: x509.Certificate) -> None:
    """Checks that a link certificate lets an old issuer vouch for its successor.

    The new issuer does not become an anchor by this: show both fingerprints to the operator, who adds it.

    Args:
        link: Certificate of the new key, signed by the old one.
        old: The issuer trusted so far.
        new: The self-signed certificate of the successor.

    Raises:
        TrustError: LINK_WRONG, or one of the two issuers departs from the profile.
    """
    check_anchor(old)
    check_anchor(new)
    _check_ca_extensions(link)
    if not _issued_by(link, old):
        raise refusal(TrustReason.LINK_WRONG, "link: expected the old issuer's name and signature")
    if link.subject != new.subject or link.public_key() != new.public_key():
        raise refusal(TrustReason.LINK_WRONG, "link: expected name and key of the new issuer")


def check_may_sign(certificate: x509.Certificate, at: datetime, document_type: str) -> None:
    """Checks that a signer may sign this kind of document at this moment.

    Raises:
        TrustError: SIGNED_OUTSIDE_PERIOD, DOCUMENT_TYPE_WRONG, or the certificate departs from the profile.
    """
    check_signer_certificate(certificate)
    if at.tzinfo is None:
        raise refusal(TrustReason.BAD_ARGUMENT, "moment: expected an offset from UTC, found none")
    period = usage_period(certificate)
    if not period.start <= at <= period.end:
        detail = f"signing time: expected {period.start.date()} to {period.end.date()}, found {at.date()}"
        raise refusal(TrustReason.SIGNED_OUTSIDE_PERIOD, detail)
    if document_type not in (listed := document_types(certificate)):
        detail = f"documentTypeList: expected {document_type}, found {', '.join(sorted(listed))}"
        raise refusal(TrustReason.DOCUMENT_TYPE_WRONG, detail)
