"""Recording and replaying share one format: what was recorded plays back to the same result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from prcard.reader.recording import RecordingChannel
from prcard.reader.replay import ReplayChannel, open_channel
from prcard.reader.sam import SAMReader
from prcard.record.raw import RawCard
from prcard.simulator.device import VirtualReader
from prcard.simulator.inprocess import InProcessChannel
from prcard.wire.procedure import ReadOptions
from prcard.wire.transcript import Direction, Transcript

CARD = RawCard(text="样本".encode("utf-16-le").ljust(256, b"t"), photo=b"p" * 1024, extra=(b"a" * 70,))
OPTIONS = ReadOptions(extra=True)


@pytest.fixture
def recorded() -> Transcript:
    virtual = VirtualReader()
    virtual.insert(CARD)
    channel = RecordingChannel(InProcessChannel(virtual.line()))
    with SAMReader(channel) as reader:
        reader.read(5, OPTIONS)
    return channel.transcript


def read(channel: ReplayChannel) -> RawCard:
    with SAMReader(channel) as reader:
        return replace(reader.read(5, OPTIONS), provenance=CARD.provenance)


def test_contract_a_recording_plays_back_to_the_same_card(recorded: Transcript) -> None:
    assert read(ReplayChannel(recorded)) == CARD


def test_it_plays_back_from_a_file(recorded: Transcript, tmp_path: Path) -> None:
    (tmp_path / "session.txt").write_text(recorded.serialize(unredacted=True), encoding="utf-8")
    assert read(open_channel(str(tmp_path / "session.txt"))) == CARD


def test_a_redacted_recording_still_plays_back(recorded: Transcript, tmp_path: Path) -> None:
    text = recorded.serialize()
    assert CARD.text.hex()[:8].upper() not in text
    (tmp_path / "session.txt").write_text(text, encoding="utf-8")
    played = read(open_channel(str(tmp_path / "session.txt")))
    assert played.text != CARD.text
    assert len(played.text) == 256


def test_both_directions_are_kept_in_their_order(recorded: Transcript) -> None:
    directions = [entry.direction for entry in recorded.entries]
    assert directions == [Direction.TO_READER, Direction.TO_HOST] * (len(directions) // 2)
    assert [entry.at_ms for entry in recorded.entries] == sorted(entry.at_ms for entry in recorded.entries)


def test_a_long_session_is_kept_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prcard.reader.recording.MAX_ENTRIES", 2)
    channel = RecordingChannel(InProcessChannel(VirtualReader().line()))
    for _ in range(5):
        channel.write(b"x")
    assert channel.read(0) == b""
    assert len(channel.transcript.entries) == 2
