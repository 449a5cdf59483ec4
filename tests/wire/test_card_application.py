"""What is read of a card over PC/SC: whole cards, other cards, and evil ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import ReaderError, ReaderFault
from prcard.record.raw import ManagementNumbers, RawCard
from prcard.simulator.apdu_card import APDUCard
from prcard.wire.apdu import APDUProcedure, CommandAPDU, ResponseAPDU, StatusWord
from prcard.wire.card_application import (
    AID,
    EF,
    CardKind,
    CardReading,
    SwappedCardError,
    identify_card,
    read_pcsc_card,
)
from prcard.wire.tlv import wrap

SOD = wrap(0x77, bytes(range(256)) * 8)
CARD = RawCard(
    text=b"t" * 256,
    photo=bytes(range(256)) * 4,
    fingerprint=b"C" + b"f" * 511,
    extra=(b"a" * 70, b"b" * 70),
    management=ManagementNumbers(iin=b"IIIN", sn=b"S" * 8, dn=b"D" * 16),
    security_object=SOD,
)
Answer = Callable[[bytes], bytes]


def run(procedure: APDUProcedure[CardReading], answer: Answer, asked: list[bytes] | None = None) -> CardReading:
    command = next(procedure)
    while True:
        data = command.serialize()
        if asked is not None:
            asked.append(data)
        try:
            command = procedure.send(ResponseAPDU.parse(answer(data)))
        except StopIteration as end:
            result: CardReading = end.value
            return result


def read_all(answer: Answer, *, extended: bool = False, asked: list[bytes] | None = None) -> CardReading:
    wanted = read_pcsc_card(b"", fingerprint=True, extra=True, management=True, extended=extended)
    return run(wanted, answer, asked)


def fault_of(answer: Answer) -> ReaderError:
    with pytest.raises(ReaderError) as refused:
        read_all(answer)
    assert refused.value.advice
    return refused.value


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("get_response", [False, True], ids=["T=1", "T=0"])
def test_a_card_is_read_whole(*, extended: bool, get_response: bool) -> None:
    reading = read_all(APDUCard(CARD, get_response=get_response).answer, extended=extended)
    assert (reading.text, reading.photo, reading.fingerprint) == (CARD.text, CARD.photo, CARD.fingerprint)
    assert (reading.extra, reading.security_object) == (CARD.extra, SOD)
    assert reading.management == b"IIIN" + b"S" * 8 + b"D" * 16
    assert reading.identity.kind is CardKind.APPLICATION
    assert reading.identity.simulated


def test_nothing_is_read_that_was_not_asked_for() -> None:
    asked: list[bytes] = []
    reading = run(read_pcsc_card(b""), APDUCard(CARD).answer, asked)
    assert (reading.fingerprint, reading.extra, reading.management) == (b"", (), b"")
    touched = {command[2] & 0x1F for command in asked if command[:2] == b"\x00\xb0" and command[2] & 0x80}
    assert touched == {ef.short_id for ef in (EF.COM, EF.DG1, EF.DG2, EF.SOD)}


def test_whole_files_cost_few_commands() -> None:
    counts = []
    for extended in (False, True):
        asked: list[bytes] = []
        run(read_pcsc_card(b"", extended=extended), APDUCard(replace(CARD, fingerprint=b"", extra=())).answer, asked)
        counts.append(len(asked))
    assert counts == [18, 7]


def test_a_card_without_the_optional_files() -> None:
    reading = read_all(APDUCard(RawCard(text=CARD.text, photo=CARD.photo)).answer)
    assert (reading.fingerprint, reading.extra, reading.management, reading.security_object) == (b"", (), b"", None)


def test_a_card_that_promises_long_lengths_and_refuses_them() -> None:
    card = APDUCard(CARD)

    def answer(data: bytes) -> bytes:
        return b"\x67\x00" if CommandAPDU.parse(data).extended else card.answer(data)

    assert read_all(answer, extended=True).security_object == SOD


def test_a_reader_with_an_inner_sam_gives_text_and_photo() -> None:
    reading = read_all(APDUCard(CARD, kinds={CardKind.VENDOR, CardKind.SEALED}).answer)
    assert reading.identity.kind is CardKind.VENDOR
    assert (reading.text, reading.photo, reading.security_object) == (CARD.text, CARD.photo, None)


@pytest.mark.parametrize("piece", range(1, 6))
def test_a_missing_piece_of_a_photo_is_no_photo(piece: int) -> None:
    card = APDUCard(CARD, kinds={CardKind.VENDOR})

    def answer(data: bytes) -> bytes:
        return b"\x90\x00" if data[:3] == bytes((0xFF, 0xB0, piece)) else card.answer(data)

    assert fault_of(answer).fault is ReaderFault.CARD_UNREADABLE


def test_a_state_card_on_an_ordinary_reader_says_why_no_more_can_be_read() -> None:
    card = APDUCard(CARD, kinds={CardKind.SEALED})
    error = fault_of(card.answer)
    assert error.fault is ReaderFault.CARD_SEALED
    assert "certified reader" in str(error)
    assert card.chip_serial.hex().upper() not in str(error).upper()


def test_what_a_state_card_shows_to_anyone() -> None:
    procedure = identify_card(b"")
    command = next(procedure)
    card = APDUCard(CARD, kinds={CardKind.SEALED})
    with pytest.raises(StopIteration) as end:
        while True:
            command = procedure.send(ResponseAPDU.parse(card.answer(command.serialize())))
    identity = end.value.value
    assert (identity.kind, identity.chip_serial) == (CardKind.SEALED, card.chip_serial)
    assert identity.management_number == b"D" * 16


def test_another_card() -> None:
    assert fault_of(lambda data: b"\x6d\x00").fault is ReaderFault.CARD_UNKNOWN
    assert fault_of(APDUCard(CARD, kinds=()).answer).fault is ReaderFault.CARD_UNKNOWN


@pytest.mark.parametrize("kinds", [{CardKind.APPLICATION, CardKind.SEALED}, {CardKind.APPLICATION}, {CardKind.VENDOR}])
def test_a_swapped_card_is_never_mixed(kinds: set[CardKind]) -> None:
    """With the second card anywhere between the first command and the last."""
    first, second = APDUCard(CARD, kinds=kinds), APDUCard(replace(CARD, text=b"u" * 256), kinds=kinds)
    asked: list[bytes] = []
    read_all(first.answer, asked=asked)
    for swap in range(2, len(asked)):
        calls = iter(range(len(asked) + 50))
        with pytest.raises(ReaderError) as refused:
            read_all(lambda data, swap=swap, calls=calls: (first if next(calls) < swap else second).answer(data))  # type: ignore[misc]
        assert isinstance(refused.value, SwappedCardError) or refused.value.fault in {
            ReaderFault.CARD_UNREADABLE,  # the second one does not know what the first was asked for
            ReaderFault.CARD_REFUSED,
        }


def evil(replies: dict[bytes, bytes]) -> Answer:
    """A card that answers by the beginning of the command, and otherwise as an honest one."""
    honest = APDUCard(CARD)

    def answer(data: bytes) -> bytes:
        return next((reply for start, reply in replies.items() if data.startswith(start)), None) or honest.answer(data)

    return answer


COM, DG1, DG2, SOD_FILE = (bytes((0x00, 0xB0, 0x80 | ef.short_id)) for ef in (EF.COM, EF.DG1, EF.DG2, EF.SOD))


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        ({SOD_FILE: bytes.fromhex("7784FFFFFFFF") + bytes(250) + b"\x90\x00"}, "4294967301 bytes"),
        ({SOD_FILE: bytes.fromhex("77824001") + bytes(252) + b"\x90\x00"}, "at most 16384"),
        ({SOD_FILE: bytes.fromhex("30820400") + bytes(252) + b"\x90\x00"}, "tag 30"),
        ({SOD_FILE: bytes.fromhex("7785FFFFFFFFFF9000")}, "1-4 bytes, found 5"),
        ({SOD_FILE: b"\x77\x10\x01\x62\x82"}, "expected 18 bytes, found 3"),
        ({SOD_FILE: b"\x90\x00"}, "expected tag and length"),
        ({DG1: bytes(300) + b"\x90\x00"}, "at most 256 bytes at once, found 300"),
        ({DG1: b"\x6a\x82"}, "every such card has"),
        ({COM: b"\x90\x00"}, "list of data groups"),
        ({COM: b"\x6a\x82"}, "list of data groups"),
        ({COM: bytes.fromhex("6084FFFFFFFF9000")}, "expected 4294967295 bytes"),
        ({b"\x00\xa4\x04": bytes.fromhex("6F84FFFFFFFF9000")}, "expected 4294967295 bytes"),
        ({b"\x00\xa4\x04": b"\x61\x01", b"\x00\xc0": b"\x00\x61\x01"}, "no end"),
    ],
)
def test_evil_cards_are_refused(reply: dict[bytes, bytes], says: str) -> None:
    error = fault_of(evil(reply))
    assert error.fault is ReaderFault.CARD_UNREADABLE
    assert says in str(error)


def test_an_evil_card_cannot_make_us_read_for_ever() -> None:
    """Files that never end are read up to the table's limit and not a byte further."""
    asked: list[bytes] = []
    listing = bytes.fromhex("60045C027561") + b"\x90\x00"
    bottomless = {COM: listing, SOD_FILE: b"\x6a\x82", b"\x00\xb0": bytes(256) + b"\x90\x00"}
    reading = run(read_pcsc_card(b""), evil(bottomless), asked)
    assert (len(reading.text), len(reading.photo)) == (256, 1024)
    assert len(asked) < 20


@pytest.mark.parametrize("sw", [StatusWord.SECURITY_STATUS, StatusWord.CONDITIONS_NOT_SATISFIED, 0x6F00])
def test_a_card_that_does_not_give_its_text_says_so(sw: int) -> None:
    error = fault_of(evil({DG1: sw.to_bytes(2, "big")}))
    assert error.fault is ReaderFault.CARD_REFUSED
    assert f"{sw:04X}" in str(error)


def test_a_card_that_ends_early_gives_what_it_has() -> None:
    """A zone of a wrong length is a matter for the verdict, not for the reader."""
    assert read_all(evil({DG2: b"short\x62\x82"})).photo == b"short"


@given(st.data())
def test_fuzz_only_the_documented_error(data: st.DataObject) -> None:
    """A card that answers anything at all, honest for a while."""
    honest = APDUCard(CARD)
    rounds = iter(range(1000))
    turn = data.draw(st.integers(0, 20))

    def answer(command: bytes) -> bytes:
        if next(rounds) < turn:
            return honest.answer(command)
        return data.draw(st.binary(max_size=40)) + data.draw(
            st.sampled_from([b"\x90\x00", b"\x62\x82", b"\x61\x02", b"\x6c\x04"])
        )

    try:
        read_all(answer)
    except ReaderError as error:
        assert error.advice


def test_the_files_have_numbers_of_their_own() -> None:
    assert len({ef.short_id for ef in EF}) == len(EF)
    assert all(1 <= ef.short_id <= 30 for ef in EF)
    assert AID[0] >> 4 == 0xF, "the proprietary category needs no registration"
