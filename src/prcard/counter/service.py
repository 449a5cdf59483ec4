"""The whole counter without HTTP: stations, ledger, pairing and the training desk behind one face."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prcard._version import __version__
from prcard.counter.hub import Hub
from prcard.counter.journal import Journal
from prcard.counter.ledger import Ledger
from prcard.counter.metrics import Metrics
from prcard.counter.pairing import Pairing
from prcard.counter.presence import photo_kind
from prcard.counter.refusals import Refusal, RefusedError
from prcard.counter.station import Station, StationState, Times
from prcard.record.capture import dump_capture

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from types import TracebackType
    from typing import Self, TextIO

    from prcard.counter.policy import Policy
    from prcard.counter.presence import Presence
    from prcard.counter.training import TrainingDesk
    from prcard.store.audit import AuditLog

__all__ = ["API_VERSION", "Counter"]

API_VERSION = 1


class Counter:
    """One counter with its readers; a context manager. Every method may be called from any thread.

    Args:
        readers: (URI, title, rules) of each reader, in the order in which they are shown.
        pairing: Codes and tokens; None keeps them in memory only.
        desk: Virtual readers for training, started and stopped with the counter.
        log: Where structured logs go; None logs nothing.
        times: When to remind of a card and when to forget it.
        audit: Log that every verdict, and every look at fields in full, is written to before it is shown.
    """

    def __init__(
        self,
        readers: Sequence[tuple[str, str, Policy]] = (),
        *,
        pairing: Pairing | None = None,
        desk: TrainingDesk | None = None,
        log: TextIO | None = None,
        times: Times | None = None,
        audit: AuditLog | None = None,
    ) -> None:
        self.started_at = datetime.now(UTC)
        self.pairing = pairing or Pairing()
        self.journal = Journal(log)
        self.metrics = Metrics()
        self.hub = Hub(secrets.token_hex(4))
        self.ledger = Ledger(self.hub, self.metrics, self.journal, audit)
        self.desk = desk
        self._readers = list(readers)
        self._times = times
        self._stations: dict[str, Station] = {}

    def start(self) -> Counter:
        """Starts the training desk, then every station.

        Raises:
            ReaderError: a virtual reader cannot be served.
        """
        made = [] if self.desk is None else self.desk.start()
        for number, (uri, title, policy) in enumerate([*self._readers, *made], start=1):
            name = f"r{number}"
            self._stations[name] = Station(name, uri, title, policy, self.ledger, self._times)
        for station in self._stations.values():
            station.start()
        self.journal.log("started", version=__version__)
        return self

    def stop(self) -> None:
        """Tells listeners that the service ends, then stops everything; nothing of a card is left."""
        self.ledger.happened("closing", "")
        self.hub.close()
        for station in self._stations.values():
            station.stop()
        if self.desk is not None:
            self.desk.stop()
        self.journal.log("stopped")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def stations(self) -> list[Station]:
        """The stations in their order."""
        return list(self._stations.values())

    def station(self, name: str) -> Station:
        """Finds a station.

        Raises:
            RefusedError: there is none of this id.
        """
        if name not in self._stations:
            raise RefusedError(Refusal.NO_READER)
        return self._stations[name]

    def to_document(self) -> dict[str, Any]:
        """Everything that a page shows, with the id of the last event that is in it."""
        # The id first: what happens meanwhile is shown twice rather than not at all.
        last = self.hub.last_id
        return {
            "version": __version__,
            "api": API_VERSION,
            "run": self.hub.run,
            "started_at": self.started_at.isoformat(timespec="seconds"),
            "last_event_id": last,
            "profiles": self._titles(),
            "readers": [station.to_document() for station in self.stations],
            "history": self.ledger.history(),
        }

    def _titles(self) -> dict[str, dict[str, str]]:
        profiles = [station.policy.profile for station in self.stations]
        return {profile.name: {"zh": profile.title_zh, "en": profile.title_en} for profile in profiles}

    def reveal(self, presence_id: str, names: Collection[str], who: str) -> dict[str, str | None]:
        """Gives fields unmasked and books it; see `Station.reveal`.

        Args:
            presence_id: Which card.
            names: Fields to show.
            who: Origin of the page that asks, or "" for a program.
        """
        station, _ = self._find(presence_id)
        return station.reveal(presence_id, frozenset(names), who)

    def photo(self, presence_id: str) -> bytes:
        """Gives the photo as a PNG file; only a specimen's can be shown.

        Raises:
            RefusedError: the presence is forgotten, nothing was read, or the photo cannot or may not be shown.
        """
        _, presence = self._find(presence_id)
        if presence.raw is None:
            raise RefusedError(Refusal.NOT_READ)
        kind = photo_kind(presence.raw, presence.policy)
        if kind != "png":
            raise RefusedError(Refusal.FORBIDDEN if kind == "withheld" else Refusal.NO_PICTURE)
        return presence.raw.photo.rstrip(b"\0")

    def capture(self, presence_id: str, who: str) -> str:
        """Gives what was read as a capture, where the profile allows that it is kept; books it.

        Raises:
            RefusedError: the presence is forgotten, nothing was read, or the profile forbids it.
        """
        _, presence = self._find(presence_id)
        if presence.raw is None:
            raise RefusedError(Refusal.NOT_READ)
        if not presence.policy.keep_capture(presence.raw):
            raise RefusedError(Refusal.FORBIDDEN)
        self.ledger.captured(presence, who)
        return dump_capture(presence.raw)

    def forget(self, presence_id: str) -> None:
        """Forgets a card; see `Station.forget`."""
        station, _ = self._find(presence_id)
        station.forget(presence_id)

    def train(self, station: Station, what: str, specimen: str) -> None:
        """Does something at a virtual reader of the training desk.

        Args:
            station: Which reader; the caller has seen that it is the desk's.
            what: `insert`, `remove` or a key of `training.FAULTS`.
            specimen: Name of the specimen, where one is laid down.
        """
        if self.desk is None:
            raise RefusedError(Refusal.NOT_TRAINING)
        if what == "insert":
            self.desk.insert(station.uri, specimen)
        elif what == "remove":
            self.desk.remove(station.uri)
        else:
            self.desk.inject(station.uri, what, specimen)
        self.journal.log("training", reader=station.name, reason=what, specimen=specimen)

    def metrics_text(self) -> str:
        """The counts in the text format of Prometheus."""
        states: dict[tuple[str, ...], int] = {(state.value,): 0 for state in StationState}
        for station in self.stations:
            states[station.state.value,] += 1
        return self.metrics.text({"prcard_listeners": {(): self.hub.listeners}, "prcard_readers": states})

    def _find(self, presence_id: str) -> tuple[Station, Presence]:
        for station in self.stations:
            presence = station.held(presence_id)
            if presence is not None:
                return station, presence
        raise RefusedError(Refusal.NO_PRESENCE)
