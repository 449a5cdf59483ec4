"""The host's side of the line: one request, then its reply. No I/O: bytes in, bytes and events out.

line.write(session.send(Command.FIND_CARD))
session.receive_data(line.read(), now)
event = session.next_event(now)      # Reply, Fault, or None: more bytes are needed
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from typing import TYPE_CHECKING, Final

from prcard.errors import LocalWireError
from prcard.wire.codes import Status
from prcard.wire.frame import MAX_REPLY_LENGTH, MIN_REPLY_LENGTH, Frame
from prcard.wire.scanner import FRAME_SILENCE_S, BadFrame, Defect, FrameScanner

if TYPE_CHECKING:
    from prcard.wire.codes import Command

__all__ = ["MAX_NOISE_BYTES", "Fault", "FaultKind", "HostSession", "Reply"]

MAX_NOISE_BYTES: Final = 4096
"""Bytes of noise after a request at which it is a fault: more than any reply has."""


@unique
class FaultKind(Enum):
    """What is wrong with what came back."""

    CHECK = "check"
    LENGTH = "length"
    TIMEOUT = "timeout"
    UNEXPECTED = "unexpected"
    LATE = "late"
    NOISE = "noise"


_KIND_OF_DEFECT: Final = {
    Defect.CHECK: FaultKind.CHECK,
    Defect.LENGTH: FaultKind.LENGTH,
    Defect.TIMEOUT: FaultKind.TIMEOUT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to one request.

    Attributes:
        command: What was asked.
        status: SW3; one outside the table keeps its number.
        sw1: First status byte of the card, 0 when nothing came from it.
        sw2: Second status byte of the card.
        data: What stands behind SW3; its length is one that the command allows, its content is not checked.
    """

    command: Command
    status: Status
    sw1: int
    sw2: int
    data: bytes

    @property
    def status_byte(self) -> int:
        """SW3 as a number."""
        return self.status.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that cannot be the answer to the request.

    Attributes:
        kind: Stable code.
        detail: What was wrong, one sentence for people; holds no data of the card.
    """

    kind: FaultKind
    detail: str

    def __str__(self) -> str:
        return self.detail


class HostSession:
    """The host's side of one line; the caller owns line and clock.

    After a `Fault` the request is still pending: the true reply may follow. `abandon` gives it up.

    Args:
        deadline_s: Longest silence inside a reply in seconds.
    """

    def __init__(self, *, deadline_s: float = FRAME_SILENCE_S) -> None:
        self._scanner = FrameScanner(min_length=MIN_REPLY_LENGTH, max_length=MAX_REPLY_LENGTH, deadline_s=deadline_s)
        self._pending: Command | None = None
        self._abandoned: set[Command] = set()
        self._received_bytes = 0
        self._noise_mark = 0

    @property
    def pending(self) -> Command | None:
        """The command whose reply is awaited."""
        return self._pending

    def deadline(self) -> float | None:
        """When to call `next_event` again even if nothing arrives; None when no reply has begun."""
        return self._scanner.deadline()

    def send(self, command: Command, data: bytes = b"") -> bytes:
        """Builds a request; whatever arrived before is dropped, since it cannot be the answer.

        Args:
            command: What to ask for.
            data: One byte for `SET_MAX_RF_BYTES`, else b"".

        Returns:
            The bytes to write to the line.

        Raises:
            LocalWireError: a reply is awaited still, or `data` is not what the command takes.
        """
        if self._pending is not None:
            raise LocalWireError(
                f"send {command.name}: expected no request under way, found {self._pending.name}; "
                "await its reply or abandon it"
            )
        request = Frame.request(command, data).serialize()
        self._scanner.clear()
        self._pending = command
        self._received_bytes = 0
        self._noise_mark = self._scanner.noise_bytes
        return request

    def abandon(self) -> Fault | None:
        """Gives up the pending request after a time-out or a fault; its reply is not taken if it still comes.

        Returns:
            What arrived without being a reply, for the message to a person; None when the line was silent.
        """
        if self._pending is None:
            return None
        self._abandoned.add(self._pending)
        received, self._received_bytes = self._received_bytes, 0
        if self._scanner.deadline() is None:
            fault = self._fault(FaultKind.NOISE, f"expected a reply, found {received} bytes that are none")
        else:
            detail = f"it began and did not end in time, {received} bytes came: the line is slow or loses bytes"
            fault = self._fault(FaultKind.TIMEOUT, detail)
        self._scanner.clear()
        self._pending = None
        return fault if received else None

    def receive_data(self, data: bytes, now: float) -> None:
        """Takes what has arrived; bytes that come while nothing is asked are dropped.

        Args:
            data: Any bytes, however they were split.
            now: Present moment in seconds of the caller's clock.

        Raises:
            LocalWireError: too many bytes wait; call `next_event` until it returns None first.
        """
        if self._pending is not None:
            self._scanner.receive_data(data, now)
            self._received_bytes += len(data)

    def next_event(self, now: float) -> Reply | Fault | None:
        """Gives the reply or what is wrong with it; None means that more bytes are needed.

        Args:
            now: Present moment in seconds of the caller's clock.
        """
        if self._pending is None:
            return None
        found = self._scanner.next_frame(now)
        if isinstance(found, Frame):
            return self._judge(found, self._pending)
        if isinstance(found, BadFrame):
            return self._fault(_KIND_OF_DEFECT[found.defect], found.detail)
        noise = self._scanner.noise_bytes - self._noise_mark
        if noise > MAX_NOISE_BYTES:
            self._noise_mark += noise
            return self._fault(FaultKind.NOISE, f"expected a reply, found {noise} bytes of noise")
        return None

    def _judge(self, frame: Frame, command: Command) -> Reply | Fault:
        status, data = Status.of(frame.sw3), frame.reply_data
        self._received_bytes = 0
        if self._comes_late(command, status, len(data)):
            return self._fault(FaultKind.LATE, f"found the late reply ({status.value:02X}) to an earlier request")
        if not command.may_answer(status, len(data)):
            return self._fault(
                FaultKind.UNEXPECTED,
                f"status {status.value:02X} with {len(data)} data bytes is no answer to it",
            )
        self._pending = None
        # Replies come in the order of the requests: what was abandoned earlier will not come any more.
        self._abandoned.clear()
        return Reply(command=command, status=status, sw1=frame.sw1, sw2=frame.sw2, data=data)

    def _comes_late(self, command: Command, status: Status, length_bytes: int) -> bool:
        """Tells whether a frame fits an abandoned command better than the pending one.

        A reply does not say what it answers. Two commands with the same reply, such as `RESET_SAM` and
        `SAM_STATUS`, cannot be told apart; the caller lets the line fall silent before the next request.
        """

        def fits(asked: Command) -> bool:
            return asked.may_answer(status, length_bytes) and status in (asked.success, *asked.refusals)

        return not fits(command) and any(fits(earlier) for earlier in self._abandoned)

    def _fault(self, kind: FaultKind, what: str) -> Fault:
        asked = self._pending.name if self._pending else "nothing"
        return Fault(kind=kind, detail=f"reply to {asked}: {what}")
