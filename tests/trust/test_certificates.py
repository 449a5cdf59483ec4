"""Issuing: golden bytes, the profile as independent programs see it, and what is not issued."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import crl as asn1crypto_crl
from asn1crypto import x509 as asn1crypto_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathValidationError

from prcard.errors import TrustError
from prcard.trust.certificates import (
    IssuerProfile,
    issue_crl,
    issue_csca,
    issue_link,
    issue_signer,
    request_signer,
)

DER = Encoding.DER
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl program is not installed")


def made_csca(issuer: Any, profile: IssuerProfile, started: datetime, **changes: Any) -> x509.Certificate:
    values: dict[str, Any] = {"common_name": "TEST ONLY CSCA", "serial": 0x7E570001, "not_before": started}
    return issue_csca(profile, issuer.csca_key, deterministic=True, **(values | changes))


def made_dsc(issuer: Any, profile: IssuerProfile, started: datetime, **changes: Any) -> x509.Certificate:
    request = request_signer(profile, issuer.dsc_key, common_name="TEST ONLY DSC", deterministic=True)
    values: dict[str, Any] = {"serial": 0x7E570002, "not_before": started, "deterministic": True}
    return issue_signer(profile, request, issuer.csca, issuer.csca_key, **(values | changes))


def made_crl(issuer: Any, started: datetime, **changes: Any) -> x509.CertificateRevocationList:
    values: dict[str, Any] = {
        "number": 7,
        "this_update": started + timedelta(days=40),
        "next_update": started + timedelta(days=130),
        "revoked": {0x7E57DEAD: started + timedelta(days=39)},
    }
    return issue_crl(issuer.csca, issuer.csca_key, deterministic=True, **(values | changes))


def test_the_same_key_and_moment_give_the_golden_bytes(issuer: Any, profile: IssuerProfile, started: datetime) -> None:
    assert made_csca(issuer, profile, started).public_bytes(DER) == issuer.data["csca.der"]
    assert made_dsc(issuer, profile, started).public_bytes(DER) == issuer.data["dsc.der"]
    assert made_crl(issuer, started).public_bytes(DER) == issuer.data["csca.crl"]


def test_signatures_are_random_unless_asked_otherwise(p256: Any, started: datetime) -> None:
    def issued() -> bytes:
        crl = issue_crl(
            p256.csca,
            p256.csca_key,
            number=1,
            this_update=started,
            next_update=started + timedelta(days=1),
            revoked={},
        )
        return crl.public_bytes(DER)

    assert issued() != issued()


def test_the_extensions_of_the_profile_are_there_and_no_others(p256: Any) -> None:
    extensions = {item.oid.dotted_string: item.critical for item in p256.csca.extensions}
    assert extensions == dict.fromkeys(
        ("2.5.29.14", "2.5.29.16", "2.5.29.17", "2.5.29.18", "2.5.29.31", "2.5.29.35"), False
    ) | {"2.5.29.15": True, "2.5.29.19": True}
    extensions = {item.oid.dotted_string: item.critical for item in p256.dsc.extensions}
    assert extensions == dict.fromkeys(
        ("2.5.29.14", "2.5.29.16", "2.5.29.17", "2.5.29.18", "2.5.29.31", "2.5.29.35", "2.23.136.1.1.6.2"), False
    ) | {"2.5.29.15": True}


def test_the_last_card_outlives_no_certificate(p256: Any, profile: IssuerProfile) -> None:
    assert p256.dsc.not_valid_after_utc - p256.dsc.not_valid_before_utc == timedelta(days=90 + 3660)
    assert p256.csca.not_valid_after_utc - p256.csca.not_valid_before_utc == timedelta(days=1830 + 90 + 3660)
    assert profile.problems() == ()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"country": "ut"}, "country"),
        ({"country": "UTO"}, "country"),
        ({"country_alpha3": "UT"}, "country_alpha3"),
        ({"organization": ""}, "organization"),
        ({"organization": "x" * 65}, "organization"),
        ({"email": "nobody"}, "email"),
        ({"crl_uri": "nowhere"}, "crl_uri"),
        ({"csca_key_days": 0}, "csca_key_days"),
        ({"signer_key_days": 367}, "signer_key_days"),
        ({"card_days": 0}, "card_days"),
        ({"crl_days": 91}, "crl_days"),
        ({"signer_budget": 0}, "signer_budget"),
    ],
)
def test_a_profile_is_checked(
    p256: Any, profile: IssuerProfile, started: datetime, change: dict[str, Any], field: str
) -> None:
    wrong = replace(profile, **change)
    assert [problem.split(":")[0] for problem in wrong.problems()] == [field]
    with pytest.raises(TrustError, match=field) as caught:
        made_csca(p256, wrong, started)
    assert caught.value.reason == "bad-argument"
    with pytest.raises(TrustError, match=field):
        request_signer(wrong, p256.dsc_key, common_name="TEST ONLY")


@pytest.mark.parametrize("serial", [0, -1, 1 << 159])
def test_a_serial_has_1_to_159_bits(p256: Any, profile: IssuerProfile, started: datetime, serial: int) -> None:
    with pytest.raises(TrustError, match="serial"):
        made_csca(p256, profile, started, serial=serial)
    assert made_csca(p256, profile, started, serial=(1 << 159) - 1).serial_number == (1 << 159) - 1


def test_a_request_must_be_signed_by_its_key(p256: Any, profile: IssuerProfile, started: datetime) -> None:
    good = request_signer(profile, p256.dsc_key, common_name="TEST ONLY DSC")
    raw = bytearray(good.public_bytes(DER))
    raw[-1] ^= 1
    forged = x509.load_der_x509_csr(bytes(raw))
    with pytest.raises(TrustError) as caught:
        issue_signer(profile, forged, p256.csca, p256.csca_key, serial=1, not_before=started)
    assert caught.value.reason == "signature-wrong"


@pytest.mark.parametrize("types", [(), ("",), ("ABC",), ("ir",)])
def test_document_types_have_one_or_two_capitals(
    p256: Any, profile: IssuerProfile, started: datetime, types: tuple[str, ...]
) -> None:
    with pytest.raises(TrustError, match="document types"):
        made_dsc(p256, profile, started, document_types=types)


def test_an_issuer_signs_only_in_its_own_period(p256: Any, profile: IssuerProfile, started: datetime) -> None:
    for days in (-1, 1831):
        with pytest.raises(TrustError) as caught:
            made_dsc(p256, profile, started, not_before=started + timedelta(days=days))
        assert caught.value.reason == "signed-outside-usage-period"
    longer = replace(profile, card_days=profile.card_days + 1)
    made_dsc(p256, profile, started, not_before=started + timedelta(days=1830))
    with pytest.raises(TrustError, match="no later than the issuer's own"):
        made_dsc(p256, longer, started, not_before=started + timedelta(days=1830))


def test_moments_need_an_offset(p256: Any, profile: IssuerProfile) -> None:
    with pytest.raises(TrustError, match="offset from UTC"):
        made_csca(p256, profile, datetime(2026, 1, 5))  # noqa: DTZ001  the defect


def test_other_curves_are_not_issued(profile: IssuerProfile, started: datetime) -> None:
    key = ec.generate_private_key(ec.SECP521R1())
    with pytest.raises(TrustError) as caught:
        issue_csca(profile, key, common_name="TEST ONLY", serial=1, not_before=started)
    assert caught.value.reason == "unsupported-key"


def test_a_crl_has_a_number_and_a_next_update(p256: Any, started: datetime) -> None:
    for change in ({"number": -1}, {"next_update": started}):
        with pytest.raises(TrustError) as caught:
            made_crl(p256, started, **change)
        assert caught.value.reason == "bad-argument"


def test_a_link_names_the_new_key_and_ends_with_the_old(p256: Any, profile: IssuerProfile, started: datetime) -> None:
    following = x509.load_der_x509_certificate(p256.data["next-csca.der"])
    link = issue_link(
        profile, p256.csca, p256.csca_key, following, serial=4, not_before=started + timedelta(days=700, seconds=5)
    )
    assert link.subject == following.subject
    assert link.public_key() == following.public_key()
    assert link.not_valid_after_utc <= p256.csca.not_valid_after_utc


def test_asn1crypto_reads_the_same(issuer: Any) -> None:
    for name in ("csca.der", "dsc.der", "link.der"):
        certificate = asn1crypto_x509.Certificate.load(issuer.data[name], strict=True)
        assert certificate.dump(force=True) == issuer.data[name]
        assert certificate.subject.native["country_name"] == "UT"
    crl = asn1crypto_crl.CertificateList.load(issuer.data["csca.crl"], strict=True)
    assert [entry["user_certificate"].native for entry in crl["tbs_cert_list"]["revoked_certificates"]] == [0x7E57DEAD]


@needs_openssl
def test_openssl_verifies_chain_and_crl(
    issuer: Any, tmp_path: Path, judged: datetime, profile: IssuerProfile, started: datetime
) -> None:
    revoked = made_dsc(issuer, profile, started, serial=0x7E57DEAD)
    files = {
        "csca.pem": issuer.csca.public_bytes(Encoding.PEM),
        "dsc.pem": issuer.dsc.public_bytes(Encoding.PEM),
        "revoked.pem": revoked.public_bytes(Encoding.PEM),
        "crl.pem": x509.load_der_x509_crl(issuer.data["csca.crl"]).public_bytes(Encoding.PEM),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    command = ["openssl", "verify", "-crl_check", "-x509_strict", "-attime", f"{judged.timestamp():.0f}"]
    command += ["-CAfile", "csca.pem", "-CRLfile", "crl.pem"]
    good = subprocess.run([*command, "dsc.pem"], cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert good.returncode == 0, good.stderr
    bad = subprocess.run([*command, "revoked.pem"], cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert b"certificate revoked" in bad.stderr


def test_certvalidator_agrees_on_chain_and_crl(
    issuer: Any, judged: datetime, profile: IssuerProfile, started: datetime
) -> None:
    context = ValidationContext(
        trust_roots=[asn1crypto_x509.Certificate.load(issuer.data["csca.der"])],
        crls=[issuer.data["csca.crl"]],
        moment=judged,
        best_signature_time=judged,
        revocation_mode="require",
        allow_fetching=False,
    )

    def validate(certificate: x509.Certificate) -> None:
        loaded = asn1crypto_x509.Certificate.load(certificate.public_bytes(DER))
        validator: Any = CertificateValidator(loaded, [], context)
        asyncio.run(validator.async_validate_usage({"digital_signature"}))

    validate(issuer.dsc)
    with pytest.raises(PathValidationError, match="revoked"):
        validate(made_dsc(issuer, profile, started, serial=0x7E57DEAD))


def test_an_rsa_request_is_issued_for_reading_only(p256: Any, profile: IssuerProfile, started: datetime) -> None:
    key = rsa.generate_private_key(65537, 2048)
    builder = x509.CertificateSigningRequestBuilder().subject_name(profile.name("TEST ONLY RSA"))
    from cryptography.hazmat.primitives import hashes

    request = builder.sign(key, hashes.SHA256())
    certificate = issue_signer(profile, request, p256.csca, p256.csca_key, serial=9, not_before=started)
    assert certificate.public_key() == key.public_key()
