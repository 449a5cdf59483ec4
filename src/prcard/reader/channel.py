"""The seam between a reader session and its transport: bytes out, bytes in, and nothing else."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["MAX_READ_BYTES", "Channel", "SpeedChannel"]

MAX_READ_BYTES = 65_536
"""The most that one `read` returns, whatever the peer sends: a memory limit."""


class Channel(Protocol):
    """One open line to a reader. Not safe for use by two threads at once, save for `close`."""

    def write(self, data: bytes) -> None:
        """Sends all of `data`.

        Raises:
            ReaderError: `LOST` when the reader is gone, `SILENT` when the line takes no bytes for a second.
        """

    def read(self, timeout_s: float) -> bytes:
        """Returns what has arrived, at most `MAX_READ_BYTES`; waits up to `timeout_s` seconds for the first byte.

        Returns:
            b"" when nothing arrived in time; it never means end of stream.

        Raises:
            ReaderError: `LOST` when the reader is gone.
        """

    def close(self) -> None:
        """Releases the line; a second call does nothing."""


@runtime_checkable
class SpeedChannel(Protocol):
    """A channel whose line speed can be changed: a real serial port."""

    @property
    def speeds(self) -> tuple[int, ...]:
        """Speeds in baud to try, first first; one entry when the caller fixed it."""

    def set_speed(self, baud: int) -> None:
        """Changes the speed of the open line and drops what had arrived.

        Raises:
            ReaderError: `LOST` when the reader is gone or the port refuses the speed.
        """
