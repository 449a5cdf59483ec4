"""A reader that plays a transcript: answers what was answered when it was recorded."""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from prcard.errors import ReaderError, ReaderFault, RemoteWireError
from prcard.wire.transcript import MAX_TEXT_CHARS, Direction, Transcript

if TYPE_CHECKING:
    from prcard.wire.transcript import Entry

__all__ = ["ReplayChannel", "open_channel"]


def open_channel(address: str) -> ReplayChannel:
    """Opens `replay:` + `address`.

    Args:
        address: Path of a transcript.

    Raises:
        ReaderError: `NOT_FOUND` when the file cannot be read, `BAD_URI` when it is no transcript.
    """
    try:
        with Path(address).open(encoding="utf-8") as file:
            text = file.read(MAX_TEXT_CHARS + 1)
        return ReplayChannel(Transcript.parse(text))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ReaderError(
            ReaderFault.NOT_FOUND, f"replay:{address} cannot be read: {reason}.", "Name a transcript file."
        ) from error
    except RemoteWireError as error:
        raise ReaderError(ReaderFault.BAD_URI, f"replay:{address}: {error}.", "Name a transcript file.") from error


class ReplayChannel:
    """Plays the reader's side of a transcript, without its pauses; see `Channel`.

    What the host writes is compared byte by byte with the recording, however either was split. Pieces of the reader
    become readable once everything that the host sent before them has been written again.
    """

    def __init__(self, transcript: Transcript) -> None:
        """Begins at the start of `transcript`."""
        self._left: deque[Entry] = deque(transcript.entries)
        self._expected = bytearray()
        self._written = 0
        self._closed = threading.Event()

    def write(self, data: bytes) -> None:
        """Compares what the host writes with the recording.

        Raises:
            ReaderError: `GARBAGE` when it differs, with the first byte that does; `LOST` behind the end.
        """
        self._check_open()
        for byte in data:
            if not self._expected:
                self._next_request()
            wanted = self._expected[0]
            if byte != wanted:
                raise ReaderError(
                    ReaderFault.GARBAGE,
                    f"The recording differs at byte {self._written} of what the host sends: "
                    f"expected {wanted:02X}, found {byte:02X}.",
                    "Replay it with the program and the options that it was recorded with.",
                )
            del self._expected[0]
            self._written += 1

    def read(self, timeout_s: float) -> bytes:
        """See `Channel.read`; a host that waits where nothing was recorded waits in real time."""
        self._check_open()
        if not self._expected and self._left and self._left[0].direction is Direction.TO_HOST:
            return self._left.popleft().data
        self._closed.wait(max(timeout_s, 0))
        self._check_open()
        return b""

    def close(self) -> None:
        """See `Channel.close`."""
        self._closed.set()

    def _next_request(self) -> None:
        """Moves on to what the host sent next; replies that nobody fetched are passed over, as on a line."""
        while self._left:
            entry = self._left.popleft()
            if entry.direction is Direction.TO_READER:
                self._expected += entry.data
                return
        raise ReaderError(
            ReaderFault.LOST,
            f"The recording ends after {self._written} bytes of the host.",
            "Record a longer session.",
        )

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise ReaderError(ReaderFault.LOST, "The replay was closed.", "Open it again.")
