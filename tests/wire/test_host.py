"""The host's side: replies taken, everything else named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import LocalWireError
from prcard.wire.codes import Command, Status
from prcard.wire.frame import PREAMBLE, Frame
from prcard.wire.host import MAX_NOISE_BYTES, Fault, FaultKind, HostSession, Reply
from prcard.wire.scanner import FRAME_SILENCE_S, MAX_BUFFER_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOUND = Frame.reply(Status.CARD_FOUND, bytes(4)).serialize()
DONE = Frame.reply(Status.DONE).serialize()
NO_CARD = Frame.reply(Status.NO_CARD).serialize()


def asked(command: Command = Command.FIND_CARD, *abandoned: Command) -> HostSession:
    """A session that awaits the reply to `command`, after giving up others."""
    session = HostSession()
    for earlier in abandoned:
        session.send(earlier)
        session.abandon()
    session.send(command, b"\x50" * command.request_length_bytes)
    return session


def receive(session: HostSession, data: bytes, now: float = 0.0) -> Reply | Fault | None:
    session.receive_data(data, now)
    return session.next_event(now)


def fault(event: Reply | Fault | None) -> Fault:
    assert isinstance(event, Fault)
    return event


def test_requests_are_the_published_bytes(requests: dict[str, bytes]) -> None:
    assert HostSession().send(Command.FIND_CARD) == requests["find-card"]
    assert HostSession().send(Command.SET_MAX_RF_BYTES, b"\x50") == requests["set-max-rf-bytes-80"]


def test_every_good_reply_is_taken_whole_and_byte_by_byte(replies: dict[str, bytes]) -> None:
    for data in replies.values():
        frame = Frame.parse(data)
        for command in Command:
            if not command.may_answer(Status.of(frame.sw3), len(frame.reply_data)):
                continue
            expected = Reply(command=command, status=Status.of(frame.sw3), sw1=0, sw2=0, data=frame.reply_data)
            assert receive(asked(command), data) == expected
            session = asked(command)
            assert [receive(session, bytes((b,))) for b in data] == [None] * (len(data) - 1) + [expected]


def test_every_refusal_is_taken_by_every_command(refusals: dict[str, bytes]) -> None:
    for data in refusals.values():
        for command in (Command.FIND_CARD, Command.SELECT_CARD, Command.READ_TEXT_PHOTO):
            event = receive(asked(command), data)
            assert isinstance(event, Reply)
            assert (event.status_byte, event.data) == (Frame.parse(data).sw3, b"")


def test_status_words_of_the_card_and_unknown_statuses_are_kept() -> None:
    event = receive(asked(), Frame.reply(0x55, sw1=0x6A, sw2=0x82).serialize())
    assert isinstance(event, Reply)
    assert (event.sw1, event.sw2, event.status_byte, event.status.known) == (0x6A, 0x82, 0x55, False)


def test_one_request_at_a_time() -> None:
    session = asked(Command.SELECT_CARD)
    assert session.pending is Command.SELECT_CARD
    with pytest.raises(LocalWireError, match="send FIND_CARD: expected no request under way, found SELECT_CARD"):
        session.send(Command.FIND_CARD)
    receive(session, NO_CARD)
    assert session.pending is None
    assert session.send(Command.FIND_CARD)


def test_a_request_that_is_refused_leaves_the_session_free() -> None:
    session = HostSession()
    with pytest.raises(LocalWireError, match="data of FIND_CARD: expected 0 bytes, found 1"):
        session.send(Command.FIND_CARD, b"x")
    assert session.pending is None


def test_nothing_asked_nothing_taken() -> None:
    session = HostSession()
    assert receive(session, FOUND) is None
    session.send(Command.FIND_CARD)
    assert session.next_event(0.0) is None


def test_what_came_before_the_request_is_no_answer_to_it() -> None:
    session = asked()
    session.receive_data(FOUND + NO_CARD + PREAMBLE, 0.0)
    assert isinstance(session.next_event(0.0), Reply)
    session.send(Command.FIND_CARD)
    assert session.next_event(0.0) is None
    assert session.deadline() is None
    assert isinstance(receive(session, FOUND), Reply)


@pytest.mark.parametrize(
    ("data", "kind", "detail"),
    [
        (
            FOUND[:-1] + b"\x00",
            FaultKind.CHECK,
            "reply to FIND_CARD: CHK at byte 14: expected 97, found 00",
        ),
        (PREAMBLE + b"\x00\x03", FaultKind.LENGTH, "reply to FIND_CARD: LEN: expected 0004-090A, found 0003"),
        (
            Frame.reply(0x9F, bytes(5)).serialize(),
            FaultKind.UNEXPECTED,
            "reply to FIND_CARD: status 9F with 5 data bytes is no answer to it",
        ),
        (DONE, FaultKind.UNEXPECTED, "reply to FIND_CARD: status 90 with 0 data bytes is no answer to it"),
        (
            Frame.reply(0x80, b"x").serialize(),
            FaultKind.UNEXPECTED,
            "reply to FIND_CARD: status 80 with 1 data bytes is no answer to it",
        ),
    ],
)
def test_what_is_no_answer_is_a_fault_and_the_answer_may_follow(data: bytes, kind: FaultKind, detail: str) -> None:
    session = asked()
    event = fault(receive(session, data))
    assert (event.kind, event.detail, str(event)) == (kind, detail, detail)
    assert session.pending is Command.FIND_CARD
    assert isinstance(receive(session, FOUND), Reply)


def test_a_reply_that_stops_is_a_fault_at_the_deadline() -> None:
    session = asked()
    assert receive(session, FOUND[:-1], 1.0) is None
    assert session.deadline() == 1.0 + FRAME_SILENCE_S
    event = fault(session.next_event(1.0 + FRAME_SILENCE_S))
    assert event.kind is FaultKind.TIMEOUT
    assert "expected 1 more bytes" in event.detail


def test_the_deadline_is_an_argument() -> None:
    session = HostSession(deadline_s=2.0)
    session.send(Command.FIND_CARD)
    receive(session, FOUND[:7], 1.0)
    assert session.deadline() == 3.0


def test_noise_before_a_reply_does_no_harm() -> None:
    assert isinstance(receive(asked(), b"\xaa\x00noise\xaa\xaa" + FOUND), Reply)


def test_a_flood_of_noise_is_a_fault_each_time_the_limit_is_passed() -> None:
    session = asked()
    assert receive(session, bytes(MAX_NOISE_BYTES)) is None
    event = fault(receive(session, b"\x00"))
    assert event.kind is FaultKind.NOISE
    assert event.detail == "reply to FIND_CARD: expected a reply, found 4097 bytes of noise"
    assert session.next_event(0.0) is None
    assert fault(receive(session, bytes(MAX_NOISE_BYTES + 1))).kind is FaultKind.NOISE


def test_noise_of_an_earlier_request_is_not_counted_again() -> None:
    session = asked()
    receive(session, bytes(MAX_NOISE_BYTES))
    session.abandon()
    session.send(Command.FIND_CARD)
    assert receive(session, bytes(MAX_NOISE_BYTES)) is None


def test_too_many_bytes_are_refused() -> None:
    session = asked()
    with pytest.raises(LocalWireError, match="expected at most 131072 waiting"):
        session.receive_data(bytes(MAX_BUFFER_BYTES + 1), 0.0)


def test_abandon_tells_whether_anything_came() -> None:
    session = asked()
    assert session.abandon() is None
    session.send(Command.FIND_CARD)
    receive(session, b"\xff\xfe\xfd")
    event = fault(session.abandon())
    assert event.kind is FaultKind.NOISE
    assert event.detail == "reply to FIND_CARD: expected a reply, found 3 bytes that are none"
    assert session.pending is None
    assert session.abandon() is None


def test_abandon_drops_a_reply_that_has_begun() -> None:
    session = asked()
    receive(session, FOUND[:9])
    session.abandon()
    assert session.deadline() is None
    session.send(Command.FIND_CARD)
    assert isinstance(receive(session, FOUND[9:] + FOUND), Reply)


@pytest.mark.parametrize(
    ("command", "abandoned", "late"),
    [
        (Command.SELECT_CARD, Command.FIND_CARD, FOUND),
        (Command.SELECT_CARD, Command.FIND_CARD, NO_CARD),
        (Command.FIND_CARD, Command.SAM_STATUS, DONE),
        (Command.READ_TEXT_PHOTO, Command.SELECT_CARD, Frame.reply(0x81).serialize()),
        (Command.SAM_STATUS, Command.READ_TEXT_PHOTO, Frame.reply(0x90, bytes(1284)).serialize()),
        (Command.READ_MANAGEMENT, Command.READ_EXTRA, Frame.reply(0x91).serialize()),
    ],
)
def test_a_late_reply_to_an_abandoned_request_is_not_taken(command: Command, abandoned: Command, late: bytes) -> None:
    session = asked(command, abandoned)
    event = fault(receive(session, late))
    assert event.kind is FaultKind.LATE
    assert event.detail.startswith(f"reply to {command.name}: found the late reply (")
    own = Frame.reply(command.success, bytes(command.reply_lengths[0])).serialize()
    assert isinstance(receive(session, own), Reply)


def test_a_refusal_of_any_command_is_taken_even_after_an_abandoned_one() -> None:
    event = receive(asked(Command.SELECT_CARD, Command.FIND_CARD), Frame.reply(0x21).serialize())
    assert isinstance(event, Reply)
    assert event.status is Status.BAD_COMMAND


def test_the_same_request_again_takes_the_first_reply() -> None:
    assert isinstance(receive(asked(Command.FIND_CARD, Command.FIND_CARD), NO_CARD), Reply)


def test_what_was_abandoned_is_forgotten_once_a_later_request_is_answered() -> None:
    session = asked(Command.SELECT_CARD, Command.FIND_CARD)
    receive(session, Frame.reply(0x90, bytes(8)).serialize())
    session.send(Command.SELECT_CARD)
    assert isinstance(receive(session, NO_CARD), Reply)


@given(st.lists(st.one_of(st.binary(max_size=20), st.sampled_from([FOUND, DONE, NO_CARD])), max_size=8))
def test_law_a_reply_always_has_what_its_command_allows(parts: list[bytes]) -> None:
    session = asked()
    for part in parts:
        event = receive(session, part)
        if isinstance(event, Reply):
            assert event.command.may_answer(event.status, len(event.data))
            assert session.pending is None


@pytest.mark.long
def test_100_000_hostile_streams_give_events_and_no_exception(
    hostile: Callable[[int], Iterator[bytes]],
) -> None:
    commands = list(Command)
    for number, data in enumerate(hostile(100_000)):
        session = asked(commands[number % len(commands)])
        event = receive(session, data)
        while event is not None:
            if isinstance(event, Reply):
                assert event.command.may_answer(event.status, len(event.data))
            event = session.next_event(100.0)
        session.abandon()
