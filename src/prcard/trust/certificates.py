"""Certificates and lists as an issuer makes them: CSCA, document signer, link, CRL.

Pure functions: keys, serial numbers and moments are arguments. A key is anything that `cryptography` takes as an
elliptic-curve private key, so a class over an HSM works too.

Source: ICAO Doc 9303-12, certificate profiles; lengths of periods are usual practice and can be changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from prcard.trust.algorithms import check_curve, check_public_key
from prcard.trust.asn1 import DocumentTypeList, ObjectIdentifier, PrintableString, SetOf, encode
from prcard.trust.certificate_profile import (
    DOCUMENT_TYPE,
    DOCUMENT_TYPES_OID,
    check_anchor,
    check_link,
    check_signer_certificate,
    usage_period,
)
from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

__all__ = ["IssuerProfile", "issue_crl", "issue_csca", "issue_link", "issue_signer", "request_signer"]

SERIAL_BITS_MAX: Final = 159
"""20 octets with a leading zero bit (RFC 5280, 4.1.2.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerProfile:
    """Who issues, and for how long: everything that certificates and lists take from policy.

    Attributes:
        country: Two capital letters for the names.
        country_alpha3: Three capital letters for the alternative names, as in a machine-readable zone.
        organization: Name of the organisation; must say TEST ONLY for a test issuer.
        email: Address for the alternative names.
        crl_uri: Where the CRL is published.
        csca_key_days: How long the CSCA key signs.
        signer_key_days: How long a signer's key signs.
        card_days: How long a card is valid.
        crl_days: The longest time between two CRLs.
        signer_budget: How often a signer's key may sign; our policy, no standard sets a limit.
    """

    country: str
    country_alpha3: str
    organization: str
    email: str
    crl_uri: str
    csca_key_days: int = 5 * 366
    signer_key_days: int = 90
    card_days: int = 10 * 366
    crl_days: int = 90
    signer_budget: int = 100_000

    @property
    def signer_days(self) -> int:
        """How long a signer's certificate is valid: the last card it signs must outlive it."""
        return self.signer_key_days + self.card_days

    @property
    def csca_days(self) -> int:
        """How long the CSCA certificate is valid: the last signer it issues must not outlive it."""
        return self.csca_key_days + self.signer_days

    def problems(self) -> tuple[str, ...]:
        """Lists what is wrong with this profile; empty when nothing is."""
        rules = {
            "country: expected two capital letters": _is_capitals(self.country, 2),
            "country_alpha3: expected three capital letters": _is_capitals(self.country_alpha3, 3),
            "organization: expected 1 to 64 characters": 1 <= len(self.organization) <= 64,
            "email: expected an address in ASCII": "@" in self.email and self.email.isascii(),
            "crl_uri: expected a URI in ASCII": ":" in self.crl_uri and self.crl_uri.isascii(),
            "csca_key_days: expected 1 or more": self.csca_key_days >= 1,
            "signer_key_days: expected 1 to 366": 1 <= self.signer_key_days <= 366,
            "card_days: expected 1 or more": self.card_days >= 1,
            "crl_days: expected 1 to 90": 1 <= self.crl_days <= 90,
            "signer_budget: expected 1 or more": self.signer_budget >= 1,
        }
        return tuple(rule for rule, holds in rules.items() if not holds)

    def check(self) -> None:
        """Refuses a profile that has problems.

        Raises:
            TrustError: BAD_ARGUMENT, with all problems.
        """
        if problems := self.problems():
            raise refusal(TrustReason.BAD_ARGUMENT, "issuer profile: " + "; ".join(problems))

    def name(self, common_name: str) -> x509.Name:
        """Gives a distinguished name of this issuer.

        Raises:
            TrustError: the profile has problems.
        """
        self.check()
        return x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, self.country),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.organization),
                x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            ]
        )

    def alternative_names(self) -> list[x509.GeneralName]:
        """Gives the alternative names: address, and the country as a locality (Doc 9303-12)."""
        place = x509.Name([x509.NameAttribute(NameOID.LOCALITY_NAME, self.country_alpha3)])
        return [x509.RFC822Name(self.email), x509.DirectoryName(place)]


def _is_capitals(text: str, count: int) -> bool:
    return len(text) == count and text.isascii() and text.isalpha() and text.isupper()


def issue_csca(
    profile: IssuerProfile,
    key: ec.EllipticCurvePrivateKey,
    *,
    common_name: str,
    serial: int,
    not_before: datetime,
    deterministic: bool = False,
) -> x509.Certificate:
    """Makes the self-signed certificate of an issuer.

    Args:
        profile: The issuer's policy.
        key: The issuer's key, P-256 or P-384.
        common_name: 1 to 64 characters.
        serial: Random, 1 to 159 bits.
        not_before: Aware moment of its beginning.
        deterministic: Sign as RFC 6979 says; a key outside this process may ignore it.

    Raises:
        TrustError: an argument is refused, or the result departs from the profile.
    """
    name = profile.name(common_name)
    builder = _certificate(profile, name, name, key.public_key(), serial, not_before, profile.csca_days)
    builder = _authority(builder, profile.csca_key_days, not_before)
    builder = builder.add_extension(_authority_key(key.public_key()), critical=False)
    certificate = _sign(builder, key, deterministic)
    check_anchor(certificate)
    return certificate


def request_signer(
    profile: IssuerProfile, key: ec.EllipticCurvePrivateKey, *, common_name: str, deterministic: bool = False
) -> x509.CertificateSigningRequest:
    """Makes a document signer's request, which shows that it holds its key."""
    profile.check()
    builder = x509.CertificateSigningRequestBuilder().subject_name(profile.name(common_name))
    return builder.sign(key, _hash_for(key.public_key()), ecdsa_deterministic=deterministic or None)


def issue_signer(
    profile: IssuerProfile,
    request: x509.CertificateSigningRequest,
    csca: x509.Certificate,
    csca_key: ec.EllipticCurvePrivateKey,
    *,
    serial: int,
    not_before: datetime,
    document_types: Collection[str] = (DOCUMENT_TYPE,),
    deterministic: bool = False,
) -> x509.Certificate:
    """Issues a document signer's certificate on its request.

    Only the request's name and key are taken over; everything else is the profile's.

    Args:
        profile: The issuer's policy.
        request: The signer's request.
        csca: The issuer's certificate.
        csca_key: The issuer's key.
        serial: Random, 1 to 159 bits.
        not_before: Aware moment at which the key begins to sign.
        document_types: What it may sign, 1 or 2 capitals each.
        deterministic: Sign as RFC 6979 says.

    Raises:
        TrustError: the request's signature is wrong, its key is not accepted, the issuer may not sign at this moment
            or would expire before the signer, or the result departs from the profile.
    """
    if not request.is_signature_valid:
        raise refusal(TrustReason.SIGNATURE_WRONG, "request: expected a signature by its own key")
    check_anchor(csca)
    _check_period_within(csca, not_before, profile.signer_days)
    key = request.public_key()
    builder = _certificate(profile, request.subject, csca.subject, key, serial, not_before, profile.signer_days)
    builder = builder.add_extension(_key_usage(digital_signature=True), critical=True)
    builder = builder.add_extension(_period(not_before, profile.signer_key_days), critical=False)
    builder = builder.add_extension(_authority_key(csca_key.public_key()), critical=False)
    builder = builder.add_extension(_type_list(document_types), critical=False)
    certificate = _sign(builder, csca_key, deterministic)
    check_signer_certificate(certificate)
    return certificate


def issue_link(
    profile: IssuerProfile,
    old: x509.Certificate,
    old_key: ec.EllipticCurvePrivateKey,
    new: x509.Certificate,
    *,
    serial: int,
    not_before: datetime,
    deterministic: bool = False,
) -> x509.Certificate:
    """Makes the certificate by which an old issuer vouches for its successor.

    It is valid no longer than the old issuer's own certificate.

    Raises:
        TrustError: an argument is refused, or the result does not join the two.
    """
    days = (old.not_valid_after_utc - not_before).days
    key = check_public_key(new)
    builder = _certificate(profile, new.subject, old.subject, key, serial, not_before, days)
    builder = _authority(builder, profile.csca_key_days, not_before)
    builder = builder.add_extension(_authority_key(old_key.public_key()), critical=False)
    link = _sign(builder, old_key, deterministic)
    check_link(link, old, new)
    return link


def issue_crl(
    csca: x509.Certificate,
    csca_key: ec.EllipticCurvePrivateKey,
    *,
    number: int,
    this_update: datetime,
    next_update: datetime,
    revoked: Mapping[int, datetime],
    deterministic: bool = False,
) -> x509.CertificateRevocationList:
    """Makes the list of revoked document signers.

    Args:
        csca: The issuer's certificate.
        csca_key: Its key.
        number: Greater than that of every list before.
        this_update: Aware moment of issue.
        next_update: Aware moment by which the next list is out.
        revoked: Serial number to the aware moment of revocation; may be empty.
        deterministic: Sign as RFC 6979 says.

    Raises:
        TrustError: an argument is refused.
    """
    if number < 0 or not this_update < next_update:
        raise refusal(TrustReason.BAD_ARGUMENT, "CRL: expected a number from 0 and thisUpdate before nextUpdate")
    builder = x509.CertificateRevocationListBuilder().issuer_name(csca.subject)
    builder = builder.last_update(_utc(this_update)).next_update(_utc(next_update))
    builder = builder.add_extension(_authority_key(csca_key.public_key()), critical=False)
    builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    for serial, moment in sorted(revoked.items()):
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(_utc(moment))
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(csca_key, _hash_for(csca_key.public_key()), ecdsa_deterministic=deterministic or None)


def _certificate(
    profile: IssuerProfile,
    subject: x509.Name,
    issuer: x509.Name,
    key: CertificatePublicKeyTypes,
    serial: int,
    not_before: datetime,
    days: int,
) -> x509.CertificateBuilder:
    """What every certificate has: names, key, serial, validity, key identifier, alternative names, CRL address."""
    profile.check()
    if not 0 < serial < 1 << SERIAL_BITS_MAX:
        raise refusal(TrustReason.BAD_ARGUMENT, f"serial: expected 1 to {SERIAL_BITS_MAX} bits")
    start = _utc(not_before)
    crl_address = x509.DistributionPoint([x509.UniformResourceIdentifier(profile.crl_uri)], None, None, None)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.SubjectAlternativeName(profile.alternative_names()), critical=False)
        .add_extension(x509.IssuerAlternativeName(profile.alternative_names()), critical=False)
        .add_extension(x509.CRLDistributionPoints([crl_address]), critical=False)
    )


def _authority(builder: x509.CertificateBuilder, key_days: int, not_before: datetime) -> x509.CertificateBuilder:
    """What makes it a certificate of an issuer."""
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(_period(not_before, key_days), critical=False)
    )


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _period(not_before: datetime, days: int) -> x509.PrivateKeyUsagePeriod:
    start = _utc(not_before)
    return x509.PrivateKeyUsagePeriod(start.replace(tzinfo=None), (start + timedelta(days=days)).replace(tzinfo=None))


def _authority_key(key: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def _type_list(types: Collection[str]) -> x509.UnrecognizedExtension:
    if not types or not all(1 <= len(kind) <= 2 and kind.isascii() and kind.isupper() for kind in types):
        raise refusal(TrustReason.BAD_ARGUMENT, "document types: expected one or more, of 1 or 2 capitals each")
    listed = DocumentTypeList(version=0, types=SetOf([PrintableString(kind) for kind in types]))
    return x509.UnrecognizedExtension(ObjectIdentifier(DOCUMENT_TYPES_OID), encode(listed))


def _check_period_within(csca: x509.Certificate, not_before: datetime, days: int) -> None:
    start, period = _utc(not_before), usage_period(csca)
    if not period.start <= start <= period.end:
        detail = f"notBefore: expected {period.start.date()} to {period.end.date()}, found {start.date()}"
        raise refusal(TrustReason.SIGNED_OUTSIDE_PERIOD, detail)
    if start + timedelta(days=days) > csca.not_valid_after_utc:
        raise refusal(TrustReason.BAD_ARGUMENT, "notAfter: expected no later than the issuer's own")


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise refusal(TrustReason.BAD_ARGUMENT, "moment: expected an offset from UTC, found none")
    return moment.astimezone(UTC).replace(microsecond=0)


def _hash_for(key: ec.EllipticCurvePublicKey) -> hashes.SHA256 | hashes.SHA384:
    check_curve(key.curve)
    return hashes.SHA256() if isinstance(key.curve, ec.SECP256R1) else hashes.SHA384()


def _sign(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, deterministic: bool) -> x509.Certificate:
    return builder.sign(key, _hash_for(key.public_key()), ecdsa_deterministic=deterministic or None)
