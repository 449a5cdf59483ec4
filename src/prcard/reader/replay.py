"""A reader that plays a transcript: answers what was answered when it was recorded."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from prcard.errors import ReaderError, ReaderFault, RemoteWireError
from prcard.wire.playback import Player
from prcard.wire.transcript import MAX_TEXT_CHARS, Transcript

if TYPE_CHECKING:
    from prcard.wire.playback import Answered

__all__ = ["ReplayChannel", "open_channel"]


def open_channel(address: str) -> ReplayChannel:
    """Opens `replay:` + `address`.

    Args:
        address: Path of a transcript, then optionally `?timing=strict`, which keeps the reader's pauses.

    Raises:
        ReaderError: `NOT_FOUND` when the file cannot be read, `BAD_URI` when it is no transcript.
    """
    path, strict, _ = address.partition("?timing=strict")
    try:
        with Path(path).open(encoding="utf-8") as file:
            text = file.read(MAX_TEXT_CHARS + 1)
        return ReplayChannel(Transcript.parse(text), strict=bool(strict))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ReaderError(
            ReaderFault.NOT_FOUND, f"replay:{address} cannot be read: {reason}.", "Name a transcript file."
        ) from error
    except RemoteWireError as error:
        raise ReaderError(ReaderFault.BAD_URI, f"replay:{address}: {error}.", "Name a transcript file.") from error


class ReplayChannel:
    """Plays the reader's side of a transcript; see `Channel`.

    Args:
        transcript: What to play.
        strict: True gives each piece not before its time, counted from what went before on the line; False at once.
    """

    def __init__(self, transcript: Transcript, *, strict: bool = False) -> None:
        self._player = Player(transcript)
        self._strict = strict
        self._moved_at = time.monotonic()
        self._waiting: Answered | None = None
        self._closed = threading.Event()

    def write(self, data: bytes) -> None:
        """Compares what the host writes with the recording.

        Raises:
            ReaderError: `GARBAGE` when it differs, with the first byte that does; `LOST` behind the end.
        """
        self._check_open()
        self._waiting = None
        try:
            self._player.write(data)
        except RemoteWireError as error:
            raise _differs(str(error), ended=self._player.ended) from error
        self._moved_at = time.monotonic()

    def read(self, timeout_s: float) -> bytes:
        """See `Channel.read`; a host that waits where nothing was recorded waits in real time."""
        self._check_open()
        self._waiting = self._waiting or self._player.take()
        wait_s = max(timeout_s, 0)
        if self._waiting is not None:
            due_s = self._moved_at + self._waiting.wait_ms / 1000 - time.monotonic() if self._strict else 0.0
            if due_s <= wait_s:
                self._closed.wait(max(due_s, 0))
                self._check_open()
                data, self._waiting, self._moved_at = self._waiting.data, None, time.monotonic()
                return data
        self._closed.wait(wait_s)
        self._check_open()
        return b""

    def close(self) -> None:
        """See `Channel.close`."""
        self._closed.set()

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise ReaderError(ReaderFault.LOST, "The replay was closed.", "Open it again.")


def _differs(message: str, *, ended: bool) -> ReaderError:
    if ended:
        return ReaderError(ReaderFault.LOST, f"{message}.", "Record a longer session.")
    advice = "Replay it with the program and the options that it was recorded with."
    return ReaderError(ReaderFault.GARBAGE, f"{message}.", advice)
