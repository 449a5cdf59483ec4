"""A TEST ONLY back office in memory that publishes trust stores of any number, with any fault."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from prcard.store.update import publish
from prcard.trust.certificates import IssuerProfile, issue_crl, issue_csca, issue_link, issue_signer, request_signer
from prcard.trust.manifest import build_manifest
from prcard.trust.signer import InMemorySigner
from prcard.trust.status_list import build_status_list

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BEGIN = NOW - timedelta(days=30)
PROFILE = IssuerProfile(
    country="UT",
    country_alpha3="UTO",
    organization="TEST ONLY Issuer of Utopia",
    email="test-only@issuer.invalid",
    crl_uri="http://issuer.invalid/test-only.crl",
)


def der(part: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    return part.public_bytes(Encoding.DER)


class Office:
    """One issuer with signers of every kind."""

    def __init__(self, name: str = "TEST ONLY CSCA") -> None:
        self.now = NOW
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.csca = issue_csca(PROFILE, self.key, common_name=name, serial=self.serial(), not_before=BEGIN)
        self.issuer = InMemorySigner(self.key, self.csca)
        self.dsc, self.lists, self.publisher = (self.signer(kind) for kind in ("IR", "SL", "TS"))

    def serial(self) -> int:
        return secrets.randbits(100) | 1

    def signer(self, kind: str) -> InMemorySigner:
        key = ec.generate_private_key(ec.SECP256R1())
        request = request_signer(PROFILE, key, common_name=f"TEST ONLY {kind}")
        certificate = issue_signer(
            PROFILE, request, self.csca, self.key, serial=self.serial(), not_before=BEGIN, document_types=[kind]
        )
        return InMemorySigner(key, certificate)

    def crl(self, number: int, revoked: Collection[InMemorySigner] = ()) -> bytes:
        gone = {signer.certificate.serial_number: BEGIN for signer in revoked}
        end = BEGIN + timedelta(days=80)
        return der(issue_crl(self.csca, self.key, number=number, this_update=BEGIN, next_update=end, revoked=gone))

    def status(self, number: int, signer: InMemorySigner | None = None) -> bytes:
        return build_status_list(
            {},
            signer or self.lists,
            list_id=1,
            number=number,
            entries=100,
            bits=1,
            this_update=BEGIN,
            next_update=BEGIN + timedelta(days=80),
        )

    def link_to(self, successor: Office) -> bytes:
        return der(issue_link(PROFILE, self.csca, self.key, successor.csca, serial=self.serial(), not_before=BEGIN))

    def files(self, crl: int = 1, status: int = 1, revoked: Collection[InMemorySigner] = ()) -> dict[str, bytes]:
        return {
            "csca/1.der": der(self.csca),
            "signers/1.der": der(self.dsc.certificate),
            "crls/1.crl": self.crl(crl, revoked),
            "status/1.der": self.status(status),
        }

    def publish(
        self, folder: Path, number: int, files: dict[str, bytes] | None = None, by: InMemorySigner | None = None
    ) -> Path:
        listed = self.files(number, number) if files is None else files
        publish(folder, listed, build_manifest(listed, by or self.issuer, number=number, issued_at=NOW))
        return folder


@pytest.fixture(scope="session")
def office() -> Office:
    return Office()


@pytest.fixture(scope="session")
def another_office() -> Callable[[str], Office]:
    return Office


@pytest.fixture
def counter(tmp_path: Path, office: Office) -> Path:
    """A counter's trust folder that pins the office and holds nothing else."""
    (tmp_path / "counter" / "csca").mkdir(parents=True)
    (tmp_path / "counter" / "csca" / "pinned.der").write_bytes(der(office.csca))
    return tmp_path / "counter"
