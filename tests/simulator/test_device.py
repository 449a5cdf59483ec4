"""The virtual reader, byte for byte as the protocol document prints it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from prcard.errors import RecordError
from prcard.record.raw import ManagementNumbers, RawCard, format_sam_id, is_simulated_sam_id
from prcard.simulator.device import Line, VirtualReader
from prcard.wire.codes import Command, Status
from prcard.wire.frame import Frame


def ask(line: Line, command: Command, data: bytes = b"") -> Frame:
    return Frame.parse(line.receive(Frame.request(command, data).serialize(), 0))


def hexed(line: Line, text: str) -> str:
    return line.receive(bytes.fromhex(text), 0).hex().upper()


@pytest.fixture
def reader(card: RawCard) -> VirtualReader:
    virtual = VirtualReader()
    virtual.insert(card, "card")
    return virtual


@pytest.fixture
def line(reader: VirtualReader) -> Line:
    return reader.line()


def test_find_and_select_are_answered_with_zero_numbers(line: Line) -> None:
    """Source: SAM_V interface document, examples of 20 01 and 20 02."""
    assert hexed(line, "AAAAAA9669 0003 2001 22") == "AAAAAA9669000800009F0000000097"
    assert hexed(line, "AAAAAA9669 0003 2002 21") == "AAAAAA9669000C00009000000000000000009C"


def test_status_reset_and_speed_replies(line: Line) -> None:
    done = "AAAAAA9669000400009094"
    for request in ("10FF EC", "11FF ED", "6000 63", "6004 67"):
        assert hexed(line, f"AAAAAA9669 0003 {request}") == done
    assert hexed(line, "AAAAAA9669 0004 61FF50 CA") == done


def test_empty_reader() -> None:
    line = VirtualReader().line()
    assert hexed(line, "AAAAAA9669 0003 2001 22") == "AAAAAA9669000400008084"
    assert hexed(line, "AAAAAA9669 0003 2002 21") == "AAAAAA9669000400008185"
    assert hexed(line, "AAAAAA9669 0003 3001 32") == "AAAAAA9669000400004145"


def test_text_and_photo(line: Line, card: RawCard) -> None:
    ask(line, Command.FIND_CARD)
    ask(line, Command.SELECT_CARD)
    reply = line.receive(Frame.request(Command.READ_TEXT_PHOTO).serialize(), 0)
    assert len(reply) == 1295
    assert reply[:14] == bytes.fromhex("AAAAAA9669 0508 000090 0100 0400")
    assert reply[14:-1] == card.text + card.photo


@pytest.mark.parametrize(("length", "total", "head"), [(1024, 2321, "090A"), (512, 1809, "070A"), (0, 1297, "050A")])
def test_text_photo_and_fingerprint(length: int, total: int, head: str, card: RawCard) -> None:
    reader = VirtualReader()
    reader.insert(replace(card, fingerprint=card.fingerprint[:length]))
    line = reader.line()
    ask(line, Command.FIND_CARD)
    ask(line, Command.SELECT_CARD)
    reply = line.receive(Frame.request(Command.READ_TEXT_PHOTO_FINGERPRINT).serialize(), 0)
    assert len(reply) == total
    assert reply[:16].hex().upper() == f"AAAAAA9669{head}00009001000400{length:04X}"


def test_additions_follow_a_read(line: Line, card: RawCard) -> None:
    for command in (Command.FIND_CARD, Command.SELECT_CARD, Command.READ_TEXT_PHOTO):
        ask(line, command)
    assert ask(line, Command.READ_EXTRA).reply_data == b"".join(card.extra)
    assert ask(line, Command.READ_MANAGEMENT).reply_data == b"IIIN" + b"S" * 8 + b"D" * 16


def test_a_card_without_additions(card: RawCard) -> None:
    reader = VirtualReader()
    reader.insert(replace(card, extra=(), management=None))
    line = reader.line()
    for command in (Command.FIND_CARD, Command.SELECT_CARD, Command.READ_TEXT_PHOTO):
        ask(line, command)
    assert line.receive(bytes.fromhex("AAAAAA9669 0003 3003 30"), 0).hex().upper() == "AAAAAA9669000400009195"
    assert ask(line, Command.READ_MANAGEMENT).reply_data == bytes(28)


def read_all(line: Line) -> int:
    ask(line, Command.FIND_CARD)
    ask(line, Command.SELECT_CARD)
    return ask(line, Command.READ_TEXT_PHOTO).sw3


def test_a_card_is_found_once_until_it_is_lifted(line: Line, reader: VirtualReader, card: RawCard) -> None:
    assert read_all(line) == Status.DONE
    assert ask(line, Command.FIND_CARD).sw3 == Status.NO_CARD
    reader.remove()
    assert ask(line, Command.FIND_CARD).sw3 == Status.NO_CARD
    reader.insert(card)
    assert read_all(line) == Status.DONE


def test_old_hosts_may_read_again(card: RawCard) -> None:
    reader = VirtualReader(read_once=False)
    reader.insert(card)
    line = reader.line()
    assert [read_all(line) for _ in range(3)] == [Status.DONE] * 3


def test_insert_over_a_card_is_a_new_card(line: Line, reader: VirtualReader, card: RawCard) -> None:
    read_all(line)
    reader.insert(replace(card, text=b"u" * 256), "second")
    assert reader.status() == {"card": "second", "state": "PRESENT"}
    assert read_all(line) == Status.DONE


def test_a_card_lifted_in_the_middle_cannot_be_read(line: Line, reader: VirtualReader) -> None:
    ask(line, Command.FIND_CARD)
    ask(line, Command.SELECT_CARD)
    reader.remove()
    assert ask(line, Command.READ_TEXT_PHOTO).sw3 == Status.READ_FAILED


def test_lines_share_the_card(line: Line, reader: VirtualReader) -> None:
    other = reader.line()
    ask(line, Command.FIND_CARD)
    ask(other, Command.SELECT_CARD)
    assert ask(line, Command.READ_TEXT_PHOTO).sw3 == Status.DONE


def test_bad_requests_are_refused_by_number(line: Line) -> None:
    assert hexed(line, "AAAAAA9669 0003 2001 23") == "AAAAAA9669000400001014"
    assert hexed(line, "AAAAAA9669 0003 2077 54") == "AAAAAA9669000400002125"
    assert hexed(line, "AAAAAA9669 0002 20 22") == "AAAAAA9669000400001115"


def test_several_requests_in_one_write_and_one_byte_at_a_time(line: Line) -> None:
    requests = Frame.request(Command.SAM_STATUS).serialize() + Frame.request(Command.FIND_CARD).serialize()
    whole = line.receive(b"\xaa\x00noise" + requests, 0)
    assert whole.hex().upper() == "AAAAAA9669000400009094" + "AAAAAA9669000800009F0000000097"
    assert b"".join(line.receive(bytes((byte,)), 0) for byte in requests) == whole


def test_a_frame_whose_rest_never_comes_is_refused_once(line: Line) -> None:
    assert line.receive(bytes.fromhex("AAAAAA9669 0003 20"), 10) == b""
    deadline = line.deadline()
    assert deadline is not None
    assert line.receive(b"", deadline).hex().upper() == "AAAAAA9669000400001115"
    assert line.receive(b"", deadline + 10) == b""
    assert line.deadline() is None


def test_the_sam_id_says_simulated(line: Line) -> None:
    printed = format_sam_id(ask(line, Command.SAM_ID).reply_data)
    assert printed == "99.99-20000101-0000000000-0000000000"
    assert is_simulated_sam_id(printed)


def test_the_speed_that_a_host_sets_is_kept(line: Line, reader: VirtualReader) -> None:
    ask(line, Command.SET_BAUD_9600)
    assert reader.baud == 9600


def test_status_tells_what_lies_there(reader: VirtualReader, card: RawCard) -> None:
    assert reader.status() == {"card": "card", "state": "PRESENT"}
    reader.remove()
    assert reader.status() == {"card": None, "state": "EMPTY"}
    reader.insert(card)
    assert reader.status()["card"] == "unnamed"


@pytest.mark.parametrize(
    "change",
    [
        {"text": bytes(255)},
        {"photo": b""},
        {"fingerprint": bytes(100)},
        {"extra": (bytes(69),)},
        {"extra": (bytes(70),) * 5},
        {"management": ManagementNumbers(iin=b"", sn=bytes(8), dn=bytes(16))},
    ],
)
def test_a_card_that_no_reply_can_carry_is_refused(change: dict[str, object], card: RawCard) -> None:
    reader = VirtualReader()
    with pytest.raises(RecordError, match="expected"):
        reader.insert(replace(card, **change))  # type: ignore[arg-type]  # one of the fields, of its own type
    assert reader.status()["card"] is None
