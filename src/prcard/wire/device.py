"""The reader's side of the line: requests in, replies out. No I/O: bytes in, bytes and events out.

session.receive_data(line.read(), now)
while (event := session.next_event(now)) is not None:
    line.write(session.send(status, data))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from prcard.errors import LocalWireError
from prcard.wire.codes import Command, Status
from prcard.wire.frame import MAX_REQUEST_LENGTH, MIN_REQUEST_LENGTH, Frame
from prcard.wire.scanner import FRAME_SILENCE_S, BadFrame, Defect, FrameScanner

__all__ = ["BadRequest", "DeviceSession", "Request"]

_STATUS_OF_DEFECT: Final = {
    Defect.CHECK: Status.BAD_CHECK,
    Defect.LENGTH: Status.BAD_LENGTH,
    Defect.TIMEOUT: Status.BAD_LENGTH,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One good request.

    Attributes:
        command: What is asked for.
        data: Bytes behind PARA; as many as the command takes.
    """

    command: Command
    data: bytes

    @property
    def command_bytes(self) -> bytes:
        """CMD and PARA."""
        value: bytes = self.command.value
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRequest:
    """A request that a reader refuses before it looks at the card.

    Attributes:
        status: What to answer: `BAD_CHECK` (10), `BAD_LENGTH` (11) or `BAD_COMMAND` (21).
        detail: What was wrong, for people.
        command_bytes: CMD and PARA of an intact frame, else b"".
    """

    status: Status
    detail: str
    command_bytes: bytes = b""


class DeviceSession:
    """The reader's side of one line; the caller owns line, clock and card.

    Several requests in one piece are given one after the other. A request that is never answered is forgotten
    when the next one is taken, as with a reader that stays silent.

    Args:
        deadline_s: Longest silence inside a request in seconds.
    """

    def __init__(self, *, deadline_s: float = FRAME_SILENCE_S) -> None:
        self._scanner = FrameScanner(
            min_length=MIN_REQUEST_LENGTH, max_length=MAX_REQUEST_LENGTH, deadline_s=deadline_s
        )
        self._open: Request | BadRequest | None = None

    def deadline(self) -> float | None:
        """When to call `next_event` again even if nothing arrives; None when no request has begun."""
        return self._scanner.deadline()

    def receive_data(self, data: bytes, now: float) -> None:
        """Takes what has arrived.

        Args:
            data: Any bytes, however they were split.
            now: Present moment in seconds of the caller's clock.

        Raises:
            LocalWireError: too many bytes wait; call `next_event` until it returns None first.
        """
        self._scanner.receive_data(data, now)

    def next_event(self, now: float) -> Request | BadRequest | None:
        """Gives the next request, good or bad; None means that more bytes are needed.

        Args:
            now: Present moment in seconds of the caller's clock.
        """
        found = self._scanner.next_frame(now)
        if isinstance(found, Frame):
            self._open = _judge(found)
        elif isinstance(found, BadFrame):
            self._open = BadRequest(status=_STATUS_OF_DEFECT[found.defect], detail=found.detail)
        else:
            return None
        return self._open

    def send(self, status: int, data: bytes = b"", *, sw: tuple[int, int] = (0, 0)) -> bytes:
        """Builds the reply to the event that `next_event` gave last.

        Args:
            status: SW3, known or not.
            data: Bytes behind SW3.
            sw: SW1 and SW2, what the card answered; zeros when nothing came from it.

        Returns:
            The bytes to write to the line.

        Raises:
            LocalWireError: no request is open, a status word is no byte, or the table allows no reply of this
                status and length: host programs with fixed buffers would overflow.
        """
        self._check_reply(Status.of(status), len(data))
        reply = Frame.reply(status, data, sw1=sw[0], sw2=sw[1])
        self._open = None
        return reply.serialize()

    def _check_reply(self, status: Status, length_bytes: int) -> None:
        if self._open is None:
            raise LocalWireError("send: expected a request to answer, found none; call next_event first")
        if isinstance(self._open, BadRequest):
            if length_bytes:
                raise LocalWireError(f"reply to a bad request: expected no data, found {length_bytes} bytes")
        elif not self._open.command.may_answer(status, length_bytes):
            command = self._open.command
            raise LocalWireError(
                f"reply to {command.name}: expected status {command.success.value:02X} with one of "
                f"{command.reply_lengths} data bytes or a refusal without data, "
                f"found status {status.value:02X} with {length_bytes} bytes"
            )


def _judge(frame: Frame) -> Request | BadRequest:
    """Judges an intact frame: known command, as much data as it takes, in range."""
    code, data = frame.command_bytes, frame.request_data
    command = Command.of(code)
    if command is None:
        return BadRequest(status=Status.BAD_COMMAND, detail=f"no command {code.hex().upper()}", command_bytes=code)
    if len(data) != command.request_length_bytes:
        detail = f"{command.name} takes {command.request_length_bytes} data bytes, not {len(data)}"
        return BadRequest(status=Status.BAD_LENGTH, detail=detail, command_bytes=code)
    if command.argument is not None and data[0] not in command.argument:
        detail = f"{command.name} takes no data byte {data[0]}"
        return BadRequest(status=Status.BAD_COMMAND, detail=detail, command_bytes=code)
    return Request(command=command, data=data)
