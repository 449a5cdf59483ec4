"""Readers and cards come and go: one stream of events, whatever the readers are.

Each insertion and each removal is reported once. A card that lies there at the start is reported as an insertion.

    with watch(["serial:/dev/ttyUSB0"]) as watcher:
        while (event := watcher.next_event(60)) is not None:
            if event.kind is EventKind.CARD_IN:
                raw = watcher.read(event.reader, timeout_s=5)

One thread polls each SAM_V reader (the protocol has no events), one waits on all PC/SC readers together.
"""

from __future__ import annotations

import contextlib
import importlib
import queue
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, unique
from typing import TYPE_CHECKING, Final, Protocol, Self

from prcard.errors import PRCardError, ReaderError, ReaderFault
from prcard.reader.sam import SAMReader
from prcard.reader.uri import open_reader
from prcard.wire.presence import POLL_S, Sight

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from prcard.record.raw import RawCard
    from prcard.wire.procedure import ReadOptions

__all__ = ["DEFAULT_READ_S", "STOP_S", "EventKind", "Post", "ReaderEvent", "Source", "Watcher", "watch"]

STOP_S: Final = 0.05
"""The longest that `close` takes in seconds, whatever a reader does; a thread that hangs is left to itself."""

DEFAULT_READ_S: Final = 10.0
RETRY_S: Final = (0.1, 2.0)
"""Shortest and longest pause in seconds before a reader that cannot be opened is tried again."""


@unique
class EventKind(Enum):
    """What happened."""

    READER_IN = "reader-in"
    READER_OUT = "reader-out"
    CARD_IN = "card-in"
    CARD_OUT = "card-out"
    SERVICE_DOWN = "service-down"
    SERVICE_UP = "service-up"


@dataclass(frozen=True, slots=True)
class ReaderEvent:
    """One thing that happened at one reader.

    Attributes:
        kind: What happened.
        reader: URI of the reader; for the PC/SC service `pcsc:`.
        at: Aware moment at which it was noticed.
        presence: Number of the card's stay on this reader, counted from 1: the same for a CARD_IN and its CARD_OUT. For
            other kinds the number of the last stay, 0 before the first.
    """

    kind: EventKind
    reader: str
    at: datetime
    presence: int


class Watcher(Protocol):
    """What `watch` gives; one thread takes events, and `close` may be called from any."""

    def next_event(self, timeout_s: float) -> ReaderEvent | None:
        """Waits for the next event.

        Returns:
            The event; None when none came within `timeout_s` seconds or the watcher was closed.

        Raises:
            ReaderError: a reader can never be watched: its URI is malformed, or support for it is not installed.
        """

    def read(self, reader_uri: str, timeout_s: float = ..., options: ReadOptions | None = ...) -> RawCard:
        """Reads the card that lies on a reader, over the connection that the watcher holds.

        Args:
            reader_uri: The reader as an event named it.
            timeout_s: Seconds for the whole reading.
            options: What to read beside text and photo.

        Raises:
            ReaderError: no such reader is there, or the card could not be read.
        """

    def close(self) -> None:
        """Stops within `STOP_S` seconds; a second call does nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Post(Protocol):
    """Where a source puts what it noticed."""

    def event(self, kind: EventKind, reader: str) -> None:
        """Reports an event of now."""

    def failure(self, error: ReaderError) -> None:
        """Reports that a reader can never be watched."""


class Source(Protocol):
    """One thread that notices what happens at one reader or at several."""

    def covers(self, reader_uri: str) -> bool:
        """Tells whether events of this reader come from here."""

    def start(self) -> None:
        """Begins to watch."""

    def read(self, reader_uri: str, timeout_s: float, options: ReadOptions | None) -> RawCard:
        """See `Watcher.read`."""

    def stop(self) -> None:
        """Asks the thread to end, at once and without waiting for it."""

    def join(self, timeout_s: float) -> None:
        """Waits for the thread's end."""


def watch(uris: Sequence[str]) -> Watcher:
    """Watches readers and their cards until it is closed.

    Args:
        uris: Reader URIs: any SAM_V reader (`serial:`, `usb:`, `tcp:`, `udp:`, `sim:`), or `pcsc:NAME` for all PC/SC
            readers whose name contains NAME; `pcsc:` alone stands for all of them, also for those that come later.

    Returns:
        A watcher that is started already; close it, or use it as a context manager.

    Raises:
        ReaderError: `BAD_URI` when no reader is named.
    """
    if not uris:
        raise ReaderError(ReaderFault.BAD_URI, "No reader is named to be watched.", "Name at least one reader URI.")
    return _Watcher(list(dict.fromkeys(uris)))


class _Watcher:
    """Sources and the queue that they fill."""

    def __init__(self, uris: list[str]) -> None:
        self._queue: queue.SimpleQueue[ReaderEvent | ReaderError | None] = queue.SimpleQueue()
        self._numbering = threading.Lock()
        self._presences: dict[str, int] = {}
        self._closed = False
        pcsc = [uri.partition(":")[2] for uri in uris if uri.startswith("pcsc:")]
        self._sources: list[Source] = [_SAMSource(uri, self) for uri in uris if not uri.startswith("pcsc:")]
        if pcsc:
            self._sources.append(_pcsc_source(pcsc, self))
        for source in self._sources:
            source.start()

    def event(self, kind: EventKind, reader: str) -> None:
        """See `Post.event`."""
        # Under the lock, so that the order in the queue is the order of the numbers.
        with self._numbering:
            if kind is EventKind.CARD_IN:
                self._presences[reader] = self._presences.get(reader, 0) + 1
            self._queue.put(ReaderEvent(kind, reader, datetime.now(UTC), self._presences.get(reader, 0)))

    def failure(self, error: ReaderError) -> None:
        """See `Post.failure`."""
        self._queue.put(error)

    def next_event(self, timeout_s: float) -> ReaderEvent | None:
        """See `Watcher.next_event`."""
        if self._closed:
            return None
        try:
            found = self._queue.get(timeout=max(timeout_s, 0))
        except queue.Empty:
            return None
        if isinstance(found, ReaderError):
            raise found
        return found

    def read(self, reader_uri: str, timeout_s: float = DEFAULT_READ_S, options: ReadOptions | None = None) -> RawCard:
        """See `Watcher.read`."""
        for source in self._sources:
            if source.covers(reader_uri):
                return source.read(reader_uri, timeout_s, options)
        raise _not_there(reader_uri)

    def close(self) -> None:
        """See `Watcher.close`."""
        if self._closed:
            return
        self._closed = True
        deadline = time.monotonic() + STOP_S
        for source in self._sources:
            source.stop()
        # Wakes a consumer that waits in another thread.
        self._queue.put(None)
        for source in self._sources:
            source.join(max(deadline - time.monotonic(), 0.001))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _SAMSource:
    """Polls one SAM_V reader and opens it again whenever it is lost."""

    def __init__(self, uri: str, post: Post) -> None:
        self._uri = uri
        self._post = post
        self._stopped = threading.Event()
        self._in_use = threading.Lock()
        self._reader: SAMReader | None = None
        self._present = False
        self._was_read = False
        self._thread = threading.Thread(target=self._watch, name=f"prcard-watch-{uri}", daemon=True)

    def covers(self, reader_uri: str) -> bool:
        """See `Source.covers`."""
        return reader_uri == self._uri

    def start(self) -> None:
        """See `Source.start`."""
        self._thread.start()

    def stop(self) -> None:
        """See `Source.stop`."""
        self._stopped.set()
        reader = self._reader
        if reader is not None:
            # Ends a read that is under way in the thread.
            with contextlib.suppress(PRCardError):
                reader.close()

    def join(self, timeout_s: float) -> None:
        """See `Source.join`."""
        self._thread.join(timeout_s)

    def read(self, reader_uri: str, timeout_s: float, options: ReadOptions | None) -> RawCard:
        """See `Source.read`."""
        with self._in_use:
            reader = self._reader
            if reader is None:
                raise _not_there(reader_uri)
            if self._was_read:
                raise ReaderError(
                    ReaderFault.CARD_NOT_LIFTED,
                    "The card that lies on the reader was read already.",
                    "Lift it, then lay the next card down.",
                )
            raw = reader.read(timeout_s, options)
            self._was_read = True
            # The sooner after the reading, the surer that a reader shows what it answers while the card lies there. A
            # reader that is lost just now is the thread's business; the card was read.
            with contextlib.suppress(ReaderError):
                self._look(reader)
            return raw

    def _watch(self) -> None:
        pause_s, told_out = RETRY_S[0], False
        while not self._stopped.is_set():
            begun = time.monotonic()
            try:
                with contextlib.closing(self._opened()) as reader:
                    told_out = True
                    self._attend(reader)
            except ReaderError as error:
                if error.fault in {ReaderFault.BAD_URI, ReaderFault.MISSING_EXTRA}:
                    self._post.failure(error)
                    return
                if not told_out:
                    # Also when it was not there from the start: whoever asked for it wants to know.
                    self._post.event(EventKind.READER_OUT, self._uri)
                    told_out = True
            if time.monotonic() - begun > RETRY_S[1]:
                pause_s = RETRY_S[0]
            # Also after a reader that could be opened and was lost at once: it may do so for ever.
            self._stopped.wait(pause_s)
            pause_s = min(pause_s * 2, RETRY_S[1])

    def _opened(self) -> SAMReader:
        reader = open_reader(self._uri)
        if isinstance(reader, SAMReader):
            return reader
        reader.close()
        raise ReaderError(
            ReaderFault.BAD_URI, f"{self._uri} gives no sign of cards that come and go.", "Read it with: prcard read"
        )

    def _attend(self, reader: SAMReader) -> None:
        """Polls an open reader until it is lost or the watcher stops."""
        self._reader = reader
        if not self._stopped.is_set():
            self._post.event(EventKind.READER_IN, self._uri)
        with contextlib.suppress(ReaderError):
            # Why it was lost does not matter here: opening it anew tells whether it is back.
            while not self._stopped.is_set():
                with self._in_use:
                    self._look(reader)
                self._stopped.wait(POLL_S)
        self._reader = None
        if not self._stopped.is_set():
            self._card(present=False)
            self._post.event(EventKind.READER_OUT, self._uri)

    def _look(self, reader: SAMReader) -> None:
        sight = reader.look()
        if sight is Sight.REPLACED and self._present:
            self._card(present=False)
        self._card(present=sight is not Sight.ABSENT)

    def _card(self, *, present: bool) -> None:
        if present != self._present:
            self._present, self._was_read = present, False
            self._post.event(EventKind.CARD_IN if present else EventKind.CARD_OUT, self._uri)


def _pcsc_source(names: list[str], post: Post) -> Source:
    source: Source = importlib.import_module("prcard.reader.pcsc").source(names, post)
    return source


def _not_there(uri: str) -> ReaderError:
    return ReaderError(ReaderFault.NOT_FOUND, f"{uri} is not there now.", "Plug the reader in, then try again.")
