"""The issuer in memory: TEST ONLY everywhere, and what it signs verifies."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509

from prcard.simulator.issuer import SpecimenIssuer
from prcard.simulator.specimens import SPECIMENS, Specimen
from prcard.trust.material import load_material
from prcard.trust.verify import SecurityOutcome, SecurityVerifier

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def issuer() -> SpecimenIssuer:
    return SpecimenIssuer(NOW)


@pytest.mark.parametrize("entry", SPECIMENS, ids=lambda entry: entry.name)
def test_every_specimen_can_be_signed_and_verified(entry: Specimen, issuer: SpecimenIssuer) -> None:
    card, full = issuer.issue(entry.card())
    material = load_material([issuer.csca], signers=[issuer.dsc], crls=[issuer.crl], status_lists=[issuer.status_list])
    verifier = SecurityVerifier(material, allow_test_issuers=True)
    assert {check.outcome for check in verifier.verify_card(card, NOW)} == {SecurityOutcome.PASSED}
    assert full[:1] == b"\x77"
    assert (card.text, card.photo) == (entry.card().text, entry.card().photo)
    if entry.fingerprint:
        assert (card.fingerprint, card.security_object) == (entry.card().fingerprint, full)
    else:
        assert (card.fingerprint[:1], len(card.fingerprint), card.security_object) == (b"\x77", 512, None)


def test_every_name_says_test_only(issuer: SpecimenIssuer) -> None:
    for data in (issuer.csca, issuer.dsc):
        certificate = x509.load_der_x509_certificate(data)
        assert "TEST ONLY" in certificate.subject.rfc4514_string()
        assert "TEST ONLY" in certificate.issuer.rfc4514_string()


def test_keys_are_new_every_time(issuer: SpecimenIssuer) -> None:
    assert SpecimenIssuer(NOW).csca != issuer.csca


def test_it_shows_no_key(issuer: SpecimenIssuer) -> None:
    assert "PRIVATE" not in repr(issuer) + str(issuer.pem)
