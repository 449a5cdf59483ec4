"""Fidelity profiles, seen over a line of a reader that has them."""

from __future__ import annotations

import pytest

from prcard.errors import RecordError
from prcard.record.raw import RawCard
from prcard.simulator.device import VirtualReader
from prcard.simulator.fidelity import FIDELITIES, RF_SECONDS, fidelity, fidelity_reference
from prcard.wire.codes import Command
from prcard.wire.frame import Frame

READING = (Command.FIND_CARD, Command.SELECT_CARD, Command.READ_TEXT_PHOTO)


def replies(name: str, card: RawCard) -> list[list[tuple[bytes, float]]]:
    reader = VirtualReader(fidelity=fidelity(name))
    reader.insert(card)
    line = reader.line()
    pieces = [line.transfer(Frame.request(command).serialize(), 0.0) for command in (*READING, Command.FIND_CARD)]
    return [[(piece.data, piece.wait_s) for piece in reply] for reply in pieces]


def test_plain_answers_whole_frames_with_zeros_at_once(card: RawCard) -> None:
    find, select, read, again = replies("plain", card)
    assert [len(reply) for reply in (find, select, read)] == [1, 1, 1]
    assert all(wait_s == 0 for ((_, wait_s),) in (find, select, read))
    assert Frame.parse(find[0][0]).reply_data + Frame.parse(select[0][0]).reply_data == bytes(12)
    assert Frame.parse(again[0][0]).sw3 == 0x80


def test_read_again_finds_the_card_again(card: RawCard) -> None:
    assert Frame.parse(replies("read-again", card)[3][0][0]).sw3 == 0x9F


def test_numbered_shows_the_cards_own_numbers_or_a_specimens(card: RawCard) -> None:
    find, select, *_ = replies("numbered", card)
    assert (Frame.parse(find[0][0]).reply_data, Frame.parse(select[0][0]).reply_data) == (b"IIIN", b"S" * 8)
    bare = RawCard(text=card.text, photo=card.photo)
    _, select, *_ = replies("numbered", bare)
    assert Frame.parse(select[0][0]).reply_data == b"SPECIMEN"


@pytest.mark.parametrize(("name", "sizes"), [("split-1300", [1295]), ("split-64", [64] * 20 + [15])])
def test_long_replies_come_in_pieces(name: str, sizes: list[int], card: RawCard) -> None:
    read = replies(name, card)[2]
    assert [len(data) for data, _ in read] == sizes
    assert all(wait_s > 0 for _, wait_s in read[1:])
    assert Frame.parse(b"".join(data for data, _ in read)).reply_data[4:] == card.text + card.photo


def test_a_fingerprint_reply_is_split_at_1300(card: RawCard) -> None:
    reader = VirtualReader(fidelity=fidelity("split-1300"))
    reader.insert(card)
    line = reader.line()
    for command in READING[:2]:
        line.transfer(Frame.request(command).serialize(), 0.0)
    pieces = line.transfer(Frame.request(Command.READ_TEXT_PHOTO_FINGERPRINT).serialize(), 0.0)
    assert [len(piece.data) for piece in pieces] == [1300, 1021]


def test_real_takes_the_time_of_radio_side_and_line(card: RawCard) -> None:
    reader = VirtualReader(fidelity=fidelity("real"))
    reader.insert(card)
    line = reader.line()
    for command in READING:
        (piece,) = line.transfer(Frame.request(command).serialize(), 0.0)
        assert piece.wait_s == RF_SECONDS[command]
        assert piece.byte_time_s == pytest.approx(10 / 115200)
    (reply,) = line.transfer(Frame.request(Command.SET_BAUD_9600).serialize(), 0.0)
    assert reply.byte_time_s == pytest.approx(10 / 115200)  # at the old speed
    (reply,) = line.transfer(Frame.request(Command.SAM_STATUS).serialize(), 0.0)
    assert reply.byte_time_s == pytest.approx(10 / 9600)


def test_real_time_keeps_the_shortest_time_outs_of_hosts() -> None:
    real = fidelity("real")
    assert all(real.rf_s(command) + command.reply_lengths[-1] * 10 / 115200 < command.timeout_s for command in Command)
    assert real.rf_s(None) == 0


def test_a_name_that_is_none() -> None:
    with pytest.raises(RecordError, match="one of plain"):
        fidelity("nonsense")


def test_the_page_shows_every_profile() -> None:
    page = fidelity_reference()
    assert all(f"`{entry.name}`" in page and entry.shows in page for entry in FIDELITIES)
