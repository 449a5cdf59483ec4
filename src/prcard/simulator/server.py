"""One thread that serves a virtual reader on any number of faces: pty, TCP, UDP.

The loop waits for bytes, for a frame's deadline and for the next piece of a slow reply, whichever comes first. It owns
every descriptor; other threads only wake it.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from typing import TYPE_CHECKING, Final, Protocol, Self

from prcard.errors import ReaderError
from prcard.simulator.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from prcard.simulator.outbox import Piece

__all__ = ["MAX_GUESTS", "Face", "Peer", "Servable", "ServedLine", "Server"]

MAX_GUESTS: Final = 64
"""Hosts that may share a descriptor, such as a UDP port, each with a line of its own."""

FULL_LINE_S: Final = 0.005
"""Pause in seconds before a line that took no byte is tried again."""


class Peer(Protocol):
    """One host on one face: a descriptor to read from and a way to write."""

    def fileno(self) -> int:
        """The descriptor to wait on."""

    def receive(self) -> bytes | None:
        """Bytes that have arrived; None when the host is gone for good; b"" when there was nothing after all."""

    def transmit(self, data: bytes) -> int:
        """Writes what the descriptor takes now and returns how many bytes that were; 0 when it is full."""

    def speed(self) -> int | None:
        """Speed of the host's side in baud; None where the face has none or the host's is not known."""

    def origin(self) -> Peer | None:
        """Who sent what was received last, where one descriptor has many hosts; None: this peer itself."""

    def close(self) -> None:
        """Releases the descriptor."""


class Face(Protocol):
    """A place where hosts find the virtual reader."""

    kind: str
    uri: str

    def open(self) -> list[Peer]:
        """Opens the face; returns the peers that exist from the start (a pty, a UDP socket)."""

    def listener(self) -> socket.socket | None:
        """The socket to accept hosts on, or None."""

    def accept(self) -> Peer | None:
        """Takes the next waiting host."""

    def close(self) -> None:
        """Releases everything of this face."""


class ServedLine(Protocol):
    """One host's line to what is served."""

    def transfer(self, data: bytes, now: float) -> list[Piece]:
        """Takes what a host sent and gives the pieces of all replies."""

    def deadline(self) -> float | None:
        """When to call `transfer` again even if nothing arrives; None when that is not needed."""


class Servable(Protocol):
    """What can be served: a virtual reader, or a recording that plays one."""

    @property
    def clock(self) -> Callable[[], float]:
        """Gives the moment in seconds."""

    @property
    def plugged(self) -> bool:
        """Whether hosts can reach it now."""

    @property
    def epoch(self) -> int:
        """How often it was unplugged."""

    @property
    def back_at(self) -> float | None:
        """When it is plugged in again by itself."""

    def hears(self, host_baud: int | None) -> bool:
        """Whether it understands a host of that speed."""

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls `callback` when it is unplugged or plugged in; gives what ends that."""

    def line(self) -> ServedLine:
        """Opens one more line."""


class _Served:
    """A peer with its protocol line and the bytes still to be written."""

    def __init__(self, peer: Peer, line: ServedLine, *, registered: bool = True) -> None:
        self.peer = peer
        self.line = line
        self.registered = registered
        self.outbox = Outbox()


class Server:
    """Serves `reader` on `faces` in a thread of its own; a context manager.

    Args:
        reader: The virtual reader; cards are inserted and removed on it from any thread.
        faces: Where to listen.
        reply_delay_s: Time between request and first byte of a reply, in seconds.
        byte_time_s: Time for one byte on the line, in seconds; 0 writes a reply at once. 115200 baud: 10 / 115200.
    """

    def __init__(
        self, reader: Servable, faces: list[Face], *, reply_delay_s: float = 0.0, byte_time_s: float = 0.0
    ) -> None:
        self._reader = reader
        self._faces = faces
        self._reply_delay_s = reply_delay_s
        self._byte_time_s = byte_time_s
        self._selector = selectors.DefaultSelector()
        self._served: list[_Served] = []
        self._stop = threading.Event()
        self._waker, self._wakened = socket.socketpair()
        self._waker.setblocking(False)
        self._wakened.setblocking(False)
        self._thread: threading.Thread | None = None
        self._epoch = reader.epoch
        self._open = False
        self._forget: Callable[[], None] = lambda: None

    @property
    def uris(self) -> list[str]:
        """Reader URIs of the faces, in their order; valid once started."""
        return [face.uri for face in self._faces]

    def start(self) -> Server:
        """Opens all faces and starts serving; hosts can connect when this returns.

        Raises:
            ReaderError: a face cannot be opened, for instance because its port is taken; nothing stays open then.
        """
        try:
            self._selector.register(self._wakened, selectors.EVENT_READ, None)
            self._open_faces()
        except BaseException:
            self._close()
            raise
        self._forget = self._reader.watch(self._wake)
        self._thread = threading.Thread(target=self._loop, name="prcard-virtual-reader", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stops serving and closes every face; a second call does nothing."""
        if self._thread is None:
            return
        self._forget()
        self._stop.set()
        self._wake()
        self._thread.join()
        self._thread = None
        self._close()

    def _wake(self) -> None:
        # A full or closed socket needs no further byte: the loop is awake, or over.
        with contextlib.suppress(OSError):
            self._waker.send(b"!")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _loop(self) -> None:
        while not self._stop.is_set():
            for key, _ in self._selector.select(self._wait_s()):
                if isinstance(key.data, _Served):
                    self._receive(key.data)
                elif key.data is not None:
                    self._accept(key.data)
                else:
                    with contextlib.suppress(OSError):
                        self._wakened.recv(4096)
            self._work()
            self._follow_plug()

    def _accept(self, face: Face) -> None:
        if (peer := face.accept()) is None:
            return
        try:
            self._add(peer)
        except ReaderError:
            # It was unplugged this very moment.
            peer.close()

    def _add(self, peer: Peer) -> None:
        served = _Served(peer, self._reader.line())
        self._served.append(served)
        self._selector.register(peer.fileno(), selectors.EVENT_READ, served)

    def _receive(self, served: _Served) -> None:
        data = served.peer.receive()
        if data is None:
            self._drop(served)
        elif self._reader.hears(served.peer.speed()):
            origin = served.peer.origin()
            # A reader that is unplugged this very moment hears nobody new.
            with contextlib.suppress(ReaderError):
                self._answer(served if origin is None else self._of(origin), data)

    def _of(self, origin: Peer) -> _Served:
        """Gives the line of one of the hosts that share a descriptor; the longest silent one makes room."""
        guests = [served for served in self._served if not served.registered]
        for served in guests:
            if served.peer is origin:
                # To the end of the row: the first one is the one that was silent longest.
                self._served.remove(served)
                self._served.append(served)
                return served
        if len(guests) >= MAX_GUESTS:
            self._served.remove(guests[0])
        served = _Served(origin, self._reader.line(), registered=False)
        self._served.append(served)
        return served

    def _answer(self, served: _Served, data: bytes) -> None:
        now = self._reader.clock()
        pieces = served.line.transfer(data, now)
        if self._byte_time_s:
            pieces = [piece._replace(byte_time_s=self._byte_time_s) for piece in pieces]
        served.outbox.add(pieces, now + self._reply_delay_s)

    def _drop(self, served: _Served) -> None:
        if served.registered:
            self._selector.unregister(served.peer.fileno())
        self._served.remove(served)
        served.peer.close()

    def _work(self) -> None:
        """Answers frames whose rest never came, and writes what is due."""
        for served in list(self._served):
            deadline = served.line.deadline()
            if deadline is not None and deadline <= self._reader.clock():
                self._answer(served, b"")
            self._write(served)

    def _write(self, served: _Served) -> None:
        while (data := served.outbox.ready(self._reader.clock())) is not None:
            done = served.peer.transmit(data) if data else 0
            if data and not done:
                # The host does not fetch its bytes: look again soon, without a busy loop.
                served.outbox.postpone(self._reader.clock() + FULL_LINE_S)
                return
            served.outbox.written(done)

    def _follow_plug(self) -> None:
        """Lets all hosts go when the reader was unplugged, and opens the faces anew when it is back."""
        if self._open and self._epoch != self._reader.epoch:
            self._close_faces()
        if not self._open and self._reader.plugged:
            self._epoch = self._reader.epoch
            # A port that somebody else took meanwhile stays theirs; the reader is then gone for good on that face.
            with contextlib.suppress(ReaderError):
                self._open_faces()

    def _open_faces(self) -> None:
        self._open = True
        for face in self._faces:
            for peer in face.open():
                self._add(peer)
            if (listener := face.listener()) is not None:
                self._selector.register(listener, selectors.EVENT_READ, face)

    def _close_faces(self) -> None:
        self._open = False
        for served in list(self._served):
            self._drop(served)
        for face in self._faces:
            if (listener := face.listener()) is not None:
                self._selector.unregister(listener)
            face.close()

    def _wait_s(self) -> float | None:
        moments = [moment for served in self._served if (moment := served.outbox.due_at) is not None]
        moments += [moment for served in self._served if (moment := served.line.deadline()) is not None]
        if not self._open and self._reader.back_at is not None:
            moments.append(self._reader.back_at)
        return max(min(moments) - self._reader.clock(), 0.0) if moments else None

    def _close(self) -> None:
        for served in self._served:
            served.peer.close()
        self._served.clear()
        for face in self._faces:
            face.close()
        self._selector.close()
        with contextlib.suppress(OSError):
            self._waker.close()
            self._wakened.close()
