"""The serving loop: pace, delays, hosts that do not fetch, hosts that leave."""

from __future__ import annotations

import os
import select
import socket
import threading
import time

import pytest

from prcard.record.raw import RawCard
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import PtyFace, TCPFace
from prcard.simulator.outbox import MAX_QUEUED_BYTES
from prcard.simulator.server import Server
from prcard.wire.codes import Command
from prcard.wire.frame import Frame

FIND = Frame.request(Command.FIND_CARD).serialize()
SELECT = Frame.request(Command.SELECT_CARD).serialize()
READ = Frame.request(Command.READ_TEXT_PHOTO).serialize()


@pytest.fixture
def reader(card: RawCard) -> VirtualReader:
    virtual = VirtualReader(read_once=False)
    virtual.insert(card, "card")
    return virtual


def connect(face: TCPFace) -> socket.socket:
    host, _, port = face.uri.removeprefix("tcp:").rpartition(":")
    return socket.create_connection((host, int(port)), 5)


def exactly(line: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        piece = line.recv(65536)
        assert piece
        data += piece
    return data


def test_a_paced_reply_takes_its_time_on_the_line(reader: VirtualReader) -> None:
    face = TCPFace()
    with Server(reader, [face], byte_time_s=0.0001), connect(face) as line:
        line.sendall(FIND + SELECT + READ)
        start = time.monotonic()
        data = exactly(line, 15 + 19 + 1295)
        # A lower bound only: a busy machine may be slower, never quicker than the line.
        assert time.monotonic() - start >= 0.09
        assert Frame.parse(data[34:]).reply_data[:4] == b"\x01\x00\x04\x00"


def test_a_paced_reply_comes_in_pieces(reader: VirtualReader) -> None:
    face = TCPFace()
    with Server(reader, [face], byte_time_s=0.0005), connect(face) as line:
        line.sendall(FIND + SELECT + READ)
        assert len(line.recv(65536)) < 1000


def test_a_reply_can_be_delayed(reader: VirtualReader) -> None:
    face = TCPFace()
    with Server(reader, [face], reply_delay_s=0.05), connect(face) as line:
        start = time.monotonic()
        line.sendall(FIND)
        exactly(line, 15)
        assert time.monotonic() - start >= 0.05


def test_the_rest_of_a_frame_that_never_comes_is_answered(reader: VirtualReader) -> None:
    face = TCPFace()
    with Server(reader, [face]), connect(face) as line:
        line.sendall(FIND[:8])
        assert exactly(line, 11).hex().upper() == "AAAAAA9669000400001115"


def test_a_host_that_does_not_fetch_loses_replies_but_not_the_line(reader: VirtualReader) -> None:
    face = PtyFace()
    with Server(reader, [face]):
        device = os.open(face.uri.removeprefix("serial:"), os.O_RDWR | os.O_NOCTTY)
        os.write(device, FIND + SELECT + READ * (2 * MAX_QUEUED_BYTES // 1295))
        got = b""
        while select.select([device], [], [], 0.5)[0]:
            got += os.read(device, 65536)
        assert got.startswith(bytes.fromhex("AAAAAA9669000800009F0000000097"))
        assert 3 <= got.count(b"\xaa\xaa\xaa\x96\x69\x05\x08") <= MAX_QUEUED_BYTES // 1295 + 8
        os.write(device, FIND)
        assert select.select([device], [], [], 5)[0]
        os.close(device)


def test_a_host_that_leaves_in_the_middle_of_a_reply(reader: VirtualReader) -> None:
    face = TCPFace()
    with Server(reader, [face], byte_time_s=0.001):
        line = connect(face)
        line.sendall(FIND + SELECT + READ)
        line.recv(1)
        line.close()
        with connect(face) as other:
            other.sendall(FIND)
            assert exactly(other, 15)


def test_stop_frees_thread_and_port(reader: VirtualReader) -> None:
    before = threading.active_count()
    face = TCPFace()
    server = Server(reader, [face]).start()
    assert server.uris == [face.uri]
    port = int(face.uri.rpartition(":")[2])
    server.stop()
    server.stop()
    assert threading.active_count() == before
    with socket.create_server(("127.0.0.1", port)):
        pass
