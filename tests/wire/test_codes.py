"""Commands, statuses and read replies against the published tables."""

from __future__ import annotations

import copy
import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import LocalWireError, RemoteWireError
from prcard.wire.codes import Command, ReadZones, Status, describe, join_read_reply, split_read_reply
from prcard.wire.frame import Frame

READS = (Command.READ_TEXT_PHOTO, Command.READ_TEXT_PHOTO_FINGERPRINT)
TEXT, PHOTO = b"t" * 256, b"p" * 1024


@pytest.mark.parametrize(
    ("name", "code", "totals"),
    [
        ("RESET_SAM", "10FF", {11}),
        ("SAM_STATUS", "11FF", {11}),
        ("SAM_ID", "12FF", {27}),
        ("FIND_CARD", "2001", {15}),
        ("SELECT_CARD", "2002", {19}),
        ("READ_TEXT_PHOTO", "3001", {1295}),
        ("READ_TEXT_PHOTO_FINGERPRINT", "3010", {1297, 1809, 2321}),
        ("READ_EXTRA", "3003", {81, 151, 221, 291}),
        ("READ_MANAGEMENT", "3005", {39}),
        ("SET_BAUD_115200", "6000", {11}),
        ("SET_BAUD_57600", "6001", {11}),
        ("SET_BAUD_38400", "6002", {11}),
        ("SET_BAUD_19200", "6003", {11}),
        ("SET_BAUD_9600", "6004", {11}),
        ("SET_MAX_RF_BYTES", "61FF", {11}),
    ],
)
def test_commands_have_the_published_codes_and_reply_sizes(name: str, code: str, totals: set[int]) -> None:
    command = Command[name]
    assert command.value == bytes.fromhex(code)
    assert Command.of(bytes.fromhex(code)) is command
    assert {len(Frame.reply(command.success, bytes(n)).serialize()) for n in command.reply_lengths} == totals


def test_there_are_no_other_commands() -> None:
    assert len(Command) == 15
    assert Command.of(bytes.fromhex("3002")) is None


@pytest.mark.parametrize("command", Command)
def test_every_command_is_described(command: Command) -> None:
    assert command.meaning_zh
    assert command.meaning_en
    assert command.confidence in set("ABCD")
    assert 0 < command.timeout_s <= 3
    assert command.request_length_bytes == (command is Command.SET_MAX_RF_BYTES)
    assert command.success is (Status.CARD_FOUND if command is Command.FIND_CARD else Status.DONE)


def test_max_rf_bytes_takes_24_to_255() -> None:
    assert Command.SET_MAX_RF_BYTES.argument == range(24, 256)


REFUSALS = {
    "RESET_SAM": {0x60},
    "SAM_STATUS": {0x60, 0x66},
    "SAM_ID": {0x60},
    "FIND_CARD": {0x80},
    "SELECT_CARD": {0x81},
    "READ_TEXT_PHOTO": {0x31, 0x32, 0x33, 0x40, 0x41},
    "READ_TEXT_PHOTO_FINGERPRINT": {0x31, 0x32, 0x33, 0x37, 0x40, 0x41},
    "READ_EXTRA": {0x91, 0x41},
    "READ_MANAGEMENT": {0x41},
}


@pytest.mark.parametrize("command", Command)
def test_refusals_are_the_published_ones(command: Command) -> None:
    assert set(command.refusals) == REFUSALS.get(command.name, set())


def test_statuses_are_the_published_ones() -> None:
    listed = "90 9F 91 10 11 21 23 24 31 32 33 37 3F 40 41 47 60 66 80 81"
    assert {status.value for status in Status} == set(bytes.fromhex(listed))


@pytest.mark.parametrize("status", Status)
def test_every_status_has_meaning_and_next_step_in_both_languages(status: Status) -> None:
    assert status.known
    assert status.meaning_zh
    assert status.meaning_en
    assert bool(status.advice_zh) is bool(status.advice_en)
    assert status.advice_en == "" or status.advice_en.endswith(".")
    assert status.advice_zh == "" or status.advice_zh.endswith("。")
    assert (status.advice_en == "") is (status in {Status.DONE, Status.CARD_FOUND, Status.NO_CONTENT})
    assert status.confidence in set("ABCD")


@given(st.integers(0, 255))
def test_status_of_keeps_every_number(value: int) -> None:
    status = Status.of(value)
    assert int(status) == status.value == value
    assert status is Status.of(value)
    assert status.known is (value in set(Status))
    assert status.meaning_en
    if not status.known:
        assert status.name == f"UNKNOWN_{value:02X}"
        assert status.advice_zh.endswith("。")
        assert status.advice_en.endswith(".")


def test_unknown_statuses_do_not_join_the_table() -> None:
    Status.of(0x55)
    assert 0x55 not in list(Status)


@given(st.integers(0, 255))
def test_law_a_status_survives_pickle_and_copy(value: int) -> None:
    status = Status.of(value)
    assert pickle.loads(pickle.dumps(status)) is status
    assert copy.deepcopy(status) is status
    assert Status(value) is status


@pytest.mark.parametrize("value", [-1, 256, "x"])
def test_what_is_no_byte_has_no_status(value: int) -> None:
    with pytest.raises(ValueError, match="is not a valid Status"):
        Status(value)


@pytest.mark.parametrize("value", [-1, 256])
def test_a_status_is_a_byte(value: int) -> None:
    with pytest.raises(LocalWireError, match=f"SW3: expected a byte, 0-255, found {value}"):
        Status.of(value)


@pytest.mark.parametrize("command", Command)
def test_success_may_only_have_the_lengths_of_the_table(command: Command) -> None:
    possible = {n for n in range(2400) if command.may_answer(command.success, n)}
    assert possible == set(command.reply_lengths)


@pytest.mark.parametrize("command", Command)
def test_refusals_are_empty_and_never_the_success_of_another_command(command: Command) -> None:
    for value in range(256):
        status = Status.of(value)
        if status is command.success:
            continue
        assert command.may_answer(status, 0) is (status not in {Status.DONE, Status.CARD_FOUND})
        assert not command.may_answer(status, 4)


@pytest.mark.parametrize("length", [0, 512, 1024])
def test_read_replies_split_into_what_they_were_joined_from(length: int) -> None:
    zones = ReadZones(TEXT, PHOTO, b"f" * length)
    data = join_read_reply(zones, Command.READ_TEXT_PHOTO_FINGERPRINT)
    assert data == bytes.fromhex(f"01000400{length:04X}") + TEXT + PHOTO + b"f" * length
    assert split_read_reply(data, Command.READ_TEXT_PHOTO_FINGERPRINT) == zones


def test_the_short_read_leaves_the_fingerprint_out() -> None:
    data = join_read_reply(ReadZones(TEXT, PHOTO, b"f" * 512), Command.READ_TEXT_PHOTO)
    assert data == bytes.fromhex("01000400") + TEXT + PHOTO
    assert split_read_reply(data, Command.READ_TEXT_PHOTO) == ReadZones(TEXT, PHOTO)


@pytest.mark.parametrize(
    ("data", "command", "message"),
    [
        (b"\x01\x00\x04", READS[0], "zone lengths at byte 0: expected 4 bytes, found 3"),
        (b"\x01\x00\x04\x00\x00", READS[1], "zone lengths at byte 0: expected 6 bytes, found 5"),
        (
            b"\x00\xff\x04\x00" + bytes(1280),
            READS[0],
            "length of the text zone at byte 0: expected 256, found 255",
        ),
        (
            b"\x01\x00\x04\x01" + bytes(1280),
            READS[0],
            "length of the photo zone at byte 2: expected 1024, found 1025",
        ),
        (
            b"\x01\x00\x04\x00\x01\x00" + bytes(1536),
            READS[1],
            "length of the fingerprint zone at byte 4: expected 0 or 512 or 1024, found 256",
        ),
        (
            b"\x01\x00\x04\x00" + bytes(1279),
            READS[0],
            "zones: expected 1284 bytes with their lengths, found 1283",
        ),
        (
            b"\x01\x00\x04\x00" + bytes(1281),
            READS[0],
            "zones: expected 1284 bytes with their lengths, found 1285",
        ),
    ],
)
def test_damaged_read_replies_are_named(data: bytes, command: Command, message: str) -> None:
    with pytest.raises(RemoteWireError, match=message):
        split_read_reply(data, command)


@pytest.mark.parametrize("command", READS)
def test_every_truncation_of_a_read_reply_is_refused(command: Command) -> None:
    data = join_read_reply(ReadZones(TEXT, PHOTO, b"f" * 512), command)
    for end in range(len(data)):
        with pytest.raises(RemoteWireError):
            split_read_reply(data[:end], command)


@given(st.binary(max_size=2400), st.sampled_from(READS))
def test_any_bytes_split_or_are_refused(data: bytes, command: Command) -> None:
    try:
        zones = split_read_reply(data, command)
    except RemoteWireError:
        return
    assert join_read_reply(zones, command) == data


@pytest.mark.long
def test_100_000_hostile_inputs_split_or_raise_what_is_documented() -> None:
    rng = random.Random(490)
    whole = join_read_reply(ReadZones(TEXT, PHOTO, b"f" * 512), Command.READ_TEXT_PHOTO_FINGERPRINT)
    for number in range(100_000):
        data = bytearray(whole[: rng.choice((rng.randrange(20), len(whole), 1284, 1286))])
        for _ in range(rng.randrange(3)):
            at = rng.randrange(8)
            data[at : at + rng.randrange(2)] = rng.randbytes(rng.randrange(2))
        command = READS[number % 2]
        try:
            assert join_read_reply(split_read_reply(bytes(data), command), command) == data
        except RemoteWireError:
            continue  # refused with the documented exception


@pytest.mark.parametrize(
    ("zones", "message"),
    [
        (ReadZones(TEXT[1:], PHOTO), "text zone: expected 256 bytes, found 255"),
        (ReadZones(TEXT, PHOTO + b"x"), "photo zone: expected 1024 bytes, found 1025"),
        (ReadZones(TEXT, PHOTO, b"x"), "fingerprint zone: expected 0 or 512 or 1024 bytes, found 1"),
    ],
)
def test_zones_of_a_wrong_length_are_not_joined(zones: ReadZones, message: str) -> None:
    with pytest.raises(LocalWireError, match=message):
        join_read_reply(zones, Command.READ_TEXT_PHOTO_FINGERPRINT)


def test_only_read_commands_have_zones() -> None:
    with pytest.raises(LocalWireError, match="expected a command that reads zones, found FIND_CARD"):
        split_read_reply(b"", Command.FIND_CARD)
    with pytest.raises(LocalWireError, match="expected a command that reads zones, found READ_EXTRA"):
        join_read_reply(ReadZones(TEXT, PHOTO), Command.READ_EXTRA)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("2001", "request FIND_CARD: find a card"),
        ("61FF50", "request SET_MAX_RF_BYTES: set the most bytes of an RF frame"),
        ("3002", "request 3002: a command that is in no table"),
        ("000080", "reply 80: no card found"),
        ("200155", "reply 55: status that is in no table"),
        ("00009F00000000", "reply 9F: card found, 4 data bytes"),
    ],
)
def test_describe_tells_requests_from_replies(body: str, words: str) -> None:
    assert describe(bytes.fromhex(body)) == words


def test_describe_names_every_vector(frames: dict[str, bytes]) -> None:
    for frame in frames.values():
        assert "no table" not in describe(Frame.parse(frame).body)
