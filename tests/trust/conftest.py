"""Issuers, zones and moments from fixtures/trust, all TEST ONLY."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from prcard.trust.certificates import IssuerProfile
from prcard.trust.material import load_material
from prcard.trust.signer import InMemorySigner
from prcard.trust.verify import SecurityVerifier

FIXTURES = Path(__file__).parents[2] / "fixtures"
TRUST = FIXTURES / "trust"
EXPECTED = json.loads((TRUST / "refused.json").read_text())


def load_issuer(name: str) -> SimpleNamespace:
    """Everything that fixtures/trust/NAME holds, loaded."""
    folder = TRUST / name
    keys = {
        part: load_pem_private_key((folder / f"TEST-ONLY-{part}.key.pem").read_bytes(), None)
        for part in ("csca", "dsc")
    }
    data = {path.name: path.read_bytes() for path in folder.iterdir()}
    dsc = x509.load_der_x509_certificate(data["dsc.der"])
    return SimpleNamespace(
        name=name,
        folder=folder,
        data=data,
        csca=x509.load_der_x509_certificate(data["csca.der"]),
        csca_key=keys["csca"],
        dsc=dsc,
        dsc_key=keys["dsc"],
        signer=InMemorySigner(keys["dsc"], dsc, deterministic=True),  # type: ignore[arg-type]  # an EC key, as made
        material=load_material(
            [data["csca.der"]],
            signers=[data["dsc.der"]],
            crls=[data["csca.crl"]],
            status_lists=[data["status-list.der"]],
        ),
        sod=data["sod.der"],
        compact=data["compact.sod.der"],
    )


@pytest.fixture(scope="session")
def issuer_named() -> Any:
    """Loads a TEST ONLY issuer by the name of its curve, p256 or p384."""
    return load_issuer


@pytest.fixture(scope="session", params=["p256", "p384"])
def issuer(request: pytest.FixtureRequest) -> Any:
    """One TEST ONLY issuer on each curve."""
    return load_issuer(request.param)


@pytest.fixture(scope="session")
def p256() -> Any:
    """The TEST ONLY issuer on P-256."""
    return load_issuer("p256")


@pytest.fixture(scope="session")
def zones() -> dict[str, bytes]:
    """The zones of the specimen that fixtures/trust signs."""
    folder = FIXTURES / "specimens" / "alice"
    return {name: (folder / f"{name}.bin").read_bytes() for name in ("text", "photo")}


@pytest.fixture(scope="session")
def judged() -> datetime:
    """The moment at which fixtures are judged."""
    return datetime.fromisoformat(EXPECTED["judged_at"])


@pytest.fixture(scope="session")
def signed() -> datetime:
    """The moment at which fixtures were signed."""
    return datetime.fromisoformat(EXPECTED["signed_at"])


@pytest.fixture(scope="session")
def started(p256: Any) -> datetime:
    """The moment at which the issuers of the fixtures began."""
    moment: datetime = p256.csca.not_valid_before_utc
    return moment


@pytest.fixture(scope="session")
def profile() -> IssuerProfile:
    """The policy of the issuers of the fixtures."""
    return IssuerProfile(
        country="UT",
        country_alpha3="UTO",
        organization="TEST ONLY Issuer of Utopia",
        email="test-only@issuer.invalid",
        crl_uri="http://issuer.invalid/test-only.crl",
    )


@pytest.fixture(scope="session")
def verifier(p256: Any) -> SecurityVerifier:
    """A verifier in training, with the material of the issuer on P-256."""
    return SecurityVerifier(p256.material, allow_test_issuers=True)


@pytest.fixture
def day() -> timedelta:
    """One day."""
    return timedelta(days=1)
