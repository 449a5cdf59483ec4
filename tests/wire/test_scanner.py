"""Frames found in streams that are split, noisy, cut and corrupted."""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import LocalWireError, RemoteWireError
from prcard.wire.codes import Command
from prcard.wire.frame import MAX_REPLY_BODY_BYTES, PREAMBLE, Frame
from prcard.wire.frame_layout import oracle_parse
from prcard.wire.scanner import FRAME_SILENCE_S, MAX_BUFFER_BYTES, BadFrame, Defect, FrameScanner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STATUS = Frame.request(Command.SAM_STATUS).serialize()
LATER = 100.0


def drain(scanner: FrameScanner, now: float = 0.0) -> Iterator[Frame | BadFrame]:
    while (found := scanner.next_frame(now)) is not None:
        yield found


def scan(stream: bytes, piece: int, scanner: FrameScanner | None = None) -> list[Frame | BadFrame]:
    """Feeds a stream in pieces, then lets it fall silent."""
    scanner = scanner or FrameScanner()
    found: list[Frame | BadFrame] = []
    for at in range(0, len(stream), piece):
        scanner.receive_data(stream[at : at + piece], 0.0)
        found += drain(scanner)
    return found + list(drain(scanner, LATER))


def frames_of(events: list[Frame | BadFrame]) -> list[bytes]:
    return [event.body for event in events if isinstance(event, Frame)]


def defects_of(events: list[Frame | BadFrame]) -> list[Defect]:
    return [event.defect for event in events if isinstance(event, BadFrame)]


def test_every_vector_is_found_whole(frames: dict[str, bytes]) -> None:
    for data in frames.values():
        assert scan(data, len(data)) == [Frame.parse(data)]


def test_every_vector_is_found_byte_by_byte_and_not_before_its_end(frames: dict[str, bytes]) -> None:
    for data in frames.values():
        scanner = FrameScanner()
        for byte in data[:-1]:
            scanner.receive_data(bytes((byte,)), 0.0)
            assert scanner.next_frame(0.0) is None
        scanner.receive_data(data[-1:], 0.0)
        assert scanner.next_frame(0.0) == Frame.parse(data)
        assert scanner.next_frame(0.0) is None
        assert scanner.deadline() is None
        assert scanner.noise_bytes == 0


def test_every_vector_is_found_with_trailing_bytes(frames: dict[str, bytes]) -> None:
    for data in frames.values():
        assert frames_of(scan(data + b"\xaa\xaa\x00" + STATUS, 4096)) == [Frame.parse(data).body, b"\x11\xff"]


def test_every_vector_with_a_flipped_byte_is_not_a_frame_but_the_next_is(frames: dict[str, bytes]) -> None:
    for data in frames.values():
        for at in (*range(min(len(data), 16)), len(data) // 2, len(data) - 1):
            flipped = data[:at] + bytes((data[at] ^ 0x40,)) + data[at + 1 :]
            assert frames_of(scan(flipped + STATUS, 4096)) == [b"\x11\xff"]


def test_every_vector_cut_anywhere_does_not_hide_the_next(frames: dict[str, bytes]) -> None:
    for data in frames.values():
        for end in (*range(1, min(len(data), 20)), len(data) - 1):
            assert frames_of(scan(data[:end] + STATUS, 4096)) == [b"\x11\xff"]


@pytest.mark.parametrize("extra", range(1, 12))
@pytest.mark.parametrize("piece", [1, 2, 3, 64])
def test_a_longer_run_of_aa_is_synced_and_counted_as_noise(extra: int, piece: int) -> None:
    scanner = FrameScanner()
    assert frames_of(scan(b"\xaa" * extra + STATUS, piece, scanner)) == [b"\x11\xff"]
    assert scanner.noise_bytes == extra


def test_wrong_check_bytes_are_reported() -> None:
    bad = STATUS[:-1] + b"\x00"
    (event,) = scan(bad, 64)
    assert event == BadFrame(defect=Defect.CHECK, detail="CHK at byte 9: expected ED, found 00")


@pytest.mark.parametrize("length", [0, 2, 0x090B, 0xFFFF])
def test_impossible_lengths_are_reported_at_once(length: int) -> None:
    scanner = FrameScanner()
    scanner.receive_data(PREAMBLE + length.to_bytes(2, "big"), 0.0)
    assert scanner.next_frame(0.0) == BadFrame(
        defect=Defect.LENGTH, detail=f"LEN: expected 0003-090A, found {length:04X}"
    )
    assert scanner.next_frame(0.0) is None


def test_the_limits_of_len_are_arguments() -> None:
    reply = Frame.reply(0x90).serialize()
    assert defects_of(scan(reply, 64, FrameScanner(max_length=3))) == [Defect.LENGTH]
    assert defects_of(scan(STATUS, 64, FrameScanner(min_length=4))) == [Defect.LENGTH]
    assert frames_of(scan(STATUS + reply, 64, FrameScanner(min_length=3, max_length=4))) == [
        b"\x11\xff",
        b"\x00\x00\x90",
    ]


@pytest.mark.parametrize(("low", "high"), [(2, 4), (5, 4), (3, 0x090B)])
def test_limits_that_make_no_sense_are_refused(low: int, high: int) -> None:
    with pytest.raises(LocalWireError, match=f"found {low} and {high}"):
        FrameScanner(min_length=low, max_length=high)


def test_a_header_alone_times_out_once_and_not_before() -> None:
    scanner = FrameScanner(deadline_s=0.5)
    scanner.receive_data(PREAMBLE + b"\x05", 10.0)
    assert scanner.next_frame(10.0) is None
    assert scanner.deadline() == 10.5
    scanner.receive_data(b"\x08", 10.4)
    assert scanner.next_frame(10.6) is None
    assert scanner.deadline() == pytest.approx(10.9)
    event = scanner.next_frame(10.9)
    assert event == BadFrame(
        defect=Defect.TIMEOUT, detail="frame: expected 1288 more bytes within 0.5 s, found silence"
    )
    assert scanner.next_frame(10.9) is None
    assert scanner.deadline() is None


def test_a_preamble_without_len_times_out_too() -> None:
    scanner = FrameScanner()
    scanner.receive_data(PREAMBLE, 0.0)
    assert scanner.next_frame(0.0) is None
    assert scanner.deadline() == FRAME_SILENCE_S
    assert isinstance(scanner.next_frame(FRAME_SILENCE_S), BadFrame)


def test_no_deadline_runs_for_noise_or_a_part_of_a_preamble() -> None:
    scanner = FrameScanner()
    for noise in (b"noise", PREAMBLE[:4]):
        scanner.receive_data(noise, 0.0)
        assert scanner.next_frame(LATER) is None
        assert scanner.deadline() is None


def test_empty_data_does_not_move_the_deadline() -> None:
    scanner = FrameScanner(deadline_s=1.0)
    scanner.receive_data(PREAMBLE, 0.0)
    scanner.next_frame(0.0)
    scanner.receive_data(b"", 0.9)
    assert scanner.deadline() == 1.0


def test_frames_inside_a_false_header_are_found_when_the_line_falls_silent() -> None:
    scanner = FrameScanner()
    scanner.receive_data(PREAMBLE + b"\x05\x08" + STATUS * 3, 0.0)
    assert list(drain(scanner)) == []
    events = list(drain(scanner, FRAME_SILENCE_S))
    assert defects_of(events) == [Defect.TIMEOUT]
    assert frames_of(events) == [b"\x11\xff"] * 3


def test_frames_inside_a_false_header_are_found_when_its_length_is_full() -> None:
    reply = Frame.reply(0x90, bytes(1284)).serialize()
    events = scan(PREAMBLE + b"\x01\x00" + reply + STATUS, 4096)
    assert defects_of(events) == [Defect.CHECK]
    assert [len(body) for body in frames_of(events)] == [1287, 2]


def test_a_preamble_inside_of_an_intact_frame_is_data() -> None:
    body = b"\x00\x00\x90" + STATUS * 5
    assert scan(Frame(body=body).serialize(), 7) == [Frame(body=body)]


def corrupted_stream(count: int, rng: random.Random) -> tuple[bytes, list[bytes]]:
    """Frames, 1 % with a flipped bit, with torn preambles, false headers and extra AA between them."""
    stream, intact = bytearray(), []
    noise = (b"", b"\xaa", b"\xaa\xaa\xaa\x96", PREAMBLE + b"\x05\x08", b"\x69\x00\xaa\xaa")
    for _ in range(count):
        stream += rng.choices(noise, (90, 4, 2, 2, 2))[0]
        body = rng.randbytes(rng.choice((1287, 2313, 3, 11)))
        frame = bytearray(Frame(body=body).serialize())
        if rng.random() < 0.01:
            frame[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)
        else:
            intact.append(body)
        stream += frame
    return bytes(stream), intact


@pytest.mark.parametrize("piece", [4096, 64, 1])
def test_all_intact_frames_of_a_corrupted_stream_are_found(piece: int) -> None:
    stream, intact = corrupted_stream(60 if piece == 1 else 1500, random.Random(20230801))
    scanner = FrameScanner()
    found = frames_of(scan(stream, piece, scanner))
    assert found == intact
    taken = sum(len(Frame(body=body).serialize()) for body in found)
    assert taken + scanner.noise_bytes + scanner.waiting_bytes == len(stream)


@given(st.lists(st.one_of(st.binary(max_size=30), st.just(STATUS), st.just(PREAMBLE)), max_size=12), st.data())
def test_law_the_split_of_a_stream_does_not_matter(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts)
    expected = scan(stream, len(stream) or 1)
    assert scan(stream, data.draw(st.integers(1, 7))) == expected


@given(st.binary(max_size=60))
def test_law_what_is_found_first_equals_the_oracle(tail: bytes) -> None:
    """At each preamble the scanner takes exactly what the declaration of the frame takes."""
    stream = PREAMBLE + b"\x00" + tail
    length = int.from_bytes(stream[5:7].ljust(2, b"\0"), "big")
    first = scan(stream, 4096)[0]
    try:
        expected = oracle_parse(stream[: 7 + length])
    except RemoteWireError:
        assert isinstance(first, BadFrame)
    else:
        assert first == Frame(body=expected)


@given(st.lists(st.one_of(st.binary(max_size=30), st.just(STATUS), st.just(PREAMBLE)), max_size=12))
def test_law_every_byte_is_frame_noise_or_waiting(parts: list[bytes]) -> None:
    scanner = FrameScanner()
    found = frames_of(scan(b"".join(parts), 5, scanner))
    taken = sum(len(Frame(body=body).serialize()) for body in found)
    assert taken + scanner.noise_bytes + scanner.waiting_bytes == sum(map(len, parts))
    scanner.clear()
    assert scanner.waiting_bytes == 0
    assert taken + scanner.noise_bytes == sum(map(len, parts))


def test_clear_forgets_a_frame_that_has_begun() -> None:
    scanner = FrameScanner()
    scanner.receive_data(PREAMBLE + b"\x05\x08", 0.0)
    assert scanner.next_frame(0.0) is None
    scanner.clear()
    assert (scanner.deadline(), scanner.noise_bytes, scanner.waiting_bytes) == (None, 7, 0)
    scanner.receive_data(STATUS, 0.0)
    assert scanner.next_frame(0.0) == Frame.request(Command.SAM_STATUS)


def test_memory_stays_bounded_whatever_arrives() -> None:
    reply = Frame(body=bytes(MAX_REPLY_BODY_BYTES)).serialize()
    for unit in (bytes(4096), PREAMBLE * 800, (PREAMBLE + b"\x09\x0a") * 600, reply * 2, b"\xaa" * 4096):
        scanner = FrameScanner()
        for _ in range(60):
            scanner.receive_data(unit, 0.0)
            list(drain(scanner))
            assert scanner.waiting_bytes <= len(reply)
            assert sys.getsizeof(scanner._buffer) < 60_000


def test_bytes_that_nobody_fetches_are_refused_beyond_the_limit() -> None:
    scanner = FrameScanner()
    scanner.receive_data(bytes(MAX_BUFFER_BYTES), 0.0)
    with pytest.raises(LocalWireError, match="expected at most 131072 waiting, found 131073"):
        scanner.receive_data(b"x", 0.0)
    assert scanner.next_frame(0.0) is None
    scanner.receive_data(STATUS, 0.0)
    assert scanner.next_frame(0.0) == Frame.request(Command.SAM_STATUS)


@pytest.mark.long
def test_100_000_hostile_streams_are_scanned_without_an_exception(
    hostile: Callable[[int], Iterator[bytes]],
) -> None:
    for number, data in enumerate(hostile(100_000)):
        scanner = FrameScanner()
        found = frames_of(scan(data, 1 + number % 97, scanner))
        taken = sum(len(Frame(body=body).serialize()) for body in found)
        assert taken + scanner.noise_bytes + scanner.waiting_bytes == len(data)
