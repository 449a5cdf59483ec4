"""`prcard simulate tap` and `replay`, run as processes of their own with other programs on both sides."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from prcard.cli.schemas import schemas
from prcard.errors import ReaderError, ReaderFault
from prcard.reader.uri import open_reader
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import TCPFace
from prcard.simulator.faults import parse_fault
from prcard.simulator.server import Server
from prcard.simulator.specimens import specimen
from prcard.wire.transcript import Transcript

TAP, PLAYBACK = (Draft202012Validator(schemas()[name]) for name in ("tap", "playback"))


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "prcard.cli.main", "simulate", *(str(argument) for argument in arguments)]


@contextmanager
def started(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Starts a command with --json; gives the process and the URI of its face."""
    with subprocess.Popen(
        command(*arguments, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            document = json.loads(process.stdout.readline())
            (TAP if arguments[0] == "tap" else PLAYBACK).validate(document)
            yield process, document["faces"][0]["uri"]
        finally:
            process.terminate()


def run(*arguments: object) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(command(*arguments, "--json"), capture_output=True, text=True, check=False, timeout=60)
    document = json.loads(done.stdout)
    PLAYBACK.validate(document)
    return done.returncode, document


@pytest.fixture
def served() -> Iterator[tuple[VirtualReader, str]]:
    reader, face = VirtualReader(), TCPFace()
    reader.insert(specimen("bob").card(), "bob")
    with Server(reader, [face]):
        yield reader, face.uri


def test_a_field_bug_is_recorded_shared_and_played_again(served: tuple[VirtualReader, str], tmp_path: Path) -> None:
    """The whole way: tap, redact, replay as a reader, replay as a host."""
    reader, uri = served
    reader.inject(parse_fault("zone-length length=999"))
    path = tmp_path / "bug.transcript"
    with started("tap", "--from", "serial", "--to", uri, "--record", path) as (process, front):
        with open_reader(f"{front}?baud=115200") as host, pytest.raises(ReaderError, match="found 999"):
            host.read(20)
        process.terminate()
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert "pieces, redacted" in process.stderr.read()
    shared = Transcript.parse(path.read_text(encoding="utf-8"))
    assert shared.redacted
    with started("replay", path, "--face", "serial", "--until-done") as (process, front):
        with open_reader(f"{front}?baud=115200") as host, pytest.raises(ReaderError, match="found 999") as again:
            host.read(20)
        assert again.value.fault is ReaderFault.GARBAGE
        assert process.wait(20) == 0
        assert process.stdout is not None
        result = json.loads(process.stdout.readline())
        PLAYBACK.validate(result)
        assert result["same"]
    reader.insert(specimen("bob").card())
    code, result = run("replay", path, "--to", uri)
    # The fault is gone, so that the reader now answers better than it did: the first such byte is named.
    assert (code, result["same"], result["played"]) == (1, False, "host")
    assert "of what the reader sends: expected" in result["mismatch"]


def test_an_unredacted_recording_plays_back_the_same_as_host(served: tuple[VirtualReader, str], tmp_path: Path) -> None:
    reader, uri = served
    path = tmp_path / "own.transcript"
    with started("tap", "--from", "tcp:127.0.0.1:0", "--to", uri, "--record", path, "--unredacted") as (process, front):
        with open_reader(front) as host:
            host.read(20)
        process.terminate()
        assert process.wait(20) == 0
    assert path.read_text(encoding="utf-8").startswith("prcard-transcript 1, redacted: no")
    reader.insert(specimen("bob").card())
    code, result = run("replay", path, "--to", uri, "--timing", "strict", "--tolerance", "20000")
    assert (code, result["mismatch"]) == (0, None)
    done = subprocess.run(command("replay", path, "--to", uri), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "of what the reader sends" in done.stdout) == (1, True)


def test_a_recording_is_served_until_a_signal_comes(tmp_path: Path) -> None:
    path = tmp_path / "x.transcript"
    path.write_text("prcard-transcript 1, redacted: yes\n> 0 AA\n< 0 BB\n", encoding="utf-8")
    with subprocess.Popen(
        command("replay", path, "--face", "udp"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("udp\tudp:127.0.0.1:")
        process.terminate()
        assert process.wait(20) == 0
        assert process.stdout.read() == "the same: 0 bytes of the host, 0 of the reader\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("tap", "--from", "pigeon", "--to", "sim:alice", "--record", "x"), 2, "expected one of serial, tcp"),
        (("tap", "--from", "tcp", "--to", "sim:alice", "--record", "/no/such/folder/x"), 5, "can be written"),
        (("tap", "--from", "tcp", "--to", "tcp:127.0.0.1:1", "--record", "FILE"), 4, "Nobody answers"),
        (("replay", "FILE"), 2, "either --to URI"),
        (("replay", "FILE", "--face", "pigeon"), 2, "expected one of serial, tcp"),
        (("replay", "no-such-file", "--face", "tcp"), 5, "a transcript file"),
        (("replay", "BAD", "--face", "tcp"), 5, "no transcript of version 1"),
    ],
)
def test_what_is_refused(arguments: tuple[str, ...], code: int, words: str, tmp_path: Path) -> None:
    (tmp_path / "FILE").write_text("prcard-transcript 1, redacted: yes\n", encoding="utf-8")
    (tmp_path / "BAD").write_text("nonsense", encoding="utf-8")
    named = [str(tmp_path / word) if word in {"FILE", "BAD"} else word for word in arguments]
    done = subprocess.run(command(*named), capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)
    assert done.returncode == code
    assert words in " ".join(done.stderr.split())
