"""The status of cards: one deflated array of bits for all cards of a list, signed.

Meaning and packing of the array are those of the Token Status List: entry 0 is in the lowest bits of byte 0, a value of
0 is valid. The envelope is the same signed message as a security object's, so one piece of code judges signatures; the
signer is one whose document type is `SL`.

Source: draft-ietf-oauth-status-list, clauses 4 and 7; content type and envelope are ours.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, unique
from typing import TYPE_CHECKING, Final

from prcard.trust.algorithms import check_public_key
from prcard.trust.asn1 import SEQUENCE, GeneralizedTime, StatusListContent, decode, encode, unwrap
from prcard.trust.certificate_profile import STATUS_LIST_TYPE, check_may_sign
from prcard.trust.cms import SignedMessage, check_signature, parse_signed, sign_message
from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509

    from prcard.trust.signer import Signer

__all__ = ["CardStatus", "StatusList", "build_status_list", "pack_statuses", "parse_status_list"]

STATUS_LIST: Final = "2.25.156656254519312915884619978223843918104"
"""Content type of a status list: an identifier made from a random UUID (ITU-T X.667)."""

MAX_ENTRIES: Final = 16 * 1024 * 1024
MAX_STATUS_LIST_BYTES: Final = 8 * 1024 * 1024
_DEFLATE_LEVEL: Final = 9


@unique
class CardStatus(Enum):
    """The status of a card; 0 to 2 as in the draft, 3 is its application-specific value."""

    VALID = 0
    REVOKED = 1
    SUSPENDED = 2
    REPLACED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusList:
    """A status list whose signature holds under the certificate that it embeds; that one's chain is judged apart.

    Attributes:
        raw: The signed message.
        message: Its parts.
        certificate: The embedded certificate of the signer.
        list_id: Which list.
        number: Grows by every issue of this list.
        this_update: When it was made.
        next_update: By when the next one is promised.
        bits: 1 or 2 bits for each card.
        entries: How many cards.
        packed: The array, inflated.
    """

    raw: bytes = field(repr=False)
    message: SignedMessage = field(repr=False)
    certificate: x509.Certificate
    list_id: int
    number: int
    this_update: datetime
    next_update: datetime
    bits: int
    entries: int
    packed: bytes = field(repr=False)

    def status(self, entry: int) -> CardStatus:
        """Gives the status of a card.

        Raises:
            TrustError: STATUS_INDEX.
        """
        if not 0 <= entry < self.entries:
            raise refusal(TrustReason.STATUS_INDEX, f"status index: expected less than {self.entries}, found {entry}")
        place = entry * self.bits
        return CardStatus(self.packed[place // 8] >> (place % 8) & ((1 << self.bits) - 1))


def pack_statuses(statuses: Mapping[int, CardStatus], entries: int, bits: int) -> bytes:
    """Packs the statuses of all cards into an array; cards that are not named are valid.

    Args:
        statuses: Entry to status.
        entries: How many cards the list has, 1 to 16 Mi.
        bits: 1 (valid, revoked) or 2.

    Raises:
        TrustError: BAD_ARGUMENT.
    """
    if bits not in {1, 2} or not 1 <= entries <= MAX_ENTRIES:
        raise refusal(TrustReason.BAD_ARGUMENT, f"status list: expected 1 or 2 bits and 1 to {MAX_ENTRIES} entries")
    packed = bytearray((entries * bits + 7) // 8)
    for entry, status in statuses.items():
        if not 0 <= entry < entries or status.value >= 1 << bits:
            detail = f"status list: expected entries below {entries} and values of {bits} bits"
            raise refusal(TrustReason.BAD_ARGUMENT, detail)
        packed[entry * bits // 8] |= status.value << (entry * bits % 8)
    return bytes(packed)


def build_status_list(
    statuses: Mapping[int, CardStatus],
    signer: Signer,
    *,
    list_id: int,
    number: int,
    entries: int,
    bits: int,
    this_update: datetime,
    next_update: datetime,
) -> bytes:
    """Makes and signs a status list, and reads it back before it is handed out.

    Args:
        statuses: Entry to status; cards that are not named are valid.
        signer: Who signs; document type `SL`.
        list_id: Which list, 0 to 2**32 - 1.
        number: Greater than that of every issue before.
        entries: How many cards the list has.
        bits: 1 (valid, revoked) or 2.
        this_update: Aware moment of issue.
        next_update: Aware moment by which the next one is out.

    Raises:
        TrustError: an argument is refused, or the signer may not sign status lists at this moment.
    """
    if not (0 <= list_id < 2**32 and number >= 0 and this_update < next_update):
        detail = "status list: expected a list id below 2**32, a number from 0 and thisUpdate before nextUpdate"
        raise refusal(TrustReason.BAD_ARGUMENT, detail)
    check_may_sign(signer.certificate, this_update, STATUS_LIST_TYPE)
    content = StatusListContent(
        version=0,
        list_id=list_id,
        number=number,
        this_update=_time(this_update),
        next_update=_time(next_update),
        bits=bits,
        entries=entries,
        deflated=zlib.compress(pack_statuses(statuses, entries, bits), _DEFLATE_LEVEL),
    )
    data = sign_message(encode(content), STATUS_LIST, signer, this_update)
    parse_status_list(data)
    return data


def _time(moment: datetime) -> GeneralizedTime:
    return GeneralizedTime(moment.astimezone(UTC).replace(microsecond=0))


def parse_status_list(data: bytes) -> StatusList:
    """Reads a status list and checks its signature under the certificate that it embeds.

    Args:
        data: The signed message, at most 8 MiB.

    Raises:
        TrustError: the form or the signature is not in order. The signer's chain and the list's age are NOT judged
            here.
    """
    if len(data) > MAX_STATUS_LIST_BYTES:
        detail = f"status list: expected at most {MAX_STATUS_LIST_BYTES} bytes, found {len(data)}"
        raise refusal(TrustReason.TOO_LARGE, detail)
    message = parse_signed(data, STATUS_LIST, "status list")
    if message.certificate is None:
        raise refusal(TrustReason.CERTIFICATE_MISSING, "status list: expected its signer's certificate")
    check_signature(message, check_public_key(message.certificate))
    unwrap(SEQUENCE, message.content, "StatusListContent")
    content = decode(StatusListContent, message.content, "StatusListContent")
    _check_content(content)
    return StatusList(
        raw=data,
        message=message,
        certificate=message.certificate,
        list_id=content.list_id,
        number=content.number,
        this_update=content.this_update.as_datetime(),
        next_update=content.next_update.as_datetime(),
        bits=content.bits,
        entries=content.entries,
        packed=_inflate(content.deflated, (content.entries * content.bits + 7) // 8),
    )


def _check_content(content: StatusListContent) -> None:
    rules = {
        "version 0": content.version == 0,
        "a list id below 2**32": 0 <= content.list_id < 2**32,
        "a number from 0": content.number >= 0,
        "1 or 2 bits": content.bits in {1, 2},
        f"1 to {MAX_ENTRIES} entries": 1 <= content.entries <= MAX_ENTRIES,
        "nextUpdate after thisUpdate": content.this_update.as_datetime() < content.next_update.as_datetime(),
    }
    for rule, holds in rules.items():
        if not holds:
            raise refusal(TrustReason.STATUS_MALFORMED, f"StatusListContent: expected {rule}")


def _inflate(deflated: bytes, size: int) -> bytes:
    """Inflates to exactly `size` bytes; a longer result is never made in memory."""
    inflater = zlib.decompressobj()
    try:
        packed = inflater.decompress(deflated, size + 1)
    except zlib.error:
        raise refusal(TrustReason.STATUS_MALFORMED, "status list: expected a zlib stream") from None
    if len(packed) != size or not inflater.eof or inflater.unused_data:
        raise refusal(TrustReason.STATUS_MALFORMED, f"status list: expected exactly {size} bytes when inflated")
    return packed
