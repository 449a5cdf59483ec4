"""A trust folder: the certificates and lists by which cards are judged, as files.

FOLDER/csca/*.der      pinned issuers: whoever can write here decides whom this house trusts
FOLDER/signers/*.der   document signers, for security objects that embed no certificate
FOLDER/crls/*.crl      lists of revoked signers
FOLDER/status/*.der    status lists of cards
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prcard.store.captures import write_whole
from prcard.trust.material import load_material
from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from prcard.errors import TrustError
    from prcard.trust.material import TrustMaterial

__all__ = ["MAX_FILES", "MAX_FILE_BYTES", "PARTS", "load_trust", "save_trust"]

PARTS: Final = {"csca": "der", "signers": "der", "crls": "crl", "status": "der"}
"""Folder -> ending of its files."""

MAX_FILES: Final = 1000
MAX_FILE_BYTES: Final = 4 << 20
"""Limits for one part of a trust folder: files, and bytes of each."""


def load_trust(folder: Path) -> TrustMaterial:
    """Loads a trust folder, whole or not at all.

    Raises:
        TrustError: the folder or a file cannot be read, there is no issuer, or a piece is refused; names it.
    """
    parts = {part: _read(folder / part, ending) for part, ending in PARTS.items()}
    if not parts["csca"]:
        raise refusal(TrustReason.BAD_ARGUMENT, f"{folder}: expected a trust folder with csca/*.der, found none")
    return load_material(parts["csca"], signers=parts["signers"], crls=parts["crls"], status_lists=parts["status"])


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


def _refused(folder: Path, error: OSError) -> TrustError:
    return refusal(TrustReason.BAD_ARGUMENT, f"{folder}: expected a folder that can be used, found {error.strerror}")
