"""`prcard watch`, run as its users run it."""

from __future__ import annotations

import builtins
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from prcard.cli import watch
from prcard.reader import usb
from prcard.simulator.device import VirtualReader
from prcard.simulator.specimens import specimen
from prcard.simulator.usb import SoftwareUSB
from prcard.simulator.vpcd import PCSCFace

Run = Callable[..., Any]
COMMAND = [sys.executable, "-m", "prcard.cli.main", "watch"]
SCHEMA = json.loads(
    (Path(__file__).resolve().parents[2] / "schemas/reader-event.schema.json").read_text(encoding="utf-8")
)


@pytest.fixture(autouse=True)
def signals_as_before() -> Any:
    """The command takes SIGINT and SIGTERM; in this process they must be given back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_events_are_lines_of_json(run: Run) -> None:
    result = run("watch", "--reader", "sim:alice", "--count", 2, "--json")
    assert result.code == 0
    events = [json.loads(line) for line in result.out.splitlines()]
    for event in events:
        Draft202012Validator(SCHEMA, format_checker=FormatChecker()).validate(event)
    assert [(event["event"], event["presence"]) for event in events] == [("reader-in", 0), ("card-in", 1)]


def test_words_for_people_until_the_time_is_over(run: Run) -> None:
    result = run("watch", "--reader", "sim:alice", "--for", 0.5)
    assert [line.split("\t")[1:3] for line in result.out.splitlines()] == [
        ["reader-in", "sim:alice"],
        ["card-in", "sim:alice"],
    ]


def test_a_uri_that_means_nothing_is_usage(run: Run) -> None:
    assert run("watch", "--reader", "nonsense").code == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_by_signal(pcsc: Callable[[PCSCFace], PCSCFace], number: signal.Signals) -> None:
    """PC/SC readers are watched without being named, and cards on them as they come and go."""
    virtual = VirtualReader()
    face = pcsc(PCSCFace(virtual))
    with subprocess.Popen([*COMMAND, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        seen = [json.loads(process.stdout.readline()) for _ in range(2)]
        virtual.insert(specimen("alice").card())
        seen.append(json.loads(process.stdout.readline()))
        virtual.remove()
        seen.append(json.loads(process.stdout.readline()))
        process.send_signal(number)
        assert process.wait(20) == 0
        assert process.stdout.read() == ""
    assert [event["event"] for event in seen] == ["reader-in", "reader-in", "card-in", "card-out"]
    assert seen[-1]["reader"] == face.uri


def test_what_is_watched_without_a_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    bus = SoftwareUSB(VirtualReader())
    monkeypatch.setattr(usb, "backend", lambda: bus)
    monkeypatch.setattr("prcard.reader.serial.attached", lambda: [("serial:/dev/ttyUSB0", "")])
    assert watch._chosen(()) == ["usb:SPECIMEN-1"]
    assert "Not watched unless named with --reader: serial:/dev/ttyUSB0" in capsys.readouterr().err
    bus.unplug()
    assert watch._chosen(()) == ["pcsc:"]
    assert watch._chosen(("sim:alice",)) == ["sim:alice"]


def test_nothing_to_watch(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def hidden(name: str, *arguments: Any, **options: Any) -> Any:
        if name.partition(".")[0] == "smartcard":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", hidden)
    result = run("watch")
    assert result.code == 4
    assert "There is nothing to watch" in result.err
    assert "prcard[pcsc]" in result.err
