"""How a counter pulls what a back office publishes: checked in full beside the old version, then swapped in at once.

1. fetch the manifest; its form and signature must be in order
2. its signer must be a pinned issuer, or one whom a pinned issuer lets publish
3. its number must be higher than any seen here
4. fetch every file that it lists, each with its digest, into a new folder
5. the lists must not be older than any seen here
6. the new version must load as a whole
7. swap: one file names the version in use, and is replaced whole

A failure, or a crash at any moment, leaves the old version in use; a reader that is loading meanwhile sees one of the
two. Issuers in the store never become pinned: they are reported, and the operator decides.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prcard.store.captures import write_whole
from prcard.store.trust import (
    CURRENT,
    PUBLISHED,
    check_store,
    current_store,
    load_seen,
    locked,
    pinned_issuers,
    remember,
    staged_material,
)
from prcard.trust.certificate_profile import load_certificate
from prcard.trust.manifest import (
    MANIFEST_NAME,
    MAX_MANIFEST_BYTES,
    check_file,
    check_not_revoked,
    check_publisher,
    parse_manifest,
)
from prcard.trust.reasons import TrustReason, refusal
from prcard.trust.revocation import issuer_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from cryptography import x509

    from prcard.store.fetch import Source
    from prcard.store.seen import Seen
    from prcard.trust.manifest import Manifest
    from prcard.trust.material import TrustMaterial

__all__ = ["Update", "publish", "update_trust"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What an update did.

    Attributes:
        changed: False when the published version is the one in use already.
        number: Number of the version in use now.
        folder: Its folder.
        material: What the trust folder loads to now.
        offered: Issuers in the store that are not pinned, with the file of each.
    """

    changed: bool
    number: int
    folder: Path
    material: TrustMaterial
    offered: Mapping[Path, x509.Certificate]


def update_trust(folder: Path, source: Source, at: datetime) -> Update:
    """Pulls the newest published version into a trust folder.

    Args:
        folder: The trust folder, with at least one pinned issuer.
        source: Where the store is published.
        at: Aware present moment.

    Raises:
        TrustError: something is not in order, with its reason; the old version stays in use.
        CaptureError: a file cannot be written; the old version stays in use.
    """
    anchors = pinned_issuers(folder)
    _make(folder / PUBLISHED)
    # Not the folder itself: readers hold that for a moment when they remember a number.
    with locked(folder / PUBLISHED):
        manifest = parse_manifest(source.fetch(MANIFEST_NAME, MAX_MANIFEST_BYTES))
        check_publisher(manifest, [load_certificate(data) for data in anchors], at)
        seen, current = load_seen(folder), current_store(folder)
        in_use = None if current is None else check_store(current)
        newest = max(seen.store, 0 if in_use is None else in_use.number)
        if in_use is not None and current is not None and manifest.raw == in_use.raw:
            return _result(folder, current, anchors, changed=False)
        _check_newer(manifest, newest)
        with _staged(folder, manifest, source) as stage:
            _check_lists(folder, stage, anchors, manifest, seen, at)
            version = _keep(folder, stage, manifest)
        _write(folder / PUBLISHED / CURRENT, f"{version.name}\n".encode("ascii"))
        result = _result(folder, version, anchors, changed=True)
        _tidy(folder, {version, current})
    remember(folder, result.material, store=manifest.number)
    return result


def _check_newer(manifest: Manifest, newest: int) -> None:
    if manifest.number <= newest:
        same = "another one of this number" if manifest.number == newest else str(manifest.number)
        detail = f"manifest's number: expected more than {newest}, found {same}"
        raise refusal(TrustReason.STORE_ROLLBACK, detail)


def _make(folder: Path, new: str = "") -> Path:
    """Makes a folder, or a new one of any name in it."""
    try:
        folder.mkdir(exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=new, dir=folder)) if new else folder
    except OSError as error:
        detail = f"{folder}: expected a place that can be written, found {error.strerror}"
        raise refusal(TrustReason.FILE_UNUSABLE, detail) from None


@contextlib.contextmanager
def _staged(folder: Path, manifest: Manifest, source: Source) -> Iterator[Path]:
    """A new folder with the whole version in it, removed unless somebody moved it away."""
    stage = _make(folder / PUBLISHED, ".new-")
    try:
        for path, listed in manifest.files.items():
            data = source.fetch(path, listed.size_bytes)
            check_file(manifest, path, data)
            (stage / path).parent.mkdir(exist_ok=True)
            _write(stage / path, data)
        _write(stage / MANIFEST_NAME, manifest.raw)
        stage.chmod(0o755)
        yield stage
    except OSError as error:
        detail = f"{stage}: expected a place that can be written, found {error.strerror}"
        raise refusal(TrustReason.FILE_UNUSABLE, detail) from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    """What is published is for everybody to read."""
    write_whole(path, data)
    path.chmod(0o644)


def _check_lists(folder: Path, stage: Path, anchors: list[bytes], manifest: Manifest, seen: Seen, at: datetime) -> None:
    """Steps 5 and 6, and what step 2 left open."""
    material = staged_material(folder, anchors, stage)
    check_not_revoked(manifest, material, at)
    for crl in material.crls:
        if _has(stage, crl.raw) and crl.number < seen.crls.get(issuer_key(crl.issuer), 0):
            detail = f"CRLNumber: expected {seen.crls[issuer_key(crl.issuer)]} or more, found {crl.number}"
            raise refusal(TrustReason.CRL_ROLLBACK, detail)
    for item in material.status_lists:
        if _has(stage, item.raw) and item.number < seen.status.get(item.list_id, 0):
            detail = f"status list {item.list_id}: expected {seen.status[item.list_id]} or more, found {item.number}"
            raise refusal(TrustReason.STATUS_ROLLBACK, detail)


def _has(stage: Path, data: bytes) -> bool:
    return any(path.read_bytes() == data for part in ("crls", "status") for path in (stage / part).glob("*"))


def _keep(folder: Path, stage: Path, manifest: Manifest) -> Path:
    version = folder / PUBLISHED / f"{manifest.number:06d}"
    if version.exists():
        # Left by an update that crashed before it was in use; it is not known to be whole.
        shutil.rmtree(version)
    return stage.rename(version)


def _result(folder: Path, version: Path, anchors: list[bytes], *, changed: bool) -> Update:
    pinned = {load_certificate(data) for data in anchors}
    offered = {}
    for path in sorted((version / "csca").glob("*.der")):
        certificate = load_certificate(path.read_bytes())
        if certificate not in pinned:
            offered[path] = certificate
    return Update(
        changed=changed,
        number=check_store(version).number,
        folder=version,
        material=staged_material(folder, anchors, version),
        offered=offered,
    )


def _tidy(folder: Path, keep: set[Path | None]) -> None:
    """Removes older versions; the last one stays, since somebody may be reading it."""
    for path in (folder / PUBLISHED).iterdir():
        if path.is_dir() and path not in keep:
            shutil.rmtree(path, ignore_errors=True)


def publish(folder: Path, files: Mapping[str, bytes], manifest: bytes) -> None:
    """Writes a published store into a new folder, the manifest last; it must load as a whole.

    Args:
        folder: Must not be there yet.
        files: Path (`part/name`) to content.
        manifest: What lists them.

    Raises:
        TrustError: OUTPUT_EXISTS, FILE_UNUSABLE, or it does not load; nothing is left then.
    """
    if folder.exists():
        raise refusal(TrustReason.OUTPUT_EXISTS, f"{folder}: expected a name that is free")
    try:
        stage = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise refusal(TrustReason.FILE_UNUSABLE, f"{folder.parent}: found {error.strerror}") from None
    try:
        for path, data in {**files, MANIFEST_NAME: manifest}.items():
            (stage / path).parent.mkdir(exist_ok=True)
            _write(stage / path, data)
        check_store(stage)
        anchors = [data for path, data in files.items() if path.startswith("csca/")]
        staged_material(stage, anchors, None)
        stage.chmod(0o755)
        stage.rename(folder)
    except OSError as error:
        raise refusal(TrustReason.FILE_UNUSABLE, f"{folder}: found {error.strerror}") from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)
