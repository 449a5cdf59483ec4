"""Captures in files: written whole or not at all, readable by their owner only."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from prcard.errors import CaptureError, FieldProblem
from prcard.record.capture import dump_capture, load_capture

if TYPE_CHECKING:
    from prcard.record.raw import RawCard

__all__ = ["MAX_CAPTURE_BYTES", "load", "save", "write_whole"]

MAX_CAPTURE_BYTES = 65_536


def save(raw: RawCard, path: Path) -> None:
    """Writes `raw` as a capture; an older file of this name is replaced only when the new one is complete.

    Raises:
        CaptureError: the file cannot be written; the older file is still whole then.
    """
    write_whole(path, dump_capture(raw).encode())


def load(path: Path) -> RawCard:
    """Reads a capture.

    Raises:
        CaptureError: the file cannot be read, is too large or is not a capture; names the place.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CAPTURE_BYTES + 1)
    except OSError as error:
        raise _refusal(path, "a file that can be read", error.strerror or "an error") from error
    return load_capture(data)


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file so that it has either its old content or the new one, never half; mode 0600.

    A link stays one: the file that it points to is replaced. What is no file, such as a device, is left alone.

    Raises:
        CaptureError: the file cannot be written, or something else lies there.
    """
    temporary = ""
    try:
        path = path.resolve() if path.is_symlink() else path
        if not path.name or (path.exists() and not path.is_file()):
            raise _refusal(path, "a file, or a name that is free", "something else")
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except (OSError, RuntimeError) as error:
        with contextlib.suppress(OSError):
            if temporary:
                Path(temporary).unlink()
        found = getattr(error, "strerror", None) or "an error"
        raise _refusal(path, "a file that can be written", found) from error


def _refusal(path: Path, expected: str, found: str) -> CaptureError:
    return CaptureError(
        FieldProblem(str(path), None, expected, found), advice="Check the folder, its rights and its space."
    )
