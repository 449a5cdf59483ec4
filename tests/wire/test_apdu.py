"""APDUs: every case of the standard, every truncation, and cards that never come to an end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import LocalWireError, RemoteWireError
from prcard.simulator.apdu_card import ATR
from prcard.wire.apdu import (
    MAX_ROUNDS,
    CommandAPDU,
    ResponseAPDU,
    StatusWord,
    announces_extended,
    complete,
    historical_bytes,
)

BYTE = st.integers(0, 255)
COMMANDS = st.builds(
    CommandAPDU,
    BYTE,
    BYTE,
    BYTE,
    BYTE,
    st.binary(max_size=600),
    st.one_of(st.none(), st.integers(1, 65_536)),
)

# Source: ISO/IEC 7816-3:2006, 12.1.3, table 12: the four cases, short and extended.
CASES = [
    ("00A40000", CommandAPDU(0, 0xA4, 0, 0)),
    ("00B0000000", CommandAPDU(0, 0xB0, 0, 0, le=256)),
    ("00B0000010", CommandAPDU(0, 0xB0, 0, 0, le=16)),
    ("00A40000023F00", CommandAPDU(0, 0xA4, 0, 0, b"\x3f\x00")),
    ("00A40000023F0000", CommandAPDU(0, 0xA4, 0, 0, b"\x3f\x00", 256)),
    ("00B00000000101", CommandAPDU(0, 0xB0, 0, 0, le=257)),
    ("00B00000000000", CommandAPDU(0, 0xB0, 0, 0, le=65_536)),
    ("00A40000000100" + "AA" * 256, CommandAPDU(0, 0xA4, 0, 0, b"\xaa" * 256)),
    ("00A40000000100" + "AA" * 256 + "0000", CommandAPDU(0, 0xA4, 0, 0, b"\xaa" * 256, 65_536)),
    ("00A40000000002AAAA0101", CommandAPDU(0, 0xA4, 0, 0, b"\xaa\xaa", 257)),
]


@pytest.mark.parametrize(("text", "command"), CASES)
def test_each_case_both_ways(text: str, command: CommandAPDU) -> None:
    assert command.serialize().hex().upper() == text
    assert CommandAPDU.parse(bytes.fromhex(text)) == command


@given(COMMANDS)
def test_law_t0_carries_data_one_way_only(command: CommandAPDU) -> None:
    sent = CommandAPDU.parse(command.serialize_t0())
    assert not (sent.data and sent.le)
    assert sent.data == command.data


@given(COMMANDS)
def test_law_what_is_built_parses_to_the_same(command: CommandAPDU) -> None:
    assert CommandAPDU.parse(command.serialize()) == command


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        "00A400",
        "00A4000003AABB",
        "00A4000002AABBCCDD",
        "00A40000000002AA",
        "00A40000000002AABBCC",
        "00A40000000000AA",
    ],
)
def test_what_no_card_takes(text: str) -> None:
    with pytest.raises(RemoteWireError, match="expected"):
        CommandAPDU.parse(bytes.fromhex(text))


@pytest.mark.parametrize(
    "command",
    [
        CommandAPDU(256, 0, 0, 0),
        CommandAPDU(0, -1, 0, 0),
        CommandAPDU(0, 0, 0, 0, le=0),
        CommandAPDU(0, 0, 0, 0, le=65_537),
        CommandAPDU(0, 0, 0, 0, bytes(65_536)),
    ],
)
def test_what_cannot_be_built(command: CommandAPDU) -> None:
    with pytest.raises(LocalWireError):
        command.serialize()


@given(st.binary(max_size=12))
def test_fuzz_a_command_parses_or_is_refused(data: bytes) -> None:
    try:
        command = CommandAPDU.parse(data)
    except RemoteWireError:
        return
    assert CommandAPDU.parse(command.serialize()) == command


def test_a_response_needs_a_status_word() -> None:
    assert ResponseAPDU.parse(b"ab\x90\x00") == ResponseAPDU(b"ab", 0x9000)
    assert ResponseAPDU.parse(b"\x90\x00").done
    for data in (b"", b"\x90", bytes(65_539)):
        with pytest.raises(RemoteWireError):
            ResponseAPDU.parse(data)


@given(st.integers(0, 0xFFFF))
def test_law_every_status_word_can_be_told(value: int) -> None:
    assert f"{value:04X}" in StatusWord.describe(value)


class Script:
    """A card that answers from a list and keeps what it was asked."""

    def __init__(self, *responses: str) -> None:
        self.responses = [ResponseAPDU.parse(bytes.fromhex(text)) for text in responses]
        self.asked: list[str] = []

    def run(self, command: CommandAPDU) -> ResponseAPDU:
        procedure = complete(command)
        asked = next(procedure)
        while True:
            self.asked.append(asked.serialize().hex().upper())
            response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
            try:
                asked = procedure.send(response)
            except StopIteration as end:
                result: ResponseAPDU = end.value
                return result


READ = CommandAPDU(0, 0xB0, 0, 0, le=256)


def test_the_rest_is_fetched() -> None:
    card = Script("AABB6102", "CCDD9000")
    assert card.run(READ) == ResponseAPDU(bytes.fromhex("AABBCCDD"), 0x9000)
    assert card.asked == ["00B0000000", "00C0000002"]


def test_a_whole_256_bytes_more_are_announced_by_a_zero() -> None:
    card = Script("6100", "AA" * 256 + "9000")
    assert len(card.run(READ).data) == 256
    assert card.asked[1] == "00C0000000"


def test_the_right_length_is_asked_for_once() -> None:
    card = Script("6C08", "01020304050607089000")
    assert card.run(READ).data == bytes(range(1, 9))
    assert card.asked == ["00B0000000", "00B0000008"]
    assert Script("6C08").run(READ).sw == 0x6C08


def test_a_card_without_end_is_given_up() -> None:
    card = Script("AA6101")
    with pytest.raises(RemoteWireError, match="no end"):
        card.run(READ)
    assert len(card.asked) == MAX_ROUNDS + 1


def test_a_card_that_sends_more_than_it_was_asked_for_is_given_up() -> None:
    with pytest.raises(RemoteWireError, match="at most 1 bytes, found 2"):
        Script("6101", "AABB9000").run(READ)


@pytest.mark.parametrize(
    ("atr", "history", "extended"),
    [
        ("3B8F8001" + "8031E873F40140575052435349" + "4D31" + "E1", "8031E873F401405750524353494D31", True),
        ("3B8F8001804F0CA000000306030001000000006A", "804F0CA0000003060300010000" + "0000", False),
        ("3B00", "", False),
        ("3B0773C001804000", "", False),  # fewer bytes than announced
        ("3B0700738001C09000", "00738001C09000", True),
        ("3B0700738001809000", "00738001809000", False),
        ("3B027380", "7380", False),  # proprietary form
        ("3B0380738001", "807380", False),  # capabilities cut off
        ("3BFF", "", False),
        ("3B", "", False),
        ("", "", False),
        ("3BF0FFFFFFFF", "", False),
    ],
)
def test_what_an_atr_says(atr: str, history: str, *, extended: bool) -> None:
    assert historical_bytes(bytes.fromhex(atr)).hex().upper() == history
    assert announces_extended(bytes.fromhex(atr)) is extended


@given(st.binary(max_size=40))
def test_fuzz_no_atr_does_harm(atr: bytes) -> None:
    assert len(historical_bytes(atr)) <= 15
    announces_extended(atr)


def test_our_atr_has_a_right_check_byte() -> None:
    check = 0
    for byte in ATR[1:]:
        check ^= byte
    assert check == 0
    assert len(ATR) <= 33
