"""Transcripts: text there and back, bounded, and without personal data unless asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import LocalWireError, RemoteWireError
from prcard.wire import transcript as module
from prcard.wire.codes import Command, ReadZones, Status, join_read_reply, split_read_reply
from prcard.wire.frame import PREAMBLE, Frame
from prcard.wire.transcript import MAX_ENTRY_BYTES, Direction, Entry, Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TO_READER, TO_HOST = Direction.TO_READER, Direction.TO_HOST
SECRET = b"SECRET"
TEXT = (SECRET * 50)[:248] + b"Y\0" + SECRET
ZONES = ReadZones(TEXT, (SECRET * 200)[:1024], (SECRET * 200)[:1024])


def entry(direction: Direction, data: bytes, at_ms: int = 0) -> Entry:
    return Entry(direction=direction, at_ms=at_ms, data=data)


def received(*pieces: bytes) -> Transcript:
    return Transcript(entries=tuple(entry(TO_HOST, piece, at) for at, piece in enumerate(pieces)))


def reply(data: bytes, status: Status = Status.DONE) -> bytes:
    return Frame.reply(status, data, sw1=0x61, sw2=0x02).serialize()


def redacted_data(data: bytes) -> bytes:
    """Redacts one reply and gives its data; its words and framing must have survived."""
    (piece,) = received(reply(data)).redact().entries
    frame = Frame.parse(piece.data)
    assert (frame.sw1, frame.sw2, frame.sw3) == (0x61, 0x02, 0x90)
    assert len(frame.reply_data) == len(data)
    return frame.reply_data


EXAMPLE = """\
prcard-transcript 1, redacted: yes
> 0 AAAAAA9669000320 0122
# lines with a number sign are comments

< 12 aaaaaa9669 0004000080 84  # no card
"""


def test_the_text_form_is_read() -> None:
    transcript = Transcript.parse(EXAMPLE)
    assert transcript.redacted
    assert transcript.entries == (
        entry(TO_READER, bytes.fromhex("AAAAAA9669 0003 2001 22"), 0),
        entry(TO_HOST, bytes.fromhex("AAAAAA9669 0004 000080 84"), 12),
    )


def test_the_text_form_is_written() -> None:
    assert Transcript.parse(EXAMPLE).serialize() == (
        "prcard-transcript 1, redacted: yes\n> 0 AAAAAA96690003200122\n< 12 AAAAAA9669000400008084\n"
    )


def test_windows_line_ends_are_read() -> None:
    assert Transcript.parse(EXAMPLE.replace("\n", "\r\n")) == Transcript.parse(EXAMPLE)


ENTRIES = st.builds(
    Entry,
    direction=st.sampled_from(Direction),
    at_ms=st.integers(0, 10**12),
    data=st.binary(min_size=1, max_size=40),
)
TRANSCRIPTS = st.builds(Transcript, entries=st.lists(ENTRIES, max_size=6).map(tuple), redacted=st.booleans())


@given(TRANSCRIPTS)
def test_law_parse_undoes_serialize(transcript: Transcript) -> None:
    assert Transcript.parse(transcript.serialize(unredacted=True)) == transcript


def test_serialize_redacts_unless_asked_otherwise() -> None:
    transcript = received(reply(join_read_reply(ZONES, Command.READ_TEXT_PHOTO)))
    assert SECRET.hex().upper() not in transcript.serialize()
    assert transcript.serialize().startswith("prcard-transcript 1, redacted: yes\n")
    assert SECRET.hex().upper() in transcript.serialize(unredacted=True)
    assert transcript.serialize(unredacted=True).startswith("prcard-transcript 1, redacted: no\n")


def test_what_is_redacted_is_written_as_it_stands() -> None:
    transcript = Transcript(entries=(entry(TO_HOST, b"stand-in"),), redacted=True)
    assert Transcript.parse(transcript.serialize()) == transcript


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected"),
        ("prcard-transcript 2, redacted: yes\n", "line 1: expected"),
        ("prcard-transcript 1\n", "line 1: expected"),
        ("prcard-transcript 1, redacted: no\nx 0 00", 'line 2: expected "> MILLISECONDS HEX"'),
        ("prcard-transcript 1, redacted: no\n\n> 0", 'line 3: expected "> MILLISECONDS HEX"'),
        ("prcard-transcript 1, redacted: no\n> -1 00", "line 2: expected milliseconds as 1-13 digits"),
        ("prcard-transcript 1, redacted: no\n> ٣ 00", "line 2: expected milliseconds as 1-13 digits"),
        (
            "prcard-transcript 1, redacted: no\n> 12345678901234 00",
            "line 2: expected milliseconds as 1-13 digits",
        ),
        ("prcard-transcript 1, redacted: no\n> 9999999999999 00", "line 2: at_ms: expected 0-1000000000000"),
        ("prcard-transcript 1, redacted: no\n> 0 0G", "line 2: expected pairs of hex digits"),
        ("prcard-transcript 1, redacted: no\n> 0 000", "line 2: expected pairs of hex digits"),
    ],
)
def test_malformed_text_is_refused_by_line(text: str, message: str) -> None:
    with pytest.raises(RemoteWireError, match=message):
        Transcript.parse(text)


def test_a_piece_is_bounded() -> None:
    whole = Transcript(entries=(entry(TO_HOST, bytes(MAX_ENTRY_BYTES)),)).serialize(unredacted=True)
    assert len(Transcript.parse(whole).entries[0].data) == MAX_ENTRY_BYTES
    with pytest.raises(RemoteWireError, match="line 2: data: expected 1-65536 bytes, found 65537"):
        Transcript.parse(whole.rstrip() + "00")


def test_text_and_pieces_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "prcard-transcript 1, redacted: no\n" + "> 0 00\n" * 3
    monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    assert len(Transcript.parse(text).entries) == 3
    with pytest.raises(RemoteWireError, match="line 5: expected at most 3 pieces, found more"):
        Transcript.parse(text + "> 0 00")
    monkeypatch.setattr(module, "MAX_TEXT_CHARS", len(text) - 1)
    with pytest.raises(RemoteWireError, match=f"expected at most {len(text) - 1} characters, found {len(text)}"):
        Transcript.parse(text)


@pytest.mark.parametrize(("at_ms", "data"), [(-1, b"x"), (10**12 + 1, b"x"), (0, b""), (0, bytes(65537))])
def test_impossible_pieces_are_refused(at_ms: int, data: bytes) -> None:
    with pytest.raises(LocalWireError, match="expected"):
        entry(TO_HOST, data, at_ms)


def test_zones_are_blanked_and_the_marker_is_kept() -> None:
    for command in (Command.READ_TEXT_PHOTO, Command.READ_TEXT_PHOTO_FINGERPRINT):
        zones = split_read_reply(redacted_data(join_read_reply(ZONES, command)), command)
        assert zones.text.decode("utf-16-le") == " " * 124 + "Y" + " " * 3
        assert set(zones.photo) == {0}
        assert set(zones.fingerprint) <= {0}


@pytest.mark.parametrize("length", [0, 512, 1024])
def test_fingerprints_keep_their_length(length: int) -> None:
    data = join_read_reply(ZONES._replace(fingerprint=b"f" * length), Command.READ_TEXT_PHOTO_FINGERPRINT)
    zones = split_read_reply(redacted_data(data), Command.READ_TEXT_PHOTO_FINGERPRINT)
    assert zones.fingerprint == bytes(length)


def test_a_stand_in_text_can_be_given() -> None:
    data = reply(join_read_reply(ZONES, Command.READ_TEXT_PHOTO))
    (piece,) = received(data).redact(text=b"s" * 256).entries
    assert split_read_reply(Frame.parse(piece.data).reply_data, Command.READ_TEXT_PHOTO).text == b"s" * 256
    with pytest.raises(LocalWireError, match="text: expected 256 bytes, found 1"):
        received(data).redact(text=b"s")


@pytest.mark.parametrize("length", [70, 140, 210, 280])
def test_addresses_are_blanked(length: int) -> None:
    assert redacted_data((SECRET * 50)[:length]).decode("utf-16-le") == " " * (length // 2)


@pytest.mark.parametrize("length", [4, 8, 28, 1, 17, 1500])
def test_numbers_and_all_else_become_zeros(length: int) -> None:
    assert redacted_data((SECRET * 300)[:length]) == bytes(length)


def test_zones_with_wrong_lengths_become_zeros() -> None:
    assert redacted_data((SECRET * 300)[:1284]) == bytes(1284)


def test_the_sam_id_is_replaced() -> None:
    assert redacted_data(SECRET + bytes(10)) == bytes(16)
    (piece,) = received(reply(SECRET + bytes(10))).redact(sam_id=b"i" * 16).entries
    assert Frame.parse(piece.data).reply_data == b"i" * 16
    with pytest.raises(LocalWireError, match="sam_id: expected 16 bytes, found 1"):
        received(b"x").redact(sam_id=b"i")


def test_requests_and_refusals_stay_as_they_are(requests: dict[str, bytes], refusals: dict[str, bytes]) -> None:
    entries = tuple(entry(TO_READER, data) for data in requests.values())
    entries += tuple(entry(TO_HOST, data) for data in refusals.values())
    assert Transcript(entries=entries).redact().entries == entries


def test_what_is_too_long_for_a_request_is_zeroed() -> None:
    (piece,) = Transcript(entries=(entry(TO_READER, Frame(body=b"\x20\x01" + SECRET).serialize()),)).redact().entries
    assert Frame.parse(piece.data).body == b"\x20\x01S" + bytes(5)


@pytest.mark.parametrize("piece", [1, 7, 64])
def test_pieces_and_times_survive(piece: int) -> None:
    data = reply(join_read_reply(ZONES, Command.READ_TEXT_PHOTO))
    pieces = [data[at : at + piece] for at in range(0, len(data), piece)]
    entries = received(*pieces).redact().entries
    assert [len(e.data) for e in entries] == [len(p) for p in pieces]
    assert [e.at_ms for e in entries] == list(range(len(pieces)))
    assert SECRET not in b"".join(e.data for e in entries)
    assert Frame.parse(b"".join(e.data for e in entries)).sw3 == 0x90


def test_directions_are_kept_apart() -> None:
    answer = reply(b"IIIN", Status.CARD_FOUND)
    request = Frame.request(Command.FIND_CARD).serialize()
    entries = (entry(TO_HOST, answer[:5]), entry(TO_READER, request), entry(TO_HOST, answer[5:]))
    first, second, third = Transcript(entries=entries).redact().entries
    assert second.data == request
    assert Frame.parse(first.data + third.data).reply_data == bytes(4)


def test_damaged_frames_keep_their_header_and_stay_damaged() -> None:
    data = reply(join_read_reply(ZONES, Command.READ_TEXT_PHOTO))
    bad = data[:-1] + bytes((data[-1] ^ 1,))
    for zeroed in (bad, Frame(body=bytes(0x0100)).serialize()[:-1] + b"\x01"):
        (piece,) = received(zeroed).redact().entries
        assert piece.data[:7] == zeroed[:7]
        assert set(piece.data[7:-1]) == {0}
        with pytest.raises(RemoteWireError, match="CHK"):
            Frame.parse(piece.data)


def test_cut_frames_and_noise_keep_nothing_but_headers() -> None:
    data = reply(join_read_reply(ZONES, Command.READ_TEXT_PHOTO))
    (piece,) = received(SECRET + data[:300]).redact().entries
    assert piece.data == bytes(6) + data[:7] + bytes(293)
    (piece,) = received(SECRET + PREAMBLE + b"\xff\xff" + SECRET).redact().entries
    assert piece.data == bytes(6) + PREAMBLE + b"\xff\xff" + bytes(6)
    (piece,) = received(SECRET + PREAMBLE).redact().entries
    assert piece.data == bytes(6) + PREAMBLE


def test_a_frame_inside_a_false_header_is_redacted_as_a_frame() -> None:
    (piece,) = received(PREAMBLE + b"\x05\x08" + reply(b"IIIN", Status.CARD_FOUND)).redact().entries
    assert piece.data == PREAMBLE + b"\x05\x08" + Frame.reply(0x9F, bytes(4), sw1=0x61, sw2=0x02).serialize()


@given(TRANSCRIPTS)
def test_law_redacting_twice_changes_nothing_more(transcript: Transcript) -> None:
    once = transcript.redact()
    assert once.redact() == once
    assert [len(e.data) for e in once.entries] == [len(e.data) for e in transcript.entries]


@given(st.text(max_size=80))
def test_any_text_parses_or_is_refused(text: str) -> None:
    _parse(text)
    _parse("prcard-transcript 1, redacted: no\n" + text)
    _parse("prcard-transcript 1, redacted: no\n> 0 " + text)


def _parse(text: str) -> None:
    try:
        Transcript.parse(text)
    except RemoteWireError:
        return  # refused with the documented exception


@pytest.mark.long
def test_100_000_hostile_inputs_raise_only_what_is_documented(
    hostile: Callable[[int], Iterator[bytes]],
) -> None:
    for number, data in enumerate(hostile(100_000)):
        text = bytearray(received(data or b"x").serialize(unredacted=True).encode())
        text[number * 7 % len(text)] = data[0] if data else 0
        _parse(text.decode("latin-1"))
        redacted = received(data or b"x").redact()
        assert redacted.redact() == redacted
