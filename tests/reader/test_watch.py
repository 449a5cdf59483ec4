"""Every insertion and every removal once, whatever the reader; and an end within 50 ms."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC

import pytest

from prcard.errors import ReaderError, ReaderFault
from prcard.reader import watch as watching
from prcard.reader.sam import SAMReader
from prcard.reader.watch import STOP_S, EventKind, ReaderEvent, Watcher, watch
from prcard.record.raw import RawCard
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import PtyFace, TCPFace, UDPFace
from prcard.simulator.server import Face, Server
from prcard.simulator.specimens import specimen
from prcard.wire.presence import Sight

ALICE, BOB = specimen("alice").card(), specimen("bob").card()
WAIT_S = 10.0
POLL_S = 0.05


@pytest.fixture(autouse=True)
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The virtual readers take more polls than real ones, which saves waiting."""
    monkeypatch.setattr(watching, "POLL_S", POLL_S)


@pytest.fixture(params=[True, False], ids=["read-once", "read-again"])
def virtual(request: pytest.FixtureRequest) -> VirtualReader:
    return VirtualReader(read_once=request.param)


@pytest.fixture(params=[PtyFace, TCPFace, UDPFace])
def uri(request: pytest.FixtureRequest, virtual: VirtualReader) -> Iterator[str]:
    face: Face = request.param()
    with Server(virtual, [face]):
        yield face.uri


def take(watcher: Watcher, kind: EventKind) -> ReaderEvent:
    event = watcher.next_event(WAIT_S)
    assert event is not None
    assert event.kind is kind
    assert event.at.tzinfo is UTC
    return event


def quiet(watcher: Watcher) -> None:
    """Nothing is reported for some polls: what was said once is not said again."""
    assert watcher.next_event(5 * POLL_S) is None


def test_cards_come_are_read_and_go(uri: str, virtual: VirtualReader) -> None:
    with watch([uri]) as watcher:
        assert take(watcher, EventKind.READER_IN).reader == uri
        for presence, card in ((1, ALICE), (2, BOB)):
            virtual.insert(card)
            assert take(watcher, EventKind.CARD_IN).presence == presence
            assert read_zones(watcher.read(uri, 5)) == read_zones(card)
            quiet(watcher)
            virtual.remove()
            assert take(watcher, EventKind.CARD_OUT).presence == presence
        quiet(watcher)


def read_zones(raw: RawCard) -> tuple[bytes, bytes]:
    return raw.text, raw.photo


def test_a_card_that_lies_there_at_the_start_is_reported(uri: str, virtual: VirtualReader) -> None:
    virtual.insert(ALICE)
    with watch([uri]) as watcher:
        take(watcher, EventKind.READER_IN)
        take(watcher, EventKind.CARD_IN)
        quiet(watcher)


def test_a_card_is_swapped_after_it_was_read(uri: str, virtual: VirtualReader) -> None:
    virtual.insert(ALICE)
    with watch([uri]) as watcher:
        take(watcher, EventKind.READER_IN)
        take(watcher, EventKind.CARD_IN)
        watcher.read(uri, 5)
        virtual.insert(BOB)
        assert take(watcher, EventKind.CARD_OUT).presence == 1
        assert take(watcher, EventKind.CARD_IN).presence == 2
        assert read_zones(watcher.read(uri, 5)) == read_zones(BOB)
        quiet(watcher)


def test_a_card_is_read_once_per_presence(uri: str, virtual: VirtualReader) -> None:
    virtual.insert(ALICE)
    with watch([uri]) as watcher:
        take(watcher, EventKind.READER_IN)
        take(watcher, EventKind.CARD_IN)
        watcher.read(uri, 5)
        with pytest.raises(ReaderError) as refused:
            watcher.read(uri, 5)
    assert refused.value.fault is ReaderFault.CARD_NOT_LIFTED


def test_a_card_that_was_read_is_kept_when_the_reader_is_lost_right_after(monkeypatch: pytest.MonkeyPatch) -> None:
    with watch(["sim:alice"]) as watcher:
        take(watcher, EventKind.READER_IN)
        take(watcher, EventKind.CARD_IN)

        def lost(_: SAMReader) -> Sight:
            raise ReaderError(ReaderFault.LOST, "The reader is gone.", "Plug it in again.")

        monkeypatch.setattr(SAMReader, "look", lost)
        assert read_zones(watcher.read("sim:alice", 5)) == read_zones(ALICE)
        take(watcher, EventKind.CARD_OUT)
        take(watcher, EventKind.READER_OUT)


def test_a_reader_that_is_lost_again_and_again_does_not_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: SAMReader) -> Sight:
        raise ReaderError(ReaderFault.REFUSED, "The reader refused to look.", "Ask its supplier.")

    monkeypatch.setattr(SAMReader, "look", refused)
    with watch(["sim:alice"]) as watcher:
        deadline, seen = time.monotonic() + 1.0, 0
        while (left := deadline - time.monotonic()) > 0:
            seen += watcher.next_event(left) is not None
    # In and out at once, then after pauses of 0.1, 0.2 and 0.4 s.
    assert 4 <= seen <= 8


def test_a_reader_goes_and_comes_back() -> None:
    virtual = VirtualReader()
    virtual.insert(ALICE)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    uri = f"tcp:127.0.0.1:{port}"
    with watch([uri]) as watcher:
        # It is not there yet, which is said once.
        take(watcher, EventKind.READER_OUT)
        quiet(watcher)
        with pytest.raises(ReaderError) as refused:
            watcher.read(uri, 5)
        assert refused.value.fault is ReaderFault.NOT_FOUND
        for presence in (1, 2):
            with Server(virtual, [TCPFace(port=port)]):
                take(watcher, EventKind.READER_IN)
                take(watcher, EventKind.CARD_IN)
            assert take(watcher, EventKind.CARD_OUT).presence == presence
            take(watcher, EventKind.READER_OUT)


def test_several_readers_are_told_apart() -> None:
    readers = [VirtualReader(), VirtualReader()]
    faces: list[Face] = [TCPFace(), PtyFace()]
    with Server(readers[0], [faces[0]]), Server(readers[1], [faces[1]]):
        uris = [faces[0].uri, faces[1].uri, "sim:alice"]
        with watch(uris) as watcher:
            start = {(event.kind, event.reader) for event in (watcher.next_event(WAIT_S) for _ in range(4)) if event}
            assert start == {
                (EventKind.READER_IN, faces[0].uri),
                (EventKind.READER_IN, faces[1].uri),
                (EventKind.READER_IN, "sim:alice"),
                (EventKind.CARD_IN, "sim:alice"),
            }
            readers[1].insert(BOB)
            assert take(watcher, EventKind.CARD_IN).reader == faces[1].uri
            with pytest.raises(ReaderError):
                watcher.read("sim:bob", 1)


@pytest.mark.parametrize("uri", ["nonsense", "sim:nobody", "ftp:host"])
def test_what_can_never_be_watched_is_said(uri: str) -> None:
    with watch([uri]) as watcher, pytest.raises(ReaderError) as refused:
        watcher.next_event(WAIT_S)
    assert refused.value.fault is ReaderFault.BAD_URI


def test_no_reader_named_is_an_error() -> None:
    with pytest.raises(ReaderError) as refused:
        watch([])
    assert refused.value.fault is ReaderFault.BAD_URI


def stop_time_s(watcher: Watcher) -> float:
    start = time.monotonic()
    watcher.close()
    watcher.close()
    return time.monotonic() - start


@pytest.mark.parametrize("pause_s", [0.0, 0.05, 0.35])
def test_it_stops_at_once(uri: str, pause_s: float) -> None:
    watcher = watch([uri])
    take(watcher, EventKind.READER_IN)
    watcher.next_event(pause_s)
    assert stop_time_s(watcher) < STOP_S + 0.1
    assert watcher.next_event(1) is None


def test_it_stops_at_once_while_a_reader_is_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        watcher = watch([f"tcp:127.0.0.1:{silent.getsockname()[1]}"])
        line, _ = silent.accept()
        with line:
            assert line.recv(16)
            # The request is under way and will never be answered.
            assert stop_time_s(watcher) < STOP_S + 0.1


def test_closing_wakes_who_waits() -> None:
    watcher = watch(["sim:alice"])
    take(watcher, EventKind.READER_IN)
    take(watcher, EventKind.CARD_IN)
    seen: list[ReaderEvent | None] = []
    waiting = threading.Thread(target=lambda: seen.append(watcher.next_event(60)))
    waiting.start()
    watcher.close()
    waiting.join(5)
    assert seen == [None]
