"""A channel that writes down what passes through it, for a bug report or a test."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from prcard.wire.transcript import MAX_ENTRIES, Direction, Entry, Transcript

if TYPE_CHECKING:
    from prcard.reader.channel import Channel

__all__ = ["Recorder", "RecordingChannel"]


class Recorder:
    """Writes down pieces with their times; it stops at `MAX_ENTRIES` pieces. May be used by two threads at once."""

    def __init__(self) -> None:
        """Times count from now."""
        self._start = time.monotonic()
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    @property
    def transcript(self) -> Transcript:
        """What has passed so far."""
        with self._lock:
            return Transcript(entries=tuple(self._entries))

    def keep(self, direction: Direction, data: bytes) -> None:
        """Writes a piece down; an empty one is none."""
        with self._lock:
            if data and len(self._entries) < MAX_ENTRIES:
                at_ms = int((time.monotonic() - self._start) * 1000)
                self._entries.append(Entry(direction=direction, at_ms=at_ms, data=data))


class RecordingChannel:
    """Passes everything on to `channel` and keeps it as a transcript; see `Channel`.

    The recording holds personal data until it is serialized, which redacts it unless told otherwise. It stops at
    `MAX_ENTRIES` pieces; the channel goes on.
    """

    def __init__(self, channel: Channel) -> None:
        """Takes over `channel`; times count from now."""
        self._channel = channel
        self._recorder = Recorder()

    @property
    def transcript(self) -> Transcript:
        """What has passed so far."""
        return self._recorder.transcript

    def write(self, data: bytes) -> None:
        """See `Channel.write`."""
        self._recorder.keep(Direction.TO_READER, data)
        self._channel.write(data)

    def read(self, timeout_s: float) -> bytes:
        """See `Channel.read`."""
        data = self._channel.read(timeout_s)
        self._recorder.keep(Direction.TO_HOST, data)
        return data

    def close(self) -> None:
        """See `Channel.close`; the transcript stays."""
        self._channel.close()
