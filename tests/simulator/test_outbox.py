"""Pieces and their moments."""

from __future__ import annotations

from prcard.simulator.outbox import CHUNK_BYTES, MAX_QUEUED_BYTES, Outbox, Piece


def test_pieces_come_one_after_the_other_each_after_its_silence() -> None:
    outbox = Outbox()
    assert outbox.due_at is None
    outbox.add([Piece(b"ab", 1.0), Piece(b"cd", 0.5)], 10.0)
    assert (outbox.ready(10.9), outbox.ready(11.0)) == (None, b"ab")
    outbox.written(2)
    assert (outbox.take(11.4), outbox.take(11.5)) == (b"", b"cd")
    assert outbox.due_at is None


def test_a_reply_waits_for_the_end_of_the_one_before() -> None:
    outbox = Outbox()
    outbox.add([Piece(b"late", 5.0)], 0.0)
    outbox.add([Piece(b"next")], 1.0)
    assert outbox.take(4.9) == b""
    assert outbox.take(5.0) == b"latenext"
    outbox.add([Piece(b"third")], 9.0)
    assert outbox.due_at == 9.0


def test_a_slow_line_is_given_chunks_at_its_pace() -> None:
    outbox = Outbox()
    data = bytes(range(CHUNK_BYTES + 6))
    outbox.add([Piece(data, byte_time_s=0.5)], 0.0)
    assert outbox.due_at == CHUNK_BYTES * 0.5
    assert outbox.ready(100.0) == data[:CHUNK_BYTES]
    outbox.written(CHUNK_BYTES)
    assert outbox.due_at == len(data) * 0.5
    assert outbox.take(100.0) == data[CHUNK_BYTES:]


def test_what_was_not_written_stays_in_front_and_can_be_put_off() -> None:
    outbox = Outbox()
    outbox.add([Piece(b"abcd")], 0.0)
    outbox.written(1)
    outbox.postpone(2.0)
    assert outbox.take(1.9) == b""
    assert outbox.take(2.0) == b"bcd"


def test_the_queue_is_bounded() -> None:
    outbox = Outbox()
    outbox.add([Piece(bytes(MAX_QUEUED_BYTES - 1)), Piece(b"xyz"), Piece(b"lost")], 0.0)
    assert len(outbox.take(0.0)) == MAX_QUEUED_BYTES
    outbox.add([Piece(b"again")], 1.0)
    assert outbox.take(1.0) == b"again"


def test_what_a_piece_does_it_does_once_it_is_written() -> None:
    did: list[str] = []
    outbox = Outbox()
    outbox.add(
        [Piece(b"ab", then=lambda: did.append("first")), Piece(b"", 1.0, then=lambda: did.append("second"))], 0.0
    )
    outbox.written(1)
    assert did == []
    assert outbox.take(0.5) == b"b"
    assert did == ["first"]
    assert outbox.take(1.0) == b""
    assert did == ["first", "second"]
