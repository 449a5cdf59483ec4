"""BER-TLV as smart cards use it: tags of one or two bytes, definite lengths, every length bounded.

Source: ISO/IEC 7816-4:2020, 6.3.
"""

from __future__ import annotations

from typing import Final

from prcard.errors import RemoteWireError

__all__ = ["MAX_OBJECTS", "extent", "find", "parse", "wrap"]

MAX_OBJECTS: Final = 64
"""The most objects taken from one template: a limit on work."""


def wrap(tag: int, *parts: bytes) -> bytes:
    """Builds one object.

    Args:
        tag: 1 or 2 bytes as a number, for instance 0x5F36.
        parts: The value, in pieces; up to 65,535 bytes.
    """
    value = b"".join(parts)
    size = len(value)
    length = (
        bytes((size,)) if size < 0x80 else bytes((0x81, size)) if size < 0x100 else b"\x82" + size.to_bytes(2, "big")
    )
    return tag.to_bytes(2 if tag > 0xFF else 1, "big") + length + value


def extent(data: bytes) -> tuple[int, int, int]:
    """Tells tag, start of the value and end of the object that `data` begins with.

    The end may lie beyond `data`: the beginning of a file tells how long the file is. It is what the card claims;
    callers hold it against a limit of their own.

    Args:
        data: At least tag and length, 2–7 bytes.

    Raises:
        RemoteWireError: tag or length is cut off, or of a form that is not taken: tags of three bytes, indefinite
            lengths and lengths of more than four bytes.
    """
    at = 2 if data[:1] and data[0] & 0x1F == 0x1F else 1
    if at == 2 and len(data) > 1 and data[1] & 0x80:
        raise RemoteWireError("TLV tag: expected one or two bytes, found more; the card is not of this application")
    if len(data) <= at:
        raise RemoteWireError(f"TLV object: expected tag and length, found {len(data)} bytes")
    tag, first = int.from_bytes(data[:at], "big"), data[at]
    at += 1
    if first < 0x80:
        return tag, at, at + first
    count = first & 0x7F
    if not 1 <= count <= 4:
        raise RemoteWireError(f"TLV length of tag {tag:X}: expected 1-4 bytes, found {count}")
    if len(data) < at + count:
        raise RemoteWireError(f"TLV length of tag {tag:X}: expected {count} bytes, found {len(data) - at}")
    return tag, at + count, at + count + int.from_bytes(data[at : at + count], "big")


def parse(data: bytes) -> list[tuple[int, bytes]]:
    """Splits a row of objects into (tag, value); b"" gives none.

    Raises:
        RemoteWireError: an object is cut off or malformed, or there are more than `MAX_OBJECTS`.
    """
    found: list[tuple[int, bytes]] = []
    while data:
        tag, start, end = extent(data)
        if end > len(data):
            raise RemoteWireError(f"TLV value of tag {tag:X}: expected {end - start} bytes, found {len(data) - start}")
        if len(found) == MAX_OBJECTS:
            raise RemoteWireError(f"TLV objects: expected at most {MAX_OBJECTS}, found more")
        found.append((tag, data[start:end]))
        data = data[end:]
    return found


def find(data: bytes, *path: int) -> bytes | None:
    """Gives the value at a path of tags, each inside the one before; None when it is not there.

    Raises:
        RemoteWireError: as for `parse`.
    """
    for tag in path:
        value = next((value for found, value in parse(data) if found == tag), None)
        if value is None:
            return None
        data = value
    return data
