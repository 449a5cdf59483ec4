"""Cards and PC/SC readers that come and go, and a service that dies: everything is reported once."""

from __future__ import annotations

import builtins
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prcard.errors import ReaderError, ReaderFault
from prcard.reader.pcsc_watch import MAX_CHANGES, changes
from prcard.reader.watch import STOP_S, EventKind, ReaderEvent, Watcher, watch
from prcard.record.raw import RawCard
from prcard.simulator.apdu_card import APDUCard
from prcard.simulator.device import VirtualReader
from prcard.simulator.specimens import specimen
from prcard.simulator.vpcd import PCSCFace

ALICE, BOB = specimen("alice").card(), specimen("bob").card()
Serve = Callable[[PCSCFace], PCSCFace]
IN, OUT = EventKind.CARD_IN, EventKind.CARD_OUT


def take(watcher: Watcher, kind: EventKind) -> ReaderEvent:
    event = watcher.next_event(10)
    assert event is not None
    assert event.kind is kind
    return event


@pytest.mark.parametrize(
    ("known", "now", "found"),
    [
        (None, (False, 0), []),
        (None, (True, 7), [IN]),
        ((False, 0), (True, 1), [IN]),
        ((True, 1), (False, 2), [OUT]),
        ((True, 1), (True, 1), []),
        ((True, 1), (True, 3), [OUT, IN]),  # swapped between two looks
        ((False, 2), (False, 4), [IN, OUT]),  # came and went between two looks
        ((False, 2), (True, 5), [IN, OUT, IN]),
        ((True, 0xFFFF), (False, 0), [OUT]),  # the counter has 16 bits
        ((True, 0xFFFE), (True, 0), [OUT, IN]),
        ((False, 0), (True, 2), [IN]),  # a counter that does not count
        ((True, 5), (True, 5 + 2 * MAX_CHANGES), []),
        ((True, 9), (False, 0), [OUT]),  # a service that began to count anew
    ],
)
def test_changes(known: tuple[bool, int] | None, now: tuple[bool, int], found: list[EventKind]) -> None:
    assert changes(known, now) == found


def test_cards_come_are_read_and_go(pcsc: Serve) -> None:
    virtual = VirtualReader()
    face = pcsc(PCSCFace(virtual))
    with watch(["pcsc:virtual reader 00 00"]) as watcher:
        assert take(watcher, EventKind.READER_IN).reader == face.uri
        for presence, card in ((1, ALICE), (2, BOB)):
            virtual.insert(card)
            event = take(watcher, IN)
            assert (event.presence, event.reader) == (presence, face.uri)
            for _ in range(2):
                assert watcher.read(event.reader, 5).text == card.text
            virtual.remove()
            assert take(watcher, OUT).presence == presence
        assert watcher.next_event(0.6) is None
        with pytest.raises(ReaderError) as refused:
            watcher.read("pcsc:another", 1)
        assert refused.value.fault is ReaderFault.NOT_FOUND


def test_several_readers_and_a_filter(pcsc: Serve) -> None:
    readers = [VirtualReader() for _ in range(4)]
    readers[0].insert(ALICE)
    readers[3].insert(BOB)
    face = pcsc(PCSCFace(readers))
    with watch(["pcsc:reader 2 00 01", "pcsc:virtual reader 00 00"]) as watcher:
        events = [watcher.next_event(10) for _ in range(4)]
        assert {(event.kind, event.reader) for event in events if event} == {
            (EventKind.READER_IN, f"pcsc:{face.names[0]}"),
            (EventKind.READER_IN, f"pcsc:{face.names[3]}"),
            (IN, f"pcsc:{face.names[0]}"),
            (IN, f"pcsc:{face.names[3]}"),
        }
        readers[1].insert(BOB)  # nobody asked for this one
        readers[3].remove()
        assert take(watcher, OUT).reader == f"pcsc:{face.names[3]}"


def test_the_service_dies_and_comes_back(pcsc: Serve) -> None:
    virtual = VirtualReader()
    virtual.insert(ALICE)
    face = pcsc(PCSCFace(virtual))
    with watch([face.uri]) as watcher:
        take(watcher, EventKind.READER_IN)
        take(watcher, IN)
        for presence in (1, 2):
            face.pcscd.kill()
            assert take(watcher, OUT).presence == presence
            take(watcher, EventKind.READER_OUT)
            assert take(watcher, EventKind.SERVICE_DOWN).reader == "pcsc:"
            assert watcher.next_event(0.3) is None
            with pytest.raises(ReaderError):
                watcher.read(face.uri, 1)
            face.pcscd.restart()
            take(watcher, EventKind.SERVICE_UP)
            take(watcher, EventKind.READER_IN)
            assert take(watcher, IN).presence == presence + 1
        assert watcher.read(face.uri, 5).text == ALICE.text


def test_a_service_that_is_not_there_from_the_start_is_reported_once(pcsc: Serve) -> None:
    with watch(["pcsc:", "sim:alice"]) as watcher:
        events = [watcher.next_event(10) for _ in range(3)]
        kinds = {(event.kind, event.reader) for event in events if event}
        assert (EventKind.SERVICE_DOWN, "pcsc:") in kinds
        assert watcher.next_event(0.5) is None
        pcsc(PCSCFace(VirtualReader()))
        take(watcher, EventKind.SERVICE_UP)


def test_it_stops_at_once(pcsc: Serve) -> None:
    pcsc(PCSCFace(VirtualReader()))
    for pause_s in (0.0, 0.01, 0.3):
        watcher = watch(["pcsc:"])
        watcher.next_event(pause_s)
        start = time.monotonic()
        watcher.close()
        assert time.monotonic() - start < STOP_S + 0.1
        assert watcher.next_event(1) is None


def test_a_watcher_is_closed_while_it_reads(pcsc: Serve) -> None:
    virtual = VirtualReader()
    virtual.insert(ALICE)
    closing: list[Watcher] = []

    class Closing(APDUCard):
        def answer(self, data: bytes) -> bytes:
            if closing:
                closing.pop().close()
            return super().answer(data)

    face = pcsc(PCSCFace(virtual, card=Closing))
    with watch([face.uri]) as watcher:
        take(watcher, EventKind.READER_IN)
        take(watcher, IN)
        closing.append(watcher)
        raw: RawCard = watcher.read(face.uri, 5)
        assert raw.text == ALICE.text


def test_without_pyscard_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def hidden(name: str, *arguments: Any, **options: Any) -> Any:
        if name.partition(".")[0] == "smartcard":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", hidden)
    with watch(["pcsc:"]) as watcher, pytest.raises(ReaderError, match=r"prcard\[pcsc\]"):
        watcher.next_event(10)


def test_soak_in_short(pcsc: Serve) -> None:
    """The long one is `make soak`; here a dozen cards, some lifted mid-read, and a service that is killed."""
    pcsc(PCSCFace(VirtualReader()))
    script = Path(__file__).resolve().parents[2] / "benchmarks/soak/pcsc.py"
    command = [sys.executable, str(script), "--insertions", "12", "--seed", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "'card-in': 12, 'card-out': 12" in done.stdout
    assert "'service-down'" in done.stdout, "choose another seed, with which the service is killed"
