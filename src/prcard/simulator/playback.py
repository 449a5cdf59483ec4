"""A transcript played again: served as a reader to any host program, or sent as a host to any reader."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from prcard.errors import ReaderError, RemoteWireError
from prcard.simulator.outbox import Piece
from prcard.wire.playback import Player
from prcard.wire.transcript import Direction

if TYPE_CHECKING:
    from collections.abc import Callable

    from prcard.reader.channel import Channel
    from prcard.wire.transcript import Entry, Transcript

__all__ = ["Playback", "RecordedReader", "play_as_host"]

PATIENCE_S: Final = 5.0
"""Longest wait for bytes of the reader that were recorded: the longest of any host program seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Playback:
    """What came of playing a transcript.

    Attributes:
        sent: Bytes that the host sent as recorded.
        received: Bytes that the reader sent as recorded.
        mismatch: The first byte, or the wait, that differs, in words; "" when all was the same.
    """

    sent: int
    received: int
    mismatch: str = ""


def play_as_host(
    transcript: Transcript,
    channel: Channel,
    *,
    strict: bool = False,
    tolerance_s: float = 0.25,
    patience_s: float = PATIENCE_S,
) -> Playback:
    """Sends what the host sent and compares what comes back with what came back then.

    Args:
        transcript: What to play.
        channel: The line to the reader; the caller closes it.
        strict: True sends not before the recorded time and takes a reply that comes later than recorded, by more than
            the tolerance, for a difference; False looks at the bytes alone.
        tolerance_s: How much later a reply may come, in seconds.
        patience_s: Longest wait for bytes that were recorded, in seconds.
    """
    run = _HostRun(channel, strict=strict, tolerance_s=tolerance_s, patience_s=patience_s)
    try:
        for entry in transcript.entries:
            run.step(entry)
    except RemoteWireError as error:
        return Playback(sent=run.sent, received=run.received, mismatch=str(error))
    except ReaderError as error:
        return Playback(sent=run.sent, received=run.received, mismatch=f"the reader was lost: {error}")
    return Playback(sent=run.sent, received=run.received)


class _HostRun:
    def __init__(self, channel: Channel, *, strict: bool, tolerance_s: float, patience_s: float) -> None:
        self._channel = channel
        self._strict = strict
        self._tolerance_s = tolerance_s
        self._patience_s = patience_s
        self._arrived = bytearray()
        self._moved_at = time.monotonic()
        self._at_ms = 0
        self.sent = 0
        self.received = 0

    def step(self, entry: Entry) -> None:
        due_at = self._moved_at + max(entry.at_ms - self._at_ms, 0) / 1000
        if entry.direction is Direction.TO_READER:
            if self._strict:
                time.sleep(max(due_at - time.monotonic(), 0))
            self._channel.write(entry.data)
            self.sent += len(entry.data)
        else:
            self._compare(entry.data)
            late_s = time.monotonic() - due_at
            if self._strict and late_s > self._tolerance_s:
                raise RemoteWireError(
                    f"byte {self.received - 1} of what the reader sends came {late_s:.3f} s later than recorded; "
                    f"expected at most {self._tolerance_s:g} s"
                )
        self._moved_at, self._at_ms = time.monotonic(), entry.at_ms

    def _compare(self, wanted: bytes) -> None:
        end = time.monotonic() + self._patience_s
        for at, byte in enumerate(wanted):
            while not self._arrived:
                left = end - time.monotonic()
                if left <= 0:
                    raise RemoteWireError(
                        f"byte {self.received} of what the reader sends: expected {byte:02X}, found silence for "
                        f"{self._patience_s:g} s; {len(wanted) - at} bytes are missing"
                    )
                self._arrived += self._channel.read(left)
            found = self._arrived.pop(0)
            if found != byte:
                raise RemoteWireError(
                    f"byte {self.received} of what the reader sends: expected {byte:02X}, found {found:02X}"
                )
            self.received += 1


class RecordedReader:
    """A transcript that `Server` serves like a virtual reader; each host that connects gets it from the start.

    Args:
        transcript: What to play.
        strict: True answers not before the recorded time, False at once.
    """

    clock = staticmethod(time.monotonic)
    plugged = True
    epoch = 0
    back_at: float | None = None

    def __init__(self, transcript: Transcript, *, strict: bool = False) -> None:
        self.transcript = transcript
        self.strict = strict
        self.ended = threading.Event()
        self.result = Playback(sent=0, received=0)
        """What came of the host that was served last."""

    def line(self) -> _RecordedLine:
        """Opens one more line, from the start of the transcript."""
        return _RecordedLine(self)

    def hears(self, host_baud: int | None) -> bool:  # noqa: ARG002  # a recording has no speed of its own
        """A recording takes what a host sends at whatever speed."""
        return True

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:  # noqa: ARG002  # nothing ever changes
        """Nothing about a recording changes."""
        return lambda: None


class _RecordedLine:
    """One host's run through the transcript; silent behind the first difference."""

    def __init__(self, reader: RecordedReader) -> None:
        self._reader = reader
        self._player = Player(reader.transcript)
        self._received = 0
        self._over = False

    def transfer(self, data: bytes, now: float) -> list[Piece]:  # noqa: ARG002  # the signature of a line
        if self._over:
            return []
        mismatch = ""
        try:
            self._player.write(data)
        except RemoteWireError as error:
            mismatch = str(error)
        pieces = []
        while (answer := None if mismatch else self._player.take()) is not None:
            pieces.append(Piece(answer.data, answer.wait_ms / 1000 if self._reader.strict else 0.0))
            self._received += len(answer.data)
        self._reader.result = Playback(sent=self._player.written, received=self._received, mismatch=mismatch)
        self._over = bool(mismatch) or self._player.ended
        if self._over:
            self._reader.ended.set()
        return pieces

    def deadline(self) -> float | None:
        return None
