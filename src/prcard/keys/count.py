"""How often a key has signed: a number in a file that survives restarts and crashes and is never too low.

A signature is counted before it is made. The file is locked while it is read and written, so that several processes may
share it; the new number is on the disk before the key is used. A number that was reserved and not used is lost.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
from typing import TYPE_CHECKING, Any, Final

from prcard.trust.certificate_profile import fingerprint
from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography import x509

    from prcard.errors import TrustError

__all__ = ["SignatureCount", "count_document"]

_FORMAT: Final = "prcard-signature-count"
_WIDTH: Final = 256
"""Bytes of the file, always: it is rewritten in place by one call, which a full disk cannot refuse."""


def count_document(certificate: x509.Certificate, budget: int, used: int = 0) -> bytes:
    """Gives the content of the file for a key, to be written once, when its certificate is issued.

    Args:
        certificate: The key's certificate.
        budget: How often the key may sign in all, 1 to 10**12.
        used: How often it has signed.

    Raises:
        TrustError: BAD_ARGUMENT.
    """
    if not 1 <= budget <= 10**12 or not 0 <= used <= budget:
        raise refusal(TrustReason.BAD_ARGUMENT, "budget: expected 1 to 10**12 signatures, and no more used")
    document = {
        "format": _FORMAT,
        "version": 1,
        "certificate": fingerprint(certificate),
        "budget": budget,
        "used": used,
    }
    return json.dumps(document).encode("ascii").ljust(_WIDTH - 1) + b"\n"


class SignatureCount:
    """The count of one key, in a file that must be there already."""

    __slots__ = ("_block", "_certificate", "_left", "_lock", "_path", "_process")

    def __init__(self, path: Path, certificate: x509.Certificate, *, block: int = 1) -> None:
        """Opens the count; nothing is reserved yet.

        Args:
            path: The file, made from `count_document`.
            certificate: The key's certificate, which the file must name.
            block: How many signatures are reserved at once. More than one spares a write to the disk for each
                signature; a crash loses what is left of the block, and `close` gives it back.

        Raises:
            TrustError: COUNT_MISSING, COUNT_MALFORMED, or BAD_ARGUMENT for a block below 1.
        """
        if block < 1:
            raise refusal(TrustReason.BAD_ARGUMENT, "block: expected 1 or more")
        self._path = path
        self._certificate = fingerprint(certificate)
        self._block = block
        self._left = 0
        self._process = os.getpid()
        self._lock = threading.Lock()
        self.read()

    def read(self) -> tuple[int, int]:
        """Gives what the file says: signatures reserved so far, and the budget.

        Raises:
            TrustError: COUNT_MISSING or COUNT_MALFORMED.
        """
        with self._locked() as descriptor:
            document = self._parse(descriptor)
        return document["used"], document["budget"]

    def reserve(self) -> None:
        """Counts one signature that is about to be made.

        Raises:
            TrustError: BUDGET_SPENT; COUNT_MISSING, COUNT_MALFORMED or FILE_UNUSABLE, and nothing may be signed.
        """
        with self._lock:
            if self._process != os.getpid():
                # What is left of a block belongs to the process that reserved it.
                self._process, self._left = os.getpid(), 0
            if self._left == 0:
                self._left = self._take()
            self._left -= 1

    def close(self) -> None:
        """Gives back what is left of the block; the count may be used again afterwards.

        Raises:
            TrustError: the file cannot be used.
        """
        with self._lock:
            if self._left and self._process == os.getpid():
                with self._locked() as descriptor:
                    document = self._parse(descriptor)
                    self._write(descriptor, document | {"used": document["used"] - self._left})
            self._left = 0

    def _take(self) -> int:
        with self._locked() as descriptor:
            document = self._parse(descriptor)
            used, budget = document["used"], document["budget"]
            taken: int = min(self._block, budget - used)
            if taken < 1:
                raise refusal(TrustReason.BUDGET_SPENT, f"budget: {budget} signatures, {used} made")
            self._write(descriptor, document | {"used": used + taken})
        return taken

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        try:
            descriptor = os.open(self._path, os.O_RDWR)
        except FileNotFoundError:
            raise refusal(TrustReason.COUNT_MISSING, f"{self._path}: expected the count of this key") from None
        except OSError as error:
            raise self._unusable(error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        except OSError as error:
            raise self._unusable(error) from None
        finally:
            os.close(descriptor)

    def _unusable(self, error: OSError) -> TrustError:
        detail = f"{self._path}: expected a file that can be read and written, found {error.strerror}"
        return refusal(TrustReason.FILE_UNUSABLE, detail)

    def _parse(self, descriptor: int) -> dict[str, Any]:
        data = os.pread(descriptor, _WIDTH + 1, 0)
        try:
            document = json.loads(data)
            numbers = document["budget"], document["used"]
            good = len(data) == _WIDTH and (document["format"], document["version"]) == (_FORMAT, 1)
            good = good and all(type(number) is int for number in numbers) and 0 <= numbers[1] <= numbers[0]
        except (ValueError, KeyError, TypeError):
            good = False
        if not good:
            raise refusal(TrustReason.COUNT_MALFORMED, f"{self._path}: expected a signature count of {_WIDTH} bytes")
        if document["certificate"] != self._certificate:
            detail = f"{self._path}: expected the count of this signer's certificate, found another's"
            raise refusal(TrustReason.COUNT_MALFORMED, detail)
        return dict(document)

    def _write(self, descriptor: int, document: dict[str, Any]) -> None:
        os.pwrite(descriptor, json.dumps(document).encode("ascii").ljust(_WIDTH - 1) + b"\n", 0)
        os.fsync(descriptor)
