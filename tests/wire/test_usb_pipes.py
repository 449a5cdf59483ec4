"""Which bytes of a frame go through which pipe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.wire.codes import Command
from prcard.wire.frame import HEADER_BYTES, MAX_REPLY_LENGTH, PREAMBLE, Frame
from prcard.wire.usb_pipes import KNOWN_READERS, Pipes, ReplyPipes, USBReaderKind, split_request

SPLIT = Pipes(0x02, 0x06, 0x81, 0x85)
SINGLE = Pipes(0x01, 0x01, 0x82, 0x82)
REQUEST = Frame.request(Command.FIND_CARD).serialize()


def test_the_standard_reader_is_that_of_the_interface_document() -> None:
    kind = KNOWN_READERS[0x0400, 0xC35A]
    assert kind is USBReaderKind.STANDARD
    assert kind.pipes == SPLIT
    assert len(KNOWN_READERS) == len(USBReaderKind)


def test_a_request_is_split_after_its_length() -> None:
    assert split_request(SPLIT, REQUEST) == [(0x02, REQUEST[:7]), (0x06, REQUEST[7:])]
    assert split_request(SINGLE, REQUEST) == [(0x01, REQUEST)]


@given(st.binary(max_size=MAX_REPLY_LENGTH - 4), st.integers(1, 64))
def test_law_a_reply_is_fetched_to_the_byte(data: bytes, packet: int) -> None:
    """However small the packets are, and then the next one from its head."""
    frame = Frame.reply(0x90, data).serialize()
    pipes = {0x81: frame[:HEADER_BYTES], 0x85: frame[HEADER_BYTES:]}
    reply, got = ReplyPipes(SPLIT), b""
    while len(got) < len(frame):
        pipe, size = reply.next_read()
        piece, pipes[pipe] = pipes[pipe][: min(packet, size)], pipes[pipe][min(packet, size) :]
        assert piece
        reply.received(piece)
        got += piece
    assert got == frame
    assert reply.next_read() == (0x81, HEADER_BYTES)


@pytest.mark.parametrize("head", [b"1234567", PREAMBLE + b"\xff\xff", PREAMBLE + b"\x00\x00", b"\xaa" * 7])
def test_a_head_that_is_none_leads_nowhere(head: bytes) -> None:
    reply = ReplyPipes(SPLIT)
    reply.received(head)
    assert reply.next_read() == (0x81, HEADER_BYTES)


def test_a_new_request_forgets_what_was_begun() -> None:
    reply = ReplyPipes(SPLIT)
    reply.received(PREAMBLE + b"\x00\x04")
    assert reply.next_read() == (0x85, 4)
    reply.received(b"\x00" * 9)
    assert reply.next_read() == (0x81, 7)
    reply.received(b"\xaa\xaa")
    assert reply.next_read() == (0x81, 5)
    reply.restart()
    assert reply.next_read() == (0x81, 7)


def test_a_single_pair_is_read_as_it_comes() -> None:
    reply = ReplyPipes(SINGLE)
    assert reply.next_read()[0] == 0x82
    reply.received(b"anything")
    assert reply.next_read() == (0x82, HEADER_BYTES + MAX_REPLY_LENGTH)
