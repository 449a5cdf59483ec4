"""One thread that serves a virtual reader on any number of faces: pty, TCP, UDP.

The loop waits for bytes, for a frame's deadline and for the next piece of a slow reply, whichever comes first. It owns
every descriptor; other threads only wake it.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol, Self

if TYPE_CHECKING:
    from types import TracebackType

    from prcard.simulator.device import Line, VirtualReader

__all__ = ["MAX_QUEUED_BYTES", "Face", "Peer", "Server"]

MAX_QUEUED_BYTES: Final = 65_536
"""Replies that a host does not fetch are dropped beyond this many bytes, as a UART without flow control does."""

PIECE_BYTES: Final = 64
"""Bytes that a slow line writes at once."""

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


class _Served:
    """A peer with its protocol line and the bytes still to be written."""

    def __init__(self, peer: Peer, line: Line) -> None:
        self.peer = peer
        self.line = line
        self.queue: deque[bytes] = deque()
        self.queued = 0
        self.ready_at = 0.0

    def add(self, data: bytes, ready_at: float, byte_time_s: float) -> None:
        """Queues a reply; `ready_at` is the moment at which its first byte begins on the line."""
        data = data[: MAX_QUEUED_BYTES - self.queued]
        if not data:
            return
        if not self.queue:
            self.ready_at = ready_at + len(data[:PIECE_BYTES]) * byte_time_s
        self.queue.append(data)
        self.queued += len(data)


class Server:
    """Serves `reader` on `faces` in a thread of its own; a context manager.

    Args:
        reader: The virtual reader; cards are inserted and removed on it from any thread.
        faces: Where to listen.
        reply_delay_s: Time between request and first byte of a reply, in seconds.
        byte_time_s: Time for one byte on the line, in seconds; 0 writes a reply at once. 115200 baud: 10 / 115200.
    """

    def __init__(
        self, reader: VirtualReader, faces: list[Face], *, reply_delay_s: float = 0.0, byte_time_s: float = 0.0
    ) -> None:
        self._reader = reader
        self._faces = faces
        self._reply_delay_s = reply_delay_s
        self._byte_time_s = byte_time_s
        self._selector = selectors.DefaultSelector()
        self._served: list[_Served] = []
        self._stop = threading.Event()
        self._waker, self._wakened = socket.socketpair()
        self._thread: threading.Thread | None = None

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
            for face in self._faces:
                for peer in face.open():
                    self._add(peer)
                if (listener := face.listener()) is not None:
                    self._selector.register(listener, selectors.EVENT_READ, face)
            self._selector.register(self._wakened, selectors.EVENT_READ, None)
        except BaseException:
            self._close()
            raise
        self._thread = threading.Thread(target=self._loop, name="prcard-virtual-reader", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stops serving and closes every face; a second call does nothing."""
        if self._thread is None:
            return
        self._stop.set()
        self._waker.send(b"!")
        self._thread.join()
        self._thread = None
        self._close()

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
            self._work()

    def _accept(self, face: Face) -> None:
        if (peer := face.accept()) is not None:
            self._add(peer)

    def _add(self, peer: Peer) -> None:
        served = _Served(peer, self._reader.line())
        self._served.append(served)
        self._selector.register(peer.fileno(), selectors.EVENT_READ, served)

    def _receive(self, served: _Served) -> None:
        data = served.peer.receive()
        if data is None:
            self._drop(served)
        else:
            self._answer(served, data)

    def _answer(self, served: _Served, data: bytes) -> None:
        now = time.monotonic()
        served.add(served.line.receive(data, now), now + self._reply_delay_s, self._byte_time_s)

    def _drop(self, served: _Served) -> None:
        self._selector.unregister(served.peer.fileno())
        self._served.remove(served)
        served.peer.close()

    def _work(self) -> None:
        """Answers frames whose rest never came, and writes what is due."""
        for served in list(self._served):
            deadline = served.line.deadline()
            if deadline is not None and deadline <= time.monotonic():
                self._answer(served, b"")
            self._write(served)

    def _write(self, served: _Served) -> None:
        while served.queue and served.ready_at <= time.monotonic():
            data = served.queue.popleft()
            done = served.peer.transmit(data[:PIECE_BYTES] if self._byte_time_s else data)
            served.queued -= done
            if done < len(data):
                served.queue.appendleft(data[done:])
            if not done:
                # The host does not fetch its bytes: look again soon, without a busy loop.
                served.ready_at = time.monotonic() + FULL_LINE_S
            elif served.queue:
                # Counted from when the piece was due, not from now: a late loop must not slow the line down.
                served.ready_at += len(served.queue[0][:PIECE_BYTES]) * self._byte_time_s

    def _wait_s(self) -> float | None:
        moments = [served.ready_at for served in self._served if served.queue]
        moments += [moment for served in self._served if (moment := served.line.deadline()) is not None]
        return max(min(moments) - time.monotonic(), 0.0) if moments else None

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
