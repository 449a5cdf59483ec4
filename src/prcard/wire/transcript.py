"""Traffic of one line as text: what a recorder writes, a player plays, and a bug report carries.

    prcard-transcript 1, redacted: yes
    # lines with a number sign are comments
    > 0 AAAAAA9669000311FFED
    < 12 AAAAAA9669000400009094

Each line is a piece of bytes: `>` from host to reader or `<` back, milliseconds since the start, the bytes in
hex. Pieces are kept as they were on the line, so that split and damaged frames play back as they came. The
format is ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, unique
from typing import TYPE_CHECKING, Final

from prcard.errors import LocalWireError, RemoteWireError
from prcard.wire.codes import Command, ReadZones, join_read_reply, split_read_reply
from prcard.wire.frame import HEADER_BYTES, MAX_REPLY_LENGTH, PREAMBLE, Frame, xor_check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["MAX_ENTRIES", "MAX_ENTRY_BYTES", "MAX_TEXT_CHARS", "Direction", "Entry", "Transcript"]

MAX_TEXT_CHARS: Final = 16_777_216
MAX_ENTRIES: Final = 100_000
MAX_ENTRY_BYTES: Final = 65_536
MAX_MILLISECONDS: Final = 10**12
"""Limits for a transcript from elsewhere: characters, pieces, bytes in a piece, time."""

_FIRST_LINE: Final = {"prcard-transcript 1, redacted: yes": True, "prcard-transcript 1, redacted: no": False}
_TEXT_MAY_BEGIN: Final = 0x20
"""A zone length below 8192 has a first byte below this, which no character that is printed in ASCII has."""

_MARKER: Final = slice(248, 250)
"""The type marker in a text zone, which is no personal data and is kept."""


@unique
class Direction(Enum):
    """Which way a piece went; the value is its sign in the text."""

    TO_READER = ">"
    TO_HOST = "<"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One piece of bytes as it was written or read.

    Attributes:
        direction: Which way it went.
        at_ms: Milliseconds since the start, 0 or more.
        data: 1–65536 bytes; any bytes, not always a whole frame.
    """

    direction: Direction
    at_ms: int
    data: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.at_ms <= MAX_MILLISECONDS:
            raise LocalWireError(f"at_ms: expected 0-{MAX_MILLISECONDS} milliseconds, found {self.at_ms}")
        if not 1 <= len(self.data) <= MAX_ENTRY_BYTES:
            raise LocalWireError(f"data: expected 1-{MAX_ENTRY_BYTES} bytes, found {len(self.data)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """All pieces of one recording in their order.

    Attributes:
        entries: The pieces.
        redacted: True when personal data was replaced; False says that it may be in there.
    """

    entries: tuple[Entry, ...]
    redacted: bool = False

    @classmethod
    def parse(cls, text: str) -> Transcript:
        """Reads the text form. Comments are dropped.

        Args:
            text: At most `MAX_TEXT_CHARS` characters.

        Raises:
            RemoteWireError: the text is no transcript of version 1; names the line.
        """
        if len(text) > MAX_TEXT_CHARS:
            raise RemoteWireError(f"transcript: expected at most {MAX_TEXT_CHARS} characters, found {len(text)}")
        first, *lines = text.split("\n")
        redacted = _FIRST_LINE.get(first.strip())
        if redacted is None:
            raise RemoteWireError(
                'line 1: expected "prcard-transcript 1, redacted: yes" or "…: no", found another text; '
                "this is no transcript of version 1"
            )
        entries = tuple(_parse_entries(lines))
        return cls(entries=entries, redacted=redacted)

    def serialize(self, *, unredacted: bool = False) -> str:
        """Builds the text form, redacted unless asked otherwise.

        Args:
            unredacted: True writes personal data as it was on the line, for a file that nobody else gets.
        """
        shown = self if unredacted or self.redacted else self.redact()
        lines = [f"prcard-transcript 1, redacted: {'yes' if shown.redacted else 'no'}"]
        lines += [f"{e.direction.value} {e.at_ms} {e.data.hex().upper()}" for e in shown.entries]
        return "\n".join(lines) + "\n"

    def redact(
        self,
        *,
        text: bytes | None = None,
        sam_id: bytes = bytes(16),
        zones: Callable[[ReadZones], ReadZones] | None = None,
    ) -> Transcript:
        """Replaces all that may tell who held the card or whose reader it was.

        Lengths, pieces, times, status words and framing stay; check bytes are computed anew, and a wrong one
        stays wrong. Zones, addresses, management numbers, IIN, SN and SAM id are replaced; of bytes outside
        of intact frames only headers stay.

        Args:
            text: 256 bytes that stand in for each text zone, such as a specimen's; None leaves blanks and the
                type marker.
            sam_id: 16 bytes that stand in for the SAM id.
            zones: Gives the zones that stand in for a card's, of the same lengths; None takes `text`, and zeros for
                photo and fingerprint.

        Raises:
            LocalWireError: a stand-in has the wrong length.
        """
        if text is not None and len(text) != 256:
            raise LocalWireError(f"text: expected 256 bytes, found {len(text)}")
        if len(sam_id) != 16:
            raise LocalWireError(f"sam_id: expected 16 bytes, found {len(sam_id)}")
        stand_in = _StandIn(text, sam_id, zones)
        streams = {
            direction: _redact_stream(
                b"".join(e.data for e in self.entries if e.direction is direction), direction, stand_in
            )
            for direction in Direction
        }
        return Transcript(entries=tuple(_refill(self.entries, streams)), redacted=True)


def _parse_entries(lines: Sequence[str]) -> Iterator[Entry]:
    count = 0
    for number, line in enumerate(lines, start=2):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        count += 1
        if count > MAX_ENTRIES:
            raise RemoteWireError(f"line {number}: expected at most {MAX_ENTRIES} pieces, found more")
        yield _parse_entry(content, number)


def _parse_entry(content: str, number: int) -> Entry:
    parts = content.split(maxsplit=2)
    if len(parts) != 3 or parts[0] not in {">", "<"}:
        raise RemoteWireError(f'line {number}: expected "> MILLISECONDS HEX" or "< …", found another text')
    sign, at_ms, data = parts
    if not (at_ms.isascii() and at_ms.isdigit() and len(at_ms) <= 13):
        raise RemoteWireError(f"line {number}: expected milliseconds as 1-13 digits, found another text")
    try:
        return Entry(direction=Direction(sign), at_ms=int(at_ms), data=bytes.fromhex(data))
    except ValueError as error:
        raise RemoteWireError(f"line {number}: expected pairs of hex digits, found another character") from error
    except LocalWireError as error:
        raise RemoteWireError(f"line {number}: {error}") from error


@dataclass(frozen=True, slots=True)
class _StandIn:
    """What is put in the place of personal data."""

    text: bytes | None
    sam_id: bytes
    zones: Callable[[ReadZones], ReadZones] | None

    def body(self, body: bytes, direction: Direction) -> bytes:
        """Gives the body of an intact frame without personal data, as long as before.

        The length of the data tells what it is: no two kinds of reply have the same.
        """
        if direction is Direction.TO_READER:
            # A request has at most one data byte, which is a setting; what is longer is not of this protocol.
            return body[:3] + bytes(len(body[3:]))
        words, data = body[:3], body[3:]
        if len(data) == 16:
            return words + self.sam_id
        if len(data) in Command.READ_EXTRA.reply_lengths:
            return words + " ".encode("utf-16-le") * (len(data) // 2)
        for command in (Command.READ_TEXT_PHOTO, Command.READ_TEXT_PHOTO_FINGERPRINT):
            if len(data) in command.reply_lengths:
                return words + self._zones(data, command)
        return words + bytes(len(data))

    def _zones(self, data: bytes, command: Command) -> bytes:
        try:
            zones = split_read_reply(data, command)
        except RemoteWireError:
            return _zone_header(data, command).ljust(len(data), b"\0")
        blank = " ".encode("utf-16-le")
        text = self.text or blank * 124 + zones.text[_MARKER] + blank * 3
        stand_in = ReadZones(text, bytes(1024), bytes(len(zones.fingerprint)))
        joined = join_read_reply(self.zones(zones) if self.zones else stand_in, command)
        if len(joined) != len(data):
            raise LocalWireError(f"zones: expected stand-ins of {len(data)} bytes in all, found {len(joined)}")
        return joined


def _zone_header(data: bytes, command: Command) -> bytes:
    """Keeps lengths of zones that do not fit, since they are the fault; nothing that could be text instead."""
    count = 2 if command is Command.READ_TEXT_PHOTO else 3
    lengths = [data[2 * at : 2 * at + 2] for at in range(count)]
    return b"".join(lengths) if all(length[0] < _TEXT_MAY_BEGIN for length in lengths) else b""


def _redact_stream(stream: bytes, direction: Direction, stand_in: _StandIn) -> bytes:
    """Redacts everything that went one way; the result is as long as `stream`."""
    out = bytearray(len(stream))
    at = 0
    while (start := stream.find(PREAMBLE, at)) >= 0:
        length = int.from_bytes(stream[start + 5 : start + HEADER_BYTES], "big")
        end = start + HEADER_BYTES + length if length <= MAX_REPLY_LENGTH else start
        try:
            body = stand_in.body(Frame.parse(stream[start:end]).body, direction)
        except RemoteWireError:
            kept = _blank(stream[start : max(end, start + HEADER_BYTES)], length)
            # Damage may hide the start of an intact frame: look on right behind the preamble.
            at = start + len(PREAMBLE)
        else:
            kept = Frame(body=body).serialize()
            at = end
        out[start : start + len(kept)] = kept
    return bytes(out)


def _blank(piece: bytes, length: int) -> bytes:
    """Keeps the header of a damaged or cut frame; a check byte that was wrong stays wrong."""
    blank = bytearray(piece[:HEADER_BYTES].ljust(len(piece), b"\0"))
    if len(blank) == HEADER_BYTES + length > HEADER_BYTES:
        blank[-1] = ~xor_check(bytes(blank[len(PREAMBLE) : -1])) & 0xFF
    return bytes(blank)


def _refill(entries: Sequence[Entry], streams: dict[Direction, bytes]) -> Iterator[Entry]:
    """Cuts the redacted streams into the same pieces again."""
    at = dict.fromkeys(Direction, 0)
    for entry in entries:
        start = at[entry.direction]
        at[entry.direction] = end = start + len(entry.data)
        yield replace(entry, data=streams[entry.direction][start:end])
