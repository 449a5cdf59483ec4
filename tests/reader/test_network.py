"""The network channels against real sockets on loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from prcard.errors import ReaderError, ReaderFault
from prcard.reader.network import open_tcp, open_udp, split_address


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(line: socket.socket) -> int:
    port: int = line.getsockname()[1]
    return port


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("localhost:1002", ("localhost", 1002)),
        ("10.0.0.1:65535", ("10.0.0.1", 65535)),
        ("[::1]:7", ("::1", 7)),
    ],
)
def test_address_is_split(address: str, expected: tuple[str, int]) -> None:
    assert split_address("tcp", address) == expected


@pytest.mark.parametrize(
    "address",
    ["", "host", "host:", ":80", "host:0", "host:65536", "host:８０", "host:+80", "::1:80", "[]:80", "h:999999"],
)
def test_address_without_host_and_port_is_refused(address: str) -> None:
    with pytest.raises(ReaderError, match=r"expected tcp:HOST:PORT") as refused:
        split_address("tcp", address)
    assert refused.value.fault is ReaderFault.BAD_URI


def test_port_zero_is_for_servers_only() -> None:
    assert split_address("tcp", "127.0.0.1:0", lowest_port=0) == ("127.0.0.1", 0)


def test_tcp_carries_bytes_both_ways(listener: socket.socket) -> None:
    channel = open_tcp(f"127.0.0.1:{port_of(listener)}")
    peer, _ = listener.accept()
    channel.write(b"request")
    assert peer.recv(100) == b"request"
    peer.sendall(b"reply")
    assert channel.read(5) == b"reply"
    assert channel.read(0.01) == b""
    assert channel.read(0) == b""
    channel.close()
    channel.close()
    assert peer.recv(100) == b""
    peer.close()


def test_tcp_peer_that_hangs_up_is_lost(listener: socket.socket) -> None:
    channel = open_tcp(f"127.0.0.1:{port_of(listener)}")
    listener.accept()[0].close()
    with pytest.raises(ReaderError, match="closed the connection") as lost:
        channel.read(5)
    assert lost.value.fault is ReaderFault.LOST
    channel.close()


def test_tcp_use_after_close_is_a_reader_error(listener: socket.socket) -> None:
    channel = open_tcp(f"127.0.0.1:{port_of(listener)}")
    channel.close()
    with pytest.raises(ReaderError):
        channel.write(b"x")
    with pytest.raises(ReaderError):
        channel.read(0.01)


def test_tcp_peer_that_takes_no_bytes_is_silent(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prcard.reader.network.WRITE_TIMEOUT_S", 0.05)
    channel = open_tcp(f"127.0.0.1:{port_of(listener)}")
    with pytest.raises(ReaderError, match="took no bytes") as stuck:
        for _ in range(1000):
            channel.write(bytes(1 << 20))
    assert stuck.value.fault is ReaderFault.SILENT
    channel.close()


def test_nobody_at_the_tcp_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = port_of(server)
    with pytest.raises(ReaderError, match=rf"Nobody answers at tcp:127.0.0.1:{port}") as missing:
        open_tcp(f"127.0.0.1:{port}")
    assert missing.value.fault is ReaderFault.NOT_FOUND


@pytest.mark.parametrize("opener", [open_tcp, open_udp])
def test_host_name_that_is_none(opener: type) -> None:
    with pytest.raises(ReaderError) as missing:
        opener("a" * 70 + ".invalid:1002")
    assert missing.value.fault is ReaderFault.NOT_FOUND


def test_udp_carries_datagrams_and_joins_split_replies() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        channel = open_udp(f"127.0.0.1:{port_of(server)}")
        channel.write(b"request")
        data, host = server.recvfrom(100)
        assert data == b"request"
        server.sendto(b"a" * 1024, host)
        server.sendto(b"b", host)
        assert channel.read(5) + channel.read(5) == b"a" * 1024 + b"b"
        assert channel.read(0.01) == b""
        channel.close()


def test_udp_port_that_is_closed_is_lost() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = port_of(server)
    channel = open_udp(f"127.0.0.1:{port}")
    with pytest.raises(ReaderError) as lost:
        for _ in range(3):
            # The refusal of a datagram arrives with a later call.
            channel.write(b"request")
            channel.read(0.5)
    assert lost.value.fault is ReaderFault.LOST
    channel.close()
