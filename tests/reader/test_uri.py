"""Reader URIs: which reader is opened, and that none is chosen in silence."""

from __future__ import annotations

import importlib
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from prcard.errors import ReaderError, ReaderFault
from prcard.reader import uri as uris
from prcard.reader.recording import RecordingChannel
from prcard.reader.sam import SAMReader
from prcard.reader.uri import BUILT_IN, GROUP, attached_readers, choose_reader, open_channel, open_reader
from prcard.simulator.device import VirtualReader
from prcard.simulator.inprocess import InProcessChannel

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_is_that_of_the_package_metadata() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["entry-points"][GROUP] == BUILT_IN


@pytest.mark.parametrize("kind", BUILT_IN)
def test_every_kind_has_an_opener(kind: str) -> None:
    module, _, name = BUILT_IN[kind].partition(":")
    assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize("uri", ["", "alice", "ftp:host", ":", "/dev/ttyUSB0", "SIM:alice"])
def test_a_uri_of_no_kind_lists_the_kinds(uri: str) -> None:
    with pytest.raises(ReaderError, match="pcsc, replay, serial, sim, tcp, udp, usb") as refused:
        open_channel(uri)
    assert refused.value.fault is ReaderFault.BAD_URI


def test_the_simulator_is_an_ordinary_reader() -> None:
    with open_reader("sim:alice") as reader:
        assert reader.uri == "sim:alice"
        assert reader.simulated
        raw = reader.read(5)
    assert raw.provenance.transport == "sim"
    assert raw.provenance.simulated


def test_a_replay_is_never_a_real_reading(tmp_path: Path) -> None:
    """Even when the recording holds the SAM id of a real reader."""
    channel = RecordingChannel(InProcessChannel(VirtualReader(sam_id=bytes(16)).line()))
    SAMReader(channel).close()
    path = tmp_path / "session.txt"
    path.write_text(channel.transcript.serialize(unredacted=True), encoding="utf-8")
    with open_reader(f"replay:{path}") as reader:
        assert reader.sam_id == "00.00-00000000-0000000000-0000000000"
        assert reader.simulated


def test_asked_for_is_taken() -> None:
    assert choose_reader("sim:alice") == "sim:alice"


def test_the_only_one_attached_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uris, "attached_readers", lambda: [("serial:/dev/ttyUSB0", "reader")])
    assert choose_reader(None) == "serial:/dev/ttyUSB0"


def test_none_attached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uris, "attached_readers", list)
    with pytest.raises(ReaderError, match="No reader is attached") as refused:
        choose_reader(None)
    assert refused.value.fault is ReaderFault.NOT_FOUND


def test_several_are_listed_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uris, "attached_readers", lambda: [("serial:/dev/a", ""), ("serial:/dev/b", "")])
    with pytest.raises(ReaderError, match="serial:/dev/a, serial:/dev/b") as refused:
        choose_reader(None)
    assert refused.value.fault is ReaderFault.AMBIGUOUS


def test_attached_readers_are_uris() -> None:
    assert all(uri.startswith("serial:") for uri, _ in attached_readers())


def plug_in(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    point = EntryPoint("foreign", target, GROUP)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [point] if group == GROUP else [])


def test_a_kind_can_be_plugged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, "prcard.simulator.inprocess:open_channel")
    open_channel("foreign:alice").close()
    with pytest.raises(ReaderError, match="foreign, pcsc, replay"):
        open_channel("other:alice")


def test_a_plugged_in_kind_that_fails_gives_our_error(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, "builtins:float")
    with pytest.raises(ReaderError, match="reader kind foreign failed"):
        open_channel("foreign:alice")
