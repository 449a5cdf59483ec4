"""`prcard conformance` on readers and hosts in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from jsonschema import Draft202012Validator

from prcard.cli.schemas import schemas
from prcard.simulator.control import Control
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import TCPFace
from prcard.simulator.server import Server

SCHEMA = Draft202012Validator(schemas()["conformance"])
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def served() -> Iterator[tuple[str, str]]:
    reader, face = VirtualReader(), TCPFace()
    with Server(reader, [face]):
        control = Control(reader)
        yield face.uri, control.path
        control.close()


def test_our_own_reader_keeps_every_clause(run: Run, tmp_path: Path) -> None:
    files = ("--markdown", tmp_path / "r.md", "--html", tmp_path / "r.html")
    code, out, err = run("conformance", "--reader", "sim:", "--json", *files)
    document = json.loads(out)
    SCHEMA.validate(document)
    assert (code, document["conforms"], document["score"], document["not_run"]) == (0, True, 100.0, 0)
    assert "R33 ok: " in err
    assert (tmp_path / "r.md").read_text(encoding="utf-8").startswith("# Conformance of reader sim:")
    assert (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_served_reader_is_judged_through_its_control_socket(run: Run, served: tuple[str, str]) -> None:
    uri, control = served
    clauses = ("--clause", "R07", "--clause", "R14", "--clause", "R23")
    code, out, _ = run("conformance", "--reader", uri, "--control", control, *clauses)
    assert code == 0
    assert "3 of 3 clauses kept" in out


def test_without_anybody_to_lay_cards_down_the_rest_is_tried(run: Run, served: tuple[str, str]) -> None:
    code, out, _ = run("conformance", "--reader", served[0], "--no-ask", "--clause", "R01", "--clause", "R07", "--json")
    document = json.loads(out)
    assert code == 1
    assert [clause["outcome"] for clause in document["clauses"]] == ["passed", "not-run"]


def test_a_person_is_asked_for_each_change_once(
    run: Run, served: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def prompt(text: str, **_: object) -> str:
        asked.append(text)
        if len(asked) > 3:
            raise click.Abort
        return ""

    monkeypatch.setattr(click, "prompt", prompt)
    code, out, _ = run(
        "conformance", "--reader", served[0], "--clause", "R04", "--clause", "R25", "--clause", "R07", "--clause", "R14"
    )
    assert asked == ["Lift the card, then press Enter", "Lay a card down, then press Enter"] * 2
    assert code == 1
    assert "nobody is at the reader" in out


def test_a_control_socket_that_refuses_is_told(run: Run, served: tuple[str, str], tmp_path: Path) -> None:
    import socket

    path = str(tmp_path / "ctl")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def refuse() -> None:
            line, _ = listener.accept()
            with line:
                line.recv(100)
                line.sendall(b'{"ok": false, "error": "no"}\n')

        thread = threading.Thread(target=refuse)
        thread.start()
        _, out, _ = run("conformance", "--reader", served[0], "--control", path, "--clause", "R04", "--json")
        thread.join()
    assert "refused 'remove': no" in json.loads(out)["clauses"][0]["detail"]


def test_a_host_program_is_started_for_each_clause(run: Run) -> None:
    program = f"{sys.executable} {EXAMPLES / 'plain_host.py'} {{host}} {{port}}"
    code, out, _ = run("conformance", "--host", "--run", program, "--clause", "H02", "--clause", "H06", "--json")
    document = json.loads(out)
    SCHEMA.validate(document)
    assert [(clause["id"], clause["outcome"]) for clause in document["clauses"]] == [
        ("H02", "passed"),
        ("H06", "passed"),
    ]
    assert (code, document["role"]) == (0, "host")


def test_a_host_that_does_not_end_when_told_is_ended(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prcard.cli.conformance.STOP_S", 0.3)
    monkeypatch.setattr("prcard.simulator.host_clauses.LIMIT_S", 0.5)
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    code, out, _ = run("conformance", "--host", "--run", f'{sys.executable} -c "{stubborn}"', "--clause", "H02")
    assert code == 1
    assert "the host asked nothing" in out


def test_a_host_that_runs_already_connects_by_itself(run: Run) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    host = subprocess.Popen(
        [sys.executable, "-c", ATTACHED, str(EXAMPLES / "plain_host.py"), str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        code, out, err = run("conformance", "--host", "--face", f"tcp:127.0.0.1:{port}", "--clause", "H02")
    finally:
        host.kill()
        host.wait()
    assert code == 0, out
    assert f"Waiting for the host at tcp:127.0.0.1:{port}" in err


ATTACHED = """
import runpy, sys, time
name, port = sys.argv[1:]
while True:
    sys.argv = [name, "127.0.0.1", port]
    try:
        runpy.run_path(name, run_name="__main__")
    except (SystemExit, OSError):
        time.sleep(0.05)
"""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "either --reader URI or --host"),
        (("--reader", "sim:", "--host"), 2, "either --reader URI or --host"),
        (("--reader", "sim:", "--clause", "X1"), 2, "expected one of R01 to R33"),
        (("--host",), 2, "needs a --face with a fixed address"),
        (("--host", "--face", "pigeon"), 2, "expected one of serial"),
        (("--host", "--run", "/no/such/program", "--clause", "H01"), 5, "can be started"),
        (("--reader", "tcp:127.0.0.1:1"), 4, "Nobody answers"),
        (("--reader", "sim:", "--clause", "R01", "--html", "/no/such/folder/x"), 5, "can be written"),
    ],
)
def test_what_is_refused(run: Run, arguments: tuple[str, ...], code: int, words: str) -> None:
    got, _, err = run("conformance", *arguments)
    assert got == code
    assert words in " ".join(err.split())
