"""A serial port on the network by RFC 2217 (telnet COM port control), through pyserial's own `PortManager`.

Hosts set speed and format over the connection as they would on a real port, and the virtual reader minds the speed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prcard.errors import ReaderError, ReaderFault
from prcard.simulator.faces import StreamPeer, TCPFace

if TYPE_CHECKING:
    import socket

    from prcard.simulator.server import Peer

__all__ = ["RFC2217Face"]

IAC: Final = b"\xff"
"""The byte that telnet doubles in data."""


class RFC2217Face(TCPFace):
    """A TCP port on loopback that speaks RFC 2217; see `TCPFace`."""

    kind = "rfc2217"

    def open(self) -> list[Peer]:
        """See `Face.open`."""
        try:
            import serial.rfc2217  # noqa: F401  # needed at the first host; said now, while somebody reads it
        except ImportError as error:
            raise ReaderError(
                ReaderFault.MISSING_EXTRA,
                "The RFC 2217 face needs pyserial, which is not installed.",
                "Install it with: pip install 'prcard[serial]'",
            ) from error
        peers = super().open()
        self.uri = f"serial:rfc2217://{self.uri.removeprefix('rfc2217:')}"
        return peers

    def _peer(self, line: socket.socket) -> Peer:
        return _RFC2217Peer(line)


class _Port:
    """What `PortManager` takes for the serial port: settings that stand, and modem lines that never change."""

    def __init__(self) -> None:
        self.baudrate = 115200
        self.bytesize, self.parity, self.stopbits = 8, "N", 1
        self.xonxoff = self.rtscts = self.dsrdtr = False
        self.dtr = self.rts = True
        self.break_condition = False
        self.cts = self.dsr = self.cd = True
        self.ri = False

    def reset_input_buffer(self) -> None:
        """Nothing waits here."""

    def reset_output_buffer(self) -> None:
        """Nothing waits here."""


class _RFC2217Peer(StreamPeer):
    def __init__(self, line: socket.socket) -> None:
        from serial.rfc2217 import PortManager

        super().__init__(line)
        self._port = _Port()
        self._waiting = bytearray()
        # pyserial's types ask for a real port on both sides.
        port: Any = self._port
        connection: Any = self
        self._manager = PortManager(port, connection)

    def write(self, data: bytes) -> None:
        """Takes what the manager has to say to the host: negotiation."""
        self._waiting += data
        self._flush()

    def receive(self) -> bytes | None:
        data = super().receive()
        return b"".join(self._manager.filter(data)) if data else data

    def transmit(self, data: bytes) -> int:
        # Negotiation first: bytes in the middle of a command would tear it.
        if not self._flush():
            return 0
        taken = super().transmit(data.replace(IAC, IAC + IAC))
        done = at = 0
        while at < taken:
            at += 2 if data[done] == IAC[0] else 1
            done += 1
        if at > taken:
            # The connection took half of a pair; the other half goes first next time.
            self._waiting += IAC
        return done

    def speed(self) -> int | None:
        return int(self._port.baudrate)

    def _flush(self) -> bool:
        while self._waiting:
            done = super().transmit(bytes(self._waiting))
            if not done:
                return False
            del self._waiting[:done]
        return True
