"""Where hosts find a virtual reader: a serial device (pty), a TCP port, a UDP port."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections import OrderedDict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prcard.errors import ReaderError, ReaderFault
from prcard.simulator.server import MAX_GUESTS

if TYPE_CHECKING:
    from prcard.simulator.device import VirtualReader
    from prcard.simulator.server import Peer

__all__ = ["UDP_SPLIT_BYTES", "PtyFace", "StreamPeer", "TCPFace", "UDPFace"]

UDP_SPLIT_BYTES: Final = 1024
"""A reply over UDP comes in datagrams of at most this size. Source: observed in a public host program (C)."""

_CHUNK: Final = 4096


class PtyFace:
    """A pseudo-terminal: to a host it is an ordinary serial device.

    Args:
        reader: When given, bytes that a host sends at another speed than the reader's are lost, as on a real line.
        link: Name under which the device can be found, a symbolic link; it stays the same when the reader is unplugged
            and plugged in again. None leaves the device its own name.
    """

    kind = "serial"

    def __init__(self, reader: VirtualReader | None = None, link: str | None = None) -> None:
        self.uri = ""
        if reader is not None:
            reader.strict_speed = True
        self._link = Path(link) if link is not None else None
        self._master = -1
        self._slave = -1

    def open(self) -> list[Peer]:
        """See `Face.open`."""
        try:
            import tty

            self._master, self._slave = os.openpty()
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)
            device = os.ttyname(self._slave)
        except (OSError, ImportError) as error:
            raise ReaderError(
                ReaderFault.NOT_FOUND,
                "This system gives no pseudo-terminal.",
                "Use the TCP face, or a pair of virtual COM ports and --face tcp behind it.",
            ) from error
        self.uri = f"serial:{self._linked(device)}"
        return [self]

    def listener(self) -> socket.socket | None:
        """A pty accepts nobody."""
        return None

    def accept(self) -> Peer | None:
        """A pty accepts nobody."""
        return None

    def fileno(self) -> int:
        """The master side."""
        return self._master

    def receive(self) -> bytes | None:
        """See `Peer.receive`; our own slave descriptor keeps the pty alive between hosts."""
        try:
            data = os.read(self._master, _CHUNK)
        except BlockingIOError:
            return b""
        return data

    def transmit(self, data: bytes) -> int:
        """See `Peer.transmit`."""
        try:
            return os.write(self._master, data)
        except BlockingIOError:
            return 0

    def close(self) -> None:
        """Releases both sides; the device vanishes, which a host sees as an unplugged reader."""
        for descriptor in (self._master, self._slave):
            if descriptor >= 0:
                os.close(descriptor)
        self._master = self._slave = -1
        if self._link is not None and self._link.is_symlink():
            self._link.unlink()

    def origin(self) -> Peer | None:
        """A serial device has one host."""
        return None

    def speed(self) -> int | None:
        """See `Peer.speed`: what the host has set the device to."""
        import termios

        return _speeds().get(termios.tcgetattr(self._slave)[5])

    def _linked(self, device: str) -> str:
        if self._link is None:
            return device
        try:
            # A link of ours that a killed run left behind is replaced; anything else is not ours to touch.
            if self._link.is_symlink():
                self._link.unlink()
            self._link.symlink_to(device)
        except OSError as error:
            self.close()
            raise ReaderError(
                ReaderFault.NOT_FOUND, f"{self._link} cannot be made.", "Name a link that does not exist yet."
            ) from error
        return str(self._link)


@cache
def _speeds() -> dict[int, int]:
    """Code of termios -> speed in baud."""
    import termios

    return {getattr(termios, name): int(name[1:]) for name in dir(termios) if re.fullmatch(r"B\d+", name)}


class TCPFace:
    """A TCP port on loopback; several hosts may connect, and all see the same card.

    Args:
        host: Address to listen on.
        port: Port, or 0 for any that is free.
    """

    kind = "tcp"

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.uri = ""
        self._address = (host, port)
        self._socket: socket.socket | None = None

    def open(self) -> list[Peer]:
        """See `Face.open`."""
        self._socket = _listen("tcp", self._address, socket.SOCK_STREAM)
        # A reader that is unplugged and plugged in again is found at the same port.
        self._address = self._socket.getsockname()[:2]
        self.uri = _uri(self.kind, self._socket)
        return []

    def listener(self) -> socket.socket | None:
        """See `Face.listener`."""
        return self._socket

    def accept(self) -> Peer | None:
        """See `Face.accept`."""
        if self._socket is None:
            return None
        try:
            line, _ = self._socket.accept()
        except OSError:
            # The host hung up before it was taken.
            return None
        line.setblocking(False)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return self._peer(line)

    def _peer(self, line: socket.socket) -> Peer:
        return StreamPeer(line)

    def close(self) -> None:
        """See `Face.close`."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class StreamPeer:
    """One host on a TCP connection; see `Peer`."""

    def __init__(self, line: socket.socket) -> None:
        """Takes over a connected socket that does not block."""
        self._line = line

    def fileno(self) -> int:
        """The socket."""
        return self._line.fileno()

    def receive(self) -> bytes | None:
        """See `Peer.receive`."""
        try:
            return self._line.recv(_CHUNK) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def transmit(self, data: bytes) -> int:
        """See `Peer.transmit`."""
        try:
            return self._line.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            # The host is gone: the bytes are lost, and the next `receive` says so.
            return len(data)

    def speed(self) -> int | None:
        """A plain connection has no speed."""
        return None

    def origin(self) -> Peer | None:
        """A connection has one host."""
        return None

    def close(self) -> None:
        """See `Peer.close`."""
        with contextlib.suppress(OSError):
            self._line.close()


class UDPFace:
    """A UDP port on loopback; several hosts may ask, and each gets its own replies, split at 1024 bytes.

    Args:
        host: Address to listen on.
        port: Port, or 0 for any that is free. Readers in the field use 1002.
    """

    kind = "udp"

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.uri = ""
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._host: tuple[str, int] | None = None
        self._guests: OrderedDict[tuple[str, int], _Guest] = OrderedDict()

    def open(self) -> list[Peer]:
        """See `Face.open`."""
        self._socket = _listen("udp", self._address, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._address = self._socket.getsockname()[:2]
        self.uri = _uri("udp", self._socket)
        return [self]

    def listener(self) -> socket.socket | None:
        """UDP has no connections."""
        return None

    def accept(self) -> Peer | None:
        """UDP has no connections."""
        return None

    def fileno(self) -> int:
        """The one socket of this face."""
        return self._socket.fileno() if self._socket is not None else -1

    def receive(self) -> bytes | None:
        """See `Peer.receive`."""
        if self._socket is None:
            return None
        try:
            data, self._host = self._socket.recvfrom(_CHUNK)
        except OSError:
            # Nothing after all, or an ICMP answer to a datagram of ours: the face itself stays.
            return b""
        return data

    def transmit(self, data: bytes) -> int:
        """See `Peer.transmit`; one datagram at a time, to whoever asked last."""
        return self.send_to(self._host, data)

    def send_to(self, host: tuple[str, int] | None, data: bytes) -> int:
        """Sends one datagram to a host; see `Peer.transmit`."""
        piece = data[:UDP_SPLIT_BYTES]
        try:
            if self._socket is not None and host is not None:
                self._socket.sendto(piece, host)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)
        return len(piece)

    def speed(self) -> int | None:
        """Datagrams have no speed."""
        return None

    def origin(self) -> Peer | None:
        """See `Peer.origin`: whoever sent the last datagram."""
        if self._host is None:
            return None
        guest = self._guests.setdefault(self._host, _Guest(self, self._host))
        self._guests.move_to_end(self._host)
        if len(self._guests) > MAX_GUESTS:
            self._guests.popitem(last=False)
        return guest

    def close(self) -> None:
        """See `Face.close`; also closes the one peer."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class _Guest:
    """One host of a UDP port; see `Peer`."""

    def __init__(self, face: UDPFace, host: tuple[str, int]) -> None:
        self._face = face
        self._host = host

    def fileno(self) -> int:
        return -1

    def receive(self) -> bytes | None:
        return b""

    def transmit(self, data: bytes) -> int:
        return self._face.send_to(self._host, data)

    def speed(self) -> int | None:
        return None

    def origin(self) -> Peer | None:
        return None

    def close(self) -> None:
        """The port is the face's."""


def _listen(kind: str, address: tuple[str, int], sort: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    line = socket.socket(family, sort)
    try:
        if sort is socket.SOCK_STREAM:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind(address)
        if sort is socket.SOCK_STREAM:
            line.listen()
            line.setblocking(False)
    except (OSError, OverflowError) as error:
        line.close()
        raise ReaderError(
            ReaderFault.BUSY,
            f"Cannot listen on {kind}:{address[0]}:{address[1]}.",
            "Choose another port, or 0 for any that is free.",
        ) from error
    return line


def _uri(kind: str, line: socket.socket) -> str:
    host, port = line.getsockname()[:2]
    return f"{kind}:[{host}]:{port}" if ":" in host else f"{kind}:{host}:{port}"
