"""What a host does with a reader, step by step, without doing it: identify the reader, wait for a card, read it.

A procedure is a generator. It yields what to do next (`Exchange`, `Pause` or `Speed`) and is sent the `Answer`. The
shell that runs it owns the line and the clock, so that every decision about the protocol stands here and can be tested
without either.

Order, retries and pauses follow the SAM_V interface document and public host programs: find, select, read; a find at
most every 300 ms; after a good read a find fails until the card is lifted (read once); address and management numbers
follow a base read without a new find.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

from prcard.errors import LocalWireError, ReaderError, ReaderFault, RemoteWireError
from prcard.wire.codes import Command, Status, split_read_reply

if TYPE_CHECKING:
    from prcard.wire.codes import ReadZones
    from prcard.wire.host import Reply

__all__ = [
    "Answer",
    "CardZones",
    "Exchange",
    "Pause",
    "Procedure",
    "ReadOptions",
    "Speed",
    "Step",
    "find_speed",
    "identify",
    "persistent",
    "read_card",
]

POLL_S: Final = 0.3
"""Pause between two finds. Source: host notes of two makers, 300–600 ms (B)."""

SETTLE_S: Final = 0.1
"""Pause after a damaged or missing reply, in which the shell lets late bytes pass."""

PROBE_S: Final = (0.6, 1.0, 1.5)
"""Longest wait for the reply to each try of a status or SAM id request, in seconds: a slow reader gets more time."""
FIND_S: Final = 1.0
SELECT_S: Final = 1.0
READ_S: Final = 3.0
EXTRA_S: Final = 1.5
AGAIN_S: Final = 0.3
"""Longest wait for a whole reply. Source: host programs seen (B); at 9600 baud a read needs 2.4 s (computed)."""

TRIES: Final = 3
"""Damaged or missing replies in a row after which a reader is given up."""


class Exchange(NamedTuple):
    """Send one command and wait for its reply.

    Attributes:
        command: What to send.
        timeout_s: Longest wait for the whole reply in seconds.
        data: Bytes after the parameter, mostly none.
    """

    command: Command
    timeout_s: float
    data: bytes = b""


class Pause(NamedTuple):
    """Wait, then drop whatever arrived meanwhile."""

    seconds: float


class Speed(NamedTuple):
    """Change the speed of the host's side of the line."""

    baud: int


class Answer(NamedTuple):
    """What came of a step.

    Attributes:
        now: Moment at which the step ended, in seconds of the shell's clock.
        reply: The reply of an `Exchange`, or None for a time-out, a damaged reply or another step.
        fault: What was wrong with a damaged reply, in words; "" for a time-out.
    """

    now: float
    reply: Reply | None = None
    fault: str = ""


Step: TypeAlias = Exchange | Pause | Speed
_T = TypeVar("_T")
Procedure: TypeAlias = Generator[Step, Answer, _T]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What to read beside text and photo.

    Attributes:
        fingerprint: Keep a holder's fingerprint zone. When False the zone is still asked for, because an issuer may
            carry a security object there, but it is dropped at once unless it is one.
        extra: Read the additional addresses.
        management: Read the card management numbers.
        fresh: A card that was read already may still lie there: see that it is gone before taking the next.
    """

    fingerprint: bool = False
    extra: bool = False
    management: bool = False
    fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CardZones:
    """The bytes of one card as the reader gave them.

    Attributes:
        text: 256 bytes.
        photo: 1024 bytes.
        fingerprint: 0, 512 or 1024 bytes.
        extra: Additional addresses, 70 bytes each.
        management: IIN (4), SN (8) and DN (16 bytes) in a row, or b"".
        unknown: Commands that were asked for and that the reader does not know.
        found_again: True when the reader finds the same card at once again, or did not say. Then only its absence
            tells a new card from this one, and the next reading needs `fresh`.
    """

    text: bytes
    photo: bytes
    fingerprint: bytes = b""
    extra: tuple[bytes, ...] = ()
    management: bytes = b""
    unknown: tuple[Command, ...] = ()
    found_again: bool = False


def find_speed(speeds: Sequence[int]) -> Procedure[int]:
    """Finds the speed at which the reader answers a status request.

    Args:
        speeds: Speeds in baud, in the order to try; each is tried twice, since a port that was just opened may hold
            the tail of an older reply.

    Returns:
        The speed that answered; the line is left at it.

    Raises:
        ReaderError: `SILENT` or `GARBAGE` when none answered.
    """
    fault = ""
    for baud in speeds:
        yield Speed(baud)
        for timeout_s in PROBE_S[:2]:
            answer = yield Exchange(Command.SAM_STATUS, timeout_s)
            if answer.reply is not None:
                return baud
            fault = answer.fault or fault
            yield Pause(SETTLE_S)
    raise _no_reader(fault)


def identify() -> Procedure[bytes]:
    """Asks whether the reader is ready and for its SAM id.

    Returns:
        The SAM id, 16 bytes; b"" when the reader does not tell.

    Raises:
        ReaderError: `NOT_READY` when the SAM is, `SILENT` or `GARBAGE` when no reply makes sense.
    """
    status = yield from persistent(Command.SAM_STATUS, PROBE_S)
    if status.status is not Status.DONE:
        raise _refused(ReaderFault.NOT_READY, "The reader is not ready", status)
    # The last wait is long enough for whoever answered the status: a SAM id that is missing is believed.
    answer = yield Exchange(Command.SAM_ID, PROBE_S[-1])
    if answer.reply is None:
        yield Pause(SETTLE_S)
        return b""
    return answer.reply.data if answer.reply.status is Status.DONE else b""


def read_card(now: float, timeout_s: float, options: ReadOptions = ReadOptions()) -> Procedure[CardZones]:
    """Waits for a card and reads it once.

    Args:
        now: Present moment of the shell's clock in seconds.
        timeout_s: Time for everything, waiting and reading, in seconds; more than 0.
        options: What to read beside text and photo.

    Returns:
        All zones of one card. Nothing is returned of a card that was lifted too early.

    Raises:
        ReaderError: No card in time, card lifted, card refused, reader silent or talking garbage; each with its advice.
        LocalWireError: `timeout_s` is not more than 0.
    """
    if not timeout_s > 0:
        raise LocalWireError(f"timeout_s must be more than 0, found {timeout_s!r}; give the seconds to wait for a card")
    return (yield from _CardReading(now + timeout_s, timeout_s, options).run(now))


class _CardReading:
    """One run of `read_card`: the deadline, and the counters that bound every loop."""

    def __init__(self, deadline: float, timeout_s: float, options: ReadOptions) -> None:
        self.deadline = deadline
        self.timeout_s = timeout_s
        self.options = options
        self.now = 0.0
        self.damaged = 0
        self.fault = ""
        self.not_selected: Reply | None = None

    def run(self, now: float) -> Procedure[CardZones]:
        self.now = now
        removed = not self.options.fresh
        while True:
            yield from self.find(removed=removed)
            if not (yield from self.select()):
                removed = True
                continue
            zones = yield from self.base()
            return (yield from self.additions(zones))

    def exchange(self, command: Command, timeout_s: float) -> Procedure[Answer]:
        """One exchange within the deadline; a damaged or missing reply is followed by a pause, counted, and tried anew.

        Each try waits longer than the one before: a reply that comes just too late once would do so every time.
        """
        left = self.deadline - self.now
        if left <= 0:
            raise self.out_of_time()
        answer = yield Exchange(command, min(timeout_s * (1 + self.damaged), left))
        self.now = answer.now
        if answer.reply is not None and not _misheard(answer.reply):
            self.damaged = 0
            return answer
        self.damaged += 1
        self.fault = answer.fault or self.fault
        if self.damaged >= TRIES:
            raise _no_reader(self.fault) if answer.reply is None else _refused_request(answer.reply)
        yield from self.pause(SETTLE_S)
        return answer._replace(reply=None)

    def pause(self, seconds: float) -> Procedure[None]:
        left = self.deadline - self.now
        if left > 0:
            self.now = (yield Pause(min(seconds, left))).now

    def find(self, *, removed: bool) -> Procedure[None]:
        """Polls until a card is found that was not read before."""
        seen_absent = removed
        while True:
            if self.now >= self.deadline:
                raise self.in_vain(lifted=seen_absent)
            reply = (yield from self.exchange(Command.FIND_CARD, FIND_S)).reply
            if reply is None:
                continue
            if reply.status is Status.CARD_FOUND:
                if seen_absent:
                    return
            elif reply.status is Status.NO_CARD:
                seen_absent = True
            else:
                raise _refused(ReaderFault.REFUSED, "The reader refused to look for a card", reply)
            yield from self.pause(POLL_S)

    def select(self) -> Procedure[bool]:
        """Selects the card that was found; False when it has gone or moved, and the search must begin anew."""
        while True:
            reply = (yield from self.exchange(Command.SELECT_CARD, SELECT_S)).reply
            if reply is None:
                continue
            if reply.status is Status.DONE:
                return True
            if reply.status is not Status.SELECT_FAILED:
                raise _refused(ReaderFault.CARD_REFUSED, "The card could not be selected", reply)
            self.not_selected = reply
            yield from self.pause(SETTLE_S)
            return False

    def base(self) -> Procedure[ReadZones]:
        """Reads text, photo and fingerprint, without the fingerprint when the reader knows no such command."""
        command = Command.READ_TEXT_PHOTO_FINGERPRINT
        while True:
            answer = yield from self.exchange(command, READ_S)
            reply = answer.reply
            if reply is None:
                # The reply was damaged on the line: the card is still selected, so the read alone is repeated.
                continue
            if reply.status is Status.DONE:
                try:
                    return split_read_reply(reply.data, command)
                except RemoteWireError as error:
                    raise _no_reader(str(error)) from error
            if reply.status is Status.BAD_COMMAND and command is Command.READ_TEXT_PHOTO_FINGERPRINT:
                command = Command.READ_TEXT_PHOTO
                continue
            raise (yield from self.card_error(reply))

    def additions(self, zones: ReadZones) -> Procedure[CardZones]:
        """Reads what was asked for beside the base zones, from the card that still lies there."""
        asked = {Command.READ_EXTRA: self.options.extra, Command.READ_MANAGEMENT: self.options.management}
        replies: dict[Command, Reply] = {}
        for command in (command for command, wanted in asked.items() if wanted):
            replies[command] = yield from self.addition(command)
        data = {command: reply.data for command, reply in replies.items()}
        extra = data.get(Command.READ_EXTRA, b"")
        keep = self.options.fingerprint or zones.fingerprint[:1] == b"\x77"
        found_again = yield from self.found_again()
        return CardZones(
            text=zones.text,
            photo=zones.photo,
            fingerprint=zones.fingerprint if keep else b"",
            extra=tuple(extra[at : at + 70] for at in range(0, len(extra), 70)),
            management=data.get(Command.READ_MANAGEMENT, b""),
            # Not every reader knows these commands (B): what was read is not thrown away for that.
            unknown=tuple(command for command, reply in replies.items() if reply.status is Status.BAD_COMMAND),
            found_again=found_again,
        )

    def found_again(self) -> Procedure[bool]:
        """Asks whether the card that was read is found again; True, too, when there is no time left to ask.

        The card lies there still. Readers that read once do not find it again; with the others the host must watch.
        """
        for last in (False, True):
            left = self.deadline - self.now
            if left <= 0:
                break
            answer = yield Exchange(Command.FIND_CARD, min(AGAIN_S, left))
            self.now = answer.now
            if answer.reply is not None:
                return answer.reply.status is Status.CARD_FOUND
            if last or not answer.fault:
                break
            yield from self.pause(SETTLE_S)
        return True

    def addition(self, command: Command) -> Procedure[Reply]:
        while True:
            reply = (yield from self.exchange(command, EXTRA_S)).reply
            if reply is None:
                continue
            if reply.status in {Status.DONE, Status.NO_CONTENT, Status.BAD_COMMAND}:
                return reply
            raise (yield from self.card_error(reply))

    def card_error(self, reply: Reply) -> Procedure[ReaderError]:
        """Names why a card that was selected could not be read: lifted, refused or unreadable."""
        if reply.status in _REFUSALS:
            return _refused(ReaderFault.CARD_REFUSED, "The reader did not accept the card", reply)
        answer = yield from self.exchange(Command.FIND_CARD, FIND_S)
        if answer.reply is not None and answer.reply.status is Status.NO_CARD:
            return ReaderError(
                ReaderFault.CARD_REMOVED,
                "The card was lifted before everything was read, or could not be read where it lies.",
                "Lift it, lay it down again and leave it there until the reading is done.",
            )
        return _refused(ReaderFault.CARD_UNREADABLE, "The card could not be read", reply)

    def in_vain(self, *, lifted: bool) -> ReaderError:
        """Names why no card was selected in time."""
        if self.damaged:
            return _no_reader(self.fault)
        if self.not_selected is not None:
            return _refused(ReaderFault.CARD_UNREADABLE, "A card was found but not selected", self.not_selected)
        if not lifted:
            return ReaderError(
                ReaderFault.CARD_NOT_LIFTED,
                f"The card that was read already still lies on the reader after {self.timeout_s:g} s.",
                "Lift it, then lay the next card down.",
            )
        return ReaderError(
            ReaderFault.NO_CARD,
            f"No card within {self.timeout_s:g} s.",
            "Lay a card on the reader; if one lies there, lift it and lay it down again.",
        )

    def out_of_time(self) -> ReaderError:
        return ReaderError(
            ReaderFault.SILENT,
            f"A card was found, but its reading did not end within {self.timeout_s:g} s.",
            "Lift the card, lay it down again and allow more time.",
        )


_REFUSALS: Final = frozenset(
    {
        Status.CARD_REFUSED_SAM,
        Status.SAM_REFUSED_CARD,
        Status.INFORMATION_CHECK_FAILED,
        Status.FINGERPRINT_CHECK_FAILED,
        Status.UNKNOWN_CARD_TYPE,
        Status.NO_PERMISSION,
    }
)


def persistent(command: Command, timeouts_s: Sequence[float]) -> Procedure[Reply]:
    """Repeats one exchange until a reply makes sense.

    Args:
        command: What to send.
        timeouts_s: Longest wait for each try, in seconds.

    Raises:
        ReaderError: `SILENT` or `GARBAGE` when none does, `REFUSED` when the reader cannot make out the request.
    """
    fault, reply = "", None
    for timeout_s in timeouts_s:
        answer = yield Exchange(command, timeout_s)
        reply = answer.reply
        if reply is not None and not _misheard(reply):
            return reply
        fault = answer.fault or fault
        yield Pause(SETTLE_S)
    raise _no_reader(fault) if reply is None else _refused_request(reply)


def _misheard(reply: Reply) -> bool:
    """Tells whether the reader got a damaged request: the same request is worth another try."""
    return reply.status in {Status.BAD_CHECK, Status.BAD_LENGTH}


def _refused_request(reply: Reply) -> ReaderError:
    return _refused(ReaderFault.REFUSED, "The reader refused the request", reply)


def _no_reader(fault: str) -> ReaderError:
    if fault:
        return ReaderError(
            ReaderFault.GARBAGE,
            f"What the reader sends is not the SAM_V protocol or is damaged: {fault.rstrip('.')}.",
            "Check the cable, the speed (?baud=) and that this is a SAM_V reader.",
        )
    return ReaderError(
        ReaderFault.SILENT,
        "The reader does not answer.",
        "Check power, cable and the speed of the line (?baud=).",
    )


def _refused(fault: ReaderFault, what: str, reply: Reply) -> ReaderError:
    return ReaderError(fault, f"{what}: {reply.status.meaning_en} ({reply.status.value:02X}).", reply.status.advice_en)
