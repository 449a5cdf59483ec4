"""The PC/SC face of a virtual reader: its card in a real pcscd, so that any PC/SC program sees it.

vpcd speaks to a virtual card over TCP: two bytes of length, then either one byte of control (power, reset, ATR) or a
command APDU. Closing the connection takes the card out. pcscd asks for the ATR about every 400 ms, and that is how it
notices. Source: vsmartcard, virtualsmartcard/src/vpcd; observed with 3.3.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Final, Self

from prcard.simulator.apdu_card import APDUCard
from prcard.simulator.pcscd import PrivatePCSCD, reader_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from prcard.record.raw import RawCard
    from prcard.simulator.device import VirtualReader
    from prcard.simulator.server import Peer

__all__ = ["SWAP_S", "PCSCFace"]

SWAP_S: Final = 0.9
"""Pause between two cards in seconds. pcscd would take a quicker swap for the same card, as no hand is so quick."""

RETRY_S: Final = 0.05
SEEN_S: Final = 3.0
"""The longest that pcscd may take to see a card, in seconds."""

POWER_ON: Final = b"\x01"
GET_ATR: Final = b"\x04"
MAX_MESSAGE_BYTES: Final = 65_535


class PCSCFace:
    """Virtual readers in a pcscd of their own; a `Face` of `Server`, or a context manager by itself.

    Args:
        readers: One virtual reader for each slot.
        reply_delay_s: Time between command and response, in seconds.
        byte_time_s: Time for one byte on the way between card and reader, in seconds.
        card: Makes the card that answers APDUs of the zones that lie on the reader.
        swap_s: See `SWAP_S`.

    Attributes:
        pcscd: The service, for those who want to kill it.
        uri: Reader URI of the first slot.
        socket: What to put into `PCSCLITE_CSOCK_NAME`; valid once open.
    """

    kind = "pcsc"

    def __init__(
        self,
        readers: VirtualReader | list[VirtualReader],
        *,
        reply_delay_s: float = 0.0,
        byte_time_s: float = 0.0,
        card: Callable[[RawCard], APDUCard] = APDUCard,
        swap_s: float = SWAP_S,
    ) -> None:
        self._readers = readers if isinstance(readers, list) else [readers]
        self.pcscd = PrivatePCSCD(slots=len(self._readers))
        self.uri = ""
        self.socket = ""
        self._slots: list[_Slot] = []
        self._make_card, self._swap_s = card, swap_s
        self._reply_delay_s, self._byte_time_s = reply_delay_s, byte_time_s

    @property
    def names(self) -> list[str]:
        """Names of the readers as PC/SC programs see them."""
        return [reader_name(number) for number in range(len(self._readers))]

    @property
    def warning(self) -> str:
        """What to tell the person who opened it, valid once open; "" when there is nothing."""
        if self.pcscd.isolated:
            return ""
        return (
            "Warning: this user may make no network namespace here, so the PC/SC driver listens on every address of "
            "this machine: others may lay a card on the virtual reader. Keep them off with a firewall."
        )

    def open(self) -> list[Peer]:
        """See `Face.open`; there is no peer for the server to serve, since each slot has a thread of its own."""
        self.pcscd.start()
        self.uri, self.socket = f"pcsc:{reader_name(0)}", self.pcscd.socket_path
        for number, reader in enumerate(self._readers):
            slot = _Slot(self.pcscd, number, self._make_card, self._reply_delay_s, self._byte_time_s, self._swap_s)
            self._slots.append(slot)
            slot.start(reader)
        # Whoever hears that the face is open finds the cards that lie there already.
        for slot in self._slots:
            slot.await_power()
        return []

    def listener(self) -> socket.socket | None:
        """The server accepts nobody here."""
        return None

    def accept(self) -> Peer | None:
        """The server accepts nobody here."""
        return None

    def close(self) -> None:
        """Takes the cards out and ends pcscd; a second call does nothing."""
        for slot in self._slots:
            slot.stop()
        self._slots.clear()
        self.pcscd.stop()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Slot:
    """One slot: a thread that connects while a card lies on the reader, and answers for it."""

    def __init__(
        self,
        pcscd: PrivatePCSCD,
        number: int,
        make: Callable[[RawCard], APDUCard],
        reply_delay_s: float,
        byte_time_s: float,
        swap_s: float,
    ) -> None:
        self._pcscd, self._number, self._make = pcscd, number, make
        self._reply_delay_s, self._byte_time_s, self._swap_s = reply_delay_s, byte_time_s, swap_s
        self._changed = threading.Condition()
        self._card: RawCard | None = None
        self._turn = 0
        self._powered = False
        self._stopped = threading.Event()
        self._line: socket.socket | None = None
        self._end: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name=f"prcard-vpcd-{number}", daemon=True)

    def start(self, reader: VirtualReader) -> None:
        """Begins to show what lies on `reader`."""
        self._end = reader.subscribe(self._lay)
        self._thread.start()

    def await_power(self) -> None:
        """Waits until pcscd has seen the card that lies there; at once when none does."""
        with self._changed:
            self._changed.wait_for(lambda: self._card is None or self._powered, SEEN_S)

    def stop(self) -> None:
        """Takes the card out and ends the thread."""
        self._end()
        self._stopped.set()
        self._lay(None)
        self._thread.join()

    def _lay(self, card: RawCard | None) -> None:
        with self._changed:
            self._card, self._turn = card, self._turn + 1
            if self._line is not None:
                # Wakes the thread out of its wait for pcscd, which sees the card go.
                with contextlib.suppress(OSError):
                    self._line.shutdown(socket.SHUT_RDWR)
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._card is None and not self._stopped.is_set():
                    self._changed.wait()
                card, turn = self._card, self._turn
            if self._stopped.is_set() or card is None:
                return
            self._show(self._make(card), turn)
            with self._changed:
                changed = self._turn != turn
            # A card that is still there was cut off by pcscd's death: it is shown again as soon as that is back.
            self._stopped.wait(self._swap_s if changed else RETRY_S)

    def _show(self, card: APDUCard, turn: int) -> None:
        try:
            line = self._pcscd.connect(self._number)
        except OSError:
            return
        with line, contextlib.suppress(OSError):
            with self._changed:
                if self._turn != turn:
                    return
                self._line = line
            try:
                self._serve(line, card)
            finally:
                with self._changed:
                    self._line, self._powered = None, False

    def _serve(self, line: socket.socket, card: APDUCard) -> None:
        powered = False
        while True:
            # vpcd sends length and content apart; without a quick acknowledgement each APDU takes 44 ms. The mark
            # does not last, so it is set on every turn.
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            message = _receive(line, int.from_bytes(_receive(line, 2), "big"))
            if len(message) > 1:
                answer = card.answer(message)
                delay_s = self._reply_delay_s + self._byte_time_s * (len(message) + len(answer))
                if delay_s and self._stopped.wait(delay_s):
                    return
            elif message == GET_ATR:
                answer = card.atr
            else:
                card.reset()
                powered = message == POWER_ON
                continue
            line.sendall(len(answer).to_bytes(2, "big") + answer)
            if powered and not self._powered:
                with self._changed:
                    self._powered = True
                    self._changed.notify_all()


def _receive(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = line.recv(min(size - len(data), MAX_MESSAGE_BYTES))
        if not piece:
            raise ConnectionError("pcscd closed the connection")
        data += piece
    return data
