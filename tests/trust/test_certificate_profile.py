"""The profile of certificates: periods, types, links. What a signer must not be: test_verify, from the fixtures."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from prcard.errors import TrustError
from prcard.trust.certificate_profile import (
    check_anchor,
    check_link,
    check_may_sign,
    check_signer_certificate,
    document_types,
    fingerprint,
    is_test_only,
    key_identifier,
    load_certificate,
    usage_period,
)


def rebuilt(certificate: x509.Certificate, key: Any, *, drop: str = "", add: Any = None, **names: Any) -> Any:
    """The certificate signed again without one extension, or with another."""
    builder = x509.CertificateBuilder().subject_name(names.get("subject", certificate.subject))
    builder = builder.issuer_name(names.get("issuer", certificate.issuer)).public_key(certificate.public_key())
    builder = builder.serial_number(certificate.serial_number).not_valid_before(certificate.not_valid_before_utc)
    builder = builder.not_valid_after(certificate.not_valid_after_utc)
    for item in certificate.extensions:
        if item.oid.dotted_string != drop and (add is None or item.oid != add[0].oid):
            builder = builder.add_extension(item.value, item.critical)
    if add is not None:
        builder = builder.add_extension(*add)
    return builder.sign(key, names.get("algorithm", hashes.SHA256()))


def test_good_certificates_pass(issuer: Any, started: datetime) -> None:
    check_anchor(issuer.csca)
    check_signer_certificate(issuer.dsc)
    assert document_types(issuer.dsc) == {"IR"}
    assert usage_period(issuer.dsc) == (started, started + timedelta(days=90))
    assert is_test_only(issuer.dsc)
    assert is_test_only(issuer.csca)
    assert key_identifier(issuer.dsc) == x509.SubjectKeyIdentifier.from_public_key(issuer.dsc.public_key()).digest
    assert fingerprint(issuer.csca) == issuer.csca.fingerprint(hashes.SHA256()).hex()


def test_only_a_name_with_the_mark_is_for_tests_only(p256: Any) -> None:
    plain = x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "UT")])
    assert not is_test_only(rebuilt(p256.csca, p256.csca_key, subject=plain, issuer=plain))
    assert is_test_only(rebuilt(p256.csca, p256.csca_key, subject=plain))


@pytest.mark.parametrize(
    ("drop", "add"),
    [
        ("2.5.29.19", None),
        ("2.5.29.15", None),
        ("2.5.29.14", None),
        ("", (x509.BasicConstraints(ca=True, path_length=0), False)),
        ("", (x509.BasicConstraints(ca=False, path_length=None), True)),
        ("", (x509.BasicConstraints(ca=True, path_length=None), True)),
        ("", (x509.BasicConstraints(ca=True, path_length=2), True)),
    ],
)
def test_an_anchor_to_another_profile_is_refused(p256: Any, drop: str, add: Any) -> None:
    with pytest.raises(TrustError) as caught:
        check_anchor(rebuilt(p256.csca, p256.csca_key, drop=drop, add=add))
    assert caught.value.reason == "anchor-profile"


@pytest.mark.parametrize("bits", [{"key_cert_sign"}, {"crl_sign"}])
@pytest.mark.parametrize("critical", [True, False])
def test_an_anchor_needs_both_uses_critical(p256: Any, bits: set[str], critical: bool) -> None:
    names = "digital_signature content_commitment key_encipherment data_encipherment key_agreement"
    names += " key_cert_sign crl_sign encipher_only decipher_only"
    given = bits if critical else {"key_cert_sign", "crl_sign"}
    usage = x509.KeyUsage(**{name: name in given for name in names.split()})
    with pytest.raises(TrustError) as caught:
        check_anchor(rebuilt(p256.csca, p256.csca_key, add=(usage, critical)))
    assert caught.value.reason == "anchor-profile"


def test_an_anchor_signs_itself(p256: Any) -> None:
    for broken in (
        rebuilt(p256.csca, p256.dsc_key),
        rebuilt(p256.csca, p256.csca_key, issuer=p256.dsc.subject),
        x509.load_der_x509_certificate(p256.data["link.der"]),
    ):
        with pytest.raises(TrustError) as caught:
            check_anchor(broken)
        assert caught.value.reason == "anchor-profile"


@pytest.mark.parametrize("country", [[], ["U1"], ["ut"], ["UT", "UT"]])
def test_a_name_has_one_country_in_capitals(p256: Any, country: list[str]) -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, code) for code in country])
    with pytest.raises(TrustError) as caught:
        check_anchor(rebuilt(p256.csca, p256.csca_key, subject=name, issuer=name))
    assert caught.value.reason == "name-malformed"


def test_hashes_other_than_sha2_are_refused(p256: Any) -> None:
    with pytest.raises(TrustError) as caught:
        check_anchor(rebuilt(p256.csca, p256.csca_key, algorithm=hashes.SHA3_256()))
    assert caught.value.reason == "unsupported-signature"


def test_an_open_usage_period_ends_with_the_certificate(p256: Any, started: datetime) -> None:
    for given, expected in (
        (x509.PrivateKeyUsagePeriod(None, datetime(2027, 1, 1)), (started, 2027)),  # noqa: DTZ001  as the library wants
        (x509.PrivateKeyUsagePeriod(datetime(2026, 1, 5), None), (started, 2036)),  # noqa: DTZ001  as the library wants
    ):
        period = usage_period(rebuilt(p256.dsc, p256.csca_key, add=(given, False)))
        assert (period.start, period.end.year) == expected


def test_extensions_that_cannot_be_read_are_refused(p256: Any) -> None:
    broken = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.15"), b"\x04\x00")
    for check in (check_signer_certificate, check_anchor, document_types, key_identifier):
        with pytest.raises(TrustError) as caught:
            check(rebuilt(p256.csca, p256.csca_key, drop="2.5.29.15", add=(broken, False)))
        assert caught.value.reason == "certificate-malformed"


@pytest.mark.parametrize("seconds", [0, 90 * 86400])
def test_both_ends_of_the_usage_period_count(p256: Any, started: datetime, seconds: int) -> None:
    check_may_sign(p256.dsc, started + timedelta(seconds=seconds), "IR")
    outside = started + timedelta(seconds=seconds + (1 if seconds else -1))
    with pytest.raises(TrustError) as caught:
        check_may_sign(p256.dsc, outside, "IR")
    assert caught.value.reason == "signed-outside-usage-period"


def test_a_moment_without_offset_is_refused(p256: Any) -> None:
    with pytest.raises(TrustError) as caught:
        check_may_sign(p256.dsc, datetime(2026, 2, 1), "IR")  # noqa: DTZ001  the defect
    assert caught.value.reason == "bad-argument"


def test_a_link_joins_two_issuers(issuer: Any) -> None:
    link = x509.load_der_x509_certificate(issuer.data["link.der"])
    following = x509.load_der_x509_certificate(issuer.data["next-csca.der"])
    check_link(link, issuer.csca, following)
    for one, old, new in (
        (link, following, following),
        (link, issuer.csca, issuer.csca),
        (following, issuer.csca, link),
    ):
        with pytest.raises(TrustError) as caught:
            check_link(one, old, new)
        assert caught.value.reason in {"link-wrong", "anchor-profile"}


def test_rsa_certificates_are_read(p256: Any) -> None:
    key = rsa.generate_private_key(65537, 2048)
    builder = x509.CertificateBuilder().subject_name(p256.csca.subject).issuer_name(p256.csca.subject)
    builder = builder.serial_number(5).not_valid_before(p256.csca.not_valid_before_utc).public_key(key.public_key())
    builder = builder.not_valid_after(p256.csca.not_valid_after_utc)
    for item in p256.csca.extensions:
        builder = builder.add_extension(item.value, item.critical)
    check_anchor(builder.sign(key, hashes.SHA256()))


@pytest.mark.filterwarnings("ignore")
def test_what_the_library_only_warns_of_is_refused(p256: Any) -> None:
    data: bytes = p256.data["dsc.der"]
    country, serial = b"\x06\x03\x55\x04\x06\x13\x02UT", b"\x02\x04\x7e\x57\x00\x02"
    assert data.count(serial) == 1
    assert load_certificate(data).serial_number == 0x7E57_0002
    for changed in (
        data.replace(serial, b"\x02\x04\xfe\x57\x00\x02"),
        data.replace(country, b"\x06\x03\x55\x04\x03\x13\x02UT").replace(
            b"\x06\x03\x55\x04\x03\x0c\x0dTEST ONLY DSC", b"\x06\x03\x55\x04\x06\x0c\x0dTEST ONLY DSC"
        ),
    ):
        assert changed != data
        with pytest.raises(TrustError) as caught:
            load_certificate(changed)
        assert caught.value.reason == "certificate-malformed"
        assert "above 0" in str(caught.value)
