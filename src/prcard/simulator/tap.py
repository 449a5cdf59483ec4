"""A tap: any host program on one side, any reader on the other, and a transcript of what passes between them."""

from __future__ import annotations

import contextlib
import selectors
import threading
from typing import TYPE_CHECKING, Final, Self

from prcard.errors import ReaderError
from prcard.reader.channel import SpeedChannel
from prcard.reader.recording import Recorder
from prcard.wire.transcript import Direction

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from prcard.reader.channel import Channel
    from prcard.simulator.server import Face, Peer
    from prcard.wire.transcript import Transcript

__all__ = ["Tap"]

SLICE_S: Final = 0.05
"""How often each side looks whether it is to end, in seconds."""


class Tap:
    """Passes bytes on both ways, unchanged, and writes them down; a context manager.

    Replies go to the host that spoke last. A host's change of speed is passed on where both sides have one. When the
    reader is lost the hosts are let go, and the next one that speaks opens the reader anew.

    Args:
        face: Where hosts connect.
        open_reader: Opens the line to the reader.
    """

    def __init__(self, face: Face, open_reader: Callable[[], Channel]) -> None:
        self._face = face
        self._open_reader = open_reader
        self._recorder = Recorder()
        self._channel: Channel | None = None
        self._speed: int | None = None
        self._peers: list[Peer] = []
        self._last: Peer | None = None
        self._selector = selectors.DefaultSelector()
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._threads = [
            threading.Thread(target=work, name=f"prcard-tap-{name}", daemon=True)
            for name, work in (("host", self._from_hosts), ("reader", self._from_reader))
        ]
        self.problem = ""
        """Why the reader was lost last; "" when it never was."""

    @property
    def transcript(self) -> Transcript:
        """What has passed so far, with the personal data that it holds."""
        return self._recorder.transcript

    def __enter__(self) -> Self:
        self._channel = self._open_reader()
        try:
            for peer in self._face.open():
                self._add(peer)
            if (listener := self._face.listener()) is not None:
                self._selector.register(listener, selectors.EVENT_READ, None)
        except BaseException:
            self._channel.close()
            self._face.close()
            raise
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for peer in self._peers:
            peer.close()
        self._face.close()
        self._selector.close()
        if self._channel is not None:
            self._channel.close()

    def _add(self, peer: Peer) -> None:
        self._peers.append(peer)
        self._selector.register(peer.fileno(), selectors.EVENT_READ, peer)

    def _drop(self, peer: Peer) -> None:
        self._selector.unregister(peer.fileno())
        self._peers.remove(peer)
        if self._last is peer:
            self._last = None
        peer.close()

    def _from_hosts(self) -> None:
        while not self._stop.is_set():
            for key, _ in self._selector.select(SLICE_S):
                peer: Peer | None = key.data
                if peer is None:
                    if (host := self._face.accept()) is not None:
                        self._add(host)
                elif (data := peer.receive()) is None:
                    self._drop(peer)
                elif data:
                    self._pass_on(peer, data)
            if self._lost.is_set():
                self._let_go()

    def _pass_on(self, peer: Peer, data: bytes) -> None:
        self._last = peer
        try:
            if self._channel is None:
                self._channel = self._open_reader()
            speed = peer.speed()
            if speed is not None and speed != self._speed and isinstance(self._channel, SpeedChannel):
                self._channel.set_speed(speed)
                self._speed = speed
            self._recorder.keep(Direction.TO_READER, data)
            self._channel.write(data)
        except ReaderError as error:
            self.problem = str(error)
            self._lost.set()

    def _let_go(self) -> None:
        """Closes the line to a lost reader, and hosts that can see that; a serial device or UDP port has to stay."""
        self._lost.clear()
        channel, self._channel, self._speed = self._channel, None, None
        if channel is not None:
            channel.close()
        if self._face.listener() is not None:
            for peer in list(self._peers):
                self._drop(peer)

    def _from_reader(self) -> None:
        while not self._stop.is_set():
            channel = self._channel
            if channel is None or self._lost.is_set():
                self._stop.wait(SLICE_S)
                continue
            try:
                data = channel.read(SLICE_S)
            except ReaderError as error:
                if channel is self._channel:
                    self.problem = str(error)
                    self._lost.set()
                continue
            self._recorder.keep(Direction.TO_HOST, data)
            self._hand_over(data)

    def _hand_over(self, data: bytes) -> None:
        while data and not self._stop.is_set():
            peer = self._last
            if peer is None:
                return
            with contextlib.suppress(OSError):
                done = peer.transmit(data)
                data = data[done:]
                if not done:
                    self._stop.wait(0.005)
