"""Commands to a smart card and its responses: short and extended, status words, and what follows from them.

    command:  CLA INS P1 P2 | Lc | data | Le
    response: data | SW1 SW2

Lengths are short (one byte, Le 00 stands for 256) or extended (00 and two bytes, Le 0000 stands for 65,536).
Source: ISO/IEC 7816-3:2006, 12.1 and ISO/IEC 7816-4:2020, 5.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from enum import IntEnum, unique
from typing import Final, Self, TypeAlias, TypeVar

from prcard.errors import LocalWireError, RemoteWireError

__all__ = [
    "MAX_RESPONSE_BYTES",
    "SHORT_BYTES",
    "APDUProcedure",
    "CommandAPDU",
    "ResponseAPDU",
    "StatusWord",
    "announces_extended",
    "complete",
    "historical_bytes",
]

SHORT_BYTES: Final = 256
"""The most that a response to a short command carries."""

EXTENDED_BYTES: Final = 65_536
MAX_COMMAND_DATA_BYTES: Final = 65_535
MAX_RESPONSE_BYTES: Final = EXTENDED_BYTES + 2

MAX_ROUNDS: Final = 256
"""The most GET RESPONSE commands that follow one command."""

GET_RESPONSE: Final = 0xC0


@unique
class StatusWord(IntEnum):
    """SW1 SW2 of a response. A row is: value, meaning.

    Attributes:
        meaning: Meaning in English, without a full stop.

    Source: ISO/IEC 7816-4:2020, 5.6, tables 5 and 6.
    """

    meaning: str

    DONE = (0x9000, "done")
    END_OF_FILE = (0x6282, "the file ended before as many bytes as asked for")
    WRONG_LENGTH = (0x6700, "wrong length")
    CHANNEL_NOT_SUPPORTED = (0x6881, "logical channels are not supported")
    SECURE_MESSAGING_NOT_SUPPORTED = (0x6882, "secure messaging is not supported")
    CHAINING_NOT_SUPPORTED = (0x6884, "command chaining is not supported")
    SECURITY_STATUS = (0x6982, "security status not satisfied")
    CONDITIONS_NOT_SATISFIED = (0x6985, "conditions of use not satisfied")
    NO_CURRENT_FILE = (0x6986, "no file is selected")
    FUNCTION_NOT_SUPPORTED = (0x6A81, "function not supported")
    FILE_NOT_FOUND = (0x6A82, "file or application not found")
    WRONG_P1P2 = (0x6A86, "wrong parameters P1 P2")
    DATA_NOT_FOUND = (0x6A88, "data object not found")
    OFFSET_OUTSIDE = (0x6B00, "the offset lies outside the file")
    UNKNOWN_INS = (0x6D00, "instruction not known")
    UNKNOWN_CLA = (0x6E00, "class not known")
    NO_DIAGNOSIS = (0x6F00, "no precise diagnosis")

    def __new__(cls, value: int, meaning: str) -> Self:
        """Builds one row of the table."""
        word = int.__new__(cls, value)
        word._value_ = value
        word.meaning = meaning
        return word

    @classmethod
    def describe(cls, value: int) -> str:
        """Gives the meaning of any status word with its number; one outside the table keeps its number.

        >>> StatusWord.describe(0x6A82), StatusWord.describe(0x6C08), StatusWord.describe(0x1234)
        ('file or application not found (6A82)', '8 bytes are available (6C08)', 'unknown status word (1234)')
        """
        if value >> 8 in {0x61, 0x6C}:
            return f"{value & 0xFF or SHORT_BYTES} bytes are available ({value:04X})"
        known = next((word.meaning for word in cls if word == value), "unknown status word")
        return f"{known} ({value:04X})"


@dataclass(frozen=True, slots=True)
class CommandAPDU:
    """One command.

    Attributes:
        cla: Class, one byte.
        ins: Instruction, one byte.
        p1: First parameter, one byte.
        p2: Second parameter, one byte.
        data: Command data, 0–65,535 bytes; more than 255 makes the command extended.
        le: Longest response wanted, 1–65,536 bytes; more than 256 makes the command extended; None asks for none.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    le: int | None = None

    @property
    def extended(self) -> bool:
        """Tells whether the lengths do not fit a short command."""
        return len(self.data) > 255 or (self.le or 0) > SHORT_BYTES

    def serialize(self) -> bytes:
        """Builds the bytes that go to the card.

        Raises:
            LocalWireError: a length or byte is out of range.
        """
        le = self.le
        if len(self.data) > MAX_COMMAND_DATA_BYTES or (le is not None and not 1 <= le <= EXTENDED_BYTES):
            raise LocalWireError(
                f"APDU: expected at most {MAX_COMMAND_DATA_BYTES} data bytes and Le 1-{EXTENDED_BYTES}, "
                f"found {len(self.data)} and {le}"
            )
        try:
            head = bytes((self.cla, self.ins, self.p1, self.p2))
        except ValueError as error:
            raise LocalWireError("APDU: expected CLA, INS, P1 and P2 from 0 to 255, found another number") from error
        size, mark = (2, b"\x00") if self.extended else (1, b"")
        lc = mark + len(self.data).to_bytes(size, "big") if self.data else b""
        tail = b"" if le is None else (le & (256**size - 1)).to_bytes(size, "big")
        # One 00 announces extended lengths; it stands before Lc, or before Le when there is no Lc.
        return head + lc + self.data + (mark if tail and not lc else b"") + tail

    def serialize_t0(self) -> bytes:
        """Builds the bytes for a card that speaks T=0: data and Le never go together; GET RESPONSE fetches the answer.

        Raises:
            LocalWireError: as for `serialize`.

        Source: ISO/IEC 7816-3:2006, 12.2.
        """
        return (replace(self, le=None) if self.data else self).serialize()

    @classmethod
    def parse(cls, data: bytes) -> CommandAPDU:
        """Reads one command as a card does.

        Raises:
            RemoteWireError: the bytes are no command of the standard; a card answers `WRONG_LENGTH`.
        """
        if len(data) < 4:
            raise RemoteWireError(f"APDU: expected at least 4 bytes, found {len(data)}")
        head, body = (data[0], data[1], data[2], data[3]), data[4:]
        if not body:
            return cls(*head)
        size = 2 if len(body) >= 3 and not body[0] else 1
        body = body[size - 1 :]
        if len(body) == size:
            return cls(*head, le=int.from_bytes(body, "big") or 256**size)
        lc, rest = int.from_bytes(body[:size], "big"), body[size:]
        if not lc or len(rest) not in {lc, lc + size}:
            raise RemoteWireError(f"APDU Lc: expected {lc or 1} data bytes, then perhaps Le, found {len(rest)} bytes")
        le = int.from_bytes(rest[lc:], "big") or 256**size if len(rest) > lc else None
        return cls(*head, data=rest[:lc], le=le)


@dataclass(frozen=True, slots=True)
class ResponseAPDU:
    """One response.

    Attributes:
        data: Response data; personal on most cards.
        sw: SW1 SW2 as one number, known or not.
    """

    data: bytes
    sw: int

    @property
    def done(self) -> bool:
        """Tells whether the card did what was asked."""
        return self.sw == StatusWord.DONE

    def serialize(self) -> bytes:
        """Builds the bytes that come from the card."""
        return self.data + self.sw.to_bytes(2, "big")

    @classmethod
    def parse(cls, data: bytes) -> ResponseAPDU:
        """Reads one response.

        Raises:
            RemoteWireError: there is no status word, or more than any response holds.
        """
        if not 2 <= len(data) <= MAX_RESPONSE_BYTES:
            raise RemoteWireError(f"APDU response: expected 2-{MAX_RESPONSE_BYTES} bytes, found {len(data)}")
        return cls(data[:-2], int.from_bytes(data[-2:], "big"))


_T = TypeVar("_T")
APDUProcedure: TypeAlias = Generator[CommandAPDU, ResponseAPDU, _T]
"""What is done with a card, without doing it: yields commands and is sent the responses."""


def complete(command: CommandAPDU) -> APDUProcedure[ResponseAPDU]:
    """Sends a command and does what SW1 61 and 6C ask for: fetch the rest, or ask again for the right length.

    Raises:
        RemoteWireError: the card goes on for ever, or sends more than was asked for.
    """
    response = yield command
    if response.sw >> 8 == 0x6C:
        command = replace(command, le=response.sw & 0xFF or SHORT_BYTES)
        response = yield command
    data = response.data
    for _ in range(MAX_ROUNDS):
        if response.sw >> 8 != 0x61:
            return ResponseAPDU(data, response.sw)
        wanted = response.sw & 0xFF or SHORT_BYTES
        response = yield CommandAPDU(command.cla & 0x03, GET_RESPONSE, 0, 0, le=wanted)
        data += response.data
        if len(response.data) > wanted or len(data) > EXTENDED_BYTES:
            raise RemoteWireError(f"GET RESPONSE: expected at most {wanted} bytes, found {len(response.data)}")
    raise RemoteWireError(f"GET RESPONSE: expected at most {MAX_ROUNDS} of them, found no end")


def historical_bytes(atr: bytes) -> bytes:
    """Gives the historical bytes of an ATR; b"" when it has none or is malformed.

    Source: ISO/IEC 7816-3:2006, 8.2.
    """
    if len(atr) < 2:
        return b""
    count, at, following = atr[1] & 0x0F, 2, atr[1] >> 4
    # At most as many turns as the ATR has bytes: each TD that follows costs one.
    while following:
        last = at + following.bit_count() - 1
        at = last + 1
        following = atr[last] >> 4 if following & 0x8 and last < len(atr) else 0
    found = atr[at : at + count]
    return found if len(found) == count else b""


def announces_extended(atr: bytes) -> bool:
    """Tells whether the ATR says that the card takes extended lengths.

    Source: ISO/IEC 7816-4:2020, 12.1.1.9: third byte of the card capabilities, bit 7.
    """
    history = historical_bytes(atr)
    if history[:1] not in {b"\x00", b"\x80"}:
        return False
    at = 1
    while at < len(history):
        tag, size = history[at] >> 4, history[at] & 0x0F
        if tag == 7:
            return size == 3 and len(history) > at + 3 and bool(history[at + 3] & 0x40)
        at += 1 + size
    return False
