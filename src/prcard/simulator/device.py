"""A virtual reader: the device side of SAM_V with one card slot, shared by any number of lines.

What it answers, and in which state, stands in `prcard.wire.states`; what a reply may hold, in `prcard.wire.codes`. Here
are only the card and the bytes of its zones.

Fidelity: byte-exact replies with zero IIN and SN; a find fails after a good read until the card is lifted; never a
reply longer than the protocol's table, since host programs with fixed buffers overflow.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prcard.errors import FieldProblem, LocalWireError, ReaderError, ReaderFault, RecordError
from prcard.record.raw import EXTRA_BYTES, EXTRA_MAX_COUNT, SIMULATED_SAM_PREFIX
from prcard.simulator.faults import FaultKind, Faults, answer_instead, damage_frame
from prcard.simulator.fidelity import FIDELITIES, Fidelity
from prcard.simulator.outbox import Piece
from prcard.wire.codes import Command, ReadZones, Status, join_read_reply
from prcard.wire.device import BadRequest, DeviceSession
from prcard.wire.frame import Frame
from prcard.wire.states import Event, State, step

if TYPE_CHECKING:
    from collections.abc import Callable

    from prcard.record.raw import RawCard
    from prcard.simulator.faults import Fault, Struck
    from prcard.wire.device import Request

__all__ = ["DEFAULT_SAM_ID", "JOURNAL_ENTRIES", "Heard", "Line", "VirtualReader"]

DEFAULT_SAM_ID: Final = SIMULATED_SAM_PREFIX + b"".join(part.to_bytes(4, "little") for part in (20000101, 0, 0))
"""Printed `99.99-20000101-0000000000-0000000000`: no maker's, and checked by every profile."""

_SPEEDS: Final = {
    Command.SET_BAUD_115200: 115200,
    Command.SET_BAUD_57600: 57600,
    Command.SET_BAUD_38400: 38400,
    Command.SET_BAUD_19200: 19200,
    Command.SET_BAUD_9600: 9600,
}
_NO_NUMBERS: Final = bytes(28)
_FILLED_IIN: Final = bytes.fromhex("00910200")
_FILLED_SN: Final = b"SPECIMEN"
"""What a reader with filled numbers shows for a card that has none of its own."""

DEFAULT_BAUD: Final = 115200
JOURNAL_ENTRIES: Final = 1024
"""Requests that the journal of a virtual reader holds; older ones are dropped."""


class Heard(NamedTuple):
    """One request that the reader took.

    Attributes:
        number: Counted from 1 over all lines.
        at: Moment in seconds of the reader's clock.
        command: What was asked; None for a request that was refused.
        status: SW3 of the answer, as it would be without faults that damage the frame.
    """

    number: int
    at: float
    command: Command | None
    status: int


class VirtualReader:
    """One reader with one card slot; every method may be called from any thread.

    Args:
        read_once: True refuses to find a card again until it was lifted, as real readers do.
        sam_id: 16 bytes; keep the first four, by which everyone recognises a simulated reader.
        fidelity: The kind of reader to be; None is the default one with `read_once`.
        seed: Decides what the faults do by chance.
        clock: Gives the moment in seconds; for tests that drive the time themselves.

    Attributes:
        baud: Speed that the host has set, in baud.
        pace_baud: Speed at which replies are written; None as fast as possible, 0 at `baud`.
        strict_speed: True loses what a host sends at another speed than `baud`, where a face knows the host's speed.
        fidelity: The kind of reader it is.
        faults: What goes wrong.
        clock: Gives the moment in seconds.
    """

    def __init__(
        self,
        *,
        read_once: bool = True,
        sam_id: bytes = DEFAULT_SAM_ID,
        fidelity: Fidelity | None = None,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.baud = DEFAULT_BAUD
        self.strict_speed = False
        self.fidelity = fidelity or replace(FIDELITIES[0], read_once=read_once)
        self.pace_baud: int | None = 0 if self.fidelity.real_time else None
        self.faults = Faults(seed)
        self.clock = clock
        self._deaf = False
        self._sam_id = sam_id
        self._lock = threading.Lock()
        self._heard = threading.Condition(self._lock)
        self._journal: deque[Heard] = deque(maxlen=JOURNAL_ENTRIES)
        self._requests = 0
        self._card: RawCard | None = None
        self._name = ""
        self._state = State.EMPTY
        self._plugged = True
        self._back_at: float | None = None
        self._epoch = 0
        self._watchers: list[Callable[[], None]] = []
        self._listeners: list[Callable[[RawCard | None], None]] = []

    @property
    def card(self) -> RawCard | None:
        """The card that lies on the reader."""
        return self._card

    def insert(self, card: RawCard, name: str = "") -> None:
        """Lays a card down; one that lies there already is lifted first.

        Args:
            card: Zones of the lengths that the protocol carries.
            name: What `status` tells.

        Raises:
            RecordError: a zone has a length that no reply can carry.
        """
        _check_zones(card)
        with self._lock:
            self._card, self._name = card, name
            self._state = step(State.EMPTY, Event.CARD_INSERTED).next
            self._tell()

    def remove(self) -> None:
        """Lifts the card; without one nothing happens."""
        with self._lock:
            self._card, self._name = None, ""
            self._state = step(self._state, Event.CARD_REMOVED).next
            self._tell()

    def subscribe(self, listener: Callable[[RawCard | None], None]) -> Callable[[], None]:
        """Calls `listener` at once and at every change with the card that lies there, or None.

        Args:
            listener: Must return at once and not call this object: the reader waits for it.

        Returns:
            What ends the subscription; a second call does nothing.
        """

        def end() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        with self._lock:
            self._listeners.append(listener)
            listener(self._card)
        return end

    def _tell(self) -> None:
        for listener in self._listeners:
            listener(self._card if self._plugged else None)

    def status(self) -> dict[str, Any]:
        """What lies on the reader and how far it was read, JSON-ready."""
        with self._lock:
            return {"card": (self._name or "unnamed") if self._card else None, "state": self._state.name}

    def inject(self, *faults: Fault) -> None:
        """Arms faults behind those that are armed already."""
        for fault in faults:
            if fault.kind is FaultKind.BAUD_MISMATCH:
                self.baud, self._deaf = fault.get("baud"), True
        self.faults.arm(*faults)

    def clear_faults(self) -> None:
        """Disarms all faults; a line whose speed was wrong is at 115200 baud again."""
        self.faults.clear()
        if self._deaf:
            self.baud, self._deaf = DEFAULT_BAUD, False

    def hears(self, host_baud: int | None) -> bool:
        """Tells whether the reader understands a host.

        Args:
            host_baud: Speed of the host's side; None where the line has none, which counts as 115200 when the fault
                `baud-mismatch` is armed.
        """
        if self._deaf:
            return (host_baud or DEFAULT_BAUD) == self.baud
        return not self.strict_speed or host_baud is None or host_baud == self.baud

    def unplug(self, seconds: float | None = None) -> None:
        """Pulls the reader off its host: every open line is lost.

        Args:
            seconds: It is plugged in again after so long; None waits for `plug`.
        """
        with self._lock:
            self._plugged = False
            self._epoch += 1
            self._back_at = None if seconds is None else self.clock() + seconds
            self._tell()
        self._wake()

    def plug(self) -> None:
        """Plugs the reader in again: lines may be opened, at the first speed, and the card must be found anew."""
        with self._lock:
            self._plug()
        self._wake()

    @property
    def plugged(self) -> bool:
        """Whether a host can reach the reader now."""
        with self._lock:
            if not self._plugged and self._back_at is not None and self.clock() >= self._back_at:
                self._plug()
            return self._plugged

    @property
    def back_at(self) -> float | None:
        """Moment at which an unplugged reader comes back by itself; None when it does not."""
        return None if self._plugged else self._back_at

    @property
    def epoch(self) -> int:
        """How often it was unplugged; a line of an earlier epoch is lost."""
        return self._epoch

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls `callback` after the reader was unplugged or plugged in, from whatever thread did it.

        Returns:
            What ends it.
        """
        self._watchers.append(callback)
        return lambda: self._watchers.remove(callback)

    @property
    def requests(self) -> int:
        """Requests that were taken so far, over all lines."""
        return self._requests

    def journal(self, after: int = 0) -> list[Heard]:
        """Gives the requests that were taken after the one with that number, as far as they are kept."""
        with self._lock:
            return [heard for heard in self._journal if heard.number > after]

    def wait_for(self, command: Command, timeout_s: float, after: int = 0) -> Heard | None:
        """Waits until a host has asked for `command`.

        Args:
            command: What to wait for.
            timeout_s: Longest wait in real seconds.
            after: Requests up to this number do not count.

        Returns:
            The request; None when it did not come in time.
        """
        deadline = time.monotonic() + timeout_s
        with self._heard:
            while True:
                for heard in self._journal:
                    if heard.number > after and heard.command is command:
                        return heard
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._heard.wait(left)

    def line(self) -> Line:
        """Opens one more line to this reader.

        Raises:
            ReaderError: `NOT_FOUND` while the reader is unplugged.
        """
        if not self.plugged:
            raise ReaderError(ReaderFault.NOT_FOUND, "The virtual reader is unplugged.", "Plug it in again.")
        return Line(self)

    def answer(self, request: Request) -> tuple[Status, bytes]:
        """Carries out one request and gives status and data of the reply."""
        with self._lock:
            follows = step(self._state, request.command, read_once=self.fidelity.read_once)
            if follows.status is not request.command.success:
                self._state = follows.next
                return follows.status or Status.UNKNOWN_ERROR, b""
            status, data = self._content(request.command)
            self._state = follows.next
            return status, data

    def set_read_once(self, read_once: bool) -> None:
        """Chooses whether a card that was read is found again before it was lifted."""
        self.fidelity = replace(self.fidelity, read_once=read_once)

    def set_speed(self, speed: str) -> None:
        """Changes how fast the reader answers.

        Args:
            speed: `fast` as fast as possible, `real` with the time of radio side and line, or a line speed in baud.

        Raises:
            RecordError: it is none of these.
        """
        if speed in {"fast", "real"}:
            real = speed == "real"
            self.fidelity = replace(self.fidelity, real_time=real)
            self.pace_baud = 0 if real else None
        elif speed.isascii() and speed.isdigit() and 300 <= int(speed[:8]) <= 4_000_000:
            self.pace_baud = int(speed)
        else:
            raise RecordError(
                FieldProblem("speed", None, "fast, real or 300 to 4000000 baud", repr(speed[:40])),
                advice="Choose one of these.",
            )

    def note(self, command: Command | None, status: int) -> None:
        """Writes a request into the journal and wakes who waits for it."""
        with self._heard:
            self._requests += 1
            self._journal.append(Heard(self._requests, self.clock(), command, status))
            self._heard.notify_all()

    def byte_time_s(self) -> float:
        """Seconds that one byte takes on the line now; 0 when replies are written as fast as possible."""
        return 0.0 if self.pace_baud is None else 10 / (self.pace_baud or self.baud)

    def _plug(self) -> None:
        if self._plugged:
            return
        self._plugged, self._back_at = True, None
        if not self._deaf:
            self.baud = DEFAULT_BAUD
        if self._card is not None:
            self._state = step(State.EMPTY, Event.CARD_INSERTED).next
        self._tell()

    def _wake(self) -> None:
        for watcher in list(self._watchers):
            watcher()

    def _content(self, command: Command) -> tuple[Status, bytes]:
        card = self._card
        if command in _SPEEDS:
            self.baud = _SPEEDS[command]
        elif command is Command.SAM_ID:
            return command.success, self._sam_id
        elif command is Command.FIND_CARD:
            return command.success, self._numbers()[:4]
        elif command is Command.SELECT_CARD:
            return command.success, self._numbers()[4:]
        elif card is not None and command in {Command.READ_TEXT_PHOTO, Command.READ_TEXT_PHOTO_FINGERPRINT}:
            return command.success, join_read_reply(ReadZones(card.text, card.photo, card.fingerprint), command)
        elif card is not None and command is Command.READ_EXTRA:
            return (command.success, b"".join(card.extra)) if card.extra else (Status.NO_CONTENT, b"")
        elif card is not None and command is Command.READ_MANAGEMENT:
            numbers = card.management
            return command.success, numbers.iin + numbers.sn + numbers.dn if numbers else _NO_NUMBERS
        return command.success, b""

    def _numbers(self) -> bytes:
        """IIN and SN as the replies to find and select carry them: zeros unless the profile fills them."""
        numbers = self._card.management if self._card else None
        if not self.fidelity.filled_numbers:
            return bytes(12)
        return numbers.iin + numbers.sn if numbers else _FILLED_IIN + _FILLED_SN


class Line:
    """One host's line to a virtual reader; used by one thread at a time."""

    def __init__(self, reader: VirtualReader) -> None:
        """Opens a line; hosts on other lines see the same card."""
        self.reader = reader
        self._session = DeviceSession()
        self._epoch = reader.epoch
        self._previous = b""

    @property
    def lost(self) -> bool:
        """Whether the reader was unplugged since the line was opened."""
        return self._epoch != self.reader.epoch

    def receive(self, data: bytes, now: float) -> bytes:
        """Takes what a host sent and gives all replies that are due, without any pause between their pieces.

        Args:
            data: Any bytes; b"" only lets time pass.
            now: Present moment in seconds of the caller's clock.

        Returns:
            The replies in order; b"" when there is nothing to say.
        """
        return b"".join(piece.data for piece in self.transfer(data, now))

    def transfer(self, data: bytes, now: float) -> list[Piece]:
        """Takes what a host sent and gives the pieces of all replies, each with the silence before it.

        Args:
            data: Any bytes; b"" only lets time pass.
            now: Present moment in seconds of the caller's clock.
        """
        self._session.receive_data(self.reader.faults.damage_request(data), now)
        pieces: list[Piece] = []
        while (event := self._session.next_event(now)) is not None:
            pieces += self._answer(event)
        return pieces

    def deadline(self) -> float | None:
        """When to call `receive` again even if nothing arrives; None when no request has begun."""
        return self._session.deadline()

    def _answer(self, event: Request | BadRequest) -> list[Piece]:
        reader = self.reader
        command = None if isinstance(event, BadRequest) else event.command
        # Before the answer: a change of speed is answered at the old one.
        byte_time_s = reader.byte_time_s()
        struck = reader.faults.strike(command)
        frame = self._frame(event, struck)
        reader.note(command, frame[9])
        pieces = damage_frame(frame, struck, self._previous, reader) if struck else [Piece(frame)]
        self._previous = frame
        wait_s = reader.fidelity.rf_s(command)
        if pieces and wait_s:
            pieces[0] = pieces[0]._replace(wait_s=pieces[0].wait_s + wait_s)
        return [part._replace(byte_time_s=byte_time_s) for piece in pieces for part in self._parts(piece)]

    def _frame(self, event: Request | BadRequest, struck: list[Struck]) -> bytes:
        instead = answer_instead(struck, self.reader) if struck else None
        if instead is not None:
            sw1, sw2, sw3, content = instead
            return Frame.reply(sw3, content, sw1=sw1, sw2=sw2).serialize()
        status, data = (event.status, b"") if isinstance(event, BadRequest) else self.reader.answer(event)
        return self._session.send(status, data)

    def _parts(self, piece: Piece) -> list[Piece]:
        """Cuts a piece at the split points of the fidelity profile."""
        size, data = self.reader.fidelity.split_bytes, piece.data
        if not size or len(data) <= size:
            return [piece]
        cut = [piece._replace(data=data[:size], then=None)]
        cut += [Piece(data[at : at + size], self.reader.fidelity.split_pause_s) for at in range(size, len(data), size)]
        return [*cut[:-1], cut[-1]._replace(then=piece.then)]


def _check_zones(card: RawCard) -> None:
    try:
        join_read_reply(ReadZones(card.text, card.photo, card.fingerprint), Command.READ_TEXT_PHOTO_FINGERPRINT)
    except LocalWireError as error:
        raise _bad_card("card", "zones of 256, 1024 and 0, 512 or 1024 bytes", str(error)) from error
    if len(card.extra) > EXTRA_MAX_COUNT or any(len(entry) != EXTRA_BYTES for entry in card.extra):
        raise _bad_card(
            "extra",
            f"at most {EXTRA_MAX_COUNT} additional addresses of {EXTRA_BYTES} bytes",
            f"{len(card.extra)} of {sorted({len(entry) for entry in card.extra})} bytes",
        )
    numbers = card.management
    if numbers is not None and (len(numbers.iin), len(numbers.sn), len(numbers.dn)) != (4, 8, 16):
        raise _bad_card("management", "IIN, SN and DN of 4, 8 and 16 bytes", "other lengths")


def _bad_card(field: str, expected: str, found: str) -> RecordError:
    return RecordError(FieldProblem(field, None, expected, found), advice="Lay down a card with whole zones.")
