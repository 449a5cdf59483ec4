"""Faults as data. The first part holds prcard's own reader to what the table says that it makes of each."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any, Protocol

import pytest

from prcard.errors import ReaderError, ReaderFault, RecordError
from prcard.reader.sam import SAMReader
from prcard.record.raw import Provenance
from prcard.simulator.device import VirtualReader
from prcard.simulator.faults import (
    PARAMETERS,
    Controls,
    Fault,
    FaultKind,
    Faults,
    answer_instead,
    damage_frame,
    parse_fault,
)
from prcard.simulator.inprocess import InProcessChannel, InProcessSerialChannel
from prcard.simulator.specimens import specimen
from prcard.wire.codes import Command, Status
from prcard.wire.frame import Frame


class DrivenClock(Protocol):
    """The clock of the fixture `driven`."""

    def now(self) -> float: ...

    def wait(self, seconds: float) -> None: ...


ALICE = specimen("alice").card()
SEEDS = range(6)
FOUND = Frame.reply(Status.CARD_FOUND, bytes(4)).serialize()


def virtual(clock: DrivenClock, *faults: Fault, seed: int = 0) -> VirtualReader:
    reader = VirtualReader(clock=clock.now, seed=seed)
    reader.insert(ALICE, "alice")
    reader.inject(*faults)
    return reader


def outcome(clock: DrivenClock, reader: VirtualReader, timeout_s: float = 30.0) -> str:
    """Opens the reader, reads the card, and gives `read` or the code of the error."""
    try:
        with SAMReader(InProcessChannel(reader.line(), clock.wait)) as host:
            start = clock.now()
            try:
                raw = host.read(timeout_s)
            finally:
                assert clock.now() - start <= 1.1 * timeout_s
    except ReaderError as error:
        assert error.advice
        return error.fault.value
    assert replace(raw, provenance=Provenance(transport="file")) == ALICE
    return "read"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", FaultKind)
def test_the_reader_survives_a_fault_that_strikes_once(kind: FaultKind, seed: int, driven: DrivenClock) -> None:
    assert outcome(driven, virtual(driven, Fault(kind=kind, times=1), seed=seed)) == kind.once


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", FaultKind)
def test_the_reader_survives_a_fault_that_always_strikes(kind: FaultKind, seed: int, driven: DrivenClock) -> None:
    assert outcome(driven, virtual(driven, Fault(kind=kind, times=0), seed=seed)) == kind.always


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        (kind, command)
        for kind in FaultKind
        for command in (Command.FIND_CARD, Command.SELECT_CARD, Command.READ_TEXT_PHOTO_FINGERPRINT)
        if not kind.commands or command in kind.commands
    ],
)
def test_whatever_strikes_wherever_the_reading_ends_in_its_time(
    kind: FaultKind, command: Command, driven: DrivenClock
) -> None:
    """The time-out is kept within a tenth (`outcome` asserts it), and the error is a documented one."""
    for timeout_s in (0.5, 2.0, 7.0):
        reader = virtual(driven, Fault(kind=kind, command=command, times=0))
        assert outcome(driven, reader, timeout_s) in {"read", *(fault.value for fault in ReaderFault)}


def test_a_silent_reader_ends_the_wait_within_a_tenth_of_the_time_asked_for(driven: DrivenClock) -> None:
    reader = virtual(driven)
    reader.remove()
    with SAMReader(InProcessChannel(reader.line(), driven.wait)) as host:
        for timeout_s in (0.4, 1.0, 5.0, 30.0):
            start = driven.now()
            with pytest.raises(ReaderError) as error:
                host.read(timeout_s)
            assert error.value.fault is ReaderFault.NO_CARD
            assert timeout_s == pytest.approx(driven.now() - start, rel=0.1)


def test_after_a_fault_the_next_reading_succeeds(driven: DrivenClock) -> None:
    for kind in FaultKind:
        if kind.once == "read" or kind is FaultKind.UNPLUGGED or not kind.times:
            continue
        reader = virtual(driven)
        with SAMReader(InProcessChannel(reader.line(), driven.wait)) as host:
            reader.inject(Fault(kind=kind, times=1))
            with pytest.raises(ReaderError):
                host.read(5)
            reader.insert(ALICE)
            assert host.read(5).text == ALICE.text


def test_an_unplugged_reader_is_back_when_its_time_has_come(driven: DrivenClock) -> None:
    reader = virtual(driven, parse_fault("unplugged command=FIND_CARD at=3 seconds=2"))
    channel = InProcessChannel(reader.line(), driven.wait)
    with SAMReader(channel) as host, pytest.raises(ReaderError) as lost:
        host.read(5)
    assert lost.value.fault is ReaderFault.LOST
    with pytest.raises(ReaderError) as gone:
        reader.line()
    assert gone.value.fault is ReaderFault.NOT_FOUND
    driven.wait(2)
    assert outcome(driven, reader) == "read"


def test_the_search_for_the_speed_survives_a_mismatch(driven: DrivenClock) -> None:
    reader = virtual(driven, parse_fault("baud-mismatch baud=19200"))
    with SAMReader(InProcessSerialChannel(reader.line(), driven.wait)) as host:
        assert host.baud == 19200
        assert host.read(5).text == ALICE.text
    reader.clear_faults()
    with SAMReader(InProcessSerialChannel(reader.line(), driven.wait)) as host:
        assert host.baud == 115200


def test_the_same_seed_strikes_the_same_bytes(driven: DrivenClock) -> None:
    def replies(seed: int) -> bytes:
        reader = virtual(driven, parse_fault("flip-bit times=0 chance=0.5"), seed=seed)
        line = reader.line()
        return b"".join(line.receive(Frame.request(Command.FIND_CARD).serialize(), 0) for _ in range(40))

    assert replies(1) == replies(1)
    assert replies(1) != replies(2)


# Which reply is struck.


def found(reader: VirtualReader, count: int) -> list[bool]:
    """Asks so often for a card and tells which replies were whole."""
    line = reader.line()
    return [line.receive(Frame.request(Command.FIND_CARD).serialize(), 0) == FOUND for _ in range(count)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wrong-check", "x...."),
        ("wrong-check skip=2", "..x.."),
        ("wrong-check skip=1 times=2", ".xx.."),
        ("wrong-check times=0", "xxxxx"),
        ("wrong-check times=0 chance=0", "....."),
        ("wrong-check command=SELECT_CARD", "....."),
    ],
)
def test_skip_times_chance_and_command_choose_the_reply(text: str, expected: str, driven: DrivenClock) -> None:
    assert "".join(".x"[not whole] for whole in found(virtual(driven, parse_fault(text)), 5)) == expected


def test_status_tells_what_is_armed_and_clear_disarms(driven: DrivenClock) -> None:
    reader = virtual(driven, parse_fault("wrong-check times=3"), parse_fault("reply-never skip=9"))
    found(reader, 2)
    assert reader.faults.status() == [
        {"kind": "wrong-check", "times": 3, "struck": 2},
        {"kind": "reply-never", "skip": 9, "struck": 0},
    ]
    reader.clear_faults()
    assert reader.faults.status() == []
    assert found(reader, 2) == [True, True]


def test_a_new_seed_disarms(driven: DrivenClock) -> None:
    faults = Faults(1)
    faults.arm(parse_fault("wrong-check"))
    faults.reseed(2)
    assert faults.strike(Command.FIND_CARD) == []


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("flip-bit at=9 direction=to-reader", Status.BAD_CHECK),
        ("drop-byte at=9 direction=to-reader", Status.BAD_LENGTH),
        ("wrong-check direction=to-reader command=FIND_CARD", Status.BAD_CHECK),
        ("garbage-before direction=to-reader", Status.CARD_FOUND),
        ("short-frame count=3 direction=to-reader", None),
    ],
)
def test_requests_can_be_damaged_too(text: str, status: Status | None, driven: DrivenClock) -> None:
    line = virtual(driven, parse_fault(text)).line()
    reply = line.receive(Frame.request(Command.FIND_CARD).serialize(), 0)
    reply += line.receive(b"", 10)
    assert (Frame.parse(reply).sw3 if reply else None) == status
    assert line.receive(Frame.request(Command.FIND_CARD).serialize(), 20) == FOUND


def test_a_damaged_request_waits_for_its_own_command(driven: DrivenClock) -> None:
    line = virtual(driven, parse_fault("wrong-check direction=to-reader command=SELECT_CARD")).line()
    assert line.receive(Frame.request(Command.FIND_CARD).serialize(), 0) == FOUND
    assert Frame.parse(line.receive(Frame.request(Command.SELECT_CARD).serialize(), 0)).sw3 == Status.BAD_CHECK


# What happens to the bytes of one reply.


class Hands:
    """Notes what a fault does to the reader."""

    def __init__(self) -> None:
        self.did: list[Any] = []

    def remove(self) -> None:
        self.did.append("remove")

    def unplug(self, seconds: float | None = None) -> None:
        self.did.append(seconds)


def pieces(
    text: str, frame: bytes = FOUND, previous: bytes = b"", hands: Controls | None = None
) -> list[tuple[bytes, float]]:
    faults = Faults(3)
    fault = parse_fault(text)
    faults.arm(fault)
    made = damage_frame(frame, faults.strike(fault.command or Command.READ_TEXT_PHOTO), previous, hands or Hands())
    for piece in made:
        if piece.then:
            piece.then()
    return [(piece.data, piece.wait_s) for piece in made]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("drop-byte at=0", [(FOUND[1:], 0.0)]),
        ("drop-byte at=3 count=2", [(FOUND[:3] + FOUND[5:], 0.0)]),
        ("drop-byte at=4000", [(FOUND[:-1], 0.0)]),
        ("duplicate-byte at=5", [(FOUND[:6] + FOUND[5:], 0.0)]),
        ("delay-byte at=7 seconds=1.5", [(FOUND[:7], 0.0), (FOUND[7:], 1.5)]),
        ("short-frame count=9", [(FOUND[:9], 0.0)]),
        ("short-frame count=99", [(FOUND[:-1], 0.0)]),
        ("split-frame size=10 seconds=0.2", [(FOUND[:10], 0.0), (FOUND[10:], 0.2)]),
        ("reply-late seconds=3", [(FOUND, 3.0)]),
        ("slow-rf seconds=3", [(FOUND, 3.0)]),
        ("reply-never", []),
        ("reply-twice", [(FOUND, 0.0), (FOUND, 0.0)]),
    ],
)
def test_what_becomes_of_a_reply(text: str, expected: list[tuple[bytes, float]]) -> None:
    assert pieces(text) == expected


def test_bytes_are_added_and_bits_flipped_where_it_says() -> None:
    ((added, _),) = pieces("add-byte at=7 count=2")
    assert (added[:7], added[9:], len(added)) == (FOUND[:7], FOUND[7:], len(FOUND) + 2)
    ((flipped, _),) = pieces("flip-bit at=9")
    assert [at for at in range(len(FOUND)) if flipped[at] != FOUND[at]] == [9]
    assert (flipped[9] ^ FOUND[9]).bit_count() == 1
    ((wrong, _),) = pieces("wrong-check")
    assert wrong[:-1] == FOUND[:-1]
    assert wrong[-1] != FOUND[-1]
    ((noisy, _),) = pieces("garbage-before count=33")
    assert (noisy[33:], len(noisy)) == (FOUND, len(FOUND) + 33)


def test_the_reply_before_comes_once_more() -> None:
    assert pieces("reply-previous", previous=b"before") == [(b"before", 0.0)]
    assert pieces("reply-previous") == [(FOUND, 0.0)]


def test_a_zone_header_claims_another_length() -> None:
    frame = Frame.reply(Status.DONE, bytes.fromhex("01000400") + bytes(1280)).serialize()
    ((damaged, _),) = pieces("zone-length zone=0 length=300", frame)
    assert Frame.parse(damaged).reply_data[:4] == bytes.fromhex("012C0400")
    refusal = Frame.reply(Status.READ_FAILED).serialize()
    assert pieces("zone-length", refusal) == [(refusal, 0.0)]


def test_card_and_plug_are_pulled_when_the_bytes_say_so() -> None:
    hands = Hands()
    frame = bytes(1295)
    assert [len(data) for data, _ in pieces("card-lifted-in-photo", frame, hands=hands)] == [782]
    assert [data for data, _ in pieces("unplugged at=5 seconds=4", hands=hands)] == [FOUND[:5]]
    assert hands.did == ["remove", 4]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("status status=0x41 sw1=0x69 sw2=0x82", (0x69, 0x82, 0x41, b"")),
        ("status status=145 data=ABCD", (0, 0, 0x91, b"\xab\xcd")),
        ("self-test-failed command=SAM_STATUS", (0, 0, 0x60, b"")),
        ("not-authorised", (0, 0, 0x66, b"")),
        ("card-lifted", (0, 0, 0x41, b"")),
        ("wrong-check", None),
    ],
)
def test_another_answer_is_given(text: str, expected: object) -> None:
    faults = Faults()
    fault = parse_fault(text)
    faults.arm(fault)
    command = fault.command or next(iter(sorted(fault.kind.commands, key=lambda c: c.name, reverse=True)), None)
    assert answer_instead(faults.strike(command), Hands()) == expected


@pytest.mark.parametrize("status", range(0, 256, 5))
def test_any_status_can_be_answered(status: int, driven: DrivenClock) -> None:
    line = virtual(driven, Fault(kind=FaultKind.STATUS, values={"status": status})).line()
    assert Frame.parse(line.receive(Frame.request(Command.FIND_CARD).serialize(), 0)).sw3 == status


# The data form.


@pytest.mark.parametrize("kind", FaultKind)
def test_law_a_document_gives_the_same_fault(kind: FaultKind) -> None:
    source = random.Random(kind.value)
    values = {key: 5 if PARAMETERS[key].type != "string" else "AB" for key in kind.defaults if key != "baud"}
    command = source.choice(sorted(kind.commands or Command, key=lambda c: c.name))
    fault = Fault(
        kind=kind, command=command, skip=2, times=3, chance=0.5, to_reader=kind.strikes_requests,
        values={**values, **({"zone": 2} if "zone" in values else {})},
    )  # fmt: skip
    assert Fault.from_document(fault.to_document()) == fault
    assert Fault.from_document({"kind": kind.value}) == Fault(kind=kind)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({}, "fault.kind"),
        ({"kind": "nonsense"}, "fault.kind"),
        ({"kind": []}, "fault.kind"),
        ({"kind": "drop-byte", "command": "FIND"}, "fault.command"),
        ({"kind": "drop-byte", "command": 3}, "fault.command"),
        ({"kind": "drop-byte", "direction": "up"}, "fault.direction"),
        ({"kind": "reply-late", "direction": "to-reader"}, "fault.direction"),
        ({"kind": "zone-length", "command": "FIND_CARD"}, "fault.command"),
        ({"kind": "drop-byte", "at": -1}, "fault.at"),
        ({"kind": "drop-byte", "at": 1.5}, "fault.at"),
        ({"kind": "drop-byte", "at": True}, "fault.at"),
        ({"kind": "drop-byte", "at": "x"}, "fault.at"),
        ({"kind": "drop-byte", "seconds": 1}, "fault.seconds"),
        ({"kind": "reply-late", "seconds": 601}, "fault.seconds"),
        ({"kind": "status", "data": "0"}, "fault.data"),
        ({"kind": "status", "data": 5}, "fault.data"),
        ({"kind": "status", "status": 256}, "fault.status"),
        ({"kind": "drop-byte", "skip": -1}, "fault.skip"),
        ({"kind": "drop-byte", "times": "often"}, "fault.times"),
        ({"kind": "drop-byte", "chance": 2}, "fault.chance"),
    ],
)
def test_a_key_that_is_wrong_is_named(document: dict[str, Any], field: str) -> None:
    with pytest.raises(RecordError) as refused:
        Fault.from_document(document)
    assert [problem.field for problem in refused.value.problems] == [field]


@pytest.mark.parametrize(
    "text", ["drop-byte at", "drop-byte at=x", "drop-byte chance=often", "nonsense", "status data=XY"]
)
def test_text_that_is_no_fault(text: str) -> None:
    with pytest.raises(RecordError, match="expected"):
        parse_fault(text)


def test_every_key_of_every_kind_is_described() -> None:
    for kind in FaultKind:
        assert kind.defaults.keys() <= PARAMETERS.keys()
        assert not kind.meaning.endswith(".")
