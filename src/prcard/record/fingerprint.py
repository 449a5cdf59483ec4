"""The fingerprint zone: headers are read, templates stay opaque."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from prcard.errors import FieldProblem, RecordError
from prcard.record.raw import FINGERPRINT_BYTES

__all__ = ["FingerprintHeader", "FingerprintZone", "parse_fingerprint"]

FINGER_BYTES: Final = 512
SECURITY_OBJECT_TAG: Final = 0x77

_REGISTRATION: Final = {0x01: "registered", 0x02: "registration failed", 0x03: "not registered", 0x09: "unknown"}
_FINGERS: Final = ("thumb", "index finger", "middle finger", "ring finger", "little finger")
_POSITION: Final = {
    **{0x0B + at: f"right {finger}" for at, finger in enumerate(_FINGERS)},
    **{0x10 + at: f"left {finger}" for at, finger in enumerate(_FINGERS)},
    0x61: "right, finger uncertain",
    0x62: "left, finger uncertain",
    0x63: "other",
}


class FingerprintHeader(NamedTuple):
    """The header of one finger; codes are kept as numbers, known or not.

    Attributes:
        algorithm_version: Byte 1.
        collector: Byte 2.
        developer: Byte 3.
        registration: Byte 4.
        registration_text: Its meaning; "" when it is in no table.
        position: Byte 5.
        position_text: Its meaning; "" when it is in no table.
        quality: Byte 6, 1–100; 0 is unknown.
    """

    algorithm_version: int
    collector: int
    developer: int
    registration: int
    registration_text: str
    position: int
    position_text: str
    quality: int


class FingerprintZone(NamedTuple):
    """What a fingerprint zone holds.

    Attributes:
        kind: `absent`, `fingerprints`, `security-object` (an issuer's, in an otherwise empty zone) or `unknown`.
        fingers: One header for each 512 bytes that begin with `C`.
    """

    kind: str
    fingers: tuple[FingerprintHeader, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """The JSON form."""
        return {"kind": self.kind, "fingers": [finger._asdict() for finger in self.fingers]}


def parse_fingerprint(zone: bytes) -> FingerprintZone:
    """Reads the headers of a fingerprint zone.

    Args:
        zone: 0, 512 or 1024 bytes.

    Raises:
        RecordError: the zone has another length.

    Source: SAM_V interface document, fingerprint information, and GA/T 1012 (B).
    """
    if len(zone) not in FINGERPRINT_BYTES:
        raise RecordError(
            FieldProblem("fingerprint zone", min(len(zone), 1024), "0, 512 or 1024 bytes", f"{len(zone)}"),
            advice="Read the card again.",
        )
    if not zone:
        return FingerprintZone("absent")
    if zone[0] == SECURITY_OBJECT_TAG:
        return FingerprintZone("security-object")
    parts = [zone[at : at + FINGER_BYTES] for at in range(0, len(zone), FINGER_BYTES)]
    fingers = tuple(_header(part) for part in parts if part[:1] == b"C")
    return FingerprintZone("fingerprints" if fingers else "unknown", fingers)


def _header(part: bytes) -> FingerprintHeader:
    _, version, collector, developer, registration, position, quality = part[:7]
    return FingerprintHeader(
        version,
        collector,
        developer,
        registration,
        _REGISTRATION.get(registration, ""),
        position,
        _POSITION.get(position, ""),
        quality,
    )
