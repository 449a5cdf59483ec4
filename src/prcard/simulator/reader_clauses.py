"""What a reader must do, clause by clause, and the host that finds out on any channel."""

from __future__ import annotations

import time
from functools import reduce
from operator import xor
from typing import TYPE_CHECKING, Final, Protocol

from prcard.errors import ReaderError, RemoteWireError
from prcard.simulator.conformance import Clause, ClauseFailed, ClauseNotRun, Exchange, Outcome, Report, Result
from prcard.wire.codes import Command, Status
from prcard.wire.frame import HEADER_BYTES, MAX_REPLY_LENGTH, PREAMBLE, Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from prcard.reader.channel import Channel

__all__ = ["READER_CLAUSES", "Operator", "Probe", "judge_reader"]

QUIET_S: Final = 0.15
"""Silence after which nothing more is expected, in seconds: 1,700 byte times at 115200 baud."""

LATE_S: Final = 5.0
"""Longest wait for any reply; what comes later than the table says fails its own clause only."""

_DOCUMENT: Final = "SAM_V interface document"
_HOSTS: Final = "public host programs"


class Operator(Protocol):
    """Who lays cards down and lifts them; raises `ClauseNotRun` when nobody does."""

    def lay(self) -> None:
        """Lays a card down that was not there before."""

    def lift(self) -> None:
        """Lifts what lies there."""


class Probe:
    """A host that sends what a clause wants and writes down all that passes.

    Args:
        channel: The line to the reader; the caller closes it.
        operator: Who lays cards down.
    """

    def __init__(self, channel: Channel, operator: Operator) -> None:
        self.operator = operator
        self._channel = channel
        self.begin()

    def begin(self) -> None:
        """Starts a clause anew: nothing waits, nothing is written down yet."""
        self._start = time.monotonic()
        self._arrived = b""
        self.exchange: list[Exchange] = []
        while self._channel.read(0.02):
            pass
        self.exchange.clear()

    def write(self, data: bytes) -> None:
        """Sends any bytes."""
        self._note(">", data)
        self._channel.write(data)

    def receive(self) -> bytes:
        """Gives what comes until a frame is whole, or until the line falls silent."""
        end = time.monotonic() + LATE_S
        data, self._arrived = self._arrived, b""
        while not _whole(data):
            wait_s = min(end - time.monotonic(), QUIET_S * 3 if data else LATE_S)
            piece = self._channel.read(wait_s) if wait_s > 0 else b""
            if not piece:
                return data
            self._note("<", piece)
            data += piece
        size = HEADER_BYTES + int.from_bytes(data[5:7], "big")
        data, self._arrived = data[:size], data[size:]
        return data

    def rest(self, wait_s: float = QUIET_S) -> bytes:
        """Gives whatever else comes before the line is silent so long."""
        data, self._arrived = self._arrived, b""
        while piece := self._channel.read(wait_s):
            self._note("<", piece)
            data += piece
        return data

    def reply(self) -> Frame:
        """Gives the next reply, intact.

        Raises:
            ClauseFailed: none or a damaged one came.
        """
        data = self.receive()
        if not data:
            raise ClauseFailed("expected a reply, found silence")
        try:
            return Frame.parse(data)
        except RemoteWireError as error:
            raise ClauseFailed(f"expected an intact reply: {error}") from error

    def ask(self, command: Command, data: bytes = b"") -> Frame:
        """Sends a request and gives its reply."""
        self.write(Frame.request(command, data).serialize())
        return self.reply()

    def expect(self, command: Command, status: int, *lengths: int, data: bytes = b"") -> Frame:
        """Sends a request and refuses any reply but one of this status and one of these data lengths (0)."""
        reply = self.ask(command, data)
        judge(reply, command.name, status, *lengths)
        return reply

    def select(self) -> None:
        """Lays a card down, finds and selects it."""
        self.operator.lift()
        self.operator.lay()
        self.expect(Command.FIND_CARD, Status.CARD_FOUND, 4)
        self.expect(Command.SELECT_CARD, Status.DONE, 8)

    def _note(self, sign: str, data: bytes) -> None:
        self.exchange.append(Exchange(sign, int((time.monotonic() - self._start) * 1000), data))


def _whole(data: bytes) -> bool:
    if not data.startswith(PREAMBLE) or len(data) < HEADER_BYTES:
        return False
    length = int.from_bytes(data[5:7], "big")
    return length <= MAX_REPLY_LENGTH + 1024 and len(data) >= HEADER_BYTES + length


def judge(reply: Frame, what: str, status: int, *lengths: int) -> None:
    """Refuses a reply of another status or length.

    Raises:
        ClauseFailed: it is another one.
    """
    found, size = reply.body[2] if len(reply.body) > 2 else -1, len(reply.reply_data)
    if found != status or size not in (lengths or (0,)):
        wanted = " or ".join(str(length) for length in (lengths or (0,)))
        raise ClauseFailed(
            f"reply to {what}: expected status {status:02X} with {wanted} data bytes, found {found:02X} with {size}"
        )


def judge_reader(
    channel: Channel,
    operator: Operator,
    target: str,
    only: Collection[str] = (),
    progress: Callable[[Result], None] | None = None,
) -> Report:
    """Tries every clause on a reader.

    Args:
        channel: The line to it; the caller closes it.
        operator: Who lays cards down.
        target: What to call it.
        only: Ids of the clauses to try; empty for all.
        progress: Told each result.
    """
    probe = Probe(channel, operator)
    results = []
    for clause in READER_CLAUSES:
        if only and clause.id not in only:
            continue
        outcome, detail = Outcome.PASSED, ""
        try:
            probe.begin()
            clause.check(probe)
        except ClauseFailed as failure:
            outcome, detail = Outcome.FAILED, str(failure)
        except ClauseNotRun as missing:
            outcome, detail = Outcome.NOT_RUN, str(missing)
        except ReaderError as error:
            outcome, detail = Outcome.FAILED, f"the reader was lost: {error}"
        results.append(Result(clause=clause, outcome=outcome, detail=detail, exchange=tuple(probe.exchange)))
        if progress is not None:
            progress(results[-1])
    return Report(role="reader", target=target, results=tuple(results))


# The clauses, in the order of the table at the end.


def _status(probe: Probe) -> None:
    probe.expect(Command.SAM_STATUS, Status.DONE)


def _reset(probe: Probe) -> None:
    probe.expect(Command.RESET_SAM, Status.DONE)


def _sam_id(probe: Probe) -> None:
    first, second = (probe.expect(Command.SAM_ID, Status.DONE, 16) for _ in range(2))
    if first != second:
        raise ClauseFailed("SAM id: expected the same twice, found two")


def _no_card(probe: Probe) -> None:
    probe.operator.lift()
    probe.expect(Command.FIND_CARD, Status.NO_CARD)


def _select_first(probe: Probe) -> None:
    probe.operator.lift()
    probe.operator.lay()
    probe.expect(Command.SELECT_CARD, Status.SELECT_FAILED)


def _read_first(probe: Probe) -> None:
    probe.operator.lift()
    probe.operator.lay()
    probe.expect(Command.FIND_CARD, Status.CARD_FOUND, 4)
    probe.expect(Command.READ_TEXT_PHOTO, Status.READ_FAILED)


def _find(probe: Probe) -> None:
    probe.operator.lift()
    probe.operator.lay()
    probe.expect(Command.FIND_CARD, Status.CARD_FOUND, 4)


def _select(probe: Probe) -> None:
    probe.select()


def _read(probe: Probe) -> None:
    probe.select()
    reply = probe.expect(Command.READ_TEXT_PHOTO, Status.DONE, 1284)
    if reply.reply_data[:4] != bytes.fromhex("01000400"):
        raise ClauseFailed(f"zone lengths: expected 0100 0400, found {reply.reply_data[:4].hex(' ', 2).upper()}")


def _read_fingerprint(probe: Probe) -> None:
    probe.select()
    reply = probe.ask(Command.READ_TEXT_PHOTO_FINGERPRINT)
    if reply.sw3 == Status.BAD_COMMAND:
        return
    judge(reply, "READ_TEXT_PHOTO_FINGERPRINT", Status.DONE, 1286, 1798, 2310)
    wanted = bytes.fromhex("01000400") + (len(reply.reply_data) - 1286).to_bytes(2, "big")
    if reply.reply_data[:6] != wanted:
        raise ClauseFailed(
            f"zone lengths: expected {wanted.hex(' ', 2).upper()}, found {reply.reply_data[:6].hex(' ', 2).upper()}"
        )


def _extra(probe: Probe) -> None:
    probe.select()
    probe.expect(Command.READ_TEXT_PHOTO, Status.DONE, 1284)
    reply = probe.ask(Command.READ_EXTRA)
    if reply.sw3 not in {Status.NO_CONTENT, Status.BAD_COMMAND}:
        judge(reply, "READ_EXTRA", Status.DONE, 70, 140, 210, 280)


def _management(probe: Probe) -> None:
    probe.select()
    probe.expect(Command.READ_TEXT_PHOTO, Status.DONE, 1284)
    reply = probe.ask(Command.READ_MANAGEMENT)
    if reply.sw3 != Status.BAD_COMMAND:
        judge(reply, "READ_MANAGEMENT", Status.DONE, 28)


def _read_once(probe: Probe) -> None:
    probe.select()
    probe.expect(Command.READ_TEXT_PHOTO, Status.DONE, 1284)
    probe.expect(Command.FIND_CARD, Status.NO_CARD)


def _lift_again(probe: Probe) -> None:
    probe.select()
    probe.expect(Command.READ_TEXT_PHOTO, Status.DONE, 1284)
    probe.operator.lift()
    probe.expect(Command.FIND_CARD, Status.NO_CARD)
    probe.operator.lay()
    probe.expect(Command.FIND_CARD, Status.CARD_FOUND, 4)


def _lifted(probe: Probe) -> None:
    probe.select()
    probe.operator.lift()
    probe.expect(Command.READ_TEXT_PHOTO, Status.READ_FAILED)
    probe.expect(Command.FIND_CARD, Status.NO_CARD)


def _same_bytes(probe: Probe) -> None:
    probe.select()
    first, second = (probe.expect(Command.READ_TEXT_PHOTO, Status.DONE, 1284) for _ in range(2))
    if first != second:
        raise ClauseFailed("two readings of one card: expected the same bytes, found others")


def _unknown(probe: Probe) -> None:
    probe.write(Frame(body=b"\x77\x77").serialize())
    judge(probe.reply(), "an unknown command", Status.BAD_COMMAND)


def _bad_check(probe: Probe) -> None:
    request = Frame.request(Command.SAM_STATUS).serialize()
    probe.write(request[:-1] + bytes((request[-1] ^ 0x5A,)))
    judge(probe.reply(), "a wrong check byte", Status.BAD_CHECK)


def _bad_length(probe: Probe) -> None:
    # LEN 2 leaves no place for CMD and PARA.
    probe.write(PREAMBLE + bytes.fromhex("0002 11 13"))
    judge(probe.reply(), "an impossible length", Status.BAD_LENGTH)


def _noise(probe: Probe) -> None:
    probe.write(bytes.fromhex("00 FF 69 96 AA 13 37") + Frame.request(Command.SAM_STATUS).serialize())
    judge(probe.reply(), "a request behind noise", Status.DONE)


def _long_preamble(probe: Probe) -> None:
    probe.write(b"\xaa\xaa" + Frame.request(Command.SAM_STATUS).serialize())
    judge(probe.reply(), "a request whose preamble begins too early", Status.DONE)


def _split(probe: Probe) -> None:
    for byte in Frame.request(Command.SAM_STATUS).serialize():
        probe.write(bytes((byte,)))
        time.sleep(0.003)
    judge(probe.reply(), "a request in single bytes", Status.DONE)


def _back_to_back(probe: Probe) -> None:
    probe.write(Frame.request(Command.SAM_STATUS).serialize() + Frame.request(Command.SAM_ID).serialize())
    judge(probe.reply(), "the first of two requests", Status.DONE)
    judge(probe.reply(), "the second of two requests", Status.DONE, 16)


def _resync(probe: Probe) -> None:
    probe.write(Frame.request(Command.SAM_STATUS).serialize()[:8])
    # Whatever it says to the torso, and whenever, it must hear the next request.
    probe.rest(1.0)
    probe.expect(Command.SAM_ID, Status.DONE, 16)


def _words(probe: Probe) -> None:
    probe.operator.lift()
    for command in (Command.SAM_STATUS, Command.SAM_ID, Command.FIND_CARD):
        reply = probe.ask(command)
        if (reply.sw1, reply.sw2) != (0, 0):
            raise ClauseFailed(f"SW1 SW2 of {command.name}: expected 00 00, found {reply.sw1:02X} {reply.sw2:02X}")


def _check_bytes(probe: Probe) -> None:
    for command in (Command.RESET_SAM, Command.SAM_STATUS, Command.SAM_ID, Command.FIND_CARD):
        probe.write(Frame.request(command).serialize())
        data = probe.receive()
        if not data or reduce(xor, data[len(PREAMBLE) :], 0):
            raise ClauseFailed(f"check byte of the reply to {command.name}: expected LEN to CHK to give 00")


def _never_longer(probe: Probe) -> None:
    probe.operator.lift()
    probe.operator.lay()
    for command in (Command.FIND_CARD, Command.SELECT_CARD, Command.READ_TEXT_PHOTO, Command.SAM_ID):
        probe.write(Frame.request(command).serialize())
        data = probe.receive()
        longest = HEADER_BYTES + 4 + max(command.reply_lengths)
        if len(data) > longest:
            raise ClauseFailed(f"reply to {command.name}: expected at most {longest} bytes, found {len(data)}")


def _in_time(probe: Probe) -> None:
    probe.operator.lift()
    probe.operator.lay()
    for command in (Command.SAM_STATUS, Command.FIND_CARD, Command.SELECT_CARD, Command.READ_TEXT_PHOTO):
        start = time.monotonic()
        probe.ask(command)
        taken_s = time.monotonic() - start
        if taken_s > command.timeout_s:
            raise ClauseFailed(
                f"reply to {command.name}: expected within {command.timeout_s:g} s, took {taken_s:.2f} s"
            )


def _one_reply(probe: Probe) -> None:
    probe.ask(Command.SAM_STATUS)
    rest = probe.rest()
    if rest:
        raise ClauseFailed(f"after the reply: expected silence, found {len(rest)} bytes")


def _quiet(probe: Probe) -> None:
    unasked = probe.rest(0.4)
    if unasked:
        raise ClauseFailed(f"while nothing was asked: expected silence, found {len(unasked)} bytes")


def _rf_length(probe: Probe) -> None:
    reply = probe.ask(Command.SET_MAX_RF_BYTES, b"\x50")
    if reply.sw3 == Status.BAD_COMMAND:
        raise ClauseNotRun("the reader does not know 61 FF")
    judge(reply, "SET_MAX_RF_BYTES 50", Status.DONE)
    probe.write(Frame(body=b"\x61\xff\x10").serialize())
    judge(probe.reply(), "SET_MAX_RF_BYTES 10", Status.BAD_COMMAND)


def _set_speed(probe: Probe) -> None:
    reply = probe.ask(Command.SET_BAUD_115200)
    if reply.sw3 == Status.BAD_COMMAND:
        raise ClauseNotRun("the reader does not know 60 xx")
    judge(reply, "SET_BAUD_115200", Status.DONE)


def _zero_numbers(probe: Probe) -> None:
    probe.operator.lift()
    probe.operator.lay()
    numbers = probe.ask(Command.FIND_CARD).reply_data + probe.ask(Command.SELECT_CARD).reply_data
    if any(numbers):
        raise ClauseFailed("IIN and SN in find and select: expected zeros, found numbers")


READER_CLAUSES: Final = (
    Clause("R01", "11 FF is answered with 90 and no data", _DOCUMENT, "A", True, _status),
    Clause("R02", "10 FF is answered with 90 and no data", _DOCUMENT, "A", True, _reset),
    Clause("R03", "12 FF is answered with 90 and 16 bytes, the same each time", _DOCUMENT, "A", True, _sam_id),
    Clause("R04", "20 01 without a card is answered with 80", _DOCUMENT, "A", True, _no_card),
    Clause("R05", "20 02 before 20 01 is answered with 81", _DOCUMENT, "A", True, _select_first),
    Clause("R06", "30 01 before 20 02 is answered with 41", _DOCUMENT, "A", True, _read_first),
    Clause("R07", "20 01 with a card is answered with 9F and 4 bytes", _DOCUMENT, "A", True, _find),
    Clause("R08", "20 02 after 20 01 is answered with 90 and 8 bytes", _DOCUMENT, "A", True, _select),
    Clause("R09", "30 01 gives lengths 0100 0400, text and photo", _DOCUMENT, "A", True, _read),
    Clause("R10", "30 10 gives three lengths and zones, or 21", _DOCUMENT, "A", True, _read_fingerprint),
    Clause("R11", "30 03 gives pieces of 70 bytes, or 91, or 21", _HOSTS, "B", True, _extra),
    Clause("R12", "30 05 gives 28 bytes, or 21", _HOSTS, "B", True, _management),
    Clause("R13", "A card that was read is not found until it is lifted", _HOSTS, "B", False, _read_once),
    Clause("R14", "A card that is lifted and laid down again is found", _HOSTS, "B", True, _lift_again),
    Clause("R15", "A card that is lifted after selecting gives 41, then 80", _HOSTS, "B", True, _lifted),
    Clause("R16", "One card read twice gives the same bytes", _HOSTS, "C", False, _same_bytes),
    Clause("R17", "An unknown command is answered with 21", _DOCUMENT, "B", True, _unknown),
    Clause("R18", "A wrong check byte is answered with 10", _DOCUMENT, "A", True, _bad_check),
    Clause("R19", "An impossible length is answered with 11", _DOCUMENT, "A", True, _bad_length),
    Clause("R20", "Noise before the preamble is passed over", _HOSTS, "B", True, _noise),
    Clause("R21", "A preamble that begins with more AA than it should is found", _HOSTS, "D", True, _long_preamble),
    Clause("R22", "A request in single bytes is answered", _HOSTS, "B", True, _split),
    Clause("R23", "Two requests in one write are answered in their order", _HOSTS, "B", True, _back_to_back),
    Clause("R24", "After half a request and silence the next one is heard", _HOSTS, "D", True, _resync),
    Clause("R25", "SW1 SW2 are 00 00 where nothing came from the card", _DOCUMENT, "A", True, _words),
    Clause("R26", "The check byte of every reply is right", _DOCUMENT, "A", True, _check_bytes),
    Clause("R27", "No reply is longer than the table: fixed buffers overflow", _HOSTS, "A", True, _never_longer),
    Clause("R28", "Replies come within the time-outs of host programs", _HOSTS, "B", True, _in_time),
    Clause("R29", "A request has one reply", _DOCUMENT, "A", True, _one_reply),
    Clause("R30", "The line is silent while nothing is asked", _DOCUMENT, "A", True, _quiet),
    Clause("R31", "61 FF takes 24 to 255 and refuses less with 21", _HOSTS, "B", False, _rf_length),
    Clause("R32", "60 00 is answered with 90", _HOSTS, "B", False, _set_speed),
    Clause("R33", "IIN and SN in find and select are zeros", _DOCUMENT, "A", False, _zero_numbers),
)
"""Every clause for readers, in the order in which they are tried."""
