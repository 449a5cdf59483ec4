"""The virtual card as other PC/SC programs find it: every command of the standard that it knows, and the wrong ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.record.raw import ManagementNumbers, RawCard
from prcard.simulator.apdu_card import ATR, APDUCard
from prcard.simulator.issuer import SpecimenIssuer
from prcard.simulator.specimens import SPECIMENS, specimen
from prcard.trust.compact import find_security_object
from prcard.wire.card_application import AID, EF, CardKind
from prcard.wire.tlv import find, parse

CARD = replace(
    specimen("chen").card(),
    extra=(b"a" * 70,),
    management=ManagementNumbers(iin=b"IIIN", sn=b"S" * 8, dn=b"D" * 16),
    security_object=b"\x77\x82\x01\x00" + bytes(256),
)
SELECT = "00A40400 08 F0505243415244 01"


def ask(card: APDUCard, *commands: str) -> list[str]:
    return [card.answer(bytes.fromhex(text)).hex().upper() for text in commands]


def words(card: APDUCard, *commands: str) -> list[str]:
    return [answer[-4:] for answer in ask(card, *commands)]


@pytest.fixture
def card() -> APDUCard:
    return APDUCard(CARD)


@pytest.fixture
def selected(card: APDUCard) -> APDUCard:
    assert words(card, SELECT) == ["9000"]
    return card


def test_the_card_says_in_three_places_that_it_is_simulated(card: APDUCard) -> None:
    assert b"PRCSIM" in ATR
    assert find(card.answer(bytes.fromhex(SELECT + "00"))[:-2], 0x6F, 0x50) == b"PRCARD SIMULATED"
    assert ask(card, "0036000008")[0].startswith(b"\x99SIM".hex().upper())


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        (SELECT, "9000"),
        (SELECT + "00", "9000"),
        ("00A4040C 08 F050524341524401", "9000"),
        ("00A40400 03 F05052 00", "9000"),  # beginning of the name
        ("00A40402 03 F05052 00", "6A82"),  # the next one that begins so: there is none
        ("00A40400 05 A000000001 00", "6A82"),
        ("00A40400 00", "6700"),  # Le, but no name
        ("00A40400 11 " + "F0" * 17, "6700"),
        ("00A40000", "9000"),
        ("00A40000 02 3F00", "9000"),
        ("00A40000 02 2F00 00", "9000"),
        ("00A40000 02 5052 00", "9000"),
        ("00A40100 02 5052 00", "9000"),
        ("00A40100 02 2F00 00", "6A82"),  # a file, not a folder
        ("00A40200 02 2F00 00", "9000"),
        ("00A40200 02 5052 00", "6A82"),  # a folder, not a file
        ("00A40200 02 0101 00", "6A82"),  # below another folder
        ("00A40000 02 0101 00", "6A82"),
        ("00A40000 01 3F", "6700"),
        ("00A40000 02 7FFF", "6A82"),
        ("00A40300", "9000"),
        ("00A40300 02 3F00", "6700"),
        ("00A40800 04 5052 0101 00", "9000"),
        ("00A40800 02 3F00 00", "6A82"),
        ("00A40800 03 505201", "6700"),
        ("00A40900 02 2F01 00", "9000"),
        ("00A40500 02 3F00", "6A86"),
        ("00A40010 02 3F00", "6A86"),
        ("00A40003 02 3F00", "6A86"),
    ],
)
def test_select(card: APDUCard, command: str, sw: str) -> None:
    assert words(card, command) == [sw]


def test_select_tells_what_was_asked_for(card: APDUCard) -> None:
    for p2, tag in (("00", 0x6F), ("04", 0x62), ("08", 0x64)):
        data = bytes.fromhex(ask(card, f"00A404{p2} 08 F050524341524401 00")[0])[:-2]
        assert [found for found, _ in parse(data)] == [tag]
        assert find(data, tag, 0x84) == AID
    assert ask(card, "00A4040C 08 F050524341524401 00") == ["9000"]
    control = bytes.fromhex(ask(card, "00A40204 02 0102 00")[0])[:-2]
    assert find(control, 0x62, 0x80) == (1024).to_bytes(2, "big")
    assert find(control, 0x62, 0x88) == bytes((0x02 << 3,))


def test_from_the_application_back_to_the_card(selected: APDUCard) -> None:
    assert (
        words(selected, "00A40000 02 0101", "00A40300", "00A40000 02 2F00", SELECT, "00A40000 02 3F00") == ["9000"] * 5
    )
    assert words(selected, "00B0810001") == ["9000"], "EF.ATR has short id 1 there"


def test_files_by_short_id_and_by_selection(selected: APDUCard) -> None:
    for ef in EF:
        by_short_id = ask(selected, f"00B0{0x80 | ef.short_id:02X}0000")[0]
        assert words(selected, f"00A40200 02 {ef.file_id:04X}")[0] == ("6A82" if ef is EF.STATUS else "9000")
        if ef is not EF.STATUS:
            assert ask(selected, "00B0000000")[0] == by_short_id
    assert ask(selected, "00B0810000")[0] == CARD.text.hex().upper() + "9000"


@pytest.mark.parametrize(
    ("command", "data", "sw"),
    [
        ("00B0820000", CARD.photo[:256], "9000"),
        ("00B08200000400", CARD.photo, "9000"),
        ("00B08200000000", CARD.photo, "9000"),
        ("00B08200001000", CARD.photo, "6282"),
        ("00B0820010", CARD.photo[:16], "9000"),
        ("00B082FF01", CARD.photo[255:256], "9000"),
        ("00B0990040", b"IIIN" + b"S" * 8 + b"D" * 16, "6282"),
        ("00B0990000", b"IIIN" + b"S" * 8 + b"D" * 16, "9000"),
        ("00B0991C00", b"", "6B00"),
        ("00B0991D01", b"", "6B00"),
        ("00B09F0000", b"", "6A86"),
        ("00B0C10000", b"", "6A86"),
        ("00B0900000", b"", "6A82"),
        ("00B08100", b"", "6700"),
        ("00B0810001AA", b"", "6700"),
        ("00B0000000", b"", "6986"),
        ("00B0800000", b"", "6986"),
        ("00B1810000", b"", "6D00"),
    ],
)
def test_read_binary(selected: APDUCard, command: str, data: bytes, sw: str) -> None:
    assert ask(selected, command) == [data.hex().upper() + sw]


def test_the_offset_counts_from_the_start_of_the_selected_file(selected: APDUCard) -> None:
    assert words(selected, "00B0820001", "00B003FF01", "00B0040001", "00B07FFF01") == ["9000", "9000", "6B00", "6B00"]
    assert ask(selected, "00B0038000") == [CARD.photo[0x380:].hex().upper() + "9000"]
    assert ask(selected, "00B0800101") == [CARD.photo[1:2].hex().upper() + "9000"], "short id 0 is the selected file"


def test_a_reset_forgets_the_selection(selected: APDUCard) -> None:
    assert words(selected, "00B0810000") == ["9000"]
    selected.reset()
    assert words(selected, "00B0000000", "00B0820000") == ["6986", "6A82"]


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("", "6700"),
        ("00A404", "6700"),
        ("00A4040009F0", "6700"),
        ("00 20 00 01", "6D00"),
        ("00 D6 00 00 01 00", "6D00"),
        ("00 60 00 00", "6D00"),
        ("01 A4 00 00", "6881"),
        ("03 B0 81 00 00", "6881"),
        ("41 A4 00 00", "6881"),
        ("04 A4 00 00", "6882"),
        ("0C B0 81 00 00", "6882"),
        ("10 A4 00 00", "6884"),
        ("20 A4 00 00", "6E00"),
        ("80 A4 00 00", "6E00"),
        ("A0 A4 00 00 02 3F00", "6E00"),
        ("FF A4 00 00", "6E00"),
    ],
)
def test_what_the_card_does_not_know(card: APDUCard, command: str, sw: str) -> None:
    assert words(card, command) == [sw]


def test_challenges_are_random_and_as_long_as_asked(card: APDUCard) -> None:
    first, second, long, most = ask(card, "0084000008", "0084000008", "00840000FF", "0084000000")
    assert first != second
    assert [len(text) // 2 - 2 for text in (first, long, most)] == [8, 255, 256]
    assert words(card, "00840100 08", "00840000", "00840000 01 AA 08") == ["6A86", "6700", "6700"]


def test_what_tells_one_card_from_another(card: APDUCard) -> None:
    serial = card.chip_serial.hex().upper()
    assert ask(card, "0036000008", "0036000000", "FFCA000000", "FFCA000008") == [serial + "9000"] * 4
    assert words(card, "0036000004", "0036000010", "FFCA000004") == ["6C08"] * 3
    assert words(card, "00360100 08", "00360000", "FFCA010000") == ["6A86", "6700", "6A81"]
    others = {APDUCard(entry.card()).chip_serial for entry in SPECIMENS}
    assert len(others) == len(SPECIMENS)


def test_a_state_card_gives_its_management_number_after_selection(card: APDUCard) -> None:
    assert words(card, "80B0000020") == ["6986"]
    assert ask(card, "00A40000026002", "80B0000020") == [ask(card, "00A40000026002")[0], "44" * 16 + "00" * 16 + "9000"]
    assert words(card, "80B0000010") == ["6C20"]


def test_a_reader_with_an_inner_sam(card: APDUCard) -> None:
    pieces = [bytes.fromhex(text) for text in ask(card, *(f"FFB0{number:02X}0000" for number in range(6)))]
    assert {piece[-2:] for piece in pieces} == {b"\x90\x00"}
    assert [len(piece) - 2 for piece in pieces] == [260, 256, 256, 256, 256, 4]
    assert pieces[0][4:-2] == CARD.text
    assert b"".join(piece[:-2] for piece in pieces[1:])[4:] == CARD.photo
    assert words(card, "FFB0060000", "FFB0000100", "FFB00000", "FFB00000 01 AA") == ["6A86", "6A86", "6700", "6700"]


def test_data_objects(card: APDUCard) -> None:
    assert ask(card, "00CA5F5100") == [ATR.hex().upper() + "9000"]
    assert ask(card, "00CA5F5200") == [ATR[4:-1].hex().upper() + "9000"]
    assert words(card, "00CA7F6600", "00CA004F00", "00CA123400", "00CA5F5101", "00CA5F51") == [
        "9000", "6A88", "6A88", "6C14", "6700",
    ]  # fmt: skip
    assert words(card, SELECT) == ["9000"]
    assert ask(card, "00CA004F00") == [AID.hex().upper() + "9000"]


def test_what_the_card_says_of_itself_in_its_files(card: APDUCard) -> None:
    directory = bytes.fromhex(ask(card, "00A40000022F00", "00B0000000")[1])[:-2]
    assert find(directory, 0x61, 0x4F) == AID
    lengths = bytes.fromhex(ask(card, "00A40000022F01", "00B0000000")[1])[:-2]
    assert [value for _, value in parse(find(lengths, 0x7F66) or b"")] == [b"\x7f\xff"] * 2


def test_response_data_that_do_not_fit_are_fetched(card: APDUCard) -> None:
    whole = ask(card, SELECT + "00")[0][:-4]
    first = ask(card, SELECT + "0A")[0]
    assert first[:-4] == whole[:20]
    left = len(whole) // 2 - 10
    assert first[-4:] == f"61{left:02X}"
    assert ask(card, "00C0000004")[0] == whole[20:28] + f"61{left - 4:02X}"
    assert ask(card, "00C0000000")[0] == whole[28:] + "9000"
    assert words(card, "00C0000000", "00C0010000", "00C00000") == ["6985", "6A86", "6700"]


def test_another_command_drops_what_was_not_fetched(card: APDUCard) -> None:
    assert words(card, SELECT + "0A", "0084000008", "00C0000000")[2] == "6985"


def test_a_t0_card_hands_out_by_get_response() -> None:
    card = APDUCard(CARD, get_response=True)
    answer = ask(card, SELECT)[0]
    assert answer[:2] == "61"
    assert words(card, f"00C00000{answer[2:]}") == ["9000"]
    assert words(card, "00B0810000") == ["9000"]


def test_ways_of_showing_a_card_can_be_left_out() -> None:
    sealed = APDUCard(CARD, kinds={CardKind.SEALED})
    assert words(sealed, SELECT, "FFB0000000", "0036000008", "00A40000022F00", "00A4000002 5052") == [
        "6A82", "6E00", "9000", "9000", "6A82",
    ]  # fmt: skip
    bare = APDUCard(CARD, kinds=())
    assert words(bare, SELECT, "0036000008", "80B0000020", "FFCA000000") == ["6A82", "6D00", "6E00", "9000"]


def test_the_security_object_has_its_file_and_its_place_in_the_status_list() -> None:
    issuer = SpecimenIssuer(datetime.now(UTC))
    for name in ("alice", "chen"):
        signed, _ = issuer.issue(specimen(name).card())
        zones, expected = find_security_object(signed)
        card = APDUCard(signed)
        assert expected is not None
        assert words(card, SELECT) == ["9000"]
        assert ask(card, "00B09D00000000")[0] == expected.hex().upper() + "9000"
        # A zone that only carries a security object is no fingerprint.
        assert words(card, "00B0830001") == ["9000" if "fingerprint" in zones else "6A82"]
        assert ask(card, "00B09A0000") == ["00000001" + "00000000" + "9000"]


def test_a_damaged_carrier_is_shown_as_it_is() -> None:
    damaged = RawCard(text=CARD.text, photo=CARD.photo, fingerprint=b"\x77\x84" + b"\xff" * 510)
    card = APDUCard(damaged)
    assert words(card, SELECT, "00B0830000", "00B09D0000") == ["9000", "9000", "6A82"]


@given(st.lists(st.binary(max_size=20), max_size=6))
def test_fuzz_every_command_gets_a_status_word(commands: list[bytes]) -> None:
    card = APDUCard(CARD)
    for command in commands:
        answer = card.answer(command)
        assert len(answer) >= 2
        assert answer[-2] >> 4 in {6, 9}
