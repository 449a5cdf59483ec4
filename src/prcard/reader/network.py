"""Serial servers on the network: the same frames over TCP or UDP.

Source: observed in public host programs (UDP port 1002, replies split at 1024 bytes; confidence C).
"""

from __future__ import annotations

import contextlib
import socket
from typing import Final

from prcard.errors import ReaderError, ReaderFault
from prcard.reader.channel import MAX_READ_BYTES

__all__ = ["CONNECT_TIMEOUT_S", "SocketChannel", "open_tcp", "open_udp", "split_address"]

CONNECT_TIMEOUT_S: Final = 3.0
WRITE_TIMEOUT_S: Final = 1.0


def open_tcp(address: str) -> SocketChannel:
    """Opens `tcp:HOST:PORT`.

    Args:
        address: `HOST:PORT`; an IPv6 host stands in brackets, for instance `[::1]:1002`.

    Raises:
        ReaderError: `BAD_URI`, or `NOT_FOUND` when nobody answers within `CONNECT_TIMEOUT_S` seconds.
    """
    host, port = split_address("tcp", address)
    try:
        line = socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (OSError, UnicodeError) as error:
        raise _unreachable(f"tcp:{address}") from error
    return SocketChannel(line, f"tcp:{address}", stream=True)


def open_udp(address: str) -> SocketChannel:
    """Opens `udp:HOST:PORT`; whether a reader is there shows with the first reply only.

    Args:
        address: `HOST:PORT` as for TCP.

    Raises:
        ReaderError: `BAD_URI`, or `NOT_FOUND` when the host has no address.
    """
    host, port = split_address("udp", address)
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        line = socket.socket(family, kind, protocol)
        line.connect(where)
    except (OSError, UnicodeError) as error:
        raise _unreachable(f"udp:{address}") from error
    return SocketChannel(line, f"udp:{address}", stream=False)


class SocketChannel:
    """One connected socket, stream or datagram; close it when done."""

    def __init__(self, line: socket.socket, name: str, *, stream: bool) -> None:
        """Takes over a connected socket; `name` is for messages."""
        self._line = line
        self._name = name
        self._stream = stream
        self._closed = False

    def write(self, data: bytes) -> None:
        """See `Channel.write`."""
        try:
            self._line.settimeout(WRITE_TIMEOUT_S)
            self._line.sendall(data)
        except TimeoutError as error:
            raise ReaderError(
                ReaderFault.SILENT, f"{self._name} took no bytes for {WRITE_TIMEOUT_S:g} s.", "Check the network."
            ) from error
        except OSError as error:
            raise self._lost() from error

    def read(self, timeout_s: float) -> bytes:
        """See `Channel.read`."""
        try:
            self._line.settimeout(max(timeout_s, 0))
            data = self._line.recv(MAX_READ_BYTES)
        except (TimeoutError, BlockingIOError):
            return b""
        except OSError as error:
            raise self._lost() from error
        if not data and self._stream:
            raise self._lost()
        return data

    def close(self) -> None:
        """See `Channel.close`."""
        if not self._closed:
            self._closed = True
            # shutdown wakes another thread that waits in a read, which close alone does not.
            with contextlib.suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                self._line.close()

    def _lost(self) -> ReaderError:
        return ReaderError(
            ReaderFault.LOST, f"{self._name} closed the connection.", "Check reader and network, then read again."
        )


def split_address(kind: str, address: str, *, lowest_port: int = 1) -> tuple[str, int]:
    """Splits `HOST:PORT`, with IPv6 hosts in brackets; `lowest_port` 0 admits "any free port" for servers.

    Raises:
        ReaderError: `BAD_URI` with the form that is expected.
    """
    host, _, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    name = host[1:-1] if bracketed else host
    good = name and (bracketed or ":" not in name) and port.isascii() and port.isdigit() and len(port) <= 5
    if not good or not lowest_port <= int(port) < 65536:
        raise ReaderError(
            ReaderFault.BAD_URI,
            f"{kind}:{address} is not a network reader: expected {kind}:HOST:PORT with a port from 1 to 65535.",
            "Correct the reader URI.",
        )
    return name, int(port)


def _unreachable(name: str) -> ReaderError:
    return ReaderError(
        ReaderFault.NOT_FOUND, f"Nobody answers at {name}.", "Check address, port and that the reader is switched on."
    )
