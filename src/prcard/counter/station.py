"""One reader at a counter: a thread that watches it, reads each card once, judges it and tells the ledger."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum, unique
from typing import TYPE_CHECKING, Any, Final

from prcard.counter.presence import Presence, Stage
from prcard.counter.refusals import Refusal, RefusedError
from prcard.errors import AuditError, ReaderError, ReaderFault
from prcard.reader.watch import EventKind, watch
from prcard.wire.procedure import ReadOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prcard.counter.ledger import Ledger
    from prcard.counter.policy import Policy
    from prcard.reader.watch import ReaderEvent, Watcher
    from prcard.record.raw import RawCard

__all__ = ["READ_TIMEOUT_S", "Station", "StationState", "Times"]

READ_TIMEOUT_S: Final = 8.0
TICK_S: Final = 0.25
"""How often a station looks at its clock while nothing happens, in seconds."""

BACKOFF_S: Final = (0.5, 1.0, 2.0, 5.0)
"""Pauses before a watcher that failed is made anew; the last repeats."""


@unique
class StationState(Enum):
    """How a reader is."""

    STARTING = "starting"
    READY = "ready"
    LOST = "lost"


class Times:
    """After how many seconds a station does what.

    Args:
        left_behind_s: A card that still lies there is called left behind.
        forget_s: What was read is forgotten, counted from when the card was lifted.
    """

    def __init__(self, left_behind_s: float = 45.0, forget_s: float = 120.0) -> None:
        self.left_behind_s = left_behind_s
        self.forget_s = forget_s


class Station:
    """One reader; `start` it, `stop` it. Every public method may be called from any thread.

    Args:
        name: Id of the station, for instance `r1`.
        uri: Reader URI.
        title: What people call the reader.
        policy: Rules to judge by.
        ledger: Who is told.
        times: When to remind and to forget.
        watching: Gives the event source; `prcard.reader.watch.watch` unless a test says otherwise.
    """

    def __init__(
        self,
        name: str,
        uri: str,
        title: str,
        policy: Policy,
        ledger: Ledger,
        times: Times | None = None,
        watching: Callable[[Sequence[str]], Watcher] = watch,
    ) -> None:
        self.name = name
        self.uri = uri
        self.title = title
        self.policy = policy
        self._ledger = ledger
        self._times = times or Times()
        self._watching = watching
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._state = StationState.STARTING
        self._error: ReaderError | None = None
        self._presence: Presence | None = None
        self._watcher: Watcher | None = None
        self._attached: str | None = None
        self._judged_at = 0.0
        self._lifted_at = 0.0
        self._reminded = False
        self._thread = threading.Thread(target=self._run, name=f"prcard-station-{name}", daemon=True)

    def start(self) -> None:
        """Begins to watch the reader."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the watch; returns when the thread has ended. A card in memory is forgotten."""
        self._stop.set()
        watcher = self._watcher
        if watcher is not None:
            # Wakes the thread, also out of a read.
            watcher.close()
        if self._thread.is_alive():
            self._thread.join()
        with self._lock:
            self._presence = None

    @property
    def state(self) -> StationState:
        """How the reader is now."""
        return self._state

    @property
    def presence(self) -> Presence | None:
        """The card that lies there, or the last one as long as it is not forgotten."""
        return self._presence

    def to_document(self) -> dict[str, Any]:
        """The JSON form, with the card masked."""
        with self._lock:
            presence, state, error = self._presence, self._state, self._error
        return {
            "reader": self.name,
            "title": self.title,
            "uri": self.uri,
            "state": state.value,
            "training": self.policy.training,
            "profile": self.policy.profile.name,
            "error": None if error is None else {"fault": error.fault.value, "advice": error.advice},
            "card": None if presence is None else presence.to_document(),
        }

    def held(self, presence_id: str) -> Presence | None:
        """The presence of this id, if this station still holds it."""
        presence = self._presence
        return presence if presence is not None and secrets.compare_digest(presence.id, presence_id) else None

    def reveal(self, presence_id: str, names: frozenset[str], who: str) -> dict[str, str | None]:
        """Gives fields unmasked, as far as the profile allows, and books that somebody asked.

        Raises:
            RefusedError: the presence is forgotten, nothing was read, a field may not be shown, or nobody can log it.
        """
        presence = self.held(presence_id)
        if presence is None:
            raise RefusedError(Refusal.NO_PRESENCE)
        if presence.raw is None:
            raise RefusedError(Refusal.NOT_READ)
        fields = presence.reveal(names)
        if names - fields.keys():
            raise RefusedError(Refusal.FORBIDDEN)
        self._ledger.revealed(presence, names, who)
        return fields

    def forget(self, presence_id: str) -> None:
        """Forgets what was read of a card, also while it lies there.

        Raises:
            RefusedError: it is forgotten already, or is being read just now.
        """
        with self._lock:
            presence = self.held(presence_id)
            if presence is None:
                raise RefusedError(Refusal.NO_PRESENCE)
            if presence.stage is Stage.READING:
                raise RefusedError(Refusal.BUSY)
            self._presence = None
        self._ledger.happened("cleared", self.name, {"presence": presence_id}, presence=presence_id)

    # What follows runs in the station's own thread.

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                with self._watching([self.uri]) as watcher:
                    self._watcher = watcher
                    while not self._stop.is_set():
                        event = watcher.next_event(TICK_S)
                        if event is not None:
                            failures = 0
                            self._handle(watcher, event)
                        self._look_at_clock()
            except ReaderError as error:
                self._lost(error)
            except Exception as error:  # a bug of ours: said and logged, since a counter must not fall silent
                self._ledger.journal.log("bug", reader=self.name, reason=f"{type(error).__name__} in the station")
                self._drop_unfinished()
                self._lost(_BUG)
            self._stop.wait(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            failures += 1

    def _handle(self, watcher: Watcher, event: ReaderEvent) -> None:
        if event.kind not in _OF_THE_SERVICE and event.reader != (self._attached or event.reader):
            # A URI such as `pcsc:` can stand for several readers; a station serves the one that came first.
            self._ledger.journal.log("ignored", reader=self.name, uri=event.reader, reason=event.kind.value)
            return
        match event.kind:
            case EventKind.READER_IN:
                self._attached = event.reader
                self._ready()
            case EventKind.READER_OUT:
                self._attached = None
                self._lost(_GONE)
            case EventKind.CARD_IN:
                self._read(watcher, event)
            case EventKind.CARD_OUT:
                self._lifted(event.at)
            case EventKind.SERVICE_DOWN:
                self._attached = None
                self._ledger.happened("service-down", self.name)
                self._lost(_NO_SERVICE)
            case EventKind.SERVICE_UP:
                self._ledger.happened("service-up", self.name)

    def _ready(self) -> None:
        with self._lock:
            changed = self._state is not StationState.READY
            self._state, self._error = StationState.READY, None
        if changed:
            self._ledger.happened("reader-ready", self.name, uri=self.uri)

    def _lost(self, error: ReaderError) -> None:
        self._lifted(datetime.now(UTC))
        with self._lock:
            changed = self._state is not StationState.LOST or (self._error or error).fault is not error.fault
            self._state, self._error = StationState.LOST, error
        if changed:
            data = {"fault": error.fault.value, "message": str(error), "advice": error.advice}
            self._ledger.happened("reader-lost", self.name, data, fault=error.fault.value, uri=self.uri)

    def _read(self, watcher: Watcher, event: ReaderEvent) -> None:
        start = time.monotonic()
        self._lifted(event.at)
        self._ready()
        presence = Presence(id=secrets.token_urlsafe(9), reader=self.name, inserted_at=event.at, policy=self.policy)
        self._hold(presence)
        self._ledger.happened("card-inserted", self.name, {"presence": presence.id}, presence=presence.id)
        try:
            # By the name in the event: a URI may stand for any reader whose name contains it.
            raw = watcher.read(event.reader, READ_TIMEOUT_S, ReadOptions())
        except ReaderError as error:
            if self._stop.is_set():
                return
            presence = replace(presence, stage=Stage.UNREAD, error=error)
        else:
            presence = self._judged(presence, raw)
        self._hold(presence)
        self._judged_at, self._reminded = time.monotonic(), False
        self._ledger.metrics.read_took(self._judged_at - start)
        self._ledger.concluded(presence)

    def _judged(self, presence: Presence, raw: RawCard) -> Presence:
        judged = replace(presence, stage=Stage.JUDGED, raw=raw, verdict=self.policy.judge(raw))
        try:
            self._ledger.audited(judged)
        except AuditError as error:
            # A verdict that is in no log is shown to nobody.
            return replace(presence, stage=Stage.UNREAD, error=error)
        return judged

    def _hold(self, presence: Presence) -> None:
        with self._lock:
            self._presence = presence

    def _lifted(self, at: datetime) -> None:
        with self._lock:
            presence = self._presence
            if presence is None or presence.lifted_at is not None:
                return
            self._presence, self._lifted_at = replace(presence, lifted_at=at), time.monotonic()
        self._ledger.happened("card-removed", self.name, {"presence": presence.id}, presence=presence.id)

    def _look_at_clock(self) -> None:
        """Reminds of a card that was left behind; forgets one that was lifted long enough ago."""
        presence, now = self._presence, time.monotonic()
        if presence is None or presence.stage is Stage.READING:
            return
        if presence.lifted_at is not None:
            if now - self._lifted_at >= self._times.forget_s:
                self._forget_quietly(presence.id)
        elif not self._reminded and now - self._judged_at >= self._times.left_behind_s:
            self._reminded = True
            data = {"presence": presence.id, "seconds": round(now - self._judged_at)}
            self._ledger.happened("card-left-behind", self.name, data, presence=presence.id)

    def _drop_unfinished(self) -> None:
        """Forgets a card whose reading will never end."""
        presence = self._presence
        if presence is not None and presence.stage is Stage.READING:
            self._presence = None
            self._ledger.happened("cleared", self.name, {"presence": presence.id}, presence=presence.id)

    def _forget_quietly(self, presence_id: str) -> None:
        try:
            self.forget(presence_id)
        except RefusedError:
            # Somebody forgot it a moment ago.
            return


_OF_THE_SERVICE: Final = frozenset({EventKind.SERVICE_DOWN, EventKind.SERVICE_UP})
_GONE: Final = ReaderError(
    ReaderFault.LOST, "The reader is gone.", "Plug the reader in again; it is used as soon as it is back."
)
_BUG: Final = ReaderError(
    ReaderFault.NOT_READY,
    "The program failed at this reader.",
    "Lift the card and try again; tell support if it stays.",
)
_NO_SERVICE: Final = ReaderError(
    ReaderFault.LOST,
    "The smart card service is gone.",
    "Start pcscd again; the readers are used as soon as it is back.",
)
