"""The event hub: one line of numbered events, any number of listeners, none of whom can hold up the others.

Every event has an id that can be resumed from. A listener that comes back with the last id it saw gets what it missed;
one that was away for too long, or that knew an earlier run of the service, is told to take the whole state anew. A
listener that does not fetch its events is cut off when its queue is full: it comes back and resumes.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

__all__ = ["KEPT_EVENTS", "MAX_LISTENERS", "QUEUE_EVENTS", "Event", "Hub", "Listener"]

KEPT_EVENTS: Final = 1024
"""Events that are kept for listeners that come back: some two hours of a busy counter, about 15 MB."""

QUEUE_EVENTS: Final = 256
"""Events that wait for one listener before it is cut off."""

MAX_LISTENERS: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at a counter.

    Attributes:
        id: Resumable id, `run.number`.
        kind: What happened, for instance `card-inserted`.
        wire: The event as it goes over Server-Sent Events, made once for all listeners. It alone is kept.
    """

    id: str
    kind: str
    wire: bytes = field(repr=False)

    @property
    def data(self) -> dict[str, Any]:
        """Its particulars; personal data in them is masked."""
        found: dict[str, Any] = json.loads(self.wire.split(b"\ndata: ", 1)[1])
        return found


class Listener:
    """One listener's queue. `take` from one thread at a time; close it when done."""

    def __init__(self, hub: Hub, missed: list[Event], wake: Callable[[], None], *, resumed: bool) -> None:
        """Begins with the events that were missed.

        Args:
            hub: Where it listens.
            missed: What a resumed listener did not see.
            wake: Called, from any thread, when there is something to take.
            resumed: True when nothing is missing between the last id that was seen and `missed`.
        """
        self.resumed = resumed
        self._hub = hub
        self._wake = wake
        self._queue = deque(missed)
        self._cut_off = False

    def take(self) -> list[Event]:
        """The events that wait, in order; may be empty.

        Raises:
            BrokenPipeError: the listener was cut off, since its queue was full or the hub was closed.
        """
        with self._hub.lock:
            events = list(self._queue)
            self._queue.clear()
            if not events and self._cut_off:
                raise BrokenPipeError("this listener was cut off; listen again from the last id that was seen")
            return events

    def close(self) -> None:
        """Stops listening; a second call does nothing."""
        self._hub.drop(self)

    def add(self, event: Event) -> None:
        """Queues an event; the hub calls it with its lock held."""
        if len(self._queue) >= QUEUE_EVENTS:
            self.cut_off()
            return
        self._queue.append(event)
        self._wake()

    def cut_off(self) -> None:
        """Ends the queue: what waits can still be taken, nothing is added any more."""
        self._cut_off = True
        self._hub.drop(self)
        self._wake()


class Hub:
    """Events of one run of the service; every method may be called from any thread.

    Args:
        run: Id of this run: events of another run cannot be resumed from.

    Attributes:
        lock: Guards queues and numbers.
    """

    def __init__(self, run: str) -> None:
        self.run = run
        self.lock = threading.RLock()
        self._number = 0
        self._kept: deque[Event] = deque(maxlen=KEPT_EVENTS)
        self._listeners: set[Listener] = set()
        self._closed = False

    @property
    def last_id(self) -> str:
        """Id of the last event; number 0 before the first."""
        return f"{self.run}.{self._number}"

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    def publish(self, kind: str, at: datetime, data: Mapping[str, Any]) -> Event:
        """Numbers an event and gives it to every listener.

        Args:
            kind: What happened.
            at: Aware moment at which it did.
            data: JSON-ready particulars.
        """
        with self.lock:
            self._number += 1
            whole = {"id": self.last_id, "kind": kind, "at": at.isoformat(timespec="milliseconds"), **data}
            event = Event(id=self.last_id, kind=kind, wire=frame(kind, whole, self.last_id))
            self._kept.append(event)
            for listener in tuple(self._listeners):
                listener.add(event)
            return event

    def listen(self, last_seen: str | None, wake: Callable[[], None]) -> Listener | None:
        """Adds a listener.

        Args:
            last_seen: Last id that this listener saw, or None for a new one.
            wake: See `Listener`.

        Returns:
            None when `MAX_LISTENERS` listen already, or the hub is closed.
        """
        with self.lock:
            if self._closed or len(self._listeners) >= MAX_LISTENERS:
                return None
            missed = self._missed(last_seen)
            listener = Listener(self, missed or [], wake, resumed=missed is not None)
            self._listeners.add(listener)
            return listener

    def drop(self, listener: Listener) -> None:
        """Forgets a listener; called by `Listener.close`."""
        with self.lock:
            self._listeners.discard(listener)

    def close(self) -> None:
        """Cuts off every listener; events can still be published, to nobody."""
        with self.lock:
            self._closed = True
            for listener in tuple(self._listeners):
                listener.cut_off()

    def _missed(self, last_seen: str | None) -> list[Event] | None:
        """What followed `last_seen`; None when that cannot be told."""
        run, _, number = (last_seen or "").rpartition(".")
        if run != self.run or not (number.isascii() and number.isdigit() and len(number) <= 18):
            return None
        first_kept = self._number - len(self._kept) + 1
        if not first_kept - 1 <= int(number) <= self._number:
            return None
        return list(self._kept)[int(number) - first_kept + 1 :]


def frame(kind: str, data: Mapping[str, Any], event_id: str = "") -> bytes:
    """Gives one message of Server-Sent Events.

    Source: WHATWG HTML, section 9.2.5.
    """
    head = f"id: {event_id}\n" if event_id else ""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"{head}event: {kind}\ndata: {body}\n\n".encode()
