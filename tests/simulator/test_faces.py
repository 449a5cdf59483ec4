"""The faces of a virtual reader, used as a host program would."""

from __future__ import annotations

import os
import socket
import termios
from contextlib import ExitStack

import pytest

from prcard.errors import ReaderError, ReaderFault
from prcard.record.raw import RawCard
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import PtyFace, TCPFace, UDPFace
from prcard.simulator.server import Face, Server
from prcard.wire.codes import Command
from prcard.wire.frame import Frame

FIND = Frame.request(Command.FIND_CARD).serialize()
FOUND = bytes.fromhex("AAAAAA9669000800009F0000000097")


def address(face: Face) -> tuple[str, int]:
    host, _, port = face.uri.partition(":")[2].rpartition(":")
    return host.strip("[]"), int(port)


def receive(line: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        piece = line.recv(4096)
        assert piece
        data += piece
    return data


@pytest.fixture
def reader(card: RawCard) -> VirtualReader:
    virtual = VirtualReader()
    virtual.insert(card, "card")
    return virtual


def test_a_pty_is_a_serial_device_for_plain_open(reader: VirtualReader) -> None:
    face = PtyFace()
    with Server(reader, [face]):
        descriptor = os.open(face.uri.removeprefix("serial:"), os.O_RDWR | os.O_NOCTTY)
        os.write(descriptor, FIND)
        data = b""
        while len(data) < len(FOUND):
            data += os.read(descriptor, 100)
        assert data == FOUND
        os.close(descriptor)


def test_a_pty_outlives_its_hosts(reader: VirtualReader) -> None:
    face = PtyFace()
    with Server(reader, [face]):
        for _ in range(3):
            descriptor = os.open(face.uri.removeprefix("serial:"), os.O_RDWR | os.O_NOCTTY)
            os.write(descriptor, FIND)
            assert os.read(descriptor, 1) == b"\xaa"
            termios.tcflush(descriptor, termios.TCIOFLUSH)
            os.close(descriptor)


def test_a_pty_vanishes_when_the_server_stops(reader: VirtualReader) -> None:
    face = PtyFace()
    with Server(reader, [face]):
        descriptor = os.open(face.uri.removeprefix("serial:"), os.O_RDWR | os.O_NOCTTY)
    with pytest.raises(OSError, match=r"Input/output error"):
        os.write(descriptor, FIND)
    os.close(descriptor)


def test_bytes_at_another_speed_are_lost(reader: VirtualReader) -> None:
    serial = pytest.importorskip("serial")
    face = PtyFace(reader)
    with Server(reader, [face]), serial.Serial(face.uri.removeprefix("serial:"), 9600, timeout=0.1) as port:
        port.write(FIND)
        assert port.read(1) == b""
        port.baudrate = 115200
        port.timeout = 5
        port.write(FIND)
        assert port.read(len(FOUND)) == FOUND


def test_tcp_serves_several_hosts_one_card(reader: VirtualReader) -> None:
    face = TCPFace()
    with Server(reader, [face]), socket.create_connection(address(face), 5) as first:
        with socket.create_connection(address(face), 5) as second:
            for line in (first, second):
                line.sendall(FIND)
                assert receive(line, len(FOUND)) == FOUND
        first.sendall(FIND)
        assert receive(first, len(FOUND)) == FOUND


def test_tcp_on_ipv6(reader: VirtualReader) -> None:
    try:
        face = TCPFace("::1")
        with Server(reader, [face]):
            assert face.uri.startswith("tcp:[::1]:")
            with socket.create_connection(address(face), 5) as line:
                line.sendall(FIND)
                assert receive(line, len(FOUND)) == FOUND
    except ReaderError:
        pytest.skip("this machine has no IPv6 loopback")


def test_udp_replies_are_split_at_1024_bytes(reader: VirtualReader) -> None:
    face = UDPFace()
    with Server(reader, [face]), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(5)
        line.connect(address(face))
        for command in (Command.FIND_CARD, Command.SELECT_CARD):
            line.send(Frame.request(command).serialize())
            line.recv(2000)
        line.send(Frame.request(Command.READ_TEXT_PHOTO).serialize())
        assert [len(line.recv(2000)), len(line.recv(2000))] == [1024, 271]


def test_udp_hosts_at_once_each_get_their_own_replies(reader: VirtualReader) -> None:
    face = UDPFace()
    with Server(reader, [face]), ExitStack() as stack:
        lines = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(3)]
        for line in lines:
            line.settimeout(20)
            line.connect(address(face))
        # Halves of requests of different hosts must not be put together.
        for part in (FIND[:6], FIND[6:]):
            for line in lines:
                line.send(part)
        assert [line.recv(100) for line in lines] == [FOUND] * 3
        lines[0].send(Frame.request(Command.SELECT_CARD).serialize())
        assert len(lines[0].recv(100)) == 19
        lines[0].send(Frame.request(Command.READ_TEXT_PHOTO).serialize())
        lines[1].send(Frame.request(Command.SAM_STATUS).serialize())
        assert (len(lines[0].recv(2000)), len(lines[0].recv(2000)), len(lines[1].recv(2000))) == (1024, 271, 11)


def test_udp_hosts_are_bounded(reader: VirtualReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prcard.simulator.faces.MAX_GUESTS", 2)
    monkeypatch.setattr("prcard.simulator.server.MAX_GUESTS", 2)
    face = UDPFace()
    server = Server(reader, [face])
    with server:
        for _ in range(5):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
                line.settimeout(20)
                line.connect(address(face))
                line.send(FIND)
                assert line.recv(100) == FOUND
        assert len(face._guests) == 2
        assert len(server._served) == 3


def test_udp_host_that_is_gone_does_not_end_the_face(reader: VirtualReader) -> None:
    face = UDPFace()
    with Server(reader, [face]):
        for _ in range(3):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
                line.connect(address(face))
                line.send(FIND)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.settimeout(5)
            line.connect(address(face))
            line.send(FIND)
            assert line.recv(100) == FOUND


@pytest.mark.parametrize("kind", [TCPFace, UDPFace])
def test_a_port_that_is_taken_is_said_and_nothing_stays_open(kind: type, reader: VirtualReader) -> None:
    first = kind()
    with Server(reader, [first]):
        taken = kind("127.0.0.1", address(first)[1])
        with pytest.raises(ReaderError, match="Cannot listen") as busy:
            Server(reader, [PtyFace(), taken]).start()
        assert busy.value.fault is ReaderFault.BUSY


def test_closed_faces_take_no_part() -> None:
    for face in (TCPFace(), UDPFace()):
        assert face.accept() is None
        face.close()
    assert UDPFace().receive() is None
    assert UDPFace().fileno() == -1
    assert PtyFace().accept() is None
