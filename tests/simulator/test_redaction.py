"""A field bug that is recorded, redacted and played again: the same error, and nothing of the person in the file."""

from __future__ import annotations

import base64
import hashlib
import threading
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Protocol

import pytest

import prcard.reader.recording as recording
import prcard.reader.replay as replaying
from prcard.errors import ReaderError
from prcard.reader.recording import RecordingChannel
from prcard.reader.sam import SAMReader
from prcard.reader.uri import open_reader
from prcard.record import PermanentResident2023, decode
from prcard.record.numbers import PR18Number
from prcard.record.raw import ManagementNumbers, RawCard, is_simulated_sam_id
from prcard.simulator.device import VirtualReader
from prcard.simulator.faults import Fault, FaultKind, parse_fault
from prcard.simulator.inprocess import InProcessChannel
from prcard.simulator.photo import specimen_photo
from prcard.simulator.redaction import redact_with_specimens
from prcard.simulator.specimens import SPECIMENS
from prcard.wire.codes import Command, split_read_reply
from prcard.wire.frame import PREAMBLE, Frame
from prcard.wire.procedure import ReadOptions
from prcard.wire.transcript import Transcript

ALL = ReadOptions(fingerprint=True, extra=True, management=True)
NUMBER = PR18Number.build(province="44", nationality_numeric="076", birth_date=date(1971, 9, 23), sequence="738")


def noise(name: str, length: int) -> bytes:
    """Bytes that stand nowhere else, as a real photo's do."""
    return hashlib.shake_256(name.encode()).digest(length)


PERSON = RawCard(
    text=PermanentResident2023(
        chinese_name="样本秘密者",
        sex="2",
        renewal_count="07",
        birth_date=date(1971, 9, 23),
        english_name="SPECIMEN, XQUIZZVOLA HJUPTRIKKE",
        number=NUMBER.text,
        issue_date=date(2024, 11, 13),
        expiry_date=date(2034, 11, 12),
        nationality="BRA",
        previous_number_link="479",
    ).raw,
    photo=b"WL" + noise("photo", 1022),
    fingerprint=b"C" + noise("finger", 1023),
    extra=("秘密市保密路".ljust(35).encode("utf-16-le"),),
    management=ManagementNumbers(iin=noise("iin", 4), sn=noise("sn", 8), dn=noise("dn", 16)),
)
SAM_ID = bytes.fromhex("63006300") + noise("sam", 12)


def secrets() -> list[bytes]:
    """Pieces of what must not be in the file; each long enough that it does not stand there by chance."""
    text = PERSON.text
    words = ["XQUIZZVOLA", "HJUPTRIKKE", "秘密者", "保密路", NUMBER.text, NUMBER.text[6:14], "20241113", "20341112"]
    pieces = [word.encode(form) for word in words for form in ("utf-16-le", "utf-16-be", "utf-8")]
    # Every specimen says SPECIMEN, the person here too: what they share tells nothing.
    shared = b"".join(entry.record().raw for entry in SPECIMENS) + b" \0" * 6
    pieces += [piece for at in range(0, 244, 2) if (piece := text[at : at + 12]) not in shared]
    assert PERSON.management is not None
    for zone in (PERSON.photo[2:], PERSON.fingerprint[1:], SAM_ID[4:], PERSON.management.sn, PERSON.management.dn):
        pieces += [zone[at : at + 6] for at in range(len(zone) - 5)]
    return pieces


def forms(piece: bytes) -> list[bytes]:
    """The piece as it may stand in a text file: as it is, in hex of both cases, and in base64 at each offset."""
    coded = [base64.b64encode(bytes(shift) + piece) for shift in range(3)]
    return [
        piece,
        piece.hex().encode(),
        piece.hex().upper().encode(),
        piece.hex(" ").upper().encode(),
        # Less the characters that also hold bits of what stands before or behind.
        *(code[(0, 2, 3)[shift] : len(code) - 4 * bool(code.endswith(b"=")) - 1] for shift, code in enumerate(coded)),
    ]


NEEDLES = {form for piece in secrets() for form in forms(piece) if len(form) >= 6}


class Clock(Protocol):
    """The clock of the fixture `driven`."""

    def now(self) -> float: ...

    def wait(self, seconds: float) -> None: ...


@pytest.fixture
def clock(driven: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Recording and replaying in driven time, too: their pauses are part of what has to come out the same."""

    class Event(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            driven.wait(timeout or 0.0)
            return self.is_set()

    for module in (recording, replaying):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=driven.now))
    monkeypatch.setattr(replaying, "threading", SimpleNamespace(Event=Event))
    return driven


def record(clock: Clock, *faults: Fault, seed: int = 0) -> tuple[Transcript, str]:
    """Reads the person's card through faults; gives the recording and what became of it."""
    virtual = VirtualReader(sam_id=SAM_ID, seed=seed, clock=clock.now)
    virtual.insert(PERSON)
    virtual.inject(*faults)
    channel = RecordingChannel(InProcessChannel(virtual.line(), clock.wait))
    try:
        with SAMReader(channel) as reader:
            reader.read(4, ALL)
    except ReaderError as error:
        return channel.transcript, error.fault.value
    return channel.transcript, "read"


def replay(path: Path) -> str:
    try:
        with open_reader(f"replay:{path}?timing=strict") as reader:
            reader.read(4, ALL)
    except ReaderError as error:
        return error.fault.value
    return "read"


def found_in(text: str) -> list[bytes]:
    """The secrets that stand in a file."""
    data = text.encode()
    return [needle for needle in NEEDLES if needle in data]


def test_the_search_finds_what_is_there(clock: Clock) -> None:
    transcript, outcome = record(clock)
    assert outcome == "read"
    assert len(found_in(transcript.serialize(unredacted=True))) > 1000
    for form in forms(PERSON.photo[100:112]):
        assert found_in(form.decode("latin-1")) or b"\0" in form or max(form) > 0x7F


STRIKES = [
    kind
    for kind in FaultKind
    if kind not in {FaultKind.BAUD_MISMATCH, FaultKind.SELF_TEST_FAILED, FaultKind.NOT_AUTHORISED, FaultKind.UNPLUGGED}
]


@pytest.mark.parametrize("kind", STRIKES, ids=lambda kind: kind.value)
def test_a_faulty_exchange_shows_the_same_error_and_nothing_of_the_person(
    kind: FaultKind, tmp_path: Path, clock: Clock
) -> None:
    command = Command.READ_TEXT_PHOTO_FINGERPRINT
    for values in ({}, {"at": 300}) if "at" in kind.defaults else ({},):
        transcript, outcome = record(clock, Fault(kind=kind, command=command, times=0, values=values))
        shared = redact_with_specimens(transcript)
        assert found_in(shared.serialize()) == []
        assert [len(entry.data) for entry in shared.entries] == [len(entry.data) for entry in transcript.entries]
        path = tmp_path / "bug.transcript"
        path.write_text(shared.serialize(), encoding="utf-8")
        assert replay(path) == outcome


@pytest.mark.parametrize("kind", [FaultKind.SELF_TEST_FAILED, FaultKind.NOT_AUTHORISED, FaultKind.REPLY_NEVER])
def test_a_reader_that_is_not_ready_is_not_ready_again(kind: FaultKind, tmp_path: Path, clock: Clock) -> None:
    transcript, outcome = record(clock, Fault(kind=kind, times=0))
    (tmp_path / "bug").write_text(redact_with_specimens(transcript).serialize(), encoding="utf-8")
    assert outcome in {"reader-not-ready", "reader-silent"}
    assert replay(tmp_path / "bug") == outcome


def test_the_same_byte_is_at_fault(tmp_path: Path, clock: Clock) -> None:
    """The message names the length that was wrong, too: it is the fault, not the person."""
    transcript, _ = record(clock, parse_fault("zone-length zone=1 length=1000"))
    (tmp_path / "bug").write_text(redact_with_specimens(transcript).serialize(), encoding="utf-8")
    with open_reader(f"replay:{tmp_path / 'bug'}") as reader, pytest.raises(ReaderError, match="found 1000"):
        reader.read(4, ALL)


def test_zone_lengths_that_could_be_text_are_not_kept() -> None:
    body = bytes((0, 0, 0x90)) + "SECRET".encode("utf-16-le") + bytes(1272)
    virtual = RecordingChannel(InProcessChannel(VirtualReader().line()))
    assert virtual.transcript.entries == ()
    from prcard.wire.transcript import Direction, Entry

    entry = Entry(direction=Direction.TO_HOST, at_ms=0, data=Frame(body=body).serialize())
    (redacted,) = redact_with_specimens(Transcript(entries=(entry,))).entries
    assert set(Frame.parse(redacted.data).reply_data) == {0}


def test_the_person_is_replaced_by_a_specimen_of_the_same_card(clock: Clock) -> None:
    transcript, _ = record(clock)
    frames = [entry.data for entry in redact_with_specimens(transcript).entries]
    assert all(frame.startswith(PREAMBLE) and Frame.parse(frame) for frame in frames)
    reply = next(Frame.parse(frame) for frame in frames if len(frame) == 2321)
    zones = split_read_reply(reply.reply_data, Command.READ_TEXT_PHOTO_FINGERPRINT)
    assert decode(zones.text).layout == "pr2023"
    assert zones.text == SPECIMENS[0].record().raw
    assert zones.photo == specimen_photo("alice")
    assert zones.fingerprint[:1] == b"C"


def test_the_reader_of_a_shared_transcript_is_a_simulated_one(tmp_path: Path, clock: Clock) -> None:
    transcript, _ = record(clock)
    (tmp_path / "bug").write_text(redact_with_specimens(transcript).serialize(), encoding="utf-8")
    with open_reader(f"replay:{tmp_path / 'bug'}") as reader:
        assert is_simulated_sam_id(reader.sam_id)
        assert reader.sam_id == "99.99-20000101-0000000000-0000000000"


@pytest.mark.parametrize("layout", [entry.name for entry in SPECIMENS])
def test_every_layout_has_its_stand_in(layout: str) -> None:
    card = next(entry for entry in SPECIMENS if entry.name == layout).card()
    virtual = VirtualReader()
    virtual.insert(card)
    channel = RecordingChannel(InProcessChannel(virtual.line()))
    with SAMReader(channel) as reader:
        reader.read(4)
    frames = [Frame.parse(entry.data) for entry in redact_with_specimens(channel.transcript).entries]
    data = next(frame.reply_data for frame in frames if len(frame.body) > 1000)
    text = split_read_reply(data, Command.READ_TEXT_PHOTO_FINGERPRINT).text
    assert decode(text).layout == decode(card.text).layout


def test_an_unknown_card_becomes_blanks_with_its_marker() -> None:
    virtual = VirtualReader()
    virtual.insert(RawCard(text=PERSON.text[:248] + b"Q\0" + PERSON.text[250:], photo=PERSON.photo))
    channel = RecordingChannel(InProcessChannel(virtual.line()))
    with SAMReader(channel) as reader:
        reader.read(4)
    frames = [Frame.parse(entry.data) for entry in redact_with_specimens(channel.transcript).entries]
    data = next(frame.reply_data for frame in frames if len(frame.body) > 1000)
    text = split_read_reply(data, Command.READ_TEXT_PHOTO_FINGERPRINT).text
    assert text.decode("utf-16-le") == " " * 124 + "Q" + " " * 3
