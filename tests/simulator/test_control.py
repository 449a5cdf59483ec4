"""The control socket. How a served reader is driven through it stands in tests/cli/test_simulate.py."""

from __future__ import annotations

import json
import socket
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from prcard.cli.schemas import schemas
from prcard.errors import ReaderError, ReaderFault
from prcard.record.capture import dump_capture
from prcard.simulator import control
from prcard.simulator.control import MAX_CONNECTIONS, MAX_LINE_BYTES, VERBS, Control, control_reference, found_controls
from prcard.simulator.device import VirtualReader
from prcard.simulator.specimens import specimen
from prcard.wire.codes import Command
from prcard.wire.frame import Frame

SCHEMA = Draft202012Validator(schemas()["control-answer"])


def test_only_its_owner_may_reach_it_and_it_goes_away() -> None:
    before = threading.active_count()
    served = Control(VirtualReader())
    path = Path(served.path)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    served.close()
    assert not path.parent.exists()
    assert threading.active_count() == before


def test_rubbish_is_answered_and_the_line_stays() -> None:
    served = Control(VirtualReader())
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.connect(served.path)
        with line.makefile("rb") as answers:
            for request in (b"\xff\xfe\n", b"insert \xff\n", b"x" * MAX_LINE_BYTES, b"remove\n"):
                line.sendall(request)
                answer = json.loads(answers.readline())
        assert answer == {"ok": True, "card": None, "state": "EMPTY"}
    served.close()


def test_a_program_that_says_nothing_keeps_nobody_out_and_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "IDLE_S", 0.05)
    served = Control(VirtualReader())
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
        silent.connect(served.path)
        assert ask(served.path, "status")[0]["ok"]
        silent.settimeout(20)
        assert silent.recv(1) == b""
    served.close()


def ask(path: str, *requests: str) -> list[dict[str, Any]]:
    """Sends requests on one connection and gives the replies, each valid against the published schema."""
    if path.startswith("tcp:"):
        _, host, port = path.split(":")
        line = socket.create_connection((host, int(port)))
    else:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.connect(path)
    replies = []
    with line, line.makefile("rb") as answers:
        for request in requests:
            line.sendall(request.encode() + b"\n")
            replies.append(json.loads(answers.readline()))
            SCHEMA.validate(replies[-1])
    return replies


@pytest.fixture
def reader() -> VirtualReader:
    return VirtualReader()


@pytest.fixture
def served(reader: VirtualReader) -> Iterator[Control]:
    served = Control(reader, [("bob", specimen("bob").card())])
    yield served
    served.close()


def test_cards_are_laid_down_and_lifted(served: Control, tmp_path: Path) -> None:
    capture = tmp_path / "card.json"
    capture.write_text(dump_capture(specimen("hana").card()), encoding="utf-8")
    replies = ask(
        served.path, "insert alice", "next", "next", f"insert {capture}", "remove", "insert nobody", "remove all"
    )
    assert [reply.get("card") for reply in replies] == ["alice", "bob", None, str(capture), None, None, None]
    assert [reply["ok"] for reply in replies] == [True, True, False, True, True, False, False]
    assert replies[2]["error"].startswith("no card waits")


def test_faults_are_armed_told_and_disarmed(served: Control, reader: VirtualReader) -> None:
    replies = ask(served.path, "fault wrong-check times=2", "status", "fault clear", "fault dance", "fault", "seed 5")
    assert replies[1]["faults"] == [{"kind": "wrong-check", "times": 2, "struck": 0}]
    assert [reply["ok"] for reply in replies] == [True, True, True, False, False, True]
    assert reader.faults.status() == []


def test_speed_plug_and_what_status_tells(served: Control, reader: VirtualReader) -> None:
    replies = ask(
        served.path, "speed real", "unplug", "status", "plug", "speed 9600", "speed fast", "unplug 0", "status"
    )
    assert all(reply["ok"] for reply in replies)
    assert (replies[2]["plugged"], replies[7]["plugged"], replies[7]["waiting"]) == (False, True, ["bob"])
    assert (reader.epoch, reader.pace_baud, reader.fidelity.real_time) == (2, None, False)
    replies = ask(served.path, "speed warp", "speed 1", "unplug soon", "unplug -1", "seed x")
    assert [reply["ok"] for reply in replies] == [False] * 5


def test_expect_waits_for_a_host(served: Control, reader: VirtualReader) -> None:
    line = reader.line()
    timer = threading.Timer(0.1, line.receive, (Frame.request(Command.FIND_CARD).serialize(), 0.0))
    timer.start()
    replies = ask(served.path, "expect FIND_CARD", "expect FIND_CARD 0.01", "expect FIND 1", "expect FIND_CARD x")
    timer.join()
    assert replies[0] == {"ok": True, "card": None, "state": "EMPTY", "request": 1, "answered": 0x80}
    assert replies[1]["error"].startswith("FIND_CARD: expected a request within 0.01 s, found none")
    assert [reply["ok"] for reply in replies] == [True, False, False, False]


def test_close_does_not_wait_for_who_waits(reader: VirtualReader) -> None:
    served = Control(reader)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.connect(served.path)
        line.sendall(b"expect FIND_CARD 3600\n")
        # Once somebody else was answered, the first one is being served.
        ask(served.path, "status")
        start = time.monotonic()
        served.close()
        assert time.monotonic() - start < 20


def test_many_may_be_connected_but_not_any_number(served: Control) -> None:
    with ExitStack() as stack:
        replies = []
        for at in range(MAX_CONNECTIONS + 1):
            line = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            line.connect(served.path)
            if at < MAX_CONNECTIONS:
                line.sendall(b"status\n")
            # The last one is told so before it asks anything.
            replies.append(json.loads(stack.enter_context(line.makefile("rb")).readline()))
        assert [reply["ok"] for reply in replies] == [True] * MAX_CONNECTIONS + [False]


@pytest.mark.parametrize("kind", ["path", "tcp"])
def test_another_address_can_be_asked_for(kind: str, reader: VirtualReader, tmp_path: Path) -> None:
    address = str(tmp_path / "ctl") if kind == "path" else "tcp:127.0.0.1:0"
    served = Control(reader, address=address)
    assert ask(served.path, "status")[0]["ok"]
    with pytest.raises(ReaderError) as busy:
        Control(reader, address=served.path)
    assert busy.value.fault is ReaderFault.BUSY
    served.close()
    assert not (tmp_path / "ctl").exists()


def test_sockets_that_answer_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reader: VirtualReader) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "prcard-dead").mkdir()
    served = Control(reader)
    assert found_controls() == [served.path]
    served.close()
    assert found_controls() == []


def test_the_page_shows_every_request() -> None:
    assert all(f"| `{name}" in control_reference() for name in VERBS)
