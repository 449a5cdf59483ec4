"""A virtual reader: the device side of SAM_V with one card slot, shared by any number of lines.

What it answers, and in which state, stands in `prcard.wire.states`; what a reply may hold, in `prcard.wire.codes`. Here
are only the card and the bytes of its zones.

Fidelity: byte-exact replies with zero IIN and SN; a find fails after a good read until the card is lifted; never a
reply longer than the protocol's table, since host programs with fixed buffers overflow.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from prcard.errors import FieldProblem, LocalWireError, RecordError
from prcard.record.raw import EXTRA_BYTES, EXTRA_MAX_COUNT, SIMULATED_SAM_PREFIX
from prcard.wire.codes import Command, ReadZones, Status, join_read_reply
from prcard.wire.device import BadRequest, DeviceSession
from prcard.wire.states import Event, State, step

if TYPE_CHECKING:
    from collections.abc import Callable

    from prcard.record.raw import RawCard
    from prcard.wire.device import Request

__all__ = ["DEFAULT_SAM_ID", "Line", "VirtualReader"]

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


class VirtualReader:
    """One reader with one card slot; every method may be called from any thread.

    Args:
        read_once: True refuses to find a card again until it was lifted, as real readers do.
        sam_id: 16 bytes; keep the first four, by which everyone recognises a simulated reader.

    Attributes:
        baud: Speed that the host has set, in baud.
    """

    def __init__(self, *, read_once: bool = True, sam_id: bytes = DEFAULT_SAM_ID) -> None:
        self.baud = 115200
        self._read_once = read_once
        self._sam_id = sam_id
        self._lock = threading.Lock()
        self._card: RawCard | None = None
        self._name = ""
        self._state = State.EMPTY
        self._listeners: list[Callable[[RawCard | None], None]] = []

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
            listener(self._card)

    def status(self) -> dict[str, Any]:
        """What lies on the reader and how far it was read, JSON-ready."""
        with self._lock:
            return {"card": (self._name or "unnamed") if self._card else None, "state": self._state.name}

    def line(self) -> Line:
        """Opens one more line to this reader."""
        return Line(self)

    def answer(self, request: Request) -> tuple[Status, bytes]:
        """Carries out one request and gives status and data of the reply."""
        with self._lock:
            follows = step(self._state, request.command, read_once=self._read_once)
            if follows.status is not request.command.success:
                self._state = follows.next
                return follows.status or Status.UNKNOWN_ERROR, b""
            status, data = self._content(request.command)
            self._state = follows.next
            return status, data

    def _content(self, command: Command) -> tuple[Status, bytes]:
        card = self._card
        if command in _SPEEDS:
            self.baud = _SPEEDS[command]
        elif command is Command.SAM_ID:
            return command.success, self._sam_id
        elif command is Command.FIND_CARD:
            return command.success, bytes(4)
        elif command is Command.SELECT_CARD:
            return command.success, bytes(8)
        elif card is not None and command in {Command.READ_TEXT_PHOTO, Command.READ_TEXT_PHOTO_FINGERPRINT}:
            return command.success, join_read_reply(ReadZones(card.text, card.photo, card.fingerprint), command)
        elif card is not None and command is Command.READ_EXTRA:
            return (command.success, b"".join(card.extra)) if card.extra else (Status.NO_CONTENT, b"")
        elif card is not None and command is Command.READ_MANAGEMENT:
            numbers = card.management
            return command.success, numbers.iin + numbers.sn + numbers.dn if numbers else _NO_NUMBERS
        return command.success, b""


class Line:
    """One host's line to a virtual reader; used by one thread at a time."""

    def __init__(self, reader: VirtualReader) -> None:
        """Opens a line; hosts on other lines see the same card."""
        self._reader = reader
        self._session = DeviceSession()

    def receive(self, data: bytes, now: float) -> bytes:
        """Takes what a host sent and gives all replies that are due.

        Args:
            data: Any bytes; b"" only lets time pass.
            now: Present moment in seconds of the caller's clock.

        Returns:
            The replies in order; b"" when there is nothing to say.
        """
        self._session.receive_data(data, now)
        replies = []
        while (event := self._session.next_event(now)) is not None:
            status, content = (event.status, b"") if isinstance(event, BadRequest) else self._reader.answer(event)
            replies.append(self._session.send(status, content))
        return b"".join(replies)

    def deadline(self) -> float | None:
        """When to call `receive` again even if nothing arrives; None when no request has begun."""
        return self._session.deadline()


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
