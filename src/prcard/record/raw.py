"""What a reader read, as bytes, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "EXTRA_BYTES",
    "EXTRA_MAX_COUNT",
    "FINGERPRINT_BYTES",
    "PHOTO_BYTES",
    "SIMULATED_SAM_PREFIX",
    "TEXT_BYTES",
    "ManagementNumbers",
    "Provenance",
    "RawCard",
    "format_sam_id",
    "is_simulated_sam_id",
]

TEXT_BYTES: Final = 256
PHOTO_BYTES: Final = 1024
FINGERPRINT_BYTES: Final = (0, 512, 1024)
EXTRA_BYTES: Final = 70
EXTRA_MAX_COUNT: Final = 4

SIMULATED_SAM_PREFIX: Final = bytes.fromhex("63006300")
"""First four bytes of every SAM id that our simulator shows: `99.99-…`, which no maker uses (our choice)."""


def format_sam_id(sam_id: bytes) -> str:
    """Gives the printed form of a SAM id, such as `05.01-20101129-0001228293-0296863149`.

    Args:
        sam_id: 16 bytes: u16, u16, u32, u32, u32, all little-endian.

    Raises:
        ValueError: if `sam_id` has not 16 bytes; callers hold a reply whose length is already checked.

    Source: SAM_V interface document, SAM id reply; worked example recomputed.
    """
    if len(sam_id) != 16:
        raise ValueError(f"a SAM id has 16 bytes, not {len(sam_id)}")
    number = int.from_bytes
    first, second = number(sam_id[0:2], "little"), number(sam_id[2:4], "little")
    day, serial, extra = (number(sam_id[at : at + 4], "little") for at in (4, 8, 12))
    return f"{first:02d}.{second:02d}-{day:08d}-{serial:010d}-{extra:010d}"


def is_simulated_sam_id(sam_id: str | None) -> bool:
    """Tells whether a printed SAM id is one of our simulator's."""
    return sam_id is not None and sam_id.startswith("99.99-")


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagementNumbers:
    """The card management numbers that `30 05` answers.

    Attributes:
        iin: 4 bytes.
        sn: 8 bytes, serial number.
        dn: 16 bytes, management number.
    """

    iin: bytes = field(repr=False)
    sn: bytes = field(repr=False)
    dn: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where and when bytes were read.

    Attributes:
        reader: URI or name of the reader; empty when not known.
        transport: Kind of the reader: `serial`, `tcp`, `udp`, `usb`, `pcsc`, `sim`, `replay` or `file`.
        sam_id: Printed SAM id, or None when the reader gave none.
        simulated: True when a simulator produced the bytes, by its kind or by its SAM id.
        read_at: Aware moment of reading, or None when not known.
    """

    reader: str = ""
    transport: str = "file"
    sam_id: str | None = None
    simulated: bool = False
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawCard:
    """The zones of one card exactly as read; nothing is decoded and nothing is judged.

    Its `repr` shows no zone, so that no log and no traceback does.

    Zones of a wrong length can be held, so that a damaged capture can still be judged and shown.

    Attributes:
        text: Text zone, 256 bytes on a whole card.
        photo: Photo zone, 1024 bytes on a whole card.
        fingerprint: Fingerprint zone, 512 or 1024 bytes; b"" when the card has none or it was not asked for.
        extra: Additional addresses, 70 bytes each, at most 4.
        management: Management numbers when the reader gave them.
        security_object: EF.SOD with its outer tag 0x77, or None.
        provenance: Reader, transport, SAM id, time.
    """

    text: bytes = field(repr=False)
    photo: bytes = field(repr=False)
    fingerprint: bytes = field(default=b"", repr=False)
    extra: tuple[bytes, ...] = field(default=(), repr=False)
    management: ManagementNumbers | None = None
    security_object: bytes | None = field(default=None, repr=False)
    provenance: Provenance = Provenance()
