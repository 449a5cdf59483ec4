"""A TEST ONLY issuer whose signer is on P-256, made anew, valid around NOW."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from prcard.trust.certificates import IssuerProfile, issue_csca, issue_signer, request_signer

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PROFILE = IssuerProfile(
    country="UT",
    country_alpha3="UTO",
    organization="TEST ONLY Issuer of Utopia",
    email="test-only@issuer.invalid",
    crl_uri="http://issuer.invalid/test-only.crl",
)
ZONES = {"text": b"text" * 64, "photo": b"photo!.." * 128}


def issue(key: ec.EllipticCurvePrivateKey, **more: Any) -> SimpleNamespace:
    """An issuer in memory that certifies `key`."""
    csca_key = ec.generate_private_key(ec.SECP256R1())
    begin = NOW - timedelta(days=1)
    csca = issue_csca(PROFILE, csca_key, common_name="TEST ONLY CSCA", serial=1, not_before=begin)
    request = request_signer(PROFILE, key, common_name="TEST ONLY DSC")
    dsc = issue_signer(PROFILE, request, csca, csca_key, serial=2, not_before=begin, **more)
    return SimpleNamespace(profile=PROFILE, csca=csca, csca_key=csca_key, dsc=dsc, dsc_key=key, now=NOW, zones=ZONES)


@pytest.fixture(scope="session")
def issuer() -> SimpleNamespace:
    """An issuer with a signer in memory."""
    return issue(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture(scope="session")
def certify() -> Any:
    """Certifies a key of yours."""
    return issue
