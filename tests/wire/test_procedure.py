"""The host's procedures, driven by scripts: no line, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from prcard.errors import LocalWireError, ReaderError, ReaderFault
from prcard.wire.codes import Command, Status
from prcard.wire.frame import Frame
from prcard.wire.host import HostSession, Reply
from prcard.wire.procedure import (
    POLL_S,
    TRIES,
    Answer,
    CardZones,
    Exchange,
    Pause,
    Procedure,
    ReadOptions,
    Speed,
    Step,
    find_speed,
    identify,
    read_card,
)

TEXT, PHOTO, FINGER = bytes(256), b"P" * 1024, b"C" + b"f" * 1023
FOUND = (Status.CARD_FOUND, bytes(4))
SELECTED = (Status.DONE, bytes(8))
BASE = (Status.DONE, b"\x01\x00\x04\x00\x00\x00" + TEXT + PHOTO)
BASE_SHORT = (Status.DONE, b"\x01\x00\x04\x00" + TEXT + PHOTO)
ABSENT = (Status.NO_CARD, b"")
SILENCE = None
NOISE = "noise"

Scripted = tuple[Status, bytes] | str | None


def reply(command: Command, status: Status, data: bytes) -> Reply:
    session = HostSession()
    session.send(command)
    session.receive_data(Frame.reply(status, data).serialize(), 0)
    event = session.next_event(0)
    assert isinstance(event, Reply)
    return event


class Desk:
    """Plays reader and clock: answers each exchange from a script and counts time.

    Behind the script a lone answer, silence and noise go on for ever; else there is no card any more.
    """

    def __init__(self, *script: Scripted) -> None:
        self.script = list(script)
        self.rest = script[-1] if script and (len(script) == 1 or not isinstance(script[-1], tuple)) else ABSENT
        self.now = 100.0
        self.steps: list[Step] = []

    def run(self, procedure: Procedure[Any]) -> Any:
        try:
            step = next(procedure)
            while True:
                self.steps.append(step)
                step = procedure.send(self.answer(step))
        except StopIteration as end:
            return end.value

    def answer(self, step: Step) -> Answer:
        if isinstance(step, Pause):
            assert step.seconds > 0
            self.now += step.seconds
            return Answer(self.now)
        if isinstance(step, Speed):
            return Answer(self.now)
        assert step.timeout_s > 0
        scripted = self.script.pop(0) if self.script else self.rest
        if scripted is None:
            self.now += step.timeout_s
            return Answer(self.now)
        self.now += 0.01
        if isinstance(scripted, str):
            return Answer(self.now, fault=scripted)
        return Answer(self.now, reply=reply(step.command, *scripted))

    @property
    def commands(self) -> list[Command]:
        return [step.command for step in self.steps if isinstance(step, Exchange)]


def read(desk: Desk, timeout_s: float = 10, **options: bool) -> CardZones:
    zones = desk.run(read_card(desk.now, timeout_s, ReadOptions(**options)))
    assert isinstance(zones, CardZones)
    return zones


def refused(desk: Desk, timeout_s: float = 10, **options: bool) -> ReaderError:
    with pytest.raises(ReaderError) as error:
        read(desk, timeout_s, **options)
    return error.value


def test_find_select_read_in_this_order() -> None:
    desk = Desk(FOUND, SELECTED, BASE, ABSENT)
    assert read(desk) == CardZones(text=TEXT, photo=PHOTO)
    assert desk.commands[:3] == [Command.FIND_CARD, Command.SELECT_CARD, Command.READ_TEXT_PHOTO_FINGERPRINT]


def test_find_is_repeated_every_300_ms_until_a_card_comes() -> None:
    desk = Desk(ABSENT, ABSENT, FOUND, SELECTED, BASE)
    read(desk)
    assert desk.steps[1] == desk.steps[3] == Pause(POLL_S)


@pytest.mark.parametrize("timeout_s", [0.5, 2.0, 10.0])
def test_no_card_is_said_within_the_time_asked_for(timeout_s: float) -> None:
    desk = Desk(ABSENT)
    error = refused(desk, timeout_s)
    assert error.fault is ReaderFault.NO_CARD
    assert timeout_s <= desk.now - 100 <= timeout_s * 1.1
    assert f"{timeout_s:g} s" in str(error)


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan")])
def test_a_time_that_is_none_is_the_callers_error(timeout_s: float) -> None:
    with pytest.raises(LocalWireError, match="timeout_s"):
        Desk(ABSENT).run(read_card(0, timeout_s))


def test_silent_reader_is_given_up_after_three_tries() -> None:
    desk = Desk(SILENCE)
    assert refused(desk, 60).fault is ReaderFault.SILENT
    assert len(desk.commands) == TRIES


@pytest.mark.parametrize("timeout_s", [0.3, 1.5])
def test_silence_is_bounded_by_the_time_asked_for(timeout_s: float) -> None:
    desk = Desk(SILENCE)
    refused(desk, timeout_s)
    assert desk.now - 100 <= timeout_s * 1.1


def test_garbage_is_told_apart_from_silence() -> None:
    error = refused(Desk("check byte wrong"))
    assert error.fault is ReaderFault.GARBAGE
    assert "check byte wrong" in str(error)


def test_one_damaged_reply_of_each_command_is_survived() -> None:
    desk = Desk(NOISE, FOUND, NOISE, SELECTED, NOISE, BASE)
    assert read(desk).text == TEXT


def test_damaged_photo_is_read_again_without_a_new_find() -> None:
    desk = Desk(FOUND, SELECTED, NOISE, NOISE, BASE, ABSENT)
    read(desk)
    assert Command.FIND_CARD not in desk.commands[1:-1]
    assert desk.commands.count(Command.READ_TEXT_PHOTO_FINGERPRINT) == 3


def test_failed_select_begins_anew_with_find() -> None:
    desk = Desk(FOUND, (Status.SELECT_FAILED, b""), FOUND, SELECTED, BASE)
    read(desk)
    assert desk.commands[:4] == [Command.FIND_CARD, Command.SELECT_CARD, Command.FIND_CARD, Command.SELECT_CARD]


def test_select_that_always_fails_ends_in_time() -> None:
    desk = Desk()
    turn = {Command.FIND_CARD: FOUND, Command.SELECT_CARD: (Status.SELECT_FAILED, b"")}
    answer_from(desk, lambda command: turn[command])
    error = refused(desk, 3)
    assert error.fault is ReaderFault.CARD_UNREADABLE
    assert "(81)" in str(error)
    assert desk.now - 100 <= 3.3


def answer_from(desk: Desk, choose: Callable[[Command], Scripted]) -> None:
    plain = desk.answer

    def answer(step: Step) -> Answer:
        if isinstance(step, Exchange):
            desk.script = [choose(step.command)]
        return plain(step)

    desk.answer = answer  # type: ignore[method-assign]  # the script follows the command


def test_reader_without_fingerprint_command_is_asked_for_text_and_photo() -> None:
    desk = Desk(FOUND, SELECTED, (Status.BAD_COMMAND, b""), BASE_SHORT, ABSENT)
    assert read(desk) == CardZones(text=TEXT, photo=PHOTO)
    assert desk.commands[-2] is Command.READ_TEXT_PHOTO


def base_with(fingerprint: bytes) -> Scripted:
    return Status.DONE, b"\x01\x00\x04\x00" + len(fingerprint).to_bytes(2, "big") + TEXT + PHOTO + fingerprint


def test_fingerprint_is_dropped_unless_asked_for() -> None:
    assert read(Desk(FOUND, SELECTED, base_with(FINGER))).fingerprint == b""
    assert read(Desk(FOUND, SELECTED, base_with(FINGER)), fingerprint=True).fingerprint == FINGER


def test_security_object_in_the_fingerprint_zone_is_always_kept() -> None:
    carrier = b"\x77" + bytes(511)
    assert read(Desk(FOUND, SELECTED, base_with(carrier))).fingerprint == carrier


def test_additional_addresses_come_in_pieces_of_70_bytes() -> None:
    two = b"a" * 70 + b"b" * 70
    zones = read(Desk(FOUND, SELECTED, BASE, (Status.DONE, two)), extra=True)
    assert zones.extra == (b"a" * 70, b"b" * 70)


def test_no_additional_address_is_no_error() -> None:
    assert read(Desk(FOUND, SELECTED, BASE, (Status.NO_CONTENT, b"")), extra=True).extra == ()


def test_management_numbers_come_as_28_bytes() -> None:
    numbers = bytes(range(28))
    assert read(Desk(FOUND, SELECTED, BASE, NOISE, (Status.DONE, numbers)), management=True).management == numbers


def test_addition_that_the_reader_does_not_know_costs_nothing_that_was_read() -> None:
    unknown = (Status.BAD_COMMAND, b"")
    zones = read(Desk(FOUND, SELECTED, BASE, unknown, unknown), management=True, extra=True)
    assert (zones.text, zones.extra, zones.management) == (TEXT, (), b"")
    assert zones.unknown == (Command.READ_EXTRA, Command.READ_MANAGEMENT)


def test_card_lifted_between_base_and_address_gives_nothing() -> None:
    error = refused(Desk(FOUND, SELECTED, BASE, (Status.READ_FAILED, b""), ABSENT), extra=True)
    assert error.fault is ReaderFault.CARD_REMOVED


def test_card_lifted_in_the_middle() -> None:
    error = refused(Desk(FOUND, SELECTED, (Status.READ_FAILED, b""), ABSENT))
    assert error.fault is ReaderFault.CARD_REMOVED
    assert "lay it down again" in error.advice


def test_card_that_stays_but_cannot_be_read() -> None:
    error = refused(Desk(FOUND, SELECTED, (Status.READ_FAILED, b""), FOUND))
    assert error.fault is ReaderFault.CARD_UNREADABLE


@pytest.mark.parametrize("code", [0x31, 0x32, 0x33, 0x37, 0x40, 0x23])
def test_card_that_the_module_refuses(code: int) -> None:
    error = refused(Desk(FOUND, SELECTED, (Status.of(code), b"")))
    assert error.fault is ReaderFault.CARD_REFUSED
    assert f"({code:02X})" in str(error)
    assert error.advice


def test_select_refused_for_another_reason() -> None:
    assert refused(Desk(FOUND, (Status.of(0x31), b""))).fault is ReaderFault.CARD_REFUSED


def test_find_refused_for_another_reason() -> None:
    assert refused(Desk((Status.of(0x66), b""))).fault is ReaderFault.REFUSED


def test_time_that_runs_out_in_the_middle_of_a_reading() -> None:
    error = refused(Desk(FOUND, SELECTED, SILENCE), 1.0)
    assert error.fault is ReaderFault.SILENT


@pytest.mark.parametrize("seen", [[ABSENT, FOUND], [FOUND, FOUND, ABSENT, ABSENT, FOUND]])
def test_a_card_read_before_must_go_before_the_next(seen: list[Scripted]) -> None:
    desk = Desk(*seen, SELECTED, BASE)
    read(desk, fresh=True)
    assert desk.commands[:-1].count(Command.FIND_CARD) == len(seen)


@pytest.mark.parametrize(("answer", "again"), [(ABSENT, False), (FOUND, True), (SILENCE, True), (NOISE, True)])
def test_it_is_told_whether_the_reader_finds_the_card_again(answer: Scripted, again: bool) -> None:
    assert read(Desk(FOUND, SELECTED, BASE, answer, answer)).found_again is again


def test_one_damaged_reply_at_the_end_is_asked_for_again() -> None:
    assert read(Desk(FOUND, SELECTED, BASE, NOISE, ABSENT)).found_again is False


def test_a_silent_end_does_not_lose_the_card_that_was_read() -> None:
    desk = Desk(FOUND, SELECTED, BASE, SILENCE)
    assert read(desk, 0.05).text == TEXT


def test_a_card_that_is_not_lifted_is_named() -> None:
    assert refused(Desk(FOUND), 2, fresh=True).fault is ReaderFault.CARD_NOT_LIFTED


def test_damaged_zone_header_is_garbage() -> None:
    wrong = (Status.DONE, b"\x02\x00\x04\x00\x00\x00" + TEXT + PHOTO)
    assert refused(Desk(FOUND, SELECTED, wrong)).fault is ReaderFault.GARBAGE


def test_speeds_are_tried_in_order() -> None:
    desk = Desk(SILENCE, SILENCE, NOISE, (Status.DONE, b""))
    assert desk.run(find_speed((115200, 57600))) == 57600
    assert [step for step in desk.steps if isinstance(step, Speed)] == [Speed(115200), Speed(57600)]


@pytest.mark.parametrize(("script", "fault"), [(SILENCE, ReaderFault.SILENT), (NOISE, ReaderFault.GARBAGE)])
def test_no_speed_fits(script: Scripted, fault: ReaderFault) -> None:
    with pytest.raises(ReaderError) as error:
        Desk(script).run(find_speed((115200, 9600)))
    assert error.value.fault is fault


def test_reader_tells_its_sam_id() -> None:
    assert Desk((Status.DONE, b""), (Status.DONE, bytes(16))).run(identify()) == bytes(16)


@pytest.mark.parametrize("answer", [SILENCE, (Status.of(0x60), b"")])
def test_reader_without_sam_id_is_still_a_reader(answer: Scripted) -> None:
    assert Desk((Status.DONE, b""), answer).run(identify()) == b""


@pytest.mark.parametrize("code", [0x60, 0x66])
def test_module_that_is_not_ready(code: int) -> None:
    with pytest.raises(ReaderError) as error:
        Desk((Status.of(code), b"")).run(identify())
    assert error.value.fault is ReaderFault.NOT_READY


def test_reader_that_never_answers() -> None:
    with pytest.raises(ReaderError) as error:
        Desk(SILENCE).run(identify())
    assert error.value.fault is ReaderFault.SILENT


def every_script(length: int) -> Iterable[tuple[Scripted, ...]]:
    import itertools

    pieces: tuple[Scripted, ...] = (FOUND, ABSENT, SELECTED, BASE, SILENCE, NOISE, (Status.READ_FAILED, b""))
    return itertools.product(pieces, repeat=length)


def test_every_short_conversation_ends_in_time() -> None:
    """Law: whatever a reader answers, a reading returns zones or a ReaderError, within the time asked for."""
    for script in every_script(4):
        desk = Desk(*script)
        answer_from(desk, lambda command, left=list(script): legal(command, left.pop(0) if left else SILENCE))  # type: ignore[misc]  # bound per loop turn
        try:
            assert isinstance(read(desk, 2.0), CardZones)
        except ReaderError as error:
            assert error.advice
        assert desk.now - 100 <= 2.2


def legal(command: Command, scripted: Scripted) -> Scripted:
    """A session passes on only replies that fit the command; anything else is noise to the procedure."""
    if isinstance(scripted, tuple):
        try:
            reply(command, *scripted)
        except AssertionError:
            return NOISE
    return scripted


MISHEARD = (Status.BAD_CHECK, b"")


def test_a_request_that_the_reader_misheard_is_sent_again() -> None:
    desk = Desk(MISHEARD, FOUND, MISHEARD, SELECTED, (Status.BAD_LENGTH, b""), BASE, ABSENT)
    assert read(desk) == CardZones(text=TEXT, photo=PHOTO)
    assert desk.commands.count(Command.SELECT_CARD) == 2


def test_a_reader_that_never_makes_out_the_request_is_given_up() -> None:
    error = refused(Desk(MISHEARD))
    assert error.fault is ReaderFault.REFUSED
    assert "(10)" in str(error)


def test_a_slow_reader_gets_more_time_with_each_try() -> None:
    desk = Desk(SILENCE, SILENCE, (Status.DONE, b""), SILENCE)
    assert desk.run(identify()) == b""
    waits = [step.timeout_s for step in desk.steps if isinstance(step, Exchange)]
    assert waits[:3] == sorted(set(waits[:3]))
    assert waits[3] == waits[2]
