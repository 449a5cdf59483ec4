"""EF.SOD: one digest for each zone, signed by a document signer.

Zones are hashed as stored, without any tag: text is data group 1, photo 2, fingerprint 3, and the additional addresses,
one after the other, are 13. Any subset of the zones can be compared. A parser that expects the data groups of a
passport inside will not find them: this is the container of Doc 9303, not its logical data structure.

Source: ICAO Doc 9303-10 and 9303-12 for the container; the zone numbers are ours.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import Enum, unique
from hmac import compare_digest
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from prcard.trust.algorithms import Digest, check_public_key, digest_of, issuing_digest, parse_digest
from prcard.trust.asn1 import (
    SEQUENCE,
    DataGroupHash,
    HashIdentifier,
    LDSSecurityObject,
    LDSVersionInfo,
    ObjectIdentifier,
    PrintableString,
    decode,
    encode,
    unwrap,
    wrap,
)
from prcard.trust.certificate_profile import DOCUMENT_TYPE, check_may_sign
from prcard.trust.cms import SignedMessage, check_signature, names_certificate, parse_signed, sign_message
from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from prcard.record.raw import RawCard
    from prcard.trust.signer import Signer

__all__ = [
    "CONTENT_IDENTIFIER",
    "LDS_SECURITY_OBJECT",
    "SECURITY_OBJECT_TAG",
    "SIGNED_ALWAYS",
    "ZONE_NUMBERS",
    "SecurityObject",
    "StatusReference",
    "ZoneState",
    "build_security_object",
    "check_issued",
    "compare_zones",
    "lds_content",
    "numbered_zones",
    "parse_security_object",
    "security_content",
    "status_bytes",
    "zone_number",
    "zones_of",
]

SECURITY_OBJECT_TAG: Final = 0x77
MAX_SECURITY_OBJECT_BYTES: Final = 16 * 1024
LDS_SECURITY_OBJECT: Final = "2.23.136.1.1.1"
CONTENT_IDENTIFIER: Final = "1.2.840.113549.1.9.16.2.7"
"""The attribute of RFC 2634, 2.7 that identifies signed content. It carries the status reference: being registered
and short, it is skipped by every independent verifier, while an OID of our own under 2.25 stops those that hold an
arc in 31 bits."""

ZONE_NUMBERS: Final[Mapping[str, int]] = MappingProxyType({"text": 1, "photo": 2, "fingerprint": 3, "extra": 13})
"""Which data group each zone is."""

SIGNED_ALWAYS: Final = ("text", "photo")
_LDS_VERSION: Final = "0108"
_UNICODE_VERSION: Final = "040000"


@unique
class ZoneState(Enum):
    """How a zone stands to the signature; there is no plain yes or no."""

    MATCHES = "signed-and-matches"
    DIFFERS = "signed-and-differs"
    ABSENT = "listed-but-absent"
    UNLISTED = "present-but-unlisted"


class StatusReference(NamedTuple):
    """Where a card stands in a status list.

    Attributes:
        list_id: Which list, 0 to 2**32 - 1.
        entry: Which entry, from 0.
    """

    list_id: int
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityObject:
    """A security object whose form is in order; nothing is said yet about its signature or signer.

    Attributes:
        raw: EF.SOD with its outer tag, as read.
        message: The signed message in it.
        digest: The digest algorithm of the zones, which is the signature's too.
        hashes: Data group number to digest, in order.
        status: The card's place in a status list, or None.
    """

    raw: bytes = field(repr=False)
    message: SignedMessage
    digest: Digest
    hashes: Mapping[int, bytes] = field(repr=False)
    status: StatusReference | None

    @property
    def signing_time(self) -> datetime:
        """Aware moment of signing, by the signer's own word."""
        return self.message.signing_time


def zones_of(card: RawCard) -> dict[str, bytes]:
    """Gives the zones that a card really has, by name, as they are hashed."""
    zones = {
        "text": card.text,
        "photo": card.photo,
        "fingerprint": card.fingerprint,
        "extra": b"".join(card.extra),
    }
    return {name: data for name, data in zones.items() if data}


def parse_security_object(data: bytes, *, sm2: bool = False) -> SecurityObject:
    """Reads EF.SOD; every departure from the profile is refused with a reason of its own.

    Args:
        data: EF.SOD with its outer tag 0x77, nothing after it, at most 16 KiB.
        sm2: True reads one signed by SM2 with SM3, and no other.

    Raises:
        TrustError: the form is not that of the profile. Signature and signer are NOT checked here.
    """
    if len(data) > MAX_SECURITY_OBJECT_BYTES:
        detail = f"security object: expected at most {MAX_SECURITY_OBJECT_BYTES} bytes, found {len(data)}"
        raise refusal(TrustReason.TOO_LARGE, detail)
    inner = unwrap(SECURITY_OBJECT_TAG, data, "security object")
    message = parse_signed(inner, LDS_SECURITY_OBJECT, "security object", sm2=sm2)
    unwrap(SEQUENCE, message.content, "LDSSecurityObject")
    content = decode(LDSSecurityObject, message.content, "LDSSecurityObject")
    _check_lds_version(content)
    digest = parse_digest(content.hash_algorithm, "LDSSecurityObject hashAlgorithm", sm2=sm2)
    if digest != message.digest:
        raise refusal(TrustReason.DIGEST_DIFFERS, f"hashAlgorithm: expected {message.digest.name} as the signer has it")
    return SecurityObject(
        raw=data,
        message=message,
        digest=digest,
        hashes=MappingProxyType(_parse_hashes(content, digest)),
        status=_parse_status(message),
    )


def _check_lds_version(content: LDSSecurityObject) -> None:
    """Version 0 has no version information, version 1 has it (Doc 9303-10)."""
    expected = 0 if content.version_info is None else 1
    if content.version != expected:
        detail = f"LDSSecurityObject version: expected {expected}, found {content.version}"
        raise refusal(TrustReason.WRONG_VERSION, detail)


def _parse_hashes(content: LDSSecurityObject, digest: Digest) -> dict[int, bytes]:
    if not 2 <= len(content.hashes) <= 16:
        detail = f"dataGroupHashValues: expected 2 to 16, found {len(content.hashes)}"
        raise refusal(TrustReason.GROUP_COUNT, detail)
    hashes: dict[int, bytes] = {}
    for item in content.hashes:
        _check_group(item, digest)
        if item.number in hashes:
            raise refusal(TrustReason.GROUP_DUPLICATE, f"data group {item.number}: expected once")
        if hashes and item.number < max(hashes):
            raise refusal(TrustReason.GROUP_ORDER, f"data group {item.number}: expected after those before it")
        hashes[item.number] = item.value
    return hashes


def _check_group(item: DataGroupHash, digest: Digest) -> None:
    if not 1 <= item.number <= 16:
        raise refusal(TrustReason.GROUP_NUMBER, f"dataGroupNumber: expected 1 to 16, found {item.number}")
    if len(item.value) != digest.size_bytes:
        detail = f"data group {item.number}: expected a digest of {digest.size_bytes} bytes, found {len(item.value)}"
        raise refusal(TrustReason.HASH_LENGTH, detail)


def _parse_status(message: SignedMessage) -> StatusReference | None:
    value = message.attributes.get(CONTENT_IDENTIFIER)
    if value is None:
        return None
    if value[:2] != b"\x04\x08" or len(value) != 10:
        raise refusal(TrustReason.MALFORMED_ATTRIBUTE, "contentIdentifier: expected 8 bytes, list and index")
    return StatusReference(int.from_bytes(value[2:6], "big"), int.from_bytes(value[6:], "big"))


def compare_zones(security_object: SecurityObject, zones: Mapping[str, bytes]) -> dict[str, ZoneState]:
    """Compares zones with the signed digests.

    Args:
        security_object: What was signed; its signature must be checked apart.
        zones: The zones at hand by name; an empty one counts as absent.

    Returns:
        The state of every zone that is listed or present, in the order of their numbers. A listed data group that is
        none of our zones is called `dgN` and is absent.

    Raises:
        TrustError: ZONE_UNKNOWN.
    """
    present = {zone_number(name): data for name, data in zones.items() if data}
    names = {number: name for name, number in ZONE_NUMBERS.items()}
    return {
        names.get(number, f"dg{number}"): _state(security_object, number, present.get(number))
        for number in sorted(present.keys() | security_object.hashes.keys())
    }


def zone_number(name: str) -> int:
    """Gives the data group that a zone is.

    Raises:
        TrustError: ZONE_UNKNOWN.
    """
    if name not in ZONE_NUMBERS:
        raise refusal(TrustReason.ZONE_UNKNOWN, f"zone: expected {', '.join(ZONE_NUMBERS)}, found another name")
    return ZONE_NUMBERS[name]


def _state(security_object: SecurityObject, number: int, data: bytes | None) -> ZoneState:
    listed = security_object.hashes.get(number)
    if data is None:
        return ZoneState.ABSENT
    if listed is None:
        return ZoneState.UNLISTED
    matches = compare_digest(digest_of(security_object.digest, data), listed)
    return ZoneState.MATCHES if matches else ZoneState.DIFFERS


def build_security_object(
    zones: Mapping[str, bytes],
    signer: Signer,
    signing_time: datetime,
    *,
    embed_certificate: bool = True,
    status: StatusReference | None = None,
    document_type: str = DOCUMENT_TYPE,
) -> bytes:
    """Signs the zones of one card, and verifies the result as a reader of it would before it is handed out.

    Args:
        zones: The zones by name, as stored; text and photo at least.
        signer: Who signs; P-256 or P-384.
        signing_time: Aware moment.
        embed_certificate: False gives the compact form: no certificate, the signer is named by its key identifier.
        status: The card's place in a status list.
        document_type: Kind of document, which the signer's certificate must list.

    Returns:
        EF.SOD with its outer tag.

    Raises:
        TrustError: a zone is missing or unknown; the signer may not sign this kind of document or not at this
            moment; or what it signed does not verify.
    """
    check_may_sign(signer.certificate, signing_time, document_type)
    content = encode(security_content(zones, issuing_digest(check_public_key(signer.certificate))))
    attributes = [] if status is None else [(CONTENT_IDENTIFIER, encode(status_bytes(status)))]
    message = sign_message(
        content,
        LDS_SECURITY_OBJECT,
        signer,
        signing_time,
        embed_certificate=embed_certificate,
        extra_attributes=attributes,
    )
    data = wrap(SECURITY_OBJECT_TAG, message)
    check_issued(data, zones, signer)
    return data


def security_content(zones: Mapping[str, bytes], digest: Digest) -> LDSSecurityObject:
    """Hashes the zones into what is signed.

    Raises:
        TrustError: ZONE_UNKNOWN, or ZONE_MISSING for an absent text or photo or an empty zone.
    """
    return lds_content({number: digest_of(digest, data) for number, data in numbered_zones(zones)}, digest)


def numbered_zones(zones: Mapping[str, bytes]) -> list[tuple[int, bytes]]:
    """Gives the zones by their data group numbers, rising.

    Raises:
        TrustError: ZONE_UNKNOWN, or ZONE_MISSING for an absent text or photo or an empty zone.
    """
    if missing := [name for name in (*SIGNED_ALWAYS, *zones) if not zones.get(name)]:
        raise refusal(TrustReason.ZONE_MISSING, f"zone {missing[0]}: expected its bytes, found none")
    return sorted((zone_number(name), data) for name, data in zones.items())


def lds_content(hashes: Mapping[int, bytes], digest: Digest) -> LDSSecurityObject:
    """Gives what is signed: digests by data group number, rising."""
    return LDSSecurityObject(
        version=1,
        hash_algorithm=HashIdentifier(algorithm=ObjectIdentifier(digest.oid), parameters=None),
        hashes=[DataGroupHash(number=number, value=value) for number, value in hashes.items()],
        version_info=LDSVersionInfo(
            lds_version=PrintableString(_LDS_VERSION), unicode_version=PrintableString(_UNICODE_VERSION)
        ),
    )


def status_bytes(status: StatusReference) -> bytes:
    """Packs a status reference into the 8 bytes that are signed.

    Raises:
        TrustError: BAD_ARGUMENT: list or entry is out of range.
    """
    try:
        return struct.pack(">II", *status)
    except struct.error:
        detail = "status reference: expected list and index from 0 to 2**32 - 1"
        raise refusal(TrustReason.BAD_ARGUMENT, detail) from None


def check_issued(data: bytes, zones: Mapping[str, bytes], signer: Signer) -> None:
    """Verifies a fresh security object through the public path, so that a faulty key store is found at once.

    Raises:
        TrustError: it does not verify.
    """
    security_object = parse_security_object(data)
    if not names_certificate(security_object.message, signer.certificate):
        raise refusal(TrustReason.SIGNER_ID_DIFFERS, "fresh security object: it names another certificate")
    check_signature(security_object.message, check_public_key(signer.certificate))
    if set(compare_zones(security_object, zones).values()) != {ZoneState.MATCHES}:
        raise refusal(TrustReason.ZONE_DIFFERS, "fresh security object: its digests are not those of the zones")
