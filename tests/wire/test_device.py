"""The reader's side: good requests taken, bad ones given the status that a reader answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import LocalWireError
from prcard.wire.codes import Command, Status
from prcard.wire.device import BadRequest, DeviceSession, Request
from prcard.wire.frame import PREAMBLE, Frame
from prcard.wire.scanner import FRAME_SILENCE_S, MAX_BUFFER_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LATER = 100.0


def events(session: DeviceSession, data: bytes, now: float = 0.0) -> list[Request | BadRequest]:
    session.receive_data(data, now)
    found = []
    while (event := session.next_event(now)) is not None:
        found.append(event)
    return found


def request(command: Command) -> Request:
    return Request(command=command, data=b"\x50" * command.request_length_bytes)


def taken(command: Command) -> DeviceSession:
    """A session that has taken one request."""
    session = DeviceSession()
    data = b"\x50" * command.request_length_bytes
    assert events(session, Frame.request(command, data).serialize()) == [request(command)]
    return session


def test_every_request_vector_is_taken(requests: dict[str, bytes]) -> None:
    for data in requests.values():
        frame = Frame.parse(data)
        (event,) = events(DeviceSession(), data)
        assert isinstance(event, Request)
        assert (event.command_bytes, event.data) == (frame.command_bytes, frame.request_data)
        assert event.command.value == frame.command_bytes


def test_all_requests_in_one_write(requests: dict[str, bytes]) -> None:
    expected = [Frame.parse(data).command_bytes for data in requests.values()]
    found = events(DeviceSession(), b"".join(requests.values()))
    assert [event.command_bytes for event in found] == expected


def test_all_requests_byte_by_byte(requests: dict[str, bytes]) -> None:
    session = DeviceSession()
    for data in requests.values():
        for byte in data[:-1]:
            assert events(session, bytes((byte,))) == []
        assert [event.command_bytes for event in events(session, data[-1:])] == [data[7:9]]


def test_damaged_requests_get_the_status_in_their_name(damaged: dict[str, bytes]) -> None:
    assert len(damaged) == 13
    for name, data in damaged.items():
        session = DeviceSession()
        found = events(session, data) + events(session, b"", LATER)
        assert [isinstance(event, BadRequest) for event in found] == [True], name
        assert [f"{event.status:02X}" for event in found if isinstance(event, BadRequest)] == [name[:2]]


def test_a_damaged_request_does_not_hide_the_next(damaged: dict[str, bytes], requests: dict[str, bytes]) -> None:
    for data in damaged.values():
        session = DeviceSession()
        found = events(session, data + requests["find-card"]) + events(session, b"", LATER)
        assert request(Command.FIND_CARD) in found


@pytest.mark.parametrize(
    ("text", "event"),
    [
        (
            "AAAAAA9669 0003 3002 31",
            BadRequest(status=Status.BAD_COMMAND, detail="no command 3002", command_bytes=b"\x30\x02"),
        ),
        (
            "AAAAAA9669 0004 200100 25",
            BadRequest(
                status=Status.BAD_LENGTH,
                detail="FIND_CARD takes 0 data bytes, not 1",
                command_bytes=b"\x20\x01",
            ),
        ),
        (
            "AAAAAA9669 0004 61FF17 8D",
            BadRequest(
                status=Status.BAD_COMMAND,
                detail="SET_MAX_RF_BYTES takes no data byte 23",
                command_bytes=b"\x61\xff",
            ),
        ),
        (
            "AAAAAA9669 0003 2001 23",
            BadRequest(status=Status.BAD_CHECK, detail="CHK at byte 9: expected 22, found 23"),
        ),
        (
            "AAAAAA9669 0005",
            BadRequest(status=Status.BAD_LENGTH, detail="LEN: expected 0003-0004, found 0005"),
        ),
    ],
)
def test_bad_requests_say_what_was_wrong(text: str, event: BadRequest) -> None:
    assert events(DeviceSession(), bytes.fromhex(text)) == [event]


def test_a_request_that_stops_is_refused_once_at_the_deadline() -> None:
    session = DeviceSession()
    assert events(session, PREAMBLE + b"\x00\x03\x20", 5.0) == []
    assert session.deadline() == 5.0 + FRAME_SILENCE_S
    assert events(session, b"", 5.0 + FRAME_SILENCE_S / 2) == []
    (event,) = events(session, b"", 5.0 + FRAME_SILENCE_S)
    assert isinstance(event, BadRequest)
    assert event.status is Status.BAD_LENGTH
    assert session.deadline() is None
    assert events(session, b"", LATER) == []


def test_the_deadline_is_an_argument() -> None:
    session = DeviceSession(deadline_s=2.0)
    events(session, PREAMBLE, 1.0)
    assert session.deadline() == 3.0


def test_noise_is_not_answered(requests: dict[str, bytes]) -> None:
    session = DeviceSession()
    assert events(session, b"noise\xaa\xaa") == []
    assert events(session, b"\xaa" + requests["find-card"]) == [request(Command.FIND_CARD)]


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(LocalWireError, match="expected at most 131072 waiting"):
        DeviceSession().receive_data(bytes(MAX_BUFFER_BYTES + 1), 0.0)


@pytest.mark.parametrize("command", Command)
def test_replies_have_the_lengths_of_the_table_and_no_other(command: Command) -> None:
    for length in {0, 1, *command.reply_lengths, *(n + 1 for n in command.reply_lengths)}:
        session = taken(command)
        if length in command.reply_lengths:
            sent = session.send(command.success, bytes(length))
            assert sent == Frame.reply(command.success, bytes(length)).serialize()
        else:
            with pytest.raises(LocalWireError, match=f"reply to {command.name}: expected status "):
                session.send(command.success, bytes(length))


def test_replies_are_the_published_bytes(replies: dict[str, bytes], refusals: dict[str, bytes]) -> None:
    assert taken(Command.FIND_CARD).send(Status.CARD_FOUND, bytes(4)) == replies["card-found"]
    assert taken(Command.SELECT_CARD).send(Status.DONE, bytes(8)) == replies["card-selected"]
    assert taken(Command.READ_EXTRA).send(Status.NO_CONTENT) == refusals["no-content"]


def test_status_words_of_the_card_are_passed_on() -> None:
    sent = taken(Command.READ_TEXT_PHOTO).send(Status.CARD_REFUSED_SAM, sw=(0x6A, 0x82))
    assert Frame.parse(sent).body == b"\x6a\x82\x31"


def test_unknown_statuses_can_be_sent_without_data() -> None:
    assert Frame.parse(taken(Command.FIND_CARD).send(0x55)).sw3 == 0x55
    with pytest.raises(LocalWireError, match="found status 55 with 1 bytes"):
        taken(Command.FIND_CARD).send(0x55, b"x")


def test_a_bad_request_is_answered_without_data() -> None:
    session = DeviceSession()
    (event,) = events(session, bytes.fromhex("AAAAAA9669 0003 2001 23"))
    assert isinstance(event, BadRequest)
    with pytest.raises(LocalWireError, match="reply to a bad request: expected no data, found 1 bytes"):
        session.send(event.status, b"x")
    assert session.send(event.status) == bytes.fromhex("AAAAAA9669 0004 000010 14")


def test_each_request_is_answered_once() -> None:
    session = DeviceSession()
    with pytest.raises(LocalWireError, match="send: expected a request to answer, found none"):
        session.send(Status.DONE)
    session = taken(Command.SAM_STATUS)
    session.send(Status.DONE)
    with pytest.raises(LocalWireError, match="found none; call next_event first"):
        session.send(Status.DONE)


def test_a_refused_reply_leaves_the_request_open() -> None:
    session = taken(Command.SAM_STATUS)
    with pytest.raises(LocalWireError):
        session.send(Status.DONE, b"x")
    with pytest.raises(LocalWireError, match="SW1: expected a byte"):
        session.send(Status.DONE, sw=(256, 0))
    assert session.send(Status.DONE)


def test_a_request_that_is_never_answered_is_forgotten(requests: dict[str, bytes]) -> None:
    session = DeviceSession()
    found = events(session, requests["find-card"] + requests["sam-status"])
    assert len(found) == 2
    assert session.send(Status.DONE) == Frame.reply(Status.DONE).serialize()


@given(st.lists(st.one_of(st.binary(max_size=12), st.sampled_from([PREAMBLE, PREAMBLE + b"\x00\x03"])), max_size=9))
def test_law_every_event_can_be_answered(parts: list[bytes]) -> None:
    session = DeviceSession()
    session.receive_data(b"".join(parts), 0.0)
    while (event := session.next_event(LATER)) is not None:
        if isinstance(event, BadRequest):
            assert event.status in {Status.BAD_CHECK, Status.BAD_LENGTH, Status.BAD_COMMAND}
            session.send(event.status)
        else:
            session.send(event.command.success, bytes(event.command.reply_lengths[-1]))


@pytest.mark.long
def test_100_000_hostile_streams_give_events_and_no_exception(
    hostile: Callable[[int], Iterator[bytes]],
) -> None:
    for data in hostile(100_000):
        session = DeviceSession()
        events(session, data)
        events(session, b"", LATER)
