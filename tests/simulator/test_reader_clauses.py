"""The kit keeps what it promises: our reader keeps every clause, and a reader broken for each clause is caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from prcard.errors import ReaderError, ReaderFault
from prcard.simulator import reader_clauses
from prcard.simulator.conformance import ClauseNotRun, Outcome
from prcard.simulator.device import VirtualReader
from prcard.simulator.faults import Fault, parse_fault
from prcard.simulator.fidelity import FIDELITIES, Fidelity, fidelity
from prcard.simulator.inprocess import InProcessChannel
from prcard.simulator.reader_clauses import READER_CLAUSES, judge_reader
from prcard.simulator.specimens import specimen
from prcard.wire.codes import Command, Status
from prcard.wire.frame import PREAMBLE, Frame

ALICE = specimen("alice").card()


class Hands:
    """Lays cards on a virtual reader."""

    def __init__(self, reader: VirtualReader) -> None:
        self.reader = reader

    def lay(self) -> None:
        self.reader.insert(ALICE, "alice")

    def lift(self) -> None:
        self.reader.remove()


class Broken(InProcessChannel):
    """A line to a virtual reader that a test spoils: what is written, what is answered, or what comes unasked."""

    def __init__(
        self,
        reader: VirtualReader,
        *,
        write: Callable[[bytes], bytes] = lambda data: data,
        answer: Callable[[bytes, bytes], bytes] = lambda asked, data: data,
        unasked: bytes = b"",
    ) -> None:
        super().__init__(reader.line())
        self.on_write, self.on_answer, self.unasked = write, answer, unasked
        self.asked = b""

    def write(self, data: bytes) -> None:
        self.asked = data
        super().write(self.on_write(data))

    def read(self, timeout_s: float) -> bytes:
        data = super().read(timeout_s)
        if not data and self.unasked and timeout_s > 0.1:
            data, self.unasked = self.unasked, b""
            return data
        return self.on_answer(self.asked, data) if data else data


MISSED: Final = {"read-again": ["R13"], "numbered": ["R33"]}


def conforming(reader: VirtualReader) -> list[str]:
    report = judge_reader(InProcessChannel(reader.line()), Hands(reader), "sim:")
    assert len(report.results) == len(READER_CLAUSES)
    return [result.clause.id for result in report.results if result.outcome is not Outcome.PASSED]


@pytest.mark.parametrize(
    ("entry", "missed"),
    [
        pytest.param(entry, MISSED.get(entry.name, []), marks=[pytest.mark.long] * entry.real_time, id=entry.name)
        for entry in FIDELITIES
    ],
)
def test_our_own_reader_keeps_every_clause_but_those_that_a_profile_gives_up(
    entry: Fidelity, missed: list[str]
) -> None:
    assert conforming(VirtualReader(fidelity=entry)) == missed


# Clause -> what makes a reader break it.


def faulty(text: str) -> Callable[[], Broken]:
    def make() -> Broken:
        reader = VirtualReader()
        reader.inject(*(parse_fault(part) for part in text.split(";")))
        return Broken(reader)

    return make


def answering(command: Command, change: Callable[[bytes], bytes]) -> Callable[[], Broken]:
    """Changes the reply to one command."""

    def answer(asked: bytes, data: bytes) -> bytes:
        return change(data) if asked[7:9] == command.value else data

    return lambda: Broken(VirtualReader(), answer=answer)


def always(reply: bytes) -> Callable[[bytes], bytes]:
    return lambda data: reply


DONE = Frame.reply(Status.DONE).serialize()


def never_lifted() -> Broken:
    class Stuck(VirtualReader):
        def remove(self) -> None:
            """The reader goes on seeing the card."""

    return Broken(Stuck())


def counting() -> Broken:
    counter = iter(range(255))

    def answer(asked: bytes, data: bytes) -> bytes:
        return Frame.reply(0x90, bytes(15) + bytes((next(counter),))).serialize() if asked[7:9] == b"\x12\xff" else data

    return Broken(VirtualReader(), answer=answer)


def other_bytes() -> Broken:
    counter = iter(range(255))

    def answer(asked: bytes, data: bytes) -> bytes:
        if asked[7:9] != Command.READ_TEXT_PHOTO.value or len(data) < 1295:
            return data
        body = bytearray(Frame.parse(data).body)
        body[-1] = next(counter)
        return Frame(body=bytes(body)).serialize()

    return Broken(VirtualReader(), answer=answer)


def deaf_to(wrong: Callable[[bytes], bool]) -> Callable[[], Broken]:
    """A reader that drops requests of some form."""
    return lambda: Broken(VirtualReader(), write=lambda data: b"" if wrong(data) else data)


def taking_anything() -> Broken:
    """A reader that looks at no check byte: it makes every request right before it reads it."""

    def mend(data: bytes) -> bytes:
        return Frame(body=data[7:-1]).serialize() if data.startswith(PREAMBLE) and len(data) == 10 else data

    return Broken(VirtualReader(), write=mend)


def stuck_after_half() -> Broken:
    """A reader that never gives up on half a request."""
    channel = Broken(VirtualReader())
    half: list[bool] = []

    def write(data: bytes) -> bytes:
        half.append(len(data) < 10)
        return b"" if any(half) else data

    channel.on_write = write
    return channel


def late() -> Broken:
    reader = VirtualReader()
    reader.inject(parse_fault("reply-late command=FIND_CARD seconds=1.2 times=0"))
    return Broken(reader)


def long_reply(data: bytes) -> bytes:
    return Frame.reply(Status.CARD_FOUND, bytes(9)).serialize() if len(data) == 15 else data


BREAKS: Final[dict[str, Callable[[], Broken]]] = {
    "R01": faulty("self-test-failed times=0"),
    "R02": answering(Command.RESET_SAM, always(Frame.reply(Status.BAD_COMMAND).serialize())),
    "R03": counting,
    "R04": answering(Command.FIND_CARD, always(Frame.reply(Status.CARD_FOUND, bytes(4)).serialize())),
    "R05": answering(Command.SELECT_CARD, always(Frame.reply(Status.DONE, bytes(8)).serialize())),
    "R06": answering(Command.READ_TEXT_PHOTO, always(Frame.reply(Status.DONE, bytes(1284)).serialize())),
    "R07": answering(Command.FIND_CARD, always(Frame.reply(Status.CARD_FOUND, bytes(3)).serialize())),
    "R08": faulty("status command=SELECT_CARD status=0x81 times=0"),
    "R09": faulty("zone-length command=READ_TEXT_PHOTO zone=0 length=200 times=0"),
    "R10": faulty("zone-length command=READ_TEXT_PHOTO_FINGERPRINT zone=2 length=300 times=0"),
    "R11": faulty("status command=READ_EXTRA status=0x90 data=AABB times=0"),
    "R12": faulty("status command=READ_MANAGEMENT status=0x41 times=0"),
    "R13": lambda: Broken(VirtualReader(read_once=False)),
    "R14": faulty("status command=FIND_CARD status=0x80 skip=2 times=0"),
    "R15": never_lifted,
    "R16": other_bytes,
    "R17": lambda: Broken(VirtualReader(), answer=lambda asked, data: DONE if asked[7:9] == b"\x77\x77" else data),
    "R18": taking_anything,
    "R19": deaf_to(lambda data: data[5:7] == b"\x00\x02"),
    "R20": deaf_to(lambda data: data[:1] == b"\x00"),
    "R21": deaf_to(lambda data: data.startswith(b"\xaa" * 5)),
    "R22": deaf_to(lambda data: len(data) == 1),
    "R23": lambda: Broken(VirtualReader(), write=lambda data: data[:10]),
    "R24": stuck_after_half,
    "R25": faulty("status command=FIND_CARD status=0x80 sw1=0x69 times=0"),
    "R26": faulty("wrong-check command=SAM_ID times=0"),
    "R27": answering(Command.FIND_CARD, long_reply),
    "R28": late,
    "R29": faulty("reply-twice command=SAM_STATUS times=0"),
    "R30": lambda: Broken(VirtualReader(), unasked=b"hello"),
    "R31": answering(Command.SET_MAX_RF_BYTES, always(DONE)),
    "R32": answering(Command.SET_BAUD_115200, always(Frame.reply(Status.UNKNOWN_ERROR).serialize())),
    "R33": lambda: Broken(VirtualReader(fidelity=fidelity("numbered"))),
}


def test_there_is_a_broken_reader_for_each_clause() -> None:
    assert list(BREAKS) == [clause.id for clause in READER_CLAUSES]


@pytest.mark.parametrize("clause", BREAKS)
def test_a_broken_reader_is_caught(clause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_clauses, "LATE_S", 1.5)
    channel = BREAKS[clause]()
    report = judge_reader(channel, Hands(channel._line.reader), "broken", only={clause})
    (result,) = report.results
    assert result.outcome is Outcome.FAILED, result.detail
    assert "expected" in result.detail
    assert result.exchange


def test_a_reader_that_is_lost_and_one_that_is_silent_fail_what_they_cannot_answer() -> None:
    reader = VirtualReader()
    reader.inject(Fault(kind=parse_fault("unplugged").kind, times=1))
    report = judge_reader(InProcessChannel(reader.line()), Hands(reader), "x", only={"R01", "R02"})
    assert [result.outcome for result in report.results] == [Outcome.FAILED] * len(report.results)
    assert "the reader was lost" in report.results[0].detail


class Nobody:
    def lay(self) -> None:
        raise ClauseNotRun("nobody")

    def lift(self) -> None:
        raise ClauseNotRun("nobody")


def test_what_needs_a_card_is_not_run_without_one() -> None:
    told: list[str] = []
    report = judge_reader(
        InProcessChannel(VirtualReader().line()), Nobody(), "x", progress=lambda result: told.append(result.clause.id)
    )
    assert told == [clause.id for clause in READER_CLAUSES]
    assert report.count(Outcome.FAILED) == 0
    assert report.count(Outcome.NOT_RUN) > 10
    assert not report.conforms
    assert report.score < 60


@pytest.mark.parametrize(("clause", "command"), [("R31", "SET_MAX_RF_BYTES"), ("R32", "SET_BAUD_115200")])
def test_what_a_reader_does_not_know_is_not_run(clause: str, command: str) -> None:
    channel = answering(Command[command], always(Frame.reply(Status.BAD_COMMAND).serialize()))()
    report = judge_reader(channel, Hands(channel._line.reader), "x", only={clause})
    assert report.results[0].outcome is Outcome.NOT_RUN


@pytest.mark.parametrize(("clause", "command"), [("R10", "READ_TEXT_PHOTO_FINGERPRINT"), ("R12", "READ_MANAGEMENT")])
def test_commands_that_not_every_reader_knows_may_be_refused(clause: str, command: str) -> None:
    channel = answering(Command[command], always(Frame.reply(Status.BAD_COMMAND).serialize()))()
    report = judge_reader(channel, Hands(channel._line.reader), "x", only={clause})
    assert report.results[0].outcome is Outcome.PASSED


def test_additional_addresses_are_looked_at() -> None:
    reader = VirtualReader()

    class WithAddress(Hands):
        def lay(self) -> None:
            self.reader.insert(replace(ALICE, extra=(b" \0" * 35,)))

    report = judge_reader(InProcessChannel(reader.line()), WithAddress(reader), "x", only={"R11"})
    assert report.conforms


def test_a_closed_line_is_no_way_to_judge() -> None:
    channel = InProcessChannel(VirtualReader().line())
    channel.close()
    with pytest.raises(ReaderError) as lost:
        judge_reader(channel, Nobody(), "x")
    assert lost.value.fault is ReaderFault.LOST
