"""An open picture that fits a photo zone, for specimens only.

The photo codec of real cards is closed, so a specimen carries a plain PNG: 68 × 84 pixels, one bit, stored without
compression so that every zlib writes the same bytes. It shows an outline and the word SPECIMEN.

Source: PNG specification (ISO/IEC 15948), our own drawing.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

from prcard.record.raw import PHOTO_BYTES

__all__ = ["HEIGHT", "WIDTH", "specimen_photo"]

WIDTH: Final = 68
HEIGHT: Final = 84
_BAND: Final = (66, 78)
"""Rows of the black band that holds the word."""

_LETTERS: Final = {
    "S": ("01110", "10001", "10000", "01110", "00001", "10001", "01110"),
    "P": ("11110", "10001", "10001", "11110", "10000", "10000", "10000"),
    "E": ("11111", "10000", "10000", "11110", "10000", "10000", "11111"),
    "C": ("01110", "10001", "10000", "10000", "10000", "10001", "01110"),
    "I": ("01110", "00100", "00100", "00100", "00100", "00100", "01110"),
    "M": ("10001", "11011", "10101", "10101", "10001", "10001", "10001"),
    "N": ("10001", "11001", "10101", "10101", "10011", "10001", "10001"),
}
_WORD: Final = "SPECIMEN"


def specimen_photo(name: str) -> bytes:
    """Draws the photo zone of a specimen.

    Args:
        name: Any text; it varies the outline, so that two specimens can be told apart.

    Returns:
        1024 bytes: a PNG file followed by zero bytes.
    """
    variety = zlib.crc32(name.encode())
    rows = bytearray()
    for y in range(HEIGHT):
        bits = 0
        for x in range(WIDTH):
            bits = bits << 1 | _white(x, y, variety)
        # Filter type 0, then the bits, filled up to whole bytes.
        rows += b"\0" + (bits << -WIDTH % 8).to_bytes((WIDTH + 7) // 8, "big")
    return _png(bytes(rows)).ljust(PHOTO_BYTES, b"\0")


def _white(x: int, y: int, variety: int) -> bool:
    if _BAND[0] <= y < _BAND[1]:
        return _in_word(x, y)
    head_width, head_height = 12 + variety % 5, 16 + variety // 5 % 5
    head = ((x - 34) / head_width) ** 2 + ((y - 26) / head_height) ** 2 <= 1
    shoulders = ((x - 34) / (22 + variety // 25 % 7)) ** 2 + ((y - 74) / 28) ** 2 <= 1
    stripe = (x + y * (1 + variety // 175 % 3)) % 4 == 0
    return not (head or (shoulders and not stripe))


def _in_word(x: int, y: int) -> bool:
    index, column = divmod(x - 10, 6)
    row = y - _BAND[0] - 2
    if not (0 <= index < len(_WORD) and column < 5 and 0 <= row < 7):
        return False
    return _LETTERS[_WORD[index]][row][column] == "1"


def _png(rows: bytes) -> bytes:
    stored = b"\x78\x01\x01" + struct.pack("<HH", len(rows), len(rows) ^ 0xFFFF) + rows
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 1, 0, 0, 0, 0)),
            _chunk(b"tEXt", b"Title\0SPECIMEN, NOT A PERSON"),
            _chunk(b"IDAT", stored + struct.pack(">I", zlib.adler32(rows))),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
