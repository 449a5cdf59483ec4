"""Passphrases and PINs: held so that no log, error, traceback or repr can show them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Never

from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAX_SECRET_BYTES", "Ask", "Secret", "secret_from_descriptor"]

MAX_SECRET_BYTES: Final = 1024


class Secret:
    """Bytes that must not be seen; only `reveal` gives them, and only to the call that uses them.

    A frame that holds a secret as a plain value would show it in a traceback that prints locals, so callers pass
    `secret.reveal()` straight on and never give it a name.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        """Keeps the bytes."""
        self._value = value

    def reveal(self) -> bytes:
        """Gives the bytes."""
        return self._value

    def __len__(self) -> int:
        return len(self._value)

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __reduce__(self) -> Never:
        raise TypeError("a secret is not written down")


if TYPE_CHECKING:
    Ask = Callable[[], Secret]
else:
    Ask = object
"""How a key store gets its passphrase or PIN: it calls when it needs it, and keeps nothing."""


def secret_from_descriptor(descriptor: int) -> Secret:
    """Reads one line from an open file descriptor, for `--passphrase-fd` and `--pin-fd`.

    Args:
        descriptor: Number of a descriptor that the caller opened for us; it is read to the end of its first line and
            left open.

    Raises:
        TrustError: SECRET_MISSING: it is not open, cannot be read, is empty or holds more than 1024 bytes.
    """
    line = bytearray()
    try:
        while len(line) <= MAX_SECRET_BYTES and (byte := os.read(descriptor, 1)) not in {b"", b"\n"}:
            line += byte
    except OSError as error:
        detail = f"descriptor {descriptor}: expected one that can be read, found {error.strerror}"
        raise refusal(TrustReason.SECRET_MISSING, detail) from None
    secret = Secret(bytes(line).removesuffix(b"\r"))
    line.clear()
    if not 1 <= len(secret) <= MAX_SECRET_BYTES:
        detail = f"descriptor {descriptor}: expected a line of 1 to {MAX_SECRET_BYTES} bytes, found none such"
        raise refusal(TrustReason.SECRET_MISSING, detail)
    return secret
