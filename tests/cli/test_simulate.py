"""`prcard simulate`, run as its users run it: a process of its own, other programs on its faces."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from prcard.reader.uri import open_reader
from prcard.record.raw import RawCard
from prcard.simulator.device import VirtualReader
from prcard.simulator.specimens import specimen
from prcard.simulator.vpcd import PCSCFace

SCHEMA = json.loads(
    (Path(__file__).resolve().parents[2] / "schemas/simulation.schema.json").read_text(encoding="utf-8")
)


@contextmanager
def simulator(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [sys.executable, "-m", "prcard.cli.main", "simulate", *arguments, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
        Draft202012Validator(SCHEMA).validate(document)
        yield process, document
    finally:
        if process.poll() is None:
            process.terminate()
        out, err = process.communicate(timeout=20)
        assert (out, err) == ("", "")


def control(document: dict[str, Any], *lines: str) -> list[dict[str, Any]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.connect(document["control"])
        answers = line.makefile("r", encoding="utf-8")
        replies = []
        for text in lines:
            line.sendall(text.encode() + b"\n")
            replies.append(json.loads(answers.readline()))
        return replies


def uris(document: dict[str, Any]) -> dict[str, str]:
    return {face["face"]: face["uri"] for face in document["faces"]}


def test_the_pcsc_face_is_there_for_programs_that_name_its_socket(pcsc: Callable[[PCSCFace], PCSCFace]) -> None:
    pcsc(PCSCFace(VirtualReader()))  # sees to it that all parts are installed
    card = specimen("alice").card()
    with simulator("--face", "tcp", "--face", "pcsc", "--card", "alice", "--card", "bob") as (process, document):
        face = document["faces"][1]
        assert face["face"] == "pcsc"
        assert stat.S_IMODE(Path(face["socket"]).stat().st_mode) == 0o600
        environment = os.environ | {"PCSCLITE_CSOCK_NAME": face["socket"]}
        command = [sys.executable, "-m", "prcard.cli.main", "read", "--reader", face["uri"], "--profile", "training"]
        for name in ("alice", "bob"):
            done = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True, check=False)
            shown = json.loads(done.stdout)
            assert shown["verdict"]["outcome"] == "PASSED", shown
            assert (shown["provenance"]["transport"], shown["provenance"]["simulated"]) == ("pcsc", True)
            if name == "alice":
                control(document, "next")
        refused = subprocess.run([*command[:-1], "counter"], env=environment, capture_output=True, check=False)
        assert refused.returncode in {1, 3}, "only training accepts a simulated card"
        with open_reader(uris(document)["tcp"]) as reader:
            assert reader.read(10).text != card.text
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert not Path(face["socket"]).parent.exists()


def test_every_face_serves_the_same_card() -> None:
    card = specimen("alice").card()
    with simulator("--face", "tcp", "--face", "serial", "--face", "udp", "--card", "alice", "--read-again") as (
        _,
        document,
    ):
        read: dict[str, RawCard] = {}
        for kind, uri in uris(document).items():
            control(document, "insert alice")
            with open_reader(uri) as reader:
                read[kind] = reader.read(10)
        assert set(read) == {"tcp", "serial", "udp"}
        for raw in read.values():
            assert (raw.text, raw.photo, raw.fingerprint) == (card.text, card.photo, card.fingerprint)
            assert raw.provenance.simulated


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_by_signal_and_leaves_nothing(number: signal.Signals) -> None:
    with simulator("--face", "serial", "--card", "alice") as (process, document):
        assert Path(document["control"]).exists()
        process.send_signal(number)
        assert process.wait(20) == 0
        assert not Path(document["control"]).exists()


def test_cards_are_changed_through_the_control_socket() -> None:
    with simulator("--face", "tcp", "--card", "alice", "--card", "bob") as (_, document):
        replies = control(document, "status", "next", "next", "remove", "insert hana", "insert nobody", "nonsense", "")
        assert [reply["ok"] for reply in replies] == [True, True, False, True, True, False, False, False]
        assert [reply.get("card") for reply in replies[:2]] == ["alice", "bob"]
        assert replies[3]["card"] is None
        assert replies[4] == {"ok": True, "card": "hana", "state": "PRESENT"}
        with open_reader(uris(document)["tcp"]) as reader:
            assert reader.read(10).text == specimen("hana").card().text


def test_a_second_control_connection_waits_its_turn() -> None:
    with simulator("--face", "tcp") as (_, document):
        assert control(document, "status") == control(document, "status")


def test_the_line_speed_can_be_made_to_matter() -> None:
    options = ("--face", "serial", "--card", "alice", "--strict-speed", "--pace", "115200")
    with simulator(*options) as (_, document), open_reader(uris(document)["serial"]) as reader:
        assert reader.read(10).text == specimen("alice").card().text


def test_words_for_people() -> None:
    command = [sys.executable, "-m", "prcard.cli.main", "simulate", "--card", "bob"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("serial\tserial:/dev/")
    assert process.stdout.readline().startswith("control\t")
    process.terminate()
    _, err = process.communicate(timeout=20)
    assert "On the reader: bob" in err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--card", "nobody"), 2),
        (("--face", "tcp", "--tcp", "nonsense"), 2),
        (("--face", "pigeon"), 2),
        (("--delay", "-1"), 2),
    ],
)
def test_what_cannot_be_served(arguments: tuple[str, ...], code: int) -> None:
    command = [sys.executable, "-m", "prcard.cli.main", "simulate", *arguments]
    assert subprocess.run(command, capture_output=True, check=False, timeout=20).returncode == code


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "prcard.cli.main", "simulate", "--face", "tcp", "--tcp", f"127.0.0.1:{port}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 4
    assert "Choose another port" in done.stderr
