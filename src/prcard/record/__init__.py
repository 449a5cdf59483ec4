"""Card records: layouts, numbers and code tables; bytes in, immutable records out.

Nothing here imports construct at run time: the layouts are declared with it (`prcard.record.layouts`), and the codec
that runs is generated from them.
"""

from __future__ import annotations

from prcard.errors import FieldProblem, RecordError
from prcard.record._codec import (
    DECODERS,
    RECORDS,
    CardRecord,
    HKMTResidencePermit,
    PermanentResident2017,
    PermanentResident2023,
    ResidentIdentityCard,
)
from prcard.record.document import from_document, to_document
from prcard.record.kinds import LONG_TERM, LongTerm
from prcard.record.record import ZONE_BYTES, FieldView, view

__all__ = [
    "LAYOUTS",
    "LONG_TERM",
    "CardRecord",
    "FieldView",
    "HKMTResidencePermit",
    "LongTerm",
    "PermanentResident2017",
    "PermanentResident2023",
    "ResidentIdentityCard",
    "decode",
    "detect_layout",
    "encode",
    "explain",
    "from_document",
    "to_document",
]

LAYOUTS = tuple(RECORDS)
"""Ids of all layouts: resident, hkmt, pr2017, pr2023."""

_MARKER = slice(248, 250)
_LAYOUT_BY_MARKER = {record.marker.encode("utf-16-le"): name for name, record in RECORDS.items()}


def decode(text: bytes) -> CardRecord:
    """Decodes a text zone, strictly: what would not build back to the same bytes is refused.

    Args:
        text: The zone, 256 bytes of UTF-16LE.

    Returns:
        A record of the layout that byte 248 names. Check digits and code tables are not checked here.

    Raises:
        RecordError: the zone is refused; `problems` names every field at fault.
    """
    zone = bytes(text)
    decoder = DECODERS.get(zone[_MARKER])
    if decoder is None or len(zone) != ZONE_BYTES:
        raise _not_a_zone(zone)
    return decoder(zone)


def encode(record: CardRecord) -> bytes:
    """Encodes a record's values.

    Returns:
        256 bytes, the same as `record.raw`.
    """
    return record.fast_encode()


def detect_layout(text: bytes) -> str:
    """Names the layout of a text zone by its type marker; nothing else is looked at.

    Raises:
        RecordError: the zone has not 256 bytes, or the marker is of no known card.
    """
    layout = _LAYOUT_BY_MARKER.get(bytes(text[_MARKER]))
    if layout is None or len(text) != ZONE_BYTES:
        raise _not_a_zone(text)
    return layout


def explain(text: bytes) -> tuple[FieldView, ...]:
    """Explains every place of a text zone, also of one that `decode` refuses.

    Raises:
        RecordError: the zone has not 256 bytes, or the marker is of no known card.
    """
    return view(RECORDS[detect_layout(text)].places, text)


def _not_a_zone(text: bytes) -> RecordError:
    if len(text) != ZONE_BYTES:
        problem = FieldProblem("text zone", min(len(text), ZONE_BYTES), f"{ZONE_BYTES} bytes", f"{len(text)}")
        return RecordError(problem, advice="Read the card again.")
    unit = int.from_bytes(text[_MARKER], "little")
    return RecordError(
        FieldProblem("type_marker", 248, "a blank, I, J or Y", f"U+{unit:04X}"),
        advice="This card is of an edition that is not known; keep its bytes and ask for an update.",
    )
