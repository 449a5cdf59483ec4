"""A watchdog for readers whose calls have no time-out: work runs in a thread that is left to itself when it hangs.

Nothing frees a hung transmit of PC/SC: no cancel, no signal, no closing. What can be done is not to wait for it.
Source: observed with pcsc-lite 1.9.9.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from prcard.errors import ReaderError, ReaderFault

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TRANSMIT_S", "Job", "hung"]

TRANSMIT_S: Final = 5.0
"""A single command that takes longer hangs: the slowest answers seen, of readers with an inner SAM, take some 2 s."""


class Job:
    """One reading in a thread of its own, and what its caller needs to know of it."""

    def __init__(self, deadline: float, timeout_s: float, closed: threading.Event) -> None:
        self.timeout_s = timeout_s
        self.presence: int | None = None
        self.answered = False
        self.result: Any = None
        self.error: Exception | None = None
        self._deadline = deadline
        self._closed = closed
        self._done = threading.Event()
        self._given_up = False
        self._begun = time.monotonic()

    def begin(self) -> None:
        """Notes that one command begins; ends the job when its caller has given it up or its time is over."""
        self._begun = time.monotonic()
        if self._given_up:
            raise hung("The reader")

    def over(self, pause_s: float) -> bool:
        """Pauses, then tells whether the time is over; ends the pause when the reader is closed."""
        if self._closed.wait(pause_s):
            raise ReaderError(ReaderFault.LOST, "The reader was closed.", "Open it again.")
        return time.monotonic() >= self._deadline

    def run(self, work: Callable[[Job], Any]) -> None:
        """Does the work, in the thread that is for it; `result` or `error` hold what came of it."""
        try:
            self.result = work(self)
        except Exception as error:  # it is raised again where the work was asked for, whatever it is
            self.error = error
        finally:
            self._done.set()

    def await_end(self) -> bool:
        """Waits for the thread; False when one command takes longer than `TRANSMIT_S`."""
        while not self._done.wait(max(self._begun + TRANSMIT_S - time.monotonic(), 0.001)):
            if time.monotonic() - self._begun >= TRANSMIT_S:
                self._given_up = True
                return self._done.is_set()
        return True


def hung(name: str) -> ReaderError:
    """Says that a reader hangs."""
    return ReaderError(
        ReaderFault.HUNG,
        f"{name} does not answer a command within {TRANSMIT_S:g} s and cannot be stopped.",
        "Lift the card; if that does not help, unplug the reader and plug it in again.",
    )
