"""What the codes of PC/SC mean for the person at the reader.

Source: PC/SC Workgroup, part 5, and winscard.h for the numbers; what leads to which one was observed with pyscard 2.3,
pcsc-lite 1.9.9 and vpcd 3.3.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from prcard.errors import ReaderError, ReaderFault

__all__ = ["MEANINGS", "check", "explain"]


class _Meaning(NamedTuple):
    """What a code of PC/SC means for the person at the reader."""

    fault: ReaderFault
    message: str
    advice: str


_DOWN: Final = _Meaning(
    ReaderFault.SERVICE_DOWN, "The PC/SC service (pcscd) is not running", "See what is wrong with: prcard doctor"
)
_LOST: Final = _Meaning(
    ReaderFault.LOST, "The PC/SC reader is gone", "Plug the reader in again, then read the card again."
)
_REMOVED: Final = _Meaning(
    ReaderFault.CARD_REMOVED,
    "The card was lifted before everything was read",
    "Lay it down again and leave it there until the reading is done.",
)
_NO_CARD: Final = _Meaning(ReaderFault.NO_CARD, "No card lies on the reader", "Lay a card on the reader.")
_UNREADABLE: Final = _Meaning(
    ReaderFault.CARD_UNREADABLE,
    "The card does not talk to the reader",
    "Lay the card down again; see that it is the right way up.",
)
_BUSY: Final = _Meaning(ReaderFault.BUSY, "Another program holds the card", "Close the other program, then try again.")
_DENIED: Final = _Meaning(
    ReaderFault.NOT_PERMITTED,
    "The PC/SC service refuses access: not permitted, or too many programs are connected",
    "See what is wrong with: prcard doctor",
)

_UNKNOWN: Final = _Meaning(
    ReaderFault.LOST, "PC/SC reports an error that is not known here", "Unplug the reader and plug it in again."
)

MEANINGS: Final[dict[int, _Meaning]] = {
    0x00000000: _REMOVED,  # "no valid response": the card died inside a command
    0x8010000A: _NO_CARD,  # SCARD_E_TIMEOUT
    0x8010000B: _BUSY,  # SCARD_E_SHARING_VIOLATION
    0x8010000C: _NO_CARD,  # SCARD_E_NO_SMARTCARD
    0x80100009: _LOST,  # SCARD_E_UNKNOWN_READER
    0x8010000F: _UNREADABLE,  # SCARD_E_PROTO_MISMATCH
    0x80100011: _LOST,  # SCARD_E_INVALID_VALUE: an old handle of a reader that was removed
    0x80100013: _DOWN,  # SCARD_F_COMM_ERROR: the service died inside a command
    0x80100016: _REMOVED,  # SCARD_E_NOT_TRANSACTED
    0x80100017: _LOST,  # SCARD_E_READER_UNAVAILABLE
    0x8010001D: _DOWN,  # SCARD_E_NO_SERVICE
    0x8010001E: _DOWN,  # SCARD_E_SERVICE_STOPPED: on Windows when the last reader was unplugged
    0x8010002E: _LOST,  # SCARD_E_NO_READERS_AVAILABLE
    0x8010002F: _REMOVED,  # SCARD_E_COMM_DATA_LOST
    0x80100065: _UNREADABLE,  # SCARD_W_UNSUPPORTED_CARD
    0x80100066: _UNREADABLE,  # SCARD_W_UNRESPONSIVE_CARD
    0x80100067: _UNREADABLE,  # SCARD_W_UNPOWERED_CARD
    0x80100068: _REMOVED,  # SCARD_W_RESET_CARD: another program reset it under our hands
    0x80100069: _REMOVED,  # SCARD_W_REMOVED_CARD
    0x8010006A: _DENIED,  # SCARD_W_SECURITY_VIOLATION: also when 200 contexts are open
}


def explain(code: int) -> ReaderError:
    """Turns a code of PC/SC into our error; one outside the table keeps its number.

    Args:
        code: As pyscard gives it: positive on Linux, negative on Windows.
    """
    masked = code & 0xFFFFFFFF
    unknown = _Meaning(
        ReaderFault.LOST, "PC/SC reports an error that is not known here", "Unplug the reader and plug it in."
    )
    fault, message, advice = MEANINGS.get(masked, unknown)
    return ReaderError(fault, f"{message} (0x{masked:08X}).", advice)


def check(code: int) -> None:
    """Raises what a code of PC/SC means, unless it is success.

    Raises:
        ReaderError: see `explain`.
    """
    if code:
        raise explain(code)
