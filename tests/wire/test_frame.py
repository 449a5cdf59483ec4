"""One frame against the published vectors and the Construct oracle."""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import LocalWireError, RemoteWireError
from prcard.wire.codes import Command
from prcard.wire.frame import (
    MAX_REPLY_BODY_BYTES,
    MAX_REPLY_LENGTH,
    MAX_REQUEST_BODY_BYTES,
    MAX_REQUEST_LENGTH,
    Frame,
    xor_check,
)
from prcard.wire.frame_layout import oracle_parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BODIES = st.binary(min_size=2, max_size=MAX_REPLY_BODY_BYTES)


def test_limits_are_the_published_ones() -> None:
    assert (MAX_REQUEST_BODY_BYTES, MAX_REQUEST_LENGTH) == (3, 4)
    assert (MAX_REPLY_BODY_BYTES, MAX_REPLY_LENGTH) == (2313, 0x090A)


def test_every_vector_parses_and_serializes_to_itself(frames: dict[str, bytes]) -> None:
    assert len(frames) == 44
    for name, data in frames.items():
        assert Frame.parse(data).serialize() == data, name


def test_every_command_has_a_request_vector(requests: dict[str, bytes]) -> None:
    built = {Frame.request(command).serialize() for command in Command if command.argument is None}
    built |= {Frame.request(Command.SET_MAX_RF_BYTES, bytes((n,))).serialize() for n in (0x50, 0x58)}
    assert built == set(requests.values())


def test_every_success_of_every_command_has_a_reply_vector(replies: dict[str, bytes]) -> None:
    parsed = [Frame.parse(data) for data in replies.values()]
    have = {(frame.sw3, len(frame.reply_data)) for frame in parsed}
    assert have == {(c.success.value, n) for c in Command for n in c.reply_lengths}


def test_fields_of_a_request(requests: dict[str, bytes]) -> None:
    frame = Frame.parse(requests["set-max-rf-bytes-80"])
    assert (frame.command_bytes, frame.request_data) == (b"\x61\xff", b"\x50")


def test_fields_of_a_reply() -> None:
    frame = Frame.reply(0x31, b"data", sw1=0x6A, sw2=0x82)
    assert (frame.sw1, frame.sw2, frame.sw3, frame.reply_data) == (0x6A, 0x82, 0x31, b"data")
    assert Frame.parse(frame.serialize()) == frame


def test_a_request_has_no_sw3() -> None:
    with pytest.raises(RemoteWireError, match="SW3 at byte 9"):
        _ = Frame.request(Command.FIND_CARD).sw3


def test_cut_frames_are_refused(frames: dict[str, bytes]) -> None:
    for data in frames.values():
        for end in {*range(min(len(data), 20)), *range(len(data) - 3, len(data))}:
            with pytest.raises(RemoteWireError):
                Frame.parse(data[:end])


def test_trailing_bytes_are_refused(frames: dict[str, bytes]) -> None:
    for data in frames.values():
        with pytest.raises(RemoteWireError, match="bytes in all"):
            Frame.parse(data + b"\x00")


def test_every_flipped_byte_is_refused(frames: dict[str, bytes]) -> None:
    for data in frames.values():
        # A long zone says the same at every byte; the ends and each 97th are enough of it.
        places = range(len(data)) if len(data) < 100 else [*range(30), *range(30, len(data), 97), len(data) - 1]
        for at in places:
            for mask in (0x01, 0x80, 0xFF):
                with pytest.raises(RemoteWireError):
                    Frame.parse(data[:at] + bytes((data[at] ^ mask,)) + data[at + 1 :])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "preamble at byte 0: expected AA, found the end; this is no SAM_V frame"),
        ("AAAAAA9769", "preamble at byte 3: expected 96, found 97"),
        ("AAAA", "preamble at byte 2: expected AA, found the end"),
        ("AAAAAA9669 00", "LEN at byte 5: expected 2 bytes, found 1"),
        ("AAAAAA9669 0002 20 22", "LEN at byte 5: expected 0003-090A, found 0002"),
        ("AAAAAA9669 090B", "LEN at byte 5: expected 0003-090A, found 090B"),
        ("AAAAAA9669 0003 2001", "LEN at byte 5: expected 10 bytes in all, found 9"),
        ("AAAAAA9669 0003 2001 23", "CHK at byte 9: expected 22, found 23; send it again"),
    ],
)
def test_errors_name_byte_expected_and_found(text: str, message: str) -> None:
    with pytest.raises(RemoteWireError, match=message):
        Frame.parse(bytes.fromhex(text))


@pytest.mark.parametrize(
    ("command", "data", "message"),
    [
        (Command.FIND_CARD, b"x", "data of FIND_CARD: expected 0 bytes, found 1"),
        (Command.SET_MAX_RF_BYTES, b"", "data of SET_MAX_RF_BYTES: expected 1 bytes, found 0"),
        (Command.SET_MAX_RF_BYTES, b"\x17", "data byte of SET_MAX_RF_BYTES: expected 24-255, found 23"),
    ],
)
def test_requests_that_the_table_does_not_allow(command: Command, data: bytes, message: str) -> None:
    with pytest.raises(LocalWireError, match=message):
        Frame.request(command, data)


@pytest.mark.parametrize("data", [b"\x18", b"\xff"])
def test_the_ends_of_an_argument_range_are_allowed(data: bytes) -> None:
    assert Frame.request(Command.SET_MAX_RF_BYTES, data).request_data == data


@pytest.mark.parametrize("word", ["sw1", "sw2", "status"])
@pytest.mark.parametrize("value", [-1, 256])
def test_status_words_are_bytes(word: str, value: int) -> None:
    words = {"status": 0x90, "sw1": 0, "sw2": 0, word: value}
    with pytest.raises(LocalWireError, match=f"expected a byte, 0-255, found {value}"):
        Frame.reply(words["status"], sw1=words["sw1"], sw2=words["sw2"])


@pytest.mark.parametrize("size", [0, 1, 2314])
def test_a_body_of_an_impossible_size_makes_no_frame(size: int) -> None:
    with pytest.raises(LocalWireError, match=f"body: expected 2-2313 bytes, found {size}"):
        Frame(body=bytes(size))


@given(BODIES)
def test_law_parse_undoes_serialize(body: bytes) -> None:
    assert Frame.parse(Frame(body=body).serialize()).body == body


@given(BODIES, st.data())
def test_law_parse_equals_the_oracle_on_mutated_frames(body: bytes, data: st.DataObject) -> None:
    frame = bytearray(Frame(body=body).serialize())
    at = data.draw(st.one_of(st.integers(0, min(9, len(frame) - 1)), st.integers(0, len(frame) - 1)))
    frame[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([0, 0, 0, 1, 3]))
    _same_verdict(bytes(frame[: len(frame) - cut]))


@given(st.binary(max_size=40))
def test_law_parse_equals_the_oracle_on_any_bytes(data: bytes) -> None:
    _same_verdict(data)
    _same_verdict(bytes.fromhex("AAAAAA9669") + data)


def _same_verdict(data: bytes) -> None:
    try:
        expected = oracle_parse(data)
    except RemoteWireError:
        with pytest.raises(RemoteWireError):
            Frame.parse(data)
    else:
        assert Frame.parse(data).body == expected


@pytest.mark.parametrize("size", [*range(70), 1290, 2316, 4095, 4096, 4097, 8192, 10_001])
def test_xor_check_equals_a_loop_at_every_size(size: int) -> None:
    data = bytes((7 * i * i + i // 256) & 0xFF for i in range(size))
    assert xor_check(data) == reduce(xor, data, 0)


@given(st.binary(max_size=5000))
def test_law_xor_check_equals_a_loop(data: bytes) -> None:
    assert xor_check(data) == reduce(xor, data, 0)


@pytest.mark.long
def test_100_000_hostile_inputs_parse_or_raise_what_is_documented(
    hostile: Callable[[int], Iterator[bytes]],
) -> None:
    for data in hostile(100_000):
        try:
            assert Frame.parse(data).serialize() == data
        except RemoteWireError:
            continue  # refused with the documented exception
