"""Transcripts played as a host and served as a reader."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from prcard.errors import ReaderError, ReaderFault
from prcard.reader.channel import Channel
from prcard.reader.recording import RecordingChannel
from prcard.reader.sam import SAMReader
from prcard.reader.uri import open_reader
from prcard.record.raw import RawCard
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import TCPFace
from prcard.simulator.faults import parse_fault
from prcard.simulator.inprocess import InProcessChannel
from prcard.simulator.playback import Playback, RecordedReader, play_as_host
from prcard.simulator.server import Server
from prcard.wire.codes import Command
from prcard.wire.frame import Frame
from prcard.wire.transcript import Direction, Entry, Transcript

FIND = Frame.request(Command.FIND_CARD).serialize()


def virtual(card: RawCard) -> VirtualReader:
    reader = VirtualReader()
    reader.insert(card)
    return reader


@pytest.fixture
def recorded(card: RawCard) -> Transcript:
    channel = RecordingChannel(InProcessChannel(virtual(card).line()))
    with SAMReader(channel) as reader:
        reader.read(5)
    return channel.transcript


def transcript(*pieces: tuple[str, int, bytes]) -> Transcript:
    entries = tuple(Entry(direction=Direction(sign), at_ms=at_ms, data=data) for sign, at_ms, data in pieces)
    return Transcript(entries=entries)


@pytest.mark.parametrize("strict", [False, True])
def test_the_same_reader_gives_the_same(recorded: Transcript, card: RawCard, *, strict: bool) -> None:
    result = play_as_host(recorded, InProcessChannel(virtual(card).line()), strict=strict, tolerance_s=20)
    assert result.mismatch == ""
    assert result.sent == sum(len(e.data) for e in recorded.entries if e.direction is Direction.TO_READER)
    assert result.received == sum(len(e.data) for e in recorded.entries if e.direction is Direction.TO_HOST)


def test_the_first_byte_that_differs_is_named(recorded: Transcript, card: RawCard) -> None:
    reader = virtual(card)
    reader.inject(parse_fault("flip-bit command=FIND_CARD at=9"))
    result = play_as_host(recorded, InProcessChannel(reader.line()))
    # Behind the replies to status (11 bytes) and SAM id (27): byte 9 of the third.
    assert result.mismatch.startswith("byte 47 of what the reader sends: expected 9F, found ")
    assert result.received == 47


def test_silence_where_bytes_were_recorded_is_a_difference(recorded: Transcript, card: RawCard) -> None:
    reader = virtual(card)
    reader.inject(parse_fault("short-frame count=8 command=FIND_CARD"))
    result = play_as_host(recorded, InProcessChannel(reader.line()), patience_s=0.05)
    assert result.mismatch == (
        "byte 46 of what the reader sends: expected 00, found silence for 0.05 s; 7 bytes are missing"
    )


class Scripted:
    """A reader's side that gives pieces after waits of its own."""

    def __init__(self, *pieces: tuple[float, bytes]) -> None:
        self.pieces = list(pieces)

    def write(self, data: bytes) -> None:
        """Takes anything."""

    def read(self, timeout_s: float) -> bytes:
        if not self.pieces:
            raise ReaderError(ReaderFault.LOST, "Gone.", "Plug it in.")
        wait_s, data = self.pieces.pop(0)
        time.sleep(wait_s)
        return data

    def close(self) -> None:
        """Nothing to release."""


def test_a_late_reply_is_a_difference_in_strict_timing_only() -> None:
    recording = transcript((">", 0, FIND), ("<", 10, b"ab"))
    line: Channel = Scripted((0.2, b"ab"))
    strict = play_as_host(recording, line, strict=True, tolerance_s=0.05)
    assert strict.mismatch.startswith("byte 1 of what the reader sends came 0.")
    assert play_as_host(recording, Scripted((0.2, b"ab")), tolerance_s=0.05).mismatch == ""


def test_strict_timing_sends_not_before_the_recorded_time() -> None:
    start = time.monotonic()
    play_as_host(transcript((">", 0, b"a"), (">", 120, b"b")), Scripted(), strict=True)
    assert time.monotonic() - start >= 0.12


def test_a_reader_that_is_lost_is_said() -> None:
    result = play_as_host(transcript((">", 0, b"a"), ("<", 0, b"b")), Scripted())
    assert result == Playback(sent=1, received=0, mismatch="the reader was lost: Gone. Plug it in.")


@pytest.fixture
def served(recorded: Transcript) -> Iterator[tuple[RecordedReader, TCPFace]]:
    reader, face = RecordedReader(recorded), TCPFace()
    with Server(reader, [face]):
        yield reader, face


def test_a_recording_is_served_as_a_reader(served: tuple[RecordedReader, TCPFace], card: RawCard) -> None:
    reader, face = served
    for _ in range(2):
        with open_reader(face.uri) as host:
            assert host.read(20).text == card.text
    assert reader.ended.wait(20)
    assert reader.result.mismatch == ""
    assert reader.result.received > 2000


def test_a_host_that_does_something_else_is_met_with_silence(served: tuple[RecordedReader, TCPFace]) -> None:
    reader, face = served
    _, host, port = face.uri.split(":")
    with socket.create_connection((host, int(port)), 20) as line:
        line.sendall(FIND)
        assert reader.ended.wait(20)
        assert reader.result.mismatch == "The recording differs at byte 7 of what the host sends: expected 11, found 20"
        line.sendall(FIND)
        line.settimeout(0.1)
        with pytest.raises(TimeoutError):
            line.recv(1)


def test_strict_timing_keeps_the_readers_pauses() -> None:
    reader = RecordedReader(transcript((">", 0, b"a"), ("<", 250, b"1"), ("<", 300, b"2")), strict=True)
    line = reader.line()
    assert [(piece.data, piece.wait_s) for piece in line.transfer(b"a", 0.0)] == [(b"1", 0.25), (b"2", 0.05)]
    assert line.deadline() is None
    fast = RecordedReader(reader.transcript).line()
    assert [piece.wait_s for piece in fast.transfer(b"a", 0.0)] == [0.0, 0.0]


def test_nothing_about_a_recording_changes() -> None:
    reader = RecordedReader(transcript())
    reader.watch(lambda: None)()
    assert (reader.plugged, reader.epoch, reader.back_at, reader.hears(9600)) == (True, 0, None, True)
