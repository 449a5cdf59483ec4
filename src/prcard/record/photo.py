"""The photo zone: its header is read, the picture itself stays opaque.

The picture of a real card is coded by a closed codec (WLT) for which no open decoder exists; nothing here decodes it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from prcard.errors import FieldProblem, RecordError
from prcard.record.raw import PHOTO_BYTES

__all__ = ["PhotoHeader", "parse_photo"]

_WLT: Final = b"WL"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_BLANKS: Final = (b"\x00", b"\x20", b"\xff")


class PhotoHeader(NamedTuple):
    """What the first bytes of a photo zone tell.

    Attributes:
        kind: `wlt` a card's photo, `specimen-png` the open picture of a specimen, `blank` or `unknown`.
        width: Pixels, or None where the header does not tell.
        height: Pixels, or None where the header does not tell.
    """

    kind: str
    width: int | None = None
    height: int | None = None

    def to_document(self) -> dict[str, str | int | None]:
        """The JSON form."""
        return self._asdict()


def parse_photo(zone: bytes) -> PhotoHeader:
    """Reads the header of a photo zone.

    Args:
        zone: 1024 bytes.

    Raises:
        RecordError: the zone has another length.

    Source: eight header bytes of four and more samples: `WL`, then 102 and 126 as u16, little-endian, and a word 0032
    of unknown meaning. That the two are width and height is our reading (D); they fit the decoded size.
    """
    if len(zone) != PHOTO_BYTES:
        raise RecordError(
            FieldProblem("photo zone", min(len(zone), PHOTO_BYTES), f"{PHOTO_BYTES} bytes", f"{len(zone)}"),
            advice="Read the card again.",
        )
    if zone.startswith(_WLT):
        return PhotoHeader("wlt", int.from_bytes(zone[2:4], "little"), int.from_bytes(zone[4:6], "little"))
    if zone.startswith(_PNG) and zone[12:16] == b"IHDR":
        return PhotoHeader("specimen-png", int.from_bytes(zone[16:20], "big"), int.from_bytes(zone[20:24], "big"))
    if any(zone == blank * PHOTO_BYTES for blank in _BLANKS):
        return PhotoHeader("blank")
    return PhotoHeader("unknown")
