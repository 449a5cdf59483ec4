"""`prcard counter`, run as its users run it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
from jsonschema import Draft202012Validator

from prcard.cli import counter as counters
from prcard.errors import ReaderError, ReaderFault

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


def valid(document: Any, schema: str) -> Any:
    text = (SCHEMAS / f"{schema}.schema.json").read_text(encoding="utf-8")
    Draft202012Validator(json.loads(text)).validate(document)
    return document


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "prcard.cli.main", "counter", *arguments]


@contextmanager
def serving(state: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    words = command("serve", "--port", "0", "--state", str(state), "--json", *arguments)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, valid(json.loads(process.stdout.readline()), "counter")
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path, "--sim", "2") as (process, document):
        assert [reader["training"] for reader in document["readers"]] == [True, True]
        assert httpx.get(document["url"] + "api/v1/service").json()["name"] == "prcard-counter"
        process.send_signal(number)
        assert process.wait(20) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(document["url"])


def test_pair_gives_a_code_of_the_service_that_runs(tmp_path: Path) -> None:
    with serving(tmp_path, "--sim") as (_, document):
        done = subprocess.run(
            command("pair", "--state", str(tmp_path), "--json"), capture_output=True, text=True, check=True
        )
        made = valid(json.loads(done.stdout), "pairing-code")
        assert made["url"] == document["url"]
        for code in (made["code"], document["pairing_code"]):
            answer = httpx.post(document["url"] + "api/v1/pairing", json={"code": code})
            assert answer.json()["token"]
        done = subprocess.run(command("pair", "--state", str(tmp_path)), capture_output=True, text=True, check=True)
        assert done.stdout.strip().replace(" ", "").isdigit()
        assert "once, at http://127.0.0.1:" in done.stderr


def test_pair_without_a_service_says_so(tmp_path: Path) -> None:
    done = subprocess.run(command("pair", "--state", str(tmp_path)), capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert "Start prcard counter serve first" in done.stderr


def test_words_for_people_and_logs_without_a_name(tmp_path: Path) -> None:
    words = command("serve", "--port", "0", "--state", str(tmp_path), "--reader", "sim:alice", "--log", "-")
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    assert lines[0] == "r1\tsim:alice\ttraining  TRAINING\n"
    assert lines[1].startswith("page\thttp://127.0.0.1:")
    assert lines[2].startswith("code\t")
    assert process.stderr is not None
    log = ""
    while '"event": "verdict"' not in log or "Open the page and enter the code" not in log:
        log += process.stderr.readline()
    process.terminate()
    log += process.stderr.read()
    process.communicate(timeout=20)
    assert '"event": "stopped"' in log
    assert "SPECIMEN" not in log
    assert "911124" not in log


def test_vendor_endpoints_are_there_only_when_asked_for(tmp_path: Path) -> None:
    with serving(tmp_path, "--sim") as (_, document):
        assert document["compat"] == []


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with serving(tmp_path / "one", "--sim") as (_, document):
        port = document["url"].rstrip("/").rpartition(":")[2]
        done = subprocess.run(
            command("serve", "--sim", "--port", port, "--state", str(tmp_path / "two")),
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
    assert done.returncode == 4
    assert "choose another --port" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--allow-origin", "*"),
        ("--allow-origin", "https://pms.example/"),
        ("--compat", "nobody"),
        ("--sim", "9"),
        ("--profile", "nonsense"),
        ("--port", "70000"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = subprocess.run(
        command("serve", "--state", str(tmp_path), *arguments), capture_output=True, check=False, timeout=20
    )
    assert done.returncode == 2


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    words = command("serve", "--sim", "--port", "0", "--state", str(tmp_path), "--log", str(tmp_path / "no" / "log"))
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 5
    assert "Choose another file for --log" in done.stderr


def test_verdicts_go_to_the_audit_log(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    with serving(tmp_path, "--reader", "sim:goro", "--audit", str(log), "--log", str(tmp_path / "log")) as (
        _,
        document,
    ):
        token = httpx.post(document["url"] + "api/v1/pairing", json={"code": document["pairing_code"]}).json()["token"]
        headers = {"authorization": f"Bearer {token}"}
        rows: list[Any] = []
        while not rows:
            rows = httpx.get(document["url"] + "api/v1/history", headers=headers).json()["history"]
    assert rows[0]["outcome"] == "FAILED"
    kinds = [json.loads(line)["kind"] for line in log.read_text(encoding="utf-8").splitlines()]
    assert kinds == ["begin", "judged"]
    assert '"verdict"' in (tmp_path / "log").read_text(encoding="utf-8")


# What it chooses when nobody says which reader.


def fail(fault: ReaderFault) -> Any:
    def choose(_: str | None) -> str:
        raise ReaderError(fault, "No.", "Do.")

    return choose


def test_the_only_reader_is_used_and_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(counters, "choose_reader", lambda _: "serial:/dev/ttyUSB0")
    assert counters._chosen((), 0) == (("serial:/dev/ttyUSB0",), 0)
    assert "Using serial:/dev/ttyUSB0" in capsys.readouterr().err


def test_without_a_reader_a_virtual_one_is_offered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(counters, "choose_reader", fail(ReaderFault.NOT_FOUND))
    assert counters._chosen((), 0) == ((), 1)
    assert "TRAINING" in capsys.readouterr().err


def test_of_several_readers_none_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "choose_reader", fail(ReaderFault.AMBIGUOUS))
    with pytest.raises(ReaderError):
        counters._chosen((), 0)
    assert counters._chosen(("tcp:127.0.0.1:1",), 0) == (("tcp:127.0.0.1:1",), 0)


def test_without_the_extra_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ReaderError, match=r"pip install 'prcard\[counter\]'"):
        counters._need_extra()


def test_the_state_folder_follows_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    context = click.Context(counters.command)
    parameter = counters.command.params[0] if counters.command.params else click.Option(["--x"])
    for name in ("STATE_DIRECTORY", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert counters._state_folder(context, parameter, None) == Path("~/.local/state/prcard-counter").expanduser()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert counters._state_folder(context, parameter, None) == tmp_path / "prcard-counter"
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "service"))
    assert counters._state_folder(context, parameter, None) == tmp_path / "service" / "prcard-counter"
    assert counters._state_folder(context, parameter, tmp_path) == tmp_path
