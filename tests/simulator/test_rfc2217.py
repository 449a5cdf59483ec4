"""The RFC 2217 face, used through pyserial as a host would."""

from __future__ import annotations

import socket
import sys

import pytest
import serial

from prcard.errors import ReaderError, ReaderFault
from prcard.reader.uri import open_reader
from prcard.record.raw import RawCard
from prcard.simulator.device import VirtualReader
from prcard.simulator.rfc2217 import RFC2217Face
from prcard.simulator.server import Server
from prcard.wire.codes import Command
from prcard.wire.frame import Frame

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # pyserial's own

FIND = Frame.request(Command.FIND_CARD).serialize()
FOUND = bytes.fromhex("AAAAAA9669000800009F0000000097")


@pytest.fixture
def reader(card: RawCard) -> VirtualReader:
    virtual = VirtualReader()
    virtual.insert(card, "card")
    return virtual


def test_prcard_reads_through_it(reader: VirtualReader, card: RawCard) -> None:
    face = RFC2217Face()
    with Server(reader, [face]), open_reader(f"{face.uri}?baud=115200") as host:
        assert face.uri.startswith("serial:rfc2217://127.0.0.1:")
        assert host.read(10).text == card.text


def test_the_hosts_speed_counts(reader: VirtualReader) -> None:
    face = RFC2217Face()
    reader.strict_speed = True
    with Server(reader, [face]), serial.serial_for_url(face.uri.removeprefix("serial:"), 9600, timeout=0.2) as port:
        port.write(FIND)
        assert port.read(1) == b""
        port.baudrate = 115200
        port.timeout = 10
        port.write(FIND)
        assert port.read(len(FOUND)) == FOUND
        port.write(Frame.request(Command.SET_BAUD_9600).serialize())
        assert Frame.parse(port.read(11)).sw3 == 0x90
        port.baudrate = 9600
        port.write(FIND)
        assert port.read(len(FOUND)) == FOUND


def test_bytes_that_telnet_minds_come_through(card: RawCard) -> None:
    reader = VirtualReader()
    reader.insert(RawCard(text=b"\xff\xfa" * 128, photo=b"\xff" * 1024))
    face = RFC2217Face()
    with Server(reader, [face]), serial.serial_for_url(face.uri.removeprefix("serial:"), 115200, timeout=10) as port:
        for command, length in ((Command.FIND_CARD, 15), (Command.SELECT_CARD, 19), (Command.READ_TEXT_PHOTO, 1295)):
            port.write(Frame.request(command).serialize())
            reply = port.read(length)
        assert Frame.parse(reply).reply_data[4:] == b"\xff\xfa" * 128 + b"\xff" * 1024


def test_a_host_that_fetches_slowly_gets_every_byte(reader: VirtualReader) -> None:
    left, right = socket.socketpair()
    left.setblocking(False)
    left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    peer = RFC2217Face()._peer(left)
    data, sent = b"\xff" * 100_000, 0
    got = b""
    while sent < len(data):
        sent += peer.transmit(data[sent:])
        got += right.recv(1024)
    right.settimeout(0.2)
    while peer.transmit(b"") or len(got) < 200_000:
        got += right.recv(65536)
    assert got.endswith(b"\xff" * 200_000)
    peer.close()
    right.close()


def test_without_pyserial_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serial.rfc2217", None)
    with pytest.raises(ReaderError, match=r"prcard\[serial\]") as missing:
        RFC2217Face().open()
    assert missing.value.fault is ReaderFault.MISSING_EXTRA
