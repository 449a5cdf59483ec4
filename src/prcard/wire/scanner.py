"""Finds frames in a stream of bytes, whatever else the line carries.

The scanner waits for the preamble, reads LEN, waits for the rest and judges CHK. When something is wrong it
goes on one byte behind the start of the preamble that misled it, so that an intact frame is found even if it
begins inside the length that a false header claimed. Time is an argument: nothing here looks at a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

from prcard.errors import LocalWireError
from prcard.wire.frame import (
    HEADER_BYTES,
    MAX_REPLY_LENGTH,
    MIN_REQUEST_LENGTH,
    PREAMBLE,
    Frame,
    xor_check,
)

__all__ = ["FRAME_SILENCE_S", "MAX_BUFFER_BYTES", "BadFrame", "Defect", "FrameScanner"]

FRAME_SILENCE_S: Final = 0.5
"""Longest silence inside a frame in seconds: a false header must not wait for bytes that never come."""

MAX_BUFFER_BYTES: Final = 131_072
"""The most bytes that wait for `next_frame`: a memory limit; twice what a channel reads at once."""

_COMPACT_BYTES: Final = 8_192
"""Bytes that are done with are dropped when there are so many, not at every read."""


@unique
class Defect(Enum):
    """Why bytes behind a preamble are no frame."""

    CHECK = "check byte wrong"
    LENGTH = "length not possible"
    TIMEOUT = "rest of the frame missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadFrame:
    """A preamble that no intact frame followed.

    Attributes:
        defect: What was wrong.
        detail: The byte at fault with expected and found, for people; holds no data of the frame.
    """

    defect: Defect
    detail: str


class FrameScanner:
    """Bytes in by `receive_data`, frames out by `next_frame`.

    Work is bounded: each byte is looked at once, and each preamble costs one check of at most `max_length`
    bytes.

    Args:
        min_length: Smallest LEN to accept.
        max_length: Largest LEN to accept; bounds what a false header can make the scanner wait for.
        deadline_s: Longest silence inside a frame in seconds.
    """

    def __init__(
        self,
        *,
        min_length: int = MIN_REQUEST_LENGTH,
        max_length: int = MAX_REPLY_LENGTH,
        deadline_s: float = FRAME_SILENCE_S,
    ) -> None:
        if not MIN_REQUEST_LENGTH <= min_length <= max_length <= MAX_REPLY_LENGTH:
            raise LocalWireError(
                f"LEN limits: expected {MIN_REQUEST_LENGTH} <= min_length <= max_length <= "
                f"{MAX_REPLY_LENGTH}, found {min_length} and {max_length}"
            )
        self._min_length = min_length
        self._max_length = max_length
        self._deadline_s = deadline_s
        self._buffer = bytearray()
        self._at = 0
        self._synced = False  # A whole preamble stands at `_at`.
        self._wanted_bytes = HEADER_BYTES  # Bytes of the frame at `_at`; of its header until LEN has come.
        self._due_at = 0.0
        self._noise_bytes = 0

    @property
    def noise_bytes(self) -> int:
        """Bytes so far that belong to no intact frame; those still waiting are not counted."""
        return self._noise_bytes

    @property
    def waiting_bytes(self) -> int:
        """Bytes that are neither frame nor noise yet."""
        return len(self._buffer) - self._at

    def deadline(self) -> float | None:
        """When to call `next_frame` again even if nothing arrives; None when no frame has begun.

        Valid once `next_frame` has returned None.
        """
        return self._due_at if self._synced else None

    def clear(self) -> None:
        """Drops all waiting bytes and counts them as noise."""
        self._noise_bytes += self.waiting_bytes
        self._buffer.clear()
        self._at = 0
        self._lose_sync()

    def receive_data(self, data: bytes, now: float) -> None:
        """Takes what has arrived.

        Args:
            data: Any bytes, however they were split on the line; b"" changes nothing.
            now: Present moment in seconds of the caller's clock.

        Raises:
            LocalWireError: more than `MAX_BUFFER_BYTES` would wait; take frames with `next_frame` first.
        """
        if not data:
            return
        waiting_bytes = len(self._buffer) - self._at + len(data)
        if waiting_bytes > MAX_BUFFER_BYTES:
            raise LocalWireError(
                f"received bytes: expected at most {MAX_BUFFER_BYTES} waiting, found {waiting_bytes}; "
                "call next_frame until it returns None"
            )
        if self._at >= _COMPACT_BYTES:
            del self._buffer[: self._at]
            self._at = 0
        self._buffer += data
        self._due_at = now + self._deadline_s

    def next_frame(self, now: float) -> Frame | BadFrame | None:
        """Gives the next frame or the next defect; None means that more bytes are needed.

        Args:
            now: Present moment in seconds of the caller's clock.
        """
        if not self._synced and not self._seek():
            return None
        waiting_bytes = len(self._buffer) - self._at
        if self._wanted_bytes == HEADER_BYTES and waiting_bytes >= HEADER_BYTES:
            length = self._buffer[self._at + 5] << 8 | self._buffer[self._at + 6]
            if not self._min_length <= length <= self._max_length:
                detail = f"LEN: expected {self._min_length:04X}-{self._max_length:04X}, found {length:04X}"
                return self._refuse(Defect.LENGTH, detail)
            self._wanted_bytes = HEADER_BYTES + length
        if waiting_bytes >= self._wanted_bytes:
            return self._complete()
        if now < self._due_at:
            # The usual end of a small read: what is known of the frame is kept, nothing is searched again.
            return None
        missing = self._wanted_bytes - waiting_bytes
        detail = f"frame: expected {missing} more bytes within {self._deadline_s:g} s, found silence"
        return self._refuse(Defect.TIMEOUT, detail)

    def _seek(self) -> bool:
        """Moves to the next preamble; without one, to a tail that could become one."""
        found = self._buffer.find(PREAMBLE, self._at)
        self._synced = found >= 0
        if not self._synced:
            tail = self._buffer[max(self._at, len(self._buffer) - len(PREAMBLE) + 1) :]
            kept = next((n for n in range(len(tail), 0, -1) if PREAMBLE.startswith(tail[-n:])), 0)
            found = len(self._buffer) - kept
        self._noise_bytes += found - self._at
        self._at = found
        return self._synced

    def _complete(self) -> Frame | BadFrame:
        end = self._at + self._wanted_bytes
        covered = bytes(self._buffer[self._at + len(PREAMBLE) : end])
        wrong = xor_check(covered)
        if wrong:
            found = covered[-1]
            detail = f"CHK at byte {self._wanted_bytes - 1}: expected {found ^ wrong:02X}, found {found:02X}"
            return self._refuse(Defect.CHECK, detail)
        self._at = end
        self._lose_sync()
        return Frame(body=covered[2:-1])

    def _refuse(self, defect: Defect, detail: str) -> BadFrame:
        self._at += 1
        self._noise_bytes += 1
        self._lose_sync()
        return BadFrame(defect=defect, detail=detail)

    def _lose_sync(self) -> None:
        self._synced = False
        self._wanted_bytes = HEADER_BYTES
