"""What a host program must do, clause by clause, and the reader that finds out.

The reader is a virtual one, served to the host on a face of its own for each clause, with the fault of that clause;
a witness writes down all that passes. The host is started for each clause by the caller, or is one that runs already
and connects again.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from prcard.simulator.conformance import Clause, ClauseFailed, ClauseNotRun, Exchange, Outcome, Report, Result
from prcard.simulator.device import VirtualReader
from prcard.simulator.faults import parse_fault
from prcard.simulator.fidelity import CARD_COMMANDS, fidelity
from prcard.simulator.server import Server
from prcard.simulator.specimens import specimen
from prcard.wire.codes import Command, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from prcard.simulator.device import Line
    from prcard.simulator.outbox import Piece
    from prcard.simulator.server import Face

__all__ = ["HOST_CLAUSES", "Bench", "Host", "judge_host"]

LIMIT_S: Final = 8.0
"""Longest time for one clause, in seconds, unless the host has done before what it can tell."""

OVERLONG_S: Final = 6.0
"""Silence after which a host waits too long: the longest time-out seen in a host program is 5 s (C)."""

POLL_S: Final = 0.3
"""Shortest pause between two finds. Source: host notes of two makers (B)."""

MAX_EXCHANGES: Final = 2000
READS: Final = frozenset({Command.READ_TEXT_PHOTO, Command.READ_TEXT_PHOTO_FINGERPRINT})


class Host(Protocol):
    """A host program that can be started on a reader."""

    def start(self, uri: str) -> None:
        """Starts it; returns at once."""

    def stop(self) -> None:
        """Ends it, and waits for its end."""

    @property
    def ended(self) -> bool:
        """Whether it ended by itself; False for one that cannot be watched."""


class Asked(NamedTuple):
    """One request of the host, with what it was given.

    Attributes:
        at: Moment in seconds.
        command: What it asked; None for a request that was refused.
        status: SW3 of the answer.
    """

    at: float
    command: Command | None
    status: int


class Bench:
    """One clause's reader, served to one host, with a witness; see `judge_host`."""

    def __init__(self, host: Host, make_face: Callable[[], Face]) -> None:
        """Serves nothing yet; `run` does."""
        self.reader = VirtualReader()
        self.exchange: deque[Exchange] = deque(maxlen=MAX_EXCHANGES)
        self.ended_at: float | None = None
        self.began_at = 0.0
        self.over_at = 0.0
        self._host = host
        self._make_face = make_face
        self._lock = threading.Lock()

    def run(
        self,
        *faults: str,
        card: bool = True,
        read_again: bool = False,
        until: Callable[[list[Asked]], bool] | None = None,
        linger_s: float = 0.0,
        limit_s: float | None = None,
    ) -> list[Asked]:
        """Lets the host loose on a reader and gives what it asked.

        Args:
            faults: Faults to arm.
            card: Whether a card lies there.
            read_again: Whether a card that was read is found again.
            until: Tells when enough was seen.
            linger_s: How long to look on after that, in seconds.
            limit_s: Longest time in all, in seconds; None is `LIMIT_S`.
        """
        if read_again:
            self.reader.fidelity = fidelity("read-again")
        if card:
            self.reader.insert(specimen("alice").card(), "alice")
        self.reader.inject(*(parse_fault(fault) for fault in faults))
        face = self._make_face()
        with Server(_Witness(self.reader, self._note), [face]):
            self.began_at = time.monotonic()
            self._host.start(face.uri)
            try:
                self._look_on(until, LIMIT_S if limit_s is None else limit_s)
                self._settle(linger_s)
                self.over_at = time.monotonic()
            finally:
                self._host.stop()
        asked = self.asked()
        if not asked:
            raise ClauseNotRun("the host asked nothing")
        return asked

    def asked(self) -> list[Asked]:
        """What the host asked so far."""
        return [Asked(heard.at, heard.command, heard.status) for heard in self.reader.journal()]

    def _look_on(self, until: Callable[[list[Asked]], bool] | None, limit_s: float) -> None:
        end = self.began_at + limit_s
        while time.monotonic() < end and not (until and until(self.asked())):
            if self._host.ended:
                self.ended_at = time.monotonic()
                return
            time.sleep(0.01)

    def _settle(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._host.ended:
            time.sleep(0.01)
        if self.ended_at is None and self._host.ended:
            self.ended_at = time.monotonic()

    def _note(self, sign: str, data: bytes) -> None:
        with self._lock:
            self.exchange.append(Exchange(sign, int((time.monotonic() - self.began_at) * 1000), data))


class _Witness:
    """The virtual reader, with its lines watched; see `Servable`."""

    def __init__(self, reader: VirtualReader, note: Callable[[str, bytes], None]) -> None:
        self._reader = reader
        self._note = note
        self.clock = reader.clock
        self.hears = reader.hears
        self.watch = reader.watch

    @property
    def plugged(self) -> bool:
        return self._reader.plugged

    @property
    def epoch(self) -> int:
        return self._reader.epoch

    @property
    def back_at(self) -> float | None:
        return self._reader.back_at

    def line(self) -> _WitnessLine:
        return _WitnessLine(self._reader.line(), self._note)


class _WitnessLine:
    def __init__(self, line: Line, note: Callable[[str, bytes], None]) -> None:
        self._line = line
        self._note = note
        self.deadline = line.deadline

    def transfer(self, data: bytes, now: float) -> list[Piece]:
        if data:
            self._note(">", data)
        pieces = self._line.transfer(data, now)
        for piece in pieces:
            if piece.data:
                self._note("<", piece.data)
        return pieces


def judge_host(
    host: Host,
    make_face: Callable[[], Face],
    target: str,
    only: Collection[str] = (),
    progress: Callable[[Result], None] | None = None,
) -> Report:
    """Tries every clause on a host program.

    Args:
        host: The program.
        make_face: Gives the face that it connects to.
        target: What to call it.
        only: Ids of the clauses to try; empty for all.
        progress: Told each result.
    """
    results = []
    for clause in HOST_CLAUSES:
        if only and clause.id not in only:
            continue
        bench = Bench(host, make_face)
        outcome, detail = Outcome.PASSED, ""
        try:
            clause.check(bench)
        except ClauseFailed as failure:
            outcome, detail = Outcome.FAILED, str(failure)
        except ClauseNotRun as missing:
            outcome, detail = Outcome.NOT_RUN, str(missing)
        results.append(Result(clause=clause, outcome=outcome, detail=detail, exchange=tuple(bench.exchange)))
        if progress is not None:
            progress(results[-1])
    return Report(role="host", target=target, results=tuple(results))


def _seen(*commands: Command) -> Callable[[list[Asked]], bool]:
    return lambda asked: any(entry.command in commands for entry in asked)


def _answered(asked: list[Asked], commands: Collection[Command], status: int) -> list[Asked]:
    return [entry for entry in asked if entry.command in commands and entry.status == status]


def _reached_the_read(asked: list[Asked]) -> None:
    if not _answered(asked, READS, Status.DONE):
        raise ClauseFailed("expected the card to be read, found that the host never got so far")


def _frames(bench: Bench) -> None:
    asked = bench.run(until=lambda asked: bool(_answered(asked, READS, Status.DONE)))
    bad = [entry for entry in asked if entry.command is None]
    if bad:
        raise ClauseFailed(f"expected intact requests of the protocol, found {len(bad)} that a reader refuses")


def _order(bench: Bench) -> None:
    asked = bench.run(until=lambda asked: bool(_answered(asked, READS, Status.DONE)), linger_s=0.1)
    _reached_the_read(asked)
    wrong = [entry for entry in asked if entry.status in {Status.SELECT_FAILED, Status.READ_FAILED}]
    if wrong:
        name = wrong[0].command.name if wrong[0].command is not None else "a request"
        raise ClauseFailed(f"expected find, select, read; found {name} before its time")


def _no_card(bench: Bench) -> None:
    asked = bench.run(card=False, until=_seen(Command.FIND_CARD), linger_s=1.0)
    early = [
        entry.command.name
        for entry in asked
        if entry.command is not None and entry.command in {Command.SELECT_CARD, *READS}
    ]
    if early:
        raise ClauseFailed(f"no card found: expected another find, found {early[0]}")


def _poll(bench: Bench) -> None:
    asked = bench.run(card=False, until=lambda asked: sum(e.command is Command.FIND_CARD for e in asked) >= 4)
    finds = [entry.at for entry in asked if entry.command is Command.FIND_CARD]
    gaps = [later - earlier for earlier, later in itertools.pairwise(finds)]
    if not gaps:
        raise ClauseNotRun("the host looked for a card once only")
    if min(gaps) < POLL_S * 0.9:
        raise ClauseFailed(f"between two finds: expected {POLL_S:g} s or more, found {min(gaps):.3f} s")


def _select_failed(bench: Bench) -> None:
    asked = bench.run("status command=SELECT_CARD status=0x81 times=0", until=_seen(Command.SELECT_CARD), linger_s=1.0)
    if any(entry.command in READS for entry in asked):
        raise ClauseFailed("selecting failed: expected find or the end, found a read")


def _find_check(bench: Bench) -> None:
    asked = bench.run("wrong-check command=FIND_CARD times=0", until=_seen(Command.FIND_CARD), linger_s=1.5)
    if any(entry.command in {Command.SELECT_CARD, *READS} for entry in asked):
        raise ClauseFailed("every reply to find was damaged: expected find again or the end, found that it went on")


def _retry(bench: Bench) -> None:
    asked = bench.run("reply-never command=FIND_CARD times=1", until=_retried)
    if not _retried(asked):
        raise ClauseFailed("the first find got no reply: expected it once more, found none")


def _retried(asked: list[Asked]) -> bool:
    return sum(entry.command is Command.FIND_CARD for entry in asked) >= 2


def _patience(bench: Bench) -> None:
    asked = bench.run("reply-never command=FIND_CARD times=0", until=_retried, limit_s=OVERLONG_S + 2.0)
    first = next((entry.at for entry in asked if entry.command is Command.FIND_CARD), None)
    if first is None:
        raise ClauseNotRun("the host never looked for a card")
    moments = [entry.at for entry in asked if entry.at > first] + ([bench.ended_at] if bench.ended_at else [])
    waited = (min(moments) if moments else bench.over_at) - first
    if waited > OVERLONG_S:
        raise ClauseFailed(f"no reply: expected the wait to end within {OVERLONG_S:g} s, found {waited:.1f} s")


def _torn_read(bench: Bench) -> None:
    asked = bench.run("short-frame count=700 command=READ_TEXT_PHOTO times=0",
                      "short-frame count=700 command=READ_TEXT_PHOTO_FINGERPRINT times=0",
                      until=_after_read, limit_s=OVERLONG_S + 2.0)  # fmt: skip
    first = next((entry.at for entry in asked if entry.command in READS), None)
    if first is None:
        raise ClauseFailed("expected the card to be read, found that the host never got so far")
    moments = [entry.at for entry in asked if entry.at > first] + ([bench.ended_at] if bench.ended_at else [])
    waited = (min(moments) if moments else bench.over_at) - first
    if waited > OVERLONG_S:
        raise ClauseFailed(f"half a reply: expected the wait to end within {OVERLONG_S:g} s, found {waited:.1f} s")


def _after_read(asked: list[Asked]) -> bool:
    return bool(asked) and any(entry.command in READS for entry in asked[:-1])


def _noise(bench: Bench) -> None:
    asked = bench.run("garbage-before times=0 count=9", until=lambda asked: bool(_answered(asked, READS, Status.DONE)))
    _reached_the_read(asked)


def _pieces(bench: Bench) -> None:
    asked = bench.run("split-frame times=0 size=400 seconds=0.02",
                      until=lambda asked: bool(_answered(asked, READS, Status.DONE)), linger_s=0.8)  # fmt: skip
    _reached_the_read(asked)
    if len([entry for entry in asked if entry.command in READS]) > 1:
        raise ClauseFailed("a reply in pieces: expected it to be taken, found the read once more")


def _previous(bench: Bench) -> None:
    asked = bench.run("reply-previous command=SELECT_CARD times=0",
                      "reply-never command=SELECT_CARD skip=1 times=0", until=_seen(Command.SELECT_CARD),
                      linger_s=1.0)  # fmt: skip
    if any(entry.command in READS for entry in asked):
        raise ClauseFailed("select was answered with the reply to find: expected select again, found a read")


def _one_at_a_time(bench: Bench) -> None:
    asked = bench.run("reply-late times=0 seconds=0.08", until=lambda asked: bool(_answered(asked, READS, Status.DONE)))
    gaps = [later.at - earlier.at for earlier, later in itertools.pairwise(asked)]
    if gaps and min(gaps) < 0.08 * 0.9:
        raise ClauseFailed(
            f"a reply that takes 0.08 s: expected no further request before it, found one after {min(gaps):.3f} s"
        )


def _lifted(bench: Bench) -> None:
    asked = bench.run("card-lifted", until=_after_read, linger_s=0.5)
    at = next((at for at, entry in enumerate(asked) if entry.command in READS), None)
    if at is None:
        raise ClauseFailed("expected the card to be read, found that the host never got so far")
    following = [
        entry.command for entry in asked[at + 1 :] if entry.command is not None and entry.command in CARD_COMMANDS
    ]
    if following and following[0] is not Command.FIND_CARD:
        raise ClauseFailed(f"the card was lifted (41): expected find, found {following[0].name}")


def _not_ready(bench: Bench) -> None:
    asked = bench.run("not-authorised", until=_seen(Command.FIND_CARD), linger_s=0.3, limit_s=3.0)
    statuses = [entry for entry in asked if entry.command is Command.SAM_STATUS]
    if not statuses:
        raise ClauseNotRun("the host does not ask for the status of the SAM")
    if any(entry.command is Command.FIND_CARD for entry in asked):
        raise ClauseFailed("the SAM is not authorised (66): expected that to be said, found that it went on")


def _once(bench: Bench) -> None:
    asked = bench.run(read_again=True, until=lambda asked: bool(_answered(asked, READS, Status.DONE)), linger_s=1.5)
    _reached_the_read(asked)
    if len([entry for entry in asked if entry.command in READS]) > 1:
        raise ClauseFailed("a card that is left lying: expected one reading, found another")


_DOCUMENT: Final = "SAM_V interface document"
_HOSTS: Final = "public host programs"

HOST_CLAUSES: Final = (
    Clause("H01", "Requests are intact: preamble, length, check byte, known command", _DOCUMENT, "A", True, _frames),
    Clause("H02", "A card is found, then selected, then read", _DOCUMENT, "A", True, _order),
    Clause("H03", "Without a card nothing is selected or read", _DOCUMENT, "A", True, _no_card),
    Clause("H04", "Between two finds lie 300 ms or more", "host notes of two makers", "B", False, _poll),
    Clause("H05", "After a select that failed nothing is read", _DOCUMENT, "A", True, _select_failed),
    Clause("H06", "A reply with a wrong check byte is not taken", _DOCUMENT, "A", True, _find_check),
    Clause("H07", "A find that got no reply is tried once more", _HOSTS, "B", False, _retry),
    Clause("H08", "The wait for a reply that never comes has an end", _HOSTS, "C", True, _patience),
    Clause("H09", "The wait for the rest of a reply has an end", _HOSTS, "C", True, _torn_read),
    Clause("H10", "Noise before a reply is passed over", _HOSTS, "D", False, _noise),
    Clause("H11", "A reply in pieces is read to its end", "serial, USB and UDP bridges", "B", True, _pieces),
    Clause("H12", "The reply to the command before is not taken for the next", _HOSTS, "D", True, _previous),
    Clause("H13", "One request at a time", _DOCUMENT, "A", True, _one_at_a_time),
    Clause("H14", "After a lifted card (41) it begins with find again", _HOSTS, "C", True, _lifted),
    Clause("H15", "A SAM that is not authorised (66) is the end of it", _DOCUMENT, "A", False, _not_ready),
    Clause("H16", "A card that is left lying is read once", _HOSTS, "B", False, _once),
)
"""Every clause for hosts, in the order in which they are tried."""
