"""A compact security object inside an otherwise empty fingerprint zone, so that an unmodified reader carries it.

EF.SOD stands at the start, its DER length says where it ends, and zeros fill the rest. A fingerprint begins with the
letter C, so the outer tag 0x77 cannot be mistaken for one. The carrier is not itself hashed in the object it carries;
a full security object beside it may list it as the fingerprint zone, as stored.

Source: ours; length and first letter of a fingerprint zone: GA/T 1012.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prcard.trust.asn1 import extent
from prcard.trust.reasons import TrustReason, refusal
from prcard.trust.security_object import SECURITY_OBJECT_TAG, zones_of

if TYPE_CHECKING:
    from prcard.record.raw import RawCard

__all__ = ["CARRIER_BYTES", "find_security_object", "pack_compact", "unpack_compact"]

CARRIER_BYTES: Final = (512, 1024)


def pack_compact(security_object: bytes, zone_length: int) -> bytes:
    """Puts a security object into a fingerprint zone.

    Args:
        security_object: EF.SOD with its outer tag, best in the compact form: 512 bytes hold it for P-256, 1024 for
            P-384.
        zone_length: 512 or 1024 bytes.

    Returns:
        The zone, `zone_length` bytes.

    Raises:
        TrustError: BAD_ARGUMENT, or CARRIER_FULL when it does not fit.
    """
    if zone_length not in CARRIER_BYTES:
        raise refusal(TrustReason.BAD_ARGUMENT, f"zone length: expected 512 or 1024 bytes, found {zone_length}")
    if len(security_object) > zone_length:
        detail = f"security object: expected at most {zone_length} bytes, found {len(security_object)}"
        raise refusal(TrustReason.CARRIER_FULL, detail)
    zone = security_object.ljust(zone_length, b"\x00")
    if unpack_compact(zone) != security_object:
        raise refusal(TrustReason.BAD_ARGUMENT, "security object: expected exactly one, found something after it")
    return zone


def unpack_compact(zone: bytes) -> bytes:
    """Takes the security object out of a fingerprint zone. Its content is NOT checked here.

    Args:
        zone: A fingerprint zone.

    Raises:
        TrustError: NOT_A_CARRIER: wrong first byte, a length beyond the zone, or something but zeros after it.
    """
    if len(zone) not in CARRIER_BYTES or zone[0] != SECURITY_OBJECT_TAG:
        detail = f"fingerprint zone: expected 512 or 1024 bytes from 0x77, found {len(zone)} bytes"
        raise refusal(TrustReason.NOT_A_CARRIER, detail)
    end = extent(zone, 0)[1]
    if not 0 < end <= len(zone):
        raise refusal(TrustReason.NOT_A_CARRIER, "fingerprint zone: expected a DER length within the zone")
    if any(zone[end:]):
        raise refusal(TrustReason.NOT_A_CARRIER, f"fingerprint zone: expected zeros from byte {end}")
    return zone[:end]


def find_security_object(card: RawCard) -> tuple[dict[str, bytes], bytes | None]:
    """Finds the security object of a card and the zones that it speaks of.

    One that came beside the zones wins; then the fingerprint zone is a zone like the others. Otherwise a fingerprint
    zone that begins with 0x77 is the carrier, and the card has no fingerprint.

    Returns:
        The zones by name, and EF.SOD or None.

    Raises:
        TrustError: NOT_A_CARRIER: the zone begins as one and is none.
    """
    zones = zones_of(card)
    if card.security_object is not None or card.fingerprint[:1] != bytes((SECURITY_OBJECT_TAG,)):
        return zones, card.security_object
    return zones, unpack_compact(zones.pop("fingerprint"))
