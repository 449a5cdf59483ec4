"""The in-process channel."""

from __future__ import annotations

import threading
import time

import pytest

from prcard.errors import ReaderError, ReaderFault
from prcard.simulator.device import VirtualReader
from prcard.simulator.inprocess import InProcessChannel, open_channel
from prcard.wire.codes import Command, Status
from prcard.wire.frame import Frame

FIND = Frame.request(Command.FIND_CARD).serialize()


def test_the_reply_lies_ready_at_once() -> None:
    channel = open_channel("alice")
    channel.write(FIND)
    assert channel.read(0) == Frame.reply(Status.CARD_FOUND, bytes(4)).serialize()
    assert channel.read(0) == b""
    channel.close()


def test_two_readers_have_two_cards() -> None:
    first, second = open_channel("alice"), open_channel("alice")
    for channel in (first, second):
        channel.write(FIND)
        assert Frame.parse(channel.read(0)).sw3 == Status.CARD_FOUND


def test_an_incomplete_frame_is_answered_when_its_time_is_up() -> None:
    channel = InProcessChannel(VirtualReader().line())
    channel.write(FIND[:8])
    assert Frame.parse(channel.read(5)).sw3 == Status.BAD_LENGTH


@pytest.mark.parametrize("name", ["", "nobody", "x" * 100])
def test_a_specimen_that_is_none_lists_those_there_are(name: str) -> None:
    with pytest.raises(ReaderError, match="alice, bob") as refused:
        open_channel(name)
    assert refused.value.fault is ReaderFault.BAD_URI


def test_close_from_another_thread_ends_a_read_at_once() -> None:
    channel = open_channel("alice")
    threading.Timer(0.05, channel.close).start()
    start = time.monotonic()
    with pytest.raises(ReaderError) as lost:
        channel.read(30)
    assert lost.value.fault is ReaderFault.LOST
    assert time.monotonic() - start < 15


def test_use_after_close_is_a_reader_error() -> None:
    channel = open_channel("alice")
    channel.close()
    with pytest.raises(ReaderError):
        channel.write(FIND)
    with pytest.raises(ReaderError):
        channel.read(0)
