"""The frame and its bodies as Construct declarations: the oracle of `prcard.wire.frame`, source of exports.

Not imported at run time: sessions use `Frame` and `FrameScanner`, which tests show to be equal to these
declarations. The check byte is computed here by a plain loop, so that the fast one has an independent judge.
"""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import Final

from construct import (
    Byte,
    Bytes,
    Checksum,
    Const,
    ConstructError,
    ExprValidator,
    GreedyBytes,
    Int16ub,
    OneOf,
    RawCopy,
    Rebuild,
    Struct,
    Terminated,
    len_,
    obj_,
    this,
)

from prcard.errors import LocalWireError, RemoteWireError

__all__ = ["FRAME", "READ_REPLY", "REPLY_BODY", "REQUEST_BODY", "oracle_build", "oracle_parse"]

_LENGTHS: Final = (obj_ >= 0x0003) & (obj_ <= 0x090A)

FRAME: Final = Struct(
    "preamble" / Const(bytes.fromhex("AAAAAA9669")),
    "covered"
    / RawCopy(
        Struct(
            "length" / Rebuild(ExprValidator(Int16ub, _LENGTHS), len_(this.body) + 1),
            "body" / Bytes(this.length - 1),
        )
    ),
    "check" / Checksum(Byte, lambda covered: reduce(xor, covered), this.covered.data),
    Terminated,
)
"""Preamble, LEN (3 for the shortest request to 090A for the longest reply), body, CHK."""

REQUEST_BODY: Final = Struct("cmd" / Byte, "para" / Byte, "data" / GreedyBytes)
"""Body of a request."""

REPLY_BODY: Final = Struct("sw1" / Byte, "sw2" / Byte, "sw3" / Byte, "data" / GreedyBytes)
"""Body of a reply."""

READ_REPLY: Final = Struct(
    "text_length" / Const(0x0100, Int16ub),
    "photo_length" / Const(0x0400, Int16ub),
    "fingerprint_length" / Rebuild(OneOf(Int16ub, (0x0000, 0x0200, 0x0400)), len_(this.fingerprint)),
    "text" / Bytes(this.text_length),
    "photo" / Bytes(this.photo_length),
    "fingerprint" / Bytes(this.fingerprint_length),
    Terminated,
)
"""Data of the reply to 30 10; that to 30 01 lacks the third length and the third zone."""


def oracle_parse(data: bytes) -> bytes:
    """Reads exactly one frame and gives its body.

    Raises:
        RemoteWireError: `data` is not exactly one frame.
    """
    try:
        body: bytes = FRAME.parse(data).covered.value.body
    except ConstructError as error:
        raise RemoteWireError(f"frame: expected the declared layout, found {type(error).__name__}") from error
    return body


def oracle_build(body: bytes) -> bytes:
    """Builds the frame around a body.

    Args:
        body: 2–2313 bytes.

    Raises:
        LocalWireError: no frame can carry `body`.
    """
    try:
        frame: bytes = FRAME.build({"covered": {"value": {"body": body}}})
    except ConstructError as error:
        raise LocalWireError(f"body: expected 2-2313 bytes, found {len(body)}") from error
    return frame
