"""A station reads each card once, whatever happens around it, and says everything exactly once."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from prcard.counter import station as stations
from prcard.counter.hub import Hub
from prcard.counter.journal import Journal
from prcard.counter.ledger import Ledger
from prcard.counter.metrics import Metrics
from prcard.counter.policy import Policy
from prcard.counter.refusals import Refusal, RefusedError
from prcard.counter.station import Station, StationState, Times
from prcard.errors import ReaderError, ReaderFault
from prcard.reader.watch import EventKind, ReaderEvent
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import PtyFace, TCPFace
from prcard.simulator.server import Server
from prcard.simulator.specimens import specimen
from prcard.store.audit import AuditLog
from prcard.store.audit_keys import ensure_keys
from prcard.store.profiles import load_profile

POLICY = Policy(profile=load_profile("training"), training=True)


class Bench:
    """A virtual reader, a station on it, and everything that the station said."""

    def __init__(self, wait_until: Callable[..., Any], times: Times | None = None) -> None:
        self.virtual = VirtualReader()
        self.face: TCPFace | PtyFace = PtyFace()
        self.hub = Hub("run")
        self.ledger = Ledger(self.hub, Metrics(), Journal())
        self.times = times
        self.said: list[dict[str, Any]] = []
        self._listener = self.hub.listen(None, lambda: None)
        self._until = wait_until

    @contextmanager
    def working(self) -> Iterator[Station]:
        with Server(self.virtual, [self.face]):
            station = Station("r1", self.face.uri, "Desk", POLICY, self.ledger, self.times)
            station.start()
            try:
                yield station
            finally:
                station.stop()

    def wait(self, kind: str) -> dict[str, Any]:
        """Waits for the next event and sees that it is of this kind."""

        def found() -> dict[str, Any] | None:
            assert self._listener is not None
            self.said += [dict(event.data) for event in self._listener.take()]
            return self.said.pop(0) if self.said else None

        event: dict[str, Any] = self._until(found)
        assert event["kind"] == kind, event
        return event


@pytest.fixture
def bench(wait_until: Callable[..., Any]) -> Bench:
    return Bench(wait_until)


def test_a_card_is_seen_read_judged_once_and_lifted(bench: Bench) -> None:
    with bench.working() as station:
        bench.wait("reader-ready")
        for name in ("alice", "bob"):
            bench.virtual.insert(specimen(name).card(), name)
            presence = bench.wait("card-inserted")["presence"]
            verdict = bench.wait("verdict")
            assert verdict["card"]["presence"] == presence
            assert verdict["card"]["verdict"]["outcome"] == "PASSED"
            assert verdict["row"]["outcome"] == "PASSED"
            bench.virtual.remove()
            assert bench.wait("card-removed")["presence"] == presence
        assert station.presence is not None
        assert station.presence.lifted_at is not None
    assert station.presence is None


def test_a_card_that_lies_there_at_the_start_is_read(bench: Bench) -> None:
    bench.virtual.insert(specimen("hana").card(), "hana")
    with bench.working():
        for kind in ("reader-ready", "card-inserted", "verdict"):
            bench.wait(kind)


def test_a_card_that_is_swapped_gets_a_presence_of_its_own(bench: Bench) -> None:
    with bench.working():
        bench.wait("reader-ready")
        bench.virtual.insert(specimen("alice").card(), "alice")
        bench.wait("card-inserted")
        bench.wait("verdict")
        bench.virtual.insert(specimen("goro").card(), "goro")
        bench.wait("card-removed")
        bench.wait("card-inserted")
        assert bench.wait("verdict")["card"]["verdict"]["failed"] == ["valid-at-moment"]


def test_fields_are_shown_to_who_asks_and_that_is_booked(bench: Bench) -> None:
    bench.virtual.insert(specimen("alice").card(), "alice")
    with bench.working() as station:
        for kind in ("reader-ready", "card-inserted"):
            bench.wait(kind)
        presence = bench.wait("verdict")["card"]["presence"]
        assert station.reveal(presence, frozenset({"english_name"}), "me") == {"english_name": "SPECIMEN, ALICE"}
        assert bench.wait("revealed")["fields"] == ["english_name"]
        assert bench.ledger.history()[0]["revealed"] == ["english_name"]
        with pytest.raises(RefusedError) as refused:
            station.reveal(presence, frozenset({"english_name", "reserved_158"}), "me")
        assert refused.value.refusal is Refusal.FORBIDDEN
        assert bench.ledger.history()[0]["revealed"] == ["english_name"]
        station.forget(presence)
        bench.wait("cleared")
        for ask in (lambda: station.reveal(presence, frozenset({"number"}), "me"), lambda: station.forget(presence)):
            with pytest.raises(RefusedError) as refused:
                ask()
            assert refused.value.refusal is Refusal.NO_PRESENCE


def test_a_card_left_behind_is_reminded_of_once_and_forgotten_after_lifting(wait_until: Callable[..., Any]) -> None:
    bench = Bench(wait_until, Times(left_behind_s=0.3, forget_s=0.3))
    bench.virtual.insert(specimen("alice").card(), "alice")
    with bench.working() as station:
        for kind in ("reader-ready", "card-inserted", "verdict", "card-left-behind"):
            bench.wait(kind)
        bench.virtual.remove()
        bench.wait("card-removed")
        bench.wait("cleared")
        assert station.presence is None
        assert station.to_document()["card"] is None


def test_a_reader_that_is_unplugged_is_lost_and_comes_back(bench: Bench) -> None:
    bench.face = TCPFace()
    bench.virtual.insert(specimen("alice").card(), "alice")
    with Server(bench.virtual, [bench.face]) as first:
        station = Station("r1", bench.face.uri, "Desk", POLICY, bench.ledger)
        station.start()
        for kind in ("reader-ready", "card-inserted", "verdict"):
            bench.wait(kind)
        first.stop()
        bench.wait("card-removed")
        assert bench.wait("reader-lost")["fault"] == "reader-lost"
        assert station.state is StationState.LOST
        assert station.to_document()["error"]["fault"] == "reader-lost"
        port = int(bench.face.uri.rpartition(":")[2])
        with Server(bench.virtual, [TCPFace("127.0.0.1", port)]):
            bench.wait("reader-ready")
            assert station.to_document()["error"] is None
            bench.virtual.insert(specimen("bob").card(), "bob")
            for kind in ("card-inserted", "verdict"):
                bench.wait(kind)
            station.stop()


def test_a_reader_that_can_never_be_watched_is_lost_and_tried_again(bench: Bench) -> None:
    station = Station("r1", "nonsense:1", "Desk", POLICY, bench.ledger)
    station.start()
    assert bench.wait("reader-lost")["fault"] == "reader-uri-malformed"
    station.stop()


class Script:
    """A watcher that says what a test wants: for what no virtual reader can be made to do."""

    def __init__(self, *steps: EventKind | tuple[EventKind, str]) -> None:
        named = [step if isinstance(step, tuple) else (step, "Reader 00 00") for step in steps]
        self.steps = [ReaderEvent(kind, f"pcsc:{reader}", AT, 1) for kind, reader in named]
        self.read_error: Exception | None = None
        self.read_of = ""
        self.reading = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, _: object) -> Any:
        return self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def close(self) -> None:
        return

    def next_event(self, timeout_s: float) -> ReaderEvent | None:
        if self.steps:
            return self.steps.pop(0)
        threading.Event().wait(min(timeout_s, 0.01))
        return None

    def read(self, reader: str, *_: object) -> Any:
        self.read_of = reader
        self.reading.set()
        self.go_on.wait(10)
        if self.read_error is not None:
            raise self.read_error
        return specimen("alice").card()


AT = POLICY.judge(specimen("alice").card()).at


def test_a_card_that_could_not_be_read_is_told_with_its_reason(bench: Bench) -> None:
    script = Script(EventKind.READER_IN, EventKind.CARD_IN)
    script.read_error = ReaderError(ReaderFault.CARD_REMOVED, "It was lifted.", "Lay it down again.")
    script.go_on.set()
    station = Station("r1", "pcsc:", "Desk", POLICY, bench.ledger, watching=script)
    station.start()
    bench.wait("reader-ready")
    bench.wait("card-inserted")
    failed = bench.wait("read-failed")
    assert failed["card"]["error"]["fault"] == "card-removed"
    assert failed["row"]["fault"] == "card-removed"
    assert script.read_of == "pcsc:Reader 00 00"
    with pytest.raises(RefusedError) as refused:
        station.reveal(failed["card"]["presence"], frozenset({"number"}), "me")
    assert refused.value.refusal is Refusal.NOT_READ
    station.stop()


def test_a_bug_of_ours_is_said_and_the_counter_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stations, "BACKOFF_S", (0.01,))
    script = Script(EventKind.READER_IN, EventKind.CARD_IN, EventKind.READER_IN)
    script.read_error = ZeroDivisionError("broken on purpose")
    script.go_on.set()
    log = io.StringIO()
    bench.ledger.journal = Journal(log)
    station = Station("r1", "pcsc:", "Desk", POLICY, bench.ledger, watching=script)
    station.start()
    for kind in ("reader-ready", "card-inserted", "cleared"):
        bench.wait(kind)
    assert station.presence is None
    assert bench.wait("reader-lost")["fault"] == "reader-not-ready"
    bench.wait("reader-ready")
    station.stop()
    assert "ZeroDivisionError in the station" in log.getvalue()
    assert "broken on purpose" not in log.getvalue()


def test_a_card_that_is_being_read_cannot_be_cleared(bench: Bench) -> None:
    script = Script(EventKind.READER_IN, EventKind.CARD_IN)
    station = Station("r1", "pcsc:", "Desk", POLICY, bench.ledger, watching=script)
    station.start()
    bench.wait("reader-ready")
    presence = bench.wait("card-inserted")["presence"]
    assert script.reading.wait(10)
    with pytest.raises(RefusedError) as refused:
        station.forget(presence)
    assert refused.value.refusal is Refusal.BUSY
    script.go_on.set()
    bench.wait("verdict")
    station.stop()


def test_a_station_keeps_to_the_reader_that_came_first(bench: Bench) -> None:
    script = Script(
        EventKind.READER_IN,
        (EventKind.READER_IN, "Other"),
        EventKind.CARD_IN,
        (EventKind.CARD_IN, "Other"),
        (EventKind.READER_OUT, "Other"),
        EventKind.CARD_OUT,
        EventKind.READER_OUT,
        (EventKind.READER_IN, "Other"),
        (EventKind.CARD_IN, "Other"),
    )
    script.go_on.set()
    station = Station("r1", "pcsc:", "Desk", POLICY, bench.ledger, watching=script)
    station.start()
    for kind in ("reader-ready", "card-inserted", "verdict", "card-removed", "reader-lost"):
        bench.wait(kind)
    for kind in ("reader-ready", "card-inserted", "verdict"):
        bench.wait(kind)
    assert script.read_of == "pcsc:Other"
    station.stop()


def test_the_smart_card_service_goes_and_comes_back(bench: Bench) -> None:
    script = Script(EventKind.READER_IN, EventKind.SERVICE_DOWN, EventKind.SERVICE_UP, EventKind.READER_IN)
    station = Station("r1", "pcsc:", "Desk", POLICY, bench.ledger, watching=script)
    station.start()
    for kind in ("reader-ready", "service-down", "reader-lost", "service-up", "reader-ready"):
        bench.wait(kind)
    station.stop()


def test_what_was_forgotten_meanwhile_is_not_forgotten_twice(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(EventKind.READER_IN, EventKind.CARD_IN, EventKind.CARD_OUT)
    script.go_on.set()
    times = Times(forget_s=0.0)

    def already(self: Station, presence_id: str) -> None:
        raise RefusedError(Refusal.NO_PRESENCE)

    monkeypatch.setattr(stations.Station, "forget", already)
    station = Station("r1", "pcsc:", "Desk", POLICY, bench.ledger, times, watching=script)
    station.start()
    for kind in ("reader-ready", "card-inserted", "verdict", "card-removed"):
        bench.wait(kind)
    station.stop()


def test_a_verdict_that_is_in_no_log_is_shown_to_nobody(bench: Bench, tmp_path: Path) -> None:
    keys = ensure_keys(tmp_path / "key")
    bench.ledger = Ledger(bench.hub, Metrics(), Journal(), AuditLog(tmp_path / "missing" / "audit.log", keys))
    bench.virtual.insert(specimen("alice").card(), "alice")
    with bench.working():
        bench.wait("reader-ready")
        bench.wait("card-inserted")
        card = bench.wait("read-failed")["card"]
        assert card["error"]["fault"] == "audit-failed"
        assert card["verdict"] is card["record"] is None
        assert str(tmp_path) not in str(card)
