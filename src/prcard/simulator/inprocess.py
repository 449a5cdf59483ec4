"""A virtual reader in the caller's own process: no port, no thread. Also the kind `sim:`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from prcard.errors import ReaderError, ReaderFault, RecordError
from prcard.simulator.device import VirtualReader
from prcard.simulator.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from prcard.simulator.device import Line

__all__ = ["InProcessChannel", "InProcessSerialChannel", "open_channel"]


def open_channel(address: str) -> InProcessChannel:
    """Opens `sim:` + `address`: a virtual reader of its own with that specimen on it.

    Args:
        address: Name of a specimen, for instance `alice`.

    Raises:
        ReaderError: `BAD_URI`, with the names there are.
    """
    from prcard.simulator.specimens import specimen

    try:
        entry = specimen(address)
    except RecordError as error:
        raise ReaderError(ReaderFault.BAD_URI, f"sim:{address[:40]} is no virtual reader: {error}", "") from error
    reader = VirtualReader()
    reader.insert(entry.card(), entry.name)
    return InProcessChannel(reader.line())


class InProcessChannel:
    """A channel whose other end is a line of a virtual reader; see `Channel`.

    Args:
        line: The line; it is taken over.
        wait: Lets so many seconds pass; None is real time, which `close` cuts short. A test that drives the time itself
            gives the reader its clock and this its wait.
    """

    def __init__(self, line: Line, wait: Callable[[float], object] | None = None) -> None:
        self._line = line
        self._clock = line.reader.clock
        self._outbox = Outbox()
        self._closed = threading.Event()
        self._wait = wait or self._closed.wait

    def write(self, data: bytes) -> None:
        """See `Channel.write`."""
        self._check_open()
        if self._line.reader.hears(self._baud()):
            self._transfer(data)

    def read(self, timeout_s: float) -> bytes:
        """See `Channel.read`; a line with nothing to say is waited for in real time, as any other."""
        end = self._clock() + timeout_s
        while True:
            self._check_open()
            now = self._clock()
            deadline = self._line.deadline()
            if deadline is not None and now >= deadline:
                self._transfer(b"")
            data = self._outbox.take(now)
            # What was written last may have pulled the plug; the bytes before it still arrive.
            if data or now >= end:
                return data
            self._check_open()
            moments = [end, *(moment for moment in (self._outbox.due_at, self._line.deadline()) if moment is not None)]
            self._wait(max(min(moments) - now, 0.0))

    def close(self) -> None:
        """See `Channel.close`."""
        self._closed.set()

    def _baud(self) -> int | None:
        """Speed of this end in baud; None, since a line inside a process has none."""
        return None

    def _transfer(self, data: bytes) -> None:
        now = self._clock()
        self._outbox.add(self._line.transfer(data, now), now)

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise ReaderError(ReaderFault.LOST, "The virtual reader was closed.", "Open it again.")
        if self._line.lost:
            raise ReaderError(ReaderFault.LOST, "The virtual reader was unplugged.", "Plug it in, then open it again.")


class InProcessSerialChannel(InProcessChannel):
    """The same with a speed, as a serial port has; see `SpeedChannel`."""

    speeds = (115200, 57600, 38400, 19200, 9600)

    def __init__(self, line: Line, wait: Callable[[float], object] | None = None) -> None:
        super().__init__(line, wait)
        self._speed = self.speeds[0]

    def set_speed(self, baud: int) -> None:
        """See `SpeedChannel.set_speed`."""
        self._check_open()
        self._speed = baud
        self._outbox = Outbox()

    def _baud(self) -> int:
        return self._speed
