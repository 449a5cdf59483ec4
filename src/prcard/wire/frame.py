"""One SAM_V frame: preamble, length, body and check byte.

    request: AA AA AA 96 69 | LEN hi lo | CMD PARA     | DATA… | CHK
    reply:   AA AA AA 96 69 | LEN hi lo | SW1 SW2 SW3  | DATA… | CHK

LEN counts the bytes behind it, CHK included. CHK is the exclusive or of LEN and body, so the exclusive or
of LEN, body and CHK is 0. Source: SAM_V interface document, frame format (A).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from prcard.errors import LocalWireError, RemoteWireError
from prcard.wire.codes import Command

__all__ = [
    "HEADER_BYTES",
    "MAX_REPLY_BODY_BYTES",
    "MAX_REPLY_LENGTH",
    "MAX_REQUEST_BODY_BYTES",
    "MAX_REQUEST_LENGTH",
    "MIN_REPLY_LENGTH",
    "MIN_REQUEST_LENGTH",
    "PREAMBLE",
    "Frame",
    "xor_check",
]

PREAMBLE: Final = bytes.fromhex("AAAAAA9669")
HEADER_BYTES: Final = len(PREAMBLE) + 2
"""Preamble and LEN."""

MAX_REQUEST_BODY_BYTES: Final = 2 + max(command.request_length_bytes for command in Command)
"""CMD, PARA and at most one data byte: a memory limit for what a host may claim."""
MAX_REPLY_BODY_BYTES: Final = 3 + max(max(command.reply_lengths) for command in Command)
"""SW1–SW3 and the longest data of any reply: a memory limit for what a reader may claim."""

MIN_REQUEST_LENGTH: Final = 3
MAX_REQUEST_LENGTH: Final = MAX_REQUEST_BODY_BYTES + 1
MIN_REPLY_LENGTH: Final = 4
MAX_REPLY_LENGTH: Final = MAX_REPLY_BODY_BYTES + 1
"""Smallest and largest LEN of a request and of a reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What one frame carries; preamble, LEN and CHK are computed when it is serialized.

    A frame does not know its direction: read `command_bytes` and `request_data` of a request, and `sw1`,
    `sw2`, `sw3` and `reply_data` of a reply.

    Attributes:
        body: Everything between LEN and CHK, 2–2313 bytes.
    """

    body: bytes

    def __post_init__(self) -> None:
        self.check()

    def check(self) -> None:
        """Refuses a body that no frame of the protocol can carry; a frame that exists has passed.

        Raises:
            LocalWireError: the body is shorter than CMD and PARA or longer than the longest reply.
        """
        if not MIN_REQUEST_LENGTH <= len(self.body) + 1 <= MAX_REPLY_LENGTH:
            raise LocalWireError(f"body: expected 2-{MAX_REPLY_BODY_BYTES} bytes, found {len(self.body)}")

    @classmethod
    def request(cls, command: Command, data: bytes = b"") -> Frame:
        """Builds the request for a command.

        Args:
            command: What to ask for.
            data: One byte for `SET_MAX_RF_BYTES`, else b"".

        Raises:
            LocalWireError: `data` is not what the command takes.
        """
        if len(data) != command.request_length_bytes:
            raise LocalWireError(
                f"data of {command.name}: expected {command.request_length_bytes} bytes, found {len(data)}"
            )
        allowed = command.argument
        if allowed is not None and data[0] not in allowed:
            raise LocalWireError(f"data byte of {command.name}: expected {allowed[0]}-{allowed[-1]}, found {data[0]}")
        return cls(body=command.value + data)

    @classmethod
    def reply(cls, status: int, data: bytes = b"", *, sw1: int = 0, sw2: int = 0) -> Frame:
        """Builds a reply. Whether a command may be answered so is not checked: see `Command.may_answer`.

        Args:
            status: SW3, 0–255, known or not.
            data: 0–2310 bytes.
            sw1: First status byte of the card, 0 when nothing came from it.
            sw2: Second status byte of the card.

        Raises:
            LocalWireError: a status word is no byte, or `data` is longer than in any reply.
        """
        for name, value in (("SW1", sw1), ("SW2", sw2), ("SW3", status)):
            if not 0 <= value <= 0xFF:
                raise LocalWireError(f"{name}: expected a byte, 0-255, found {value}")
        return cls(body=bytes((sw1, sw2, status)) + data)

    @property
    def command_bytes(self) -> bytes:
        """CMD and PARA of a request."""
        return self.body[:2]

    @property
    def request_data(self) -> bytes:
        """What stands behind PARA."""
        return self.body[2:]

    @property
    def sw1(self) -> int:
        """First status byte of the card in a reply."""
        return self.body[0]

    @property
    def sw2(self) -> int:
        """Second status byte of the card in a reply."""
        return self.body[1]

    @property
    def sw3(self) -> int:
        """State of reader and SAM in a reply.

        Raises:
            RemoteWireError: the frame is too short to be a reply.
        """
        if len(self.body) < 3:
            raise RemoteWireError("SW3 at byte 9: expected a reply with SW1-SW3, found a body of 2 bytes")
        return self.body[2]

    @property
    def reply_data(self) -> bytes:
        """What stands behind SW3."""
        return self.body[3:]

    def serialize(self) -> bytes:
        """Builds the bytes on the line, with preamble, LEN and CHK."""
        covered = (len(self.body) + 1).to_bytes(2, "big") + self.body
        return PREAMBLE + covered + bytes((xor_check(covered),))

    @classmethod
    def parse(cls, data: bytes) -> Frame:
        """Reads exactly one frame; `FrameScanner` finds frames in a stream.

        Args:
            data: The whole frame and nothing else, 10–2321 bytes.

        Raises:
            RemoteWireError: preamble, LEN, number of bytes or CHK is wrong; names byte, expected and found.

        >>> Frame.parse(Frame.request(Command.SAM_STATUS).serialize()).command_bytes.hex()
        '11ff'
        """
        if data[: len(PREAMBLE)] != PREAMBLE:
            raise RemoteWireError(_preamble_fault(data))
        if len(data) < HEADER_BYTES:
            raise RemoteWireError(f"LEN at byte 5: expected 2 bytes, found {len(data) - len(PREAMBLE)}; send all of it")
        length = int.from_bytes(data[5:7], "big")
        if not MIN_REQUEST_LENGTH <= length <= MAX_REPLY_LENGTH:
            raise RemoteWireError(
                f"LEN at byte 5: expected {MIN_REQUEST_LENGTH:04X}-{MAX_REPLY_LENGTH:04X}, "
                f"found {length:04X}; the header is damaged or not of this protocol"
            )
        if len(data) != HEADER_BYTES + length:
            raise RemoteWireError(
                f"LEN at byte 5: expected {HEADER_BYTES + length} bytes in all, found {len(data)}; "
                "give one frame, neither cut nor followed by more"
            )
        wrong = xor_check(data[len(PREAMBLE) :])
        if wrong:
            raise RemoteWireError(
                f"CHK at byte {len(data) - 1}: expected {data[-1] ^ wrong:02X}, found {data[-1]:02X}; send it again"
            )
        return cls(body=bytes(data[HEADER_BYTES:-1]))


def _preamble_fault(data: bytes) -> str:
    at = next((i for i, byte in enumerate(PREAMBLE) if data[i : i + 1] != bytes((byte,))), 0)
    found = f"{data[at]:02X}" if at < len(data) else "the end"
    return f"preamble at byte {at}: expected {PREAMBLE[at]:02X}, found {found}; this is no SAM_V frame"


_BLOCK_BYTES: Final = 4096
_FOLDS: Final = tuple((8 << k, (1 << (8 << k)) - 1) for k in reversed(range((_BLOCK_BYTES // 2).bit_length())))
"""(bits, mask) of each fold, from half a block down to one byte."""
_FIRST_FOLD: Final = tuple(
    next((i for i, (bits, _) in enumerate(_FOLDS) if bits < 8 * size), len(_FOLDS)) for size in range(_BLOCK_BYTES + 1)
)


def xor_check(data: bytes) -> int:
    """Computes the exclusive or of all bytes, 0 for none.

    The two halves are read as integers and folded onto each other; the mask keeps the integer from staying
    long. That is several times faster than a loop over the bytes of a long frame (benchmarks/scanner.py).

    >>> f"{xor_check(bytes.fromhex('0003 11FF')):02X}"
    'ED'
    """
    if len(data) > _BLOCK_BYTES:
        return xor_check(data[:_BLOCK_BYTES]) ^ xor_check(data[_BLOCK_BYTES:])
    half = (len(data) + 1) >> 1
    folded = int.from_bytes(data[:half], "little") ^ int.from_bytes(data[half:], "little")
    for bits, mask in _FOLDS[_FIRST_FOLD[half] :]:
        folded = (folded >> bits) ^ (folded & mask)
    return folded
