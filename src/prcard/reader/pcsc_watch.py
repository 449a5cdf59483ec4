"""What happens at PC/SC readers, from the raw status calls: pyscard's own monitors end for good when pcscd does.

One thread waits on all readers together. The service counts the changes of each reader; therefore a card that was
swapped between two looks is reported as gone and come, although one was there each time.

Source: observed with pcsc-lite 1.9.9; SCardGetStatusChange: PC/SC Workgroup, part 5.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from prcard.errors import ReaderError, ReaderFault
from prcard.reader.pcsc import PCSCReader, context, library, names_of, select
from prcard.reader.pcsc_codes import check
from prcard.reader.watch import EventKind

if TYPE_CHECKING:
    from prcard.reader.watch import Post
    from prcard.record.raw import RawCard
    from prcard.wire.procedure import ReadOptions

__all__ = ["PCSCSource", "changes"]

SERVICE: Final = "pcsc:"
PLUG: Final = "\\\\?PnP?\\Notification"
"""Pseudo-reader by which the service tells of readers that come and go."""

WAIT_MS: Final = 1000
RETRY_S: Final = (0.1, 2.0)
MAX_CHANGES: Final = 16
"""More changes of one reader between two looks than this were none of hands; only the outcome is reported then."""

_CANCELLED: Final = 0x80100002
_TIMEOUT: Final = 0x8010000A
_UNKNOWN_READER: Final = 0x80100009


def changes(known: tuple[bool, int] | None, now: tuple[bool, int]) -> list[EventKind]:
    """Gives what happened to a card between two looks.

    Args:
        known: Present or not, and the service's count of changes (16 bits), at the last look; None at the first.
        now: The same at this look.
    """
    if known is None:
        return [EventKind.CARD_IN] if now[0] else []
    count = (now[1] - known[1]) & 0xFFFF
    present = known[0]
    if count > MAX_CHANGES or (count % 2 == 1) != (now[0] != present):
        # The counter does not tell; what is seen does.
        count = int(now[0] != present)
    found = []
    for _ in range(count):
        present = not present
        found.append(EventKind.CARD_IN if present else EventKind.CARD_OUT)
    return found


class PCSCSource:
    """Watches the readers whose names contain one of `names`; see `prcard.reader.watch.Source`."""

    def __init__(self, names: list[str], post: Post) -> None:
        self._names = names
        self._post = post
        self._stopped = threading.Event()
        self._handle: Any = None
        self._cards: dict[str, tuple[bool, int] | None] = {}
        self._readers: dict[str, PCSCReader] = {}
        self._down = False
        self._thread = threading.Thread(target=self._watch, name="prcard-watch-pcsc", daemon=True)

    def covers(self, reader_uri: str) -> bool:
        """See `Source.covers`."""
        return reader_uri.removeprefix(SERVICE) in self._readers

    def start(self) -> None:
        """See `Source.start`."""
        self._thread.start()

    def read(self, reader_uri: str, timeout_s: float, options: ReadOptions | None) -> RawCard:
        """See `Source.read`; the same card may be read again, because PC/SC shows whether it was lifted."""
        name = reader_uri.removeprefix(SERVICE)
        # It may be gone since it was asked for; then the reading itself finds out.
        reader = self._readers.get(name) or PCSCReader(name)
        reader.forget()
        return reader.read(timeout_s, options)

    def stop(self) -> None:
        """See `Source.stop`."""
        self._stopped.set()
        for reader in list(self._readers.values()):
            reader.close()
        self._cancel()

    def join(self, timeout_s: float) -> None:
        """See `Source.join`."""
        deadline = time.monotonic() + timeout_s
        while self._thread.is_alive() and time.monotonic() < deadline:
            # The thread may have been on its way into the wait when it was cancelled.
            self._cancel()
            self._thread.join(0.002)

    def _cancel(self) -> None:
        handle = self._handle
        if handle is not None:
            library().SCardCancel(handle)

    def _watch(self) -> None:
        pause_s = RETRY_S[0]
        while not self._stopped.is_set():
            try:
                with context() as handle:
                    self._handle = handle
                    pause_s = RETRY_S[0]
                    self._attend(handle)
            except ReaderError as error:
                if error.fault is ReaderFault.MISSING_EXTRA:
                    self._post.failure(error)
                    return
                self._lose_service()
            finally:
                self._handle = None
            if self._stopped.wait(pause_s):
                return
            pause_s = min(pause_s * 2, RETRY_S[1])

    def _lose_service(self) -> None:
        """Reports everything as gone, once."""
        if self._down or self._stopped.is_set():
            return
        for name in list(self._cards):
            self._drop(name)
        self._down = True
        self._post.event(EventKind.SERVICE_DOWN, SERVICE)

    def _attend(self, handle: Any) -> None:
        """Waits for changes until the watcher stops or the service is lost."""
        scard = library()
        states: dict[str, int] = {}
        while not self._stopped.is_set():
            names = self._present(handle)
            if self._down:
                self._down = False
                self._post.event(EventKind.SERVICE_UP, SERVICE)
            self._compare(names)
            asked = [(name, states.get(name, scard.SCARD_STATE_UNAWARE)) for name in [*names, PLUG]]
            code, found = scard.SCardGetStatusChange(handle, WAIT_MS, asked)
            if code & 0xFFFFFFFF in {_TIMEOUT, _CANCELLED, _UNKNOWN_READER}:
                continue
            check(code)
            for name, state, _ in found:
                states[name] = state & ~scard.SCARD_STATE_CHANGED
                if name != PLUG and name in self._cards:
                    self._take(name, state)

    def _present(self, handle: Any) -> list[str]:
        names = names_of(handle)
        return [name for name in names if any(name in select(wanted, names) for wanted in self._names)]

    def _compare(self, names: list[str]) -> None:
        for name in [name for name in self._cards if name not in names]:
            self._drop(name)
        for name in names:
            if name not in self._cards:
                self._cards[name] = None
                self._readers[name] = PCSCReader(name)
                self._post.event(EventKind.READER_IN, SERVICE + name)

    def _take(self, name: str, state: int) -> None:
        scard = library()
        if state & (scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE):
            # The list of readers tells at the next turn.
            return
        now = bool(state & scard.SCARD_STATE_PRESENT), state >> 16 & 0xFFFF
        known, self._cards[name] = self._cards[name], now
        for kind in changes(known, now):
            self._post.event(kind, SERVICE + name)

    def _drop(self, name: str) -> None:
        known = self._cards.pop(name)
        del self._readers[name]
        if known is not None and known[0]:
            self._post.event(EventKind.CARD_OUT, SERVICE + name)
        self._post.event(EventKind.READER_OUT, SERVICE + name)
