"""The player of a transcript. How a channel plays one stands in tests/reader/test_replay.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import RemoteWireError
from prcard.wire.playback import Player
from prcard.wire.transcript import Direction, Entry, Transcript


def player(*pieces: tuple[str, int, bytes]) -> Player:
    entries = tuple(Entry(direction=Direction(sign), at_ms=at_ms, data=data) for sign, at_ms, data in pieces)
    return Player(Transcript(entries=entries))


def test_answers_come_when_all_before_them_was_written_with_their_waits() -> None:
    run = player((">", 100, b"ab"), ("<", 130, b"1"), ("<", 150, b"2"), (">", 200, b"c"), ("<", 190, b"3"))
    assert run.take() is None
    run.write(b"a")
    assert run.take() is None
    run.write(b"b")
    assert [run.take(), run.take(), run.take()] == [(b"1", 30), (b"2", 20), None]
    run.write(b"c")
    assert run.take() == (b"3", 0)
    assert run.ended


def test_the_first_byte_that_differs_is_named() -> None:
    run = player((">", 0, b"ab"), ("<", 0, b"1"), (">", 0, b"c"))
    run.write(b"ab")
    with pytest.raises(RemoteWireError, match="at byte 2 of what the host sends: expected 63, found 58"):
        run.write(b"X")
    assert (run.written, run.ended) == (2, False)


def test_what_comes_behind_the_end_is_refused() -> None:
    run = player((">", 0, b"a"))
    run.write(b"a")
    with pytest.raises(RemoteWireError, match="ends after 1 bytes"):
        run.write(b"b")


PIECES = st.lists(st.tuples(st.sampled_from("<>"), st.integers(0, 99), st.binary(min_size=1, max_size=5)), max_size=8)


@given(PIECES, st.integers(1, 4))
def test_law_a_host_that_sends_the_same_gets_the_same(pieces: list[tuple[str, int, bytes]], size: int) -> None:
    run = player(*pieces)
    got = b""
    for sign, _, data in pieces:
        if sign == ">":
            for at in range(0, len(data), size):
                run.write(data[at : at + size])
        while (answer := run.take()) is not None:
            got += answer.data
    assert got == b"".join(data for sign, _, data in pieces if sign == "<")
    assert run.ended
