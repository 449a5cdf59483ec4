"""The manifest of a published trust store: every file with its digest, numbered and signed.

The envelope is the same signed message as a security object's. It is signed by a pinned issuer itself, or by a signer
that a pinned issuer certified for this and nothing else (document type `TS`) and has not revoked. The content is one
JSON document in one form, so that it can be read by people and has no second spelling.

Source: content type and form are ours.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prcard.errors import TrustError
from prcard.trust.algorithms import check_public_key
from prcard.trust.certificate_profile import STORE_TYPE, check_anchor, check_may_sign, fingerprint
from prcard.trust.chain import verify_signer
from prcard.trust.cms import check_signature, parse_signed, sign_message
from prcard.trust.reasons import TrustReason, refusal
from prcard.trust.revocation import RevocationState, signer_status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cryptography import x509

    from prcard.trust.material import TrustMaterial
    from prcard.trust.signer import Signer

__all__ = [
    "MANIFEST_NAME",
    "MAX_MANIFEST_BYTES",
    "MAX_STORE_FILE_BYTES",
    "STORE_PARTS",
    "Manifest",
    "StoreFile",
    "build_manifest",
    "check_file",
    "check_not_revoked",
    "check_publisher",
    "parse_manifest",
]

MANIFEST: Final = "2.25.257902756108964447932493073699424494593"
"""Content type of a manifest: an identifier made from a random UUID (ITU-T X.667)."""

MANIFEST_NAME: Final = "manifest.der"
STORE_PARTS: Final[Mapping[str, str]] = MappingProxyType(
    {"csca": "der", "links": "der", "signers": "der", "crls": "crl", "status": "der"}
)
"""Folder of a store -> ending of its files."""

MAX_MANIFEST_BYTES: Final = 1 << 20
MAX_STORE_FILES: Final = 2000
MAX_STORE_FILE_BYTES: Final = 4 << 20
MAX_STORE_BYTES: Final = 256 << 20
MAX_NUMBER: Final = 2**53 - 1
_FORMAT: Final = {"format": "prcard-trust-store", "version": 1}
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class StoreFile(NamedTuple):
    """One file of a store, as the manifest lists it.

    Attributes:
        sha256: Digest in hex.
        size_bytes: Its length.
    """

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest whose signature holds under the certificate that it embeds; whose that is, `check_publisher` judges.

    Attributes:
        raw: The signed message.
        certificate: The signer's certificate.
        number: Grows by every publication.
        issued_at: When it was signed, by the signer's own word.
        files: Path (`part/name`) to digest and length, in order.
    """

    raw: bytes = field(repr=False)
    certificate: x509.Certificate
    number: int
    issued_at: datetime
    files: Mapping[str, StoreFile] = field(repr=False)


def build_manifest(files: Mapping[str, bytes], signer: Signer, *, number: int, issued_at: datetime) -> bytes:
    """Makes and signs a manifest, and reads it back before it is handed out.

    Args:
        files: Path (`part/name`) to content.
        signer: A pinned issuer, or a signer of document type `TS`.
        number: 1 or more, greater than that of every publication before.
        issued_at: Aware moment of signing.

    Raises:
        TrustError: an argument is refused, or the signer may not sign manifests at this moment.
    """
    if not _is_issuer(signer.certificate):
        check_may_sign(signer.certificate, issued_at, STORE_TYPE)
    listed = {path: StoreFile(hashlib.sha256(data).hexdigest(), len(data)) for path, data in files.items()}
    content = _dump(number, listed)
    data = sign_message(content, MANIFEST, signer, issued_at)
    parse_manifest(data)
    return data


def _dump(number: int, files: Mapping[str, StoreFile]) -> bytes:
    document = _FORMAT | {"number": number, "files": {path: files[path]._asdict() for path in sorted(files)}}
    return json.dumps(document, indent=1).encode("ascii")


def _is_issuer(certificate: x509.Certificate) -> bool:
    try:
        check_anchor(certificate)
    except TrustError:
        return False
    return True


def parse_manifest(data: bytes) -> Manifest:
    """Reads a manifest and checks its signature under the certificate that it embeds.

    Args:
        data: The signed message, at most 1 MiB.

    Raises:
        TrustError: the form or the signature is not in order. Whose signature it is, is NOT checked here.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        detail = f"manifest: expected at most {MAX_MANIFEST_BYTES} bytes, found {len(data)}"
        raise refusal(TrustReason.TOO_LARGE, detail)
    message = parse_signed(data, MANIFEST, "manifest")
    if message.certificate is None:
        raise refusal(TrustReason.CERTIFICATE_MISSING, "manifest: expected its signer's certificate")
    check_signature(message, check_public_key(message.certificate))
    number, files = _parse_content(message.content)
    return Manifest(
        raw=data,
        certificate=message.certificate,
        number=number,
        issued_at=message.signing_time,
        files=MappingProxyType(files),
    )


def _parse_content(content: bytes) -> tuple[int, dict[str, StoreFile]]:
    try:
        document: Any = json.loads(content)
        number = document["number"]
        files = {path: StoreFile(**entry) for path, entry in document["files"].items()}
        whole = _dump(number, files) == content
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        whole = False
    if not whole:
        raise _malformed("the one form of its content")
    if type(number) is not int or not 1 <= number <= MAX_NUMBER:
        raise _malformed("a number from 1")
    if len(files) > MAX_STORE_FILES:
        raise _malformed(f"at most {MAX_STORE_FILES} files")
    for path, entry in files.items():
        _check_entry(path, entry)
    if sum(entry.size_bytes for entry in files.values()) > MAX_STORE_BYTES:
        raise _malformed(f"at most {MAX_STORE_BYTES} bytes in all")
    return number, files


def _check_entry(path: str, entry: StoreFile) -> None:
    part, _, name = path.partition("/")
    if part not in STORE_PARTS or not _NAME.fullmatch(name) or not name.endswith(f".{STORE_PARTS[part]}"):
        raise _malformed("paths such as crls/0a1b.crl")
    if type(entry.sha256) is not str or not _DIGEST.fullmatch(entry.sha256):
        raise _malformed("SHA-256 in hexadecimal")
    if type(entry.size_bytes) is not int or not 0 <= entry.size_bytes <= MAX_STORE_FILE_BYTES:
        raise _malformed(f"files of at most {MAX_STORE_FILE_BYTES} bytes")


def _malformed(expected: str) -> TrustError:
    return refusal(TrustReason.STORE_MALFORMED, f"manifest: expected {expected}")


def check_file(manifest: Manifest, path: str, data: bytes) -> None:
    """Checks that a file is the one that the manifest lists.

    Raises:
        TrustError: STORE_DIFFERS.
    """
    listed = manifest.files.get(path)
    if listed is None or listed != StoreFile(hashlib.sha256(data).hexdigest(), len(data)):
        raise refusal(TrustReason.STORE_DIFFERS, f"{path}: expected the file that the manifest lists, found another")


def check_publisher(manifest: Manifest, anchors: Sequence[x509.Certificate], at: datetime) -> None:
    """Checks that a manifest is signed by a pinned issuer, or by one whom a pinned issuer lets publish.

    Whether the latter is revoked is NOT checked here: see `check_not_revoked`.

    Args:
        manifest: The manifest.
        anchors: The pinned issuers.
        at: Aware moment of judging.

    Raises:
        TrustError: STORE_UNTRUSTED, or what is wrong with the delegate's certificate.
    """
    certificate = manifest.certificate
    if certificate in anchors:
        return
    if _is_issuer(certificate):
        detail = f"manifest: expected a pinned issuer's signature, found another issuer's: {fingerprint(certificate)}"
        raise refusal(TrustReason.STORE_UNTRUSTED, detail)
    verify_signer(certificate, anchors, at)
    check_may_sign(certificate, manifest.issued_at, STORE_TYPE)


def check_not_revoked(manifest: Manifest, material: TrustMaterial, at: datetime) -> None:
    """Checks by the lists of a store that its publisher, unless it is the issuer itself, is not revoked.

    Raises:
        TrustError: STORE_UNTRUSTED: it is, or no list says that it is not.
    """
    if manifest.certificate in material.anchors:
        return
    signer = verify_signer(manifest.certificate, material.anchors, at)
    status = signer_status(signer, material.crls, at, grace=material.grace, highest_seen=material.highest_crl)
    if status.state is not RevocationState.GOOD:
        raise refusal(TrustReason.STORE_UNTRUSTED, f"manifest's signer: expected a good one, found: {status.reason.en}")
