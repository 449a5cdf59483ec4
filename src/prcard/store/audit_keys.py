"""The keys by which an audit log names card numbers: a keyed hash, never the number and never a plain hash.

A plain hash of an 18-digit number falls to trying all numbers in well under an hour. The key file stays with the house
that keeps the log, readable by its owner only; it is never copied into the log. A new key can be added at any time;
older ones stay, so that older entries can still be found.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import re
import secrets
import sys
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from prcard.errors import AuditError, CaptureError
from prcard.store.captures import write_whole

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["AuditKeys", "create_keys", "ensure_keys", "load_keys", "rotate_keys"]

FORMAT: Final = "prcard-audit-keys"
KEY_BYTES: Final = 32
MAX_KEY_FILE_BYTES: Final = 65_536
_LABEL: Final = b"prcard audit number\x00"
_ID: Final = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class AuditKeys:
    """Keys in the order in which they were made; the last one is used for new entries.

    Attributes:
        keys: Key id -> 32 bytes.
    """

    keys: dict[str, bytes] = field(repr=False)

    @property
    def current(self) -> str:
        """Id of the key that new entries use."""
        return next(reversed(self.keys))

    def hash_number(self, number: str, key_id: str | None = None) -> dict[str, str]:
        """Gives the keyed hash of a card number as an entry holds it (HMAC with SHA-256).

        Args:
            number: The number as it stands on the card.
            key_id: Which key; None for the current one.
        """
        key_id = key_id or self.current
        digest = hmac.new(self.keys[key_id], _LABEL + number.encode(), sha256).hexdigest()
        return {"key": key_id, "hmac": digest}


def create_keys(path: Path) -> AuditKeys:
    """Makes a key file with one key, mode 0600.

    Raises:
        AuditError: there is a file of this name, or it cannot be written.
    """
    keys = AuditKeys({_new_id(): secrets.token_bytes(KEY_BYTES)})
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        write_whole(temporary, _serialize(keys))
        try:
            # A link does not replace, so that of two who make the file at once one wins and none is lost.
            os.link(temporary, path)
        finally:
            temporary.unlink()
    except FileExistsError as error:
        raise AuditError(f"{path}: expected no file, found one; add a key instead of making the file anew") from error
    except (OSError, CaptureError) as error:
        reason = getattr(error, "strerror", None) or "one that cannot be written"
        raise AuditError(f"{path}: expected a place for the key file, found: {reason}; check it") from error
    return keys


def ensure_keys(path: Path) -> AuditKeys:
    """Loads the key file, or makes it when there is none.

    Raises:
        AuditError: it cannot be read or made, is no key file, or others may read it.
    """
    if not path.exists():
        with contextlib.suppress(AuditError):
            return create_keys(path)
    return load_keys(path)


def load_keys(path: Path) -> AuditKeys:
    """Loads a key file.

    Raises:
        AuditError: it cannot be read, is no key file, or others may read it.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(MAX_KEY_FILE_BYTES)
    except OSError as error:
        raise AuditError(f"{path}: expected a key file that can be read, found: {error.strerror}; check it") from error
    if sys.platform != "win32" and mode & 0o077:
        raise AuditError(f"{path}: expected mode 0600, found {mode & 0o777:04o}; run chmod 600 on it")
    try:
        document = json.loads(data)
        keys = {entry["id"]: bytes.fromhex(entry["key"]) for entry in document["keys"]}
        good = document["format"] == FORMAT and keys and len(keys) == len(document["keys"])
        good = good and all(_ID.fullmatch(key_id) and len(key) == KEY_BYTES for key_id, key in keys.items())
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _no_key_file(path) from error
    if not good:
        raise _no_key_file(path)
    return AuditKeys(keys)


def rotate_keys(path: Path) -> AuditKeys:
    """Adds a key, which new entries use from now on; older entries can still be found.

    Raises:
        AuditError: the file cannot be used.
    """
    keys = load_keys(path)
    grown = AuditKeys({**keys.keys, _new_id(): secrets.token_bytes(KEY_BYTES)})
    try:
        write_whole(path, _serialize(grown))
    except CaptureError as error:
        raise AuditError(f"{path}: expected a key file that can be written, found one that cannot; check it") from error
    return grown


def _new_id() -> str:
    return secrets.token_hex(4)


def _serialize(keys: AuditKeys) -> bytes:
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": 1,
        "keys": [{"id": key_id, "key": key.hex()} for key_id, key in keys.keys.items()],
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def _no_key_file(path: Path) -> AuditError:
    return AuditError(f"{path}: expected a key file made by prcard, found something else; give the right file")
