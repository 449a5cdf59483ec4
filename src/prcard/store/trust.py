"""A trust folder: the certificates and lists by which cards are judged, as files.

FOLDER/csca/*.der      pinned issuers: whoever can write here decides whom this house trusts
FOLDER/signers/*.der   document signers, for security objects that embed no certificate
FOLDER/crls/*.crl      lists of revoked signers
FOLDER/status/*.der    status lists of cards
FOLDER/published/      what `prcard trust update` pulled: whole versions side by side, `current` names the one in use
FOLDER/seen.json       the highest numbers ever seen here, by which an older list is told from a newer one

The first four are files that somebody put there; nothing checks who. A *published store* has the same four, `links/`,
and a signed manifest that lists every file. Pulled by an update it is checked against the pinned issuers and lies below
`published/`; its lists then count beside the folder's own, its issuers do not. Loaded directly it is a plain folder
like any other, which must also be what its manifest lists.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING, Final

from prcard.errors import PRCardError, TrustError
from prcard.store.captures import write_whole
from prcard.store.seen import Seen, dump_seen, parse_seen
from prcard.trust.certificate_profile import load_certificate
from prcard.trust.manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES, check_file, parse_manifest
from prcard.trust.material import load_material
from prcard.trust.reasons import TrustReason, refusal
from prcard.trust.revocation import issued_by_any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from cryptography import x509

    from prcard.trust.manifest import Manifest
    from prcard.trust.material import TrustMaterial

__all__ = [
    "MAX_FILES",
    "MAX_FILE_BYTES",
    "PARTS",
    "check_store",
    "current_store",
    "load_seen",
    "load_trust",
    "locked",
    "pinned_issuers",
    "remember",
    "save_trust",
    "staged_material",
]

PARTS: Final = {"csca": "der", "signers": "der", "crls": "crl", "status": "der"}
"""Folder -> ending of its files."""

MAX_FILES: Final = 1000
MAX_FILE_BYTES: Final = 4 << 20
"""Limits for one part of a trust folder: files, and bytes of each."""

SEEN_NAME: Final = "seen.json"
PUBLISHED: Final = "published"
CURRENT: Final = "current"
_TRIES: Final = 5
"""How often a version is looked up anew that an update has removed meanwhile."""


def load_trust(folder: Path) -> TrustMaterial:
    """Loads a trust folder, whole or not at all, and remembers the highest numbers of its lists in it.

    A folder that cannot be written to, such as one on a read-only medium, is loaded all the same and remembers nothing.

    Raises:
        TrustError: the folder or a file cannot be read, there is no issuer, or a piece is refused; names it.
    """
    anchors = pinned_issuers(folder)
    for _ in range(_TRIES - 1):
        version = current_store(folder)
        try:
            material = staged_material(folder, anchors, version)
            break
        except TrustError:
            # An update may have replaced and removed the version while it was read.
            if version == current_store(folder):
                raise
    else:
        material = staged_material(folder, anchors, current_store(folder))
    with contextlib.suppress(PRCardError):
        remember(folder, material)
    return material


def staged_material(folder: Path, anchors: Sequence[bytes], version: Path | None) -> TrustMaterial:
    """Makes the material of a folder's own files and one version of the published store.

    Args:
        folder: The trust folder.
        anchors: Its pinned issuers, DER.
        version: A version's folder, or None.

    Raises:
        TrustError: a file cannot be read, or a piece is refused.
    """
    if (folder / MANIFEST_NAME).exists():
        check_store(folder)
    parts = {part: _read(folder / part, ending) for part, ending in PARTS.items()}
    if version is not None:
        check_store(version)
        pinned = [load_certificate(data) for data in anchors]
        parts["signers"] += _read(version / "signers", PARTS["signers"])
        parts["crls"] += _read_crls(version, pinned)
        parts["status"] += _read(version / "status", PARTS["status"])
    seen = load_seen(folder)
    return load_material(
        anchors,
        signers=parts["signers"],
        crls=parts["crls"],
        status_lists=parts["status"],
        highest_crl=seen.crls,
        highest_status=seen.status,
    )


def _read_crls(version: Path, pinned: Sequence[x509.Certificate]) -> list[bytes]:
    """The lists of pinned issuers; a published store may hold those of a successor that is not pinned yet."""
    return [data for data in _read(version / "crls", PARTS["crls"]) if issued_by_any(data, pinned)]


def pinned_issuers(folder: Path) -> list[bytes]:
    """Reads the pinned issuers' certificates.

    Raises:
        TrustError: NO_ANCHOR, or a file cannot be read.
    """
    anchors = _read(folder / "csca", PARTS["csca"])
    if not anchors:
        raise refusal(TrustReason.NO_ANCHOR, f"{folder}: expected a trust folder with csca/*.der, found none")
    return anchors


def current_store(folder: Path) -> Path | None:
    """Gives the folder of the published version in use, or None.

    Raises:
        TrustError: FILE_UNUSABLE.
    """
    pointer = folder / PUBLISHED / CURRENT
    try:
        name = pointer.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused(pointer, error) from error
    if not name.replace("-", "").isalnum():
        raise refusal(TrustReason.FILE_UNUSABLE, f"{pointer}: expected the name of a version, found another text")
    return folder / PUBLISHED / name


def check_store(folder: Path) -> Manifest:
    """Checks that a published store is whole: every listed file is there and as listed, and no other.

    Raises:
        TrustError: it is not. Whether its signer may publish is NOT checked here.
    """
    manifest = parse_manifest(_read_file(folder / MANIFEST_NAME, MAX_MANIFEST_BYTES))
    for path in manifest.files:
        check_file(manifest, path, _read_file(folder / path, MAX_FILE_BYTES))
    present = {f"{part}/{path.name}" for part, ending in PARTS.items() for path in (folder / part).glob(f"*.{ending}")}
    if spare := sorted(present - manifest.files.keys()):
        raise refusal(TrustReason.STORE_DIFFERS, f"{spare[0]}: expected only files that the manifest lists")
    return manifest


def load_seen(folder: Path) -> Seen:
    """Reads the highest numbers seen; none when nothing was seen yet.

    Raises:
        TrustError: SEEN_MALFORMED or FILE_UNUSABLE.
    """
    try:
        return parse_seen((folder / SEEN_NAME).read_bytes())
    except FileNotFoundError:
        return Seen()
    except OSError as error:
        raise _refused(folder / SEEN_NAME, error) from error


def remember(folder: Path, material: TrustMaterial, *, store: int = 0) -> None:
    """Keeps the highest numbers of the lists in `material` that a pinned issuer stands behind.

    Args:
        folder: The trust folder.
        material: What was loaded from it.
        store: Number of a published version.

    Raises:
        TrustError: the memory cannot be read.
        CaptureError: it cannot be written.
    """
    if load_seen(folder).with_material(material, store) == load_seen(folder):
        return
    with locked(folder, wait=True):
        seen = load_seen(folder)
        write_whole(folder / SEEN_NAME, dump_seen(seen.with_material(material, store)))


@contextlib.contextmanager
def locked(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Holds a trust folder against others who would change it; readers need no lock.

    Raises:
        TrustError: STORE_BUSY, without `wait`; FILE_UNUSABLE: there is no such folder.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _refused(folder, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    except BlockingIOError:
        raise refusal(TrustReason.STORE_BUSY, f"{folder}: expected no other update at work") from None
    finally:
        os.close(descriptor)


def save_trust(folder: Path, parts: Mapping[str, Sequence[bytes]]) -> None:
    """Writes a trust folder; files of these names are replaced, each whole.

    Args:
        folder: Made when it is not there.
        parts: The files' bytes by part, a key of `PARTS`.

    Raises:
        TrustError: a folder cannot be made.
        CaptureError: a file cannot be written.
    """
    for part, files in parts.items():
        try:
            (folder / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _refused(folder / part, error) from error
        for number, data in enumerate(files, start=1):
            write_whole(folder / part / f"{number:03d}.{PARTS[part]}", data)


def _read(folder: Path, ending: str) -> list[bytes]:
    try:
        paths = sorted(path for path in folder.glob(f"*.{ending}") if path.is_file())
        if len(paths) > MAX_FILES or any(path.stat().st_size > MAX_FILE_BYTES for path in paths):
            detail = f"{folder}: expected at most {MAX_FILES} files of {MAX_FILE_BYTES} bytes, found more"
            raise refusal(TrustReason.TOO_LARGE, detail)
        return [path.read_bytes() for path in paths]
    except OSError as error:
        raise _refused(folder, error) from error


def _read_file(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise _refused(path, error) from error
    if len(data) > limit:
        raise refusal(TrustReason.TOO_LARGE, f"{path}: expected at most {limit} bytes, found more")
    return data


def _refused(path: Path, error: OSError) -> TrustError:
    return refusal(TrustReason.FILE_UNUSABLE, f"{path}: expected a place that can be used, found {error.strerror}")
