"""A virtual reader in the caller's own process: no port, no thread. Also the kind `sim:`."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from prcard.errors import ReaderError, ReaderFault, RecordError
from prcard.simulator.device import VirtualReader

if TYPE_CHECKING:
    from prcard.simulator.device import Line

__all__ = ["InProcessChannel", "open_channel"]


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
    """A channel whose other end is a line of a virtual reader; see `Channel`."""

    def __init__(self, line: Line) -> None:
        """Takes over `line`."""
        self._line = line
        self._arrived = bytearray()
        self._closed = threading.Event()

    def write(self, data: bytes) -> None:
        """See `Channel.write`."""
        self._check_open()
        self._arrived += self._line.receive(data, time.monotonic())

    def read(self, timeout_s: float) -> bytes:
        """See `Channel.read`; a line with nothing to say is waited for in real time, as any other."""
        self._check_open()
        if not self._arrived:
            deadline = self._line.deadline()
            wait_s = timeout_s if deadline is None else min(timeout_s, deadline - time.monotonic())
            self._closed.wait(max(wait_s, 0))
            self._check_open()
            self._arrived += self._line.receive(b"", time.monotonic())
        data = bytes(self._arrived)
        self._arrived.clear()
        return data

    def close(self) -> None:
        """See `Channel.close`."""
        self._closed.set()

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise ReaderError(ReaderFault.LOST, "The virtual reader was closed.", "Open it again.")
