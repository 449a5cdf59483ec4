"""The tap between hosts and readers of every kind."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from prcard.errors import ReaderError, ReaderFault
from prcard.reader.channel import Channel
from prcard.reader.network import open_tcp
from prcard.reader.serial import open_channel as open_serial
from prcard.reader.uri import open_reader
from prcard.record.raw import RawCard
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import PtyFace, TCPFace, UDPFace
from prcard.simulator.faults import parse_fault
from prcard.simulator.server import Face, Server
from prcard.simulator.tap import Tap
from prcard.wire.codes import Command
from prcard.wire.frame import Frame
from prcard.wire.transcript import Direction

FIND = Frame.request(Command.FIND_CARD).serialize()


@pytest.fixture
def reader(card: RawCard) -> VirtualReader:
    virtual = VirtualReader()
    virtual.insert(card, "card")
    return virtual


@pytest.fixture
def behind(reader: VirtualReader) -> Iterator[Callable[[], Channel]]:
    """A served reader; gives what opens a line to it."""
    face = TCPFace()
    with Server(reader, [face]):
        yield lambda: open_tcp(face.uri.removeprefix("tcp:"))


@pytest.mark.parametrize("kind", [TCPFace, PtyFace, UDPFace])
def test_a_host_reads_through_it_and_all_is_written_down(
    kind: type[TCPFace], behind: Callable[[], Channel], card: RawCard
) -> None:
    face: Face = kind()
    with Tap(face, behind) as tap, open_reader(face.uri) as host:
        assert host.read(20).text == card.text
    entries = tap.transcript.entries
    assert {entry.direction for entry in entries} == set(Direction)
    sent = b"".join(entry.data for entry in entries if entry.direction is Direction.TO_READER)
    assert FIND in sent
    assert card.text in b"".join(entry.data for entry in entries if entry.direction is Direction.TO_HOST)
    assert tap.problem == ""


def test_bytes_pass_unchanged_whatever_they_are(reader: VirtualReader) -> None:
    with socket.create_server(("127.0.0.1", 0)) as echo:
        face, line = TCPFace(), TCPFace()
        assert line.uri == ""
        with Tap(face, lambda: open_tcp(f"127.0.0.1:{echo.getsockname()[1]}")) as tap:
            other, _ = echo.accept()
            with other, connect(face) as host:
                host.sendall(bytes(range(256)) * 40)
                assert receive(other, 10240) == bytes(range(256)) * 40
                other.sendall(b"\xff\x00rubbish")
                assert receive(host, 9) == b"\xff\x00rubbish"
        assert sum(len(entry.data) for entry in tap.transcript.entries) == 10240 + 9


def connect(face: TCPFace) -> socket.socket:
    _, host, port = face.uri.split(":")
    return socket.create_connection((host, int(port)), 10)


def receive(line: socket.socket, length: int) -> bytes:
    line.settimeout(20)
    data = b""
    while len(data) < length:
        piece = line.recv(65536)
        assert piece
        data += piece
    return data


def test_the_hosts_speed_is_passed_on(reader: VirtualReader, card: RawCard) -> None:
    behind, front = PtyFace(reader), PtyFace()
    with Server(reader, [behind]), Tap(front, lambda: open_serial(behind.uri.removeprefix("serial:"))):
        reader.inject(parse_fault("baud-mismatch baud=19200"))
        with open_reader(front.uri) as host:
            assert host.read(20).text == card.text
            assert getattr(host, "baud", None) == 19200


def test_a_lost_reader_lets_hosts_go_and_is_opened_anew(
    reader: VirtualReader, behind: Callable[[], Channel], card: RawCard
) -> None:
    face = TCPFace()
    with Tap(face, behind) as tap:
        with open_reader(face.uri) as host:
            reader.unplug()
            with pytest.raises(ReaderError) as lost:
                host.read(20)
            assert lost.value.fault is ReaderFault.LOST
        assert "closed the connection" in tap.problem
        with connect(face) as host:
            host.sendall(FIND)
            assert host.recv(1) == b""
        reader.plug()
        end = time.monotonic() + 20
        while True:
            try:
                with open_reader(face.uri) as host:
                    assert host.read(20).text == card.text
                break
            except ReaderError:
                # The port of the reader that was plugged in again is not open at this very moment.
                assert time.monotonic() < end


def test_a_host_that_leaves_makes_room_for_the_next(behind: Callable[[], Channel], card: RawCard) -> None:
    face = TCPFace()
    with Tap(face, behind):
        for _ in range(3):
            with connect(face) as host:
                host.sendall(FIND)
                assert receive(host, 15)[9] == 0x9F
        with open_reader(face.uri) as reader:
            assert reader.read(20).text == card.text


def test_a_reader_that_is_not_there_is_said_at_once() -> None:
    def nobody() -> Channel:
        raise ReaderError(ReaderFault.NOT_FOUND, "Nobody.", "Look.")

    with pytest.raises(ReaderError), Tap(TCPFace(), nobody):
        pass


def test_a_face_that_cannot_be_opened_leaves_nothing_open(behind: Callable[[], Channel]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        face = TCPFace("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(ReaderError) as busy:
            Tap(face, behind).__enter__()
    assert busy.value.fault is ReaderFault.BUSY
