"""The replaying channel: what it refuses. Good replays are tested with the recorder."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from prcard.errors import ReaderError, ReaderFault
from prcard.reader.replay import ReplayChannel, open_channel
from prcard.wire.transcript import Direction, Entry, Transcript


def transcript(*pieces: tuple[str, bytes]) -> Transcript:
    return Transcript(entries=tuple(Entry(direction=Direction(sign), at_ms=0, data=data) for sign, data in pieces))


def test_writes_and_pieces_may_be_split_differently() -> None:
    channel = ReplayChannel(transcript((">", b"ab"), (">", b"cd"), ("<", b"12"), ("<", b"34")))
    channel.write(b"a")
    assert channel.read(0) == b""
    channel.write(b"bcd")
    assert channel.read(0) + channel.read(0) == b"1234"
    assert channel.read(0) == b""


def test_replies_that_nobody_fetched_are_passed_over() -> None:
    channel = ReplayChannel(transcript((">", b"a"), ("<", b"1"), (">", b"b"), ("<", b"2")))
    channel.write(b"ab")
    assert channel.read(0) == b"2"


def test_the_first_byte_that_differs_is_named() -> None:
    channel = ReplayChannel(transcript((">", b"ab"), (">", b"cd")))
    with pytest.raises(ReaderError, match=r"at byte 3 .*expected 64, found 58") as error:
        channel.write(b"abcX")
    assert error.value.fault is ReaderFault.GARBAGE


def test_the_end_of_the_recording_is_said() -> None:
    channel = ReplayChannel(transcript((">", b"a"), ("<", b"1")))
    with pytest.raises(ReaderError, match="ends after 1 bytes") as error:
        channel.write(b"ab")
    assert error.value.fault is ReaderFault.LOST


def test_close_ends_a_waiting_read() -> None:
    channel = ReplayChannel(transcript((">", b"a")))
    threading.Timer(0.05, channel.close).start()
    with pytest.raises(ReaderError) as error:
        channel.read(30)
    assert error.value.fault is ReaderFault.LOST
    with pytest.raises(ReaderError):
        channel.write(b"a")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, ReaderFault.NOT_FOUND),
        (b"\xff\xfe\x00", ReaderFault.NOT_FOUND),
        (b"", ReaderFault.BAD_URI),
        (b"prcard-transcript 1, redacted: yes\n> 0 XY\n", ReaderFault.BAD_URI),
    ],
)
def test_a_file_that_is_no_transcript(content: bytes | None, fault: ReaderFault, tmp_path: Path) -> None:
    path = tmp_path / "session.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ReaderError) as error:
        open_channel(str(path))
    assert error.value.fault is fault


def test_a_name_that_is_no_file_name() -> None:
    with pytest.raises(ReaderError):
        open_channel("a\0b")
