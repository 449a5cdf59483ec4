"""The command line as a whole: help, exit codes, errors, start-up."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from prcard import __version__
from prcard.cli.main import COMMANDS, ExitCode, cli, main
from prcard.cli.reference import leaves


def run(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "prcard.cli.main", *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_exit_codes_are_those_of_the_documentation() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "INDETERMINATE": 3,
        "READER": 4,
        "MALFORMED": 5,
        "BUG": 70,
    }


def test_help_lists_every_command() -> None:
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    for name, (_, sentence) in COMMANDS.items():
        assert name in result.output
        assert sentence.split()[0] in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_one_sentence_and_an_example(name: str) -> None:
    module, sentence = COMMANDS[name]
    command: click.Command = importlib.import_module(f"prcard.cli.{module}").command
    assert (command.help or "").startswith(sentence)
    for full_name, leaf in leaves():
        if full_name.split()[0] != name:
            continue
        assert f"prcard {full_name}" in (leaf.help or ""), full_name
        assert "Example:" in (leaf.help or "")
        assert any(option.name == "as_json" for option in leaf.params)


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"], []])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom prcard.cli.main import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        "print('LOADED', ' '.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split("LOADED")[1].split())
    assert "click" in loaded
    forbidden = ("construct", "cryptography", "rich", "serial", "smartcard", "numpy", "pyarrow", "asyncio", "fastapi")
    for name in (*forbidden, "importlib.metadata", "prcard.record", "prcard.acceptance"):
        assert name not in loaded


def test_version() -> None:
    code, out, _ = run("--version")
    assert code == 0
    assert __version__ in out


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["read", "--nonsense"], ["number", "check"], ["read", "--wait", "x"]]
)
def test_usage_errors_exit_2(arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (ExitCode.USAGE, "")
    assert "Usage" in err or "No such" in err


def test_reader_errors_exit_4_and_print_one_document() -> None:
    code, out, err = run("read", "--reader", "tcp:127.0.0.1:1", "--json")
    assert code == ExitCode.READER
    document = json.loads(out)
    assert document["error"]["fault"] == "reader-not-found"
    assert document["error"]["exit_code"] == 4
    assert "Nobody answers" in err


def test_malformed_input_exits_5(tmp_path: object) -> None:
    code, out, err = run("record", "decode", f"{tmp_path}/none.bin")
    assert (code, out) == (ExitCode.MALFORMED, "")
    assert "a file that can be read" in err


def test_our_bugs_exit_70(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("broken on purpose")

    monkeypatch.setattr(cli, "main", broken)
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code == ExitCode.BUG
    assert "broken on purpose" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "expected"), [(KeyboardInterrupt(), 130), (click.Abort(), 130), (click.exceptions.Exit(3), 3)]
)
def test_other_ends(raised: BaseException, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(cli, "main", end)
    with pytest.raises(SystemExit) as left:
        main([])
    assert left.value.code == expected


COMMANDS_AND_CODES = [
    (("number", "check", "911124198108030024"), 0),
    (("number", "check", "abc"), 1),
    (("read", "--reader", "sim:goro", "--profile", "training"), 1),
    (("read", "--reader", "tcp:127.0.0.1:1", "--json"), 4),
    (("record", "decode", "/dev/null", "--json"), 5),
]


@pytest.mark.parametrize(("arguments", "code"), COMMANDS_AND_CODES)
def test_output_that_nobody_takes_changes_no_exit_code(arguments: tuple[str, ...], code: int) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "prcard.cli.main", *arguments]
    done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write_end)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_full_disk_is_said_and_is_no_bug() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "prcard.cli.main", "number", "check", "abc"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == ExitCode.MALFORMED
    assert "stdout: expected output that can be written, found No space left on device" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("read", "--reader", "sim:alice", "--profile", "nosuch"),
        ("read", "--reader", "sim:alice", "--at", "garbage"),
        ("read", "--reader", "sim:alice", "--wait", "nan"),
        ("read", "--reader", "sim:alice", "--wait", "inf"),
        ("read", "--reader", "sim:alice", "--save", "-"),
        ("simulate", "--card", "nobody"),
        ("number", "no-such-part"),
    ],
)
def test_wrong_usage_is_told_in_json_too(arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments, "--json")
    schema = json.loads((Path(__file__).resolve().parents[2] / "schemas/error.schema.json").read_text(encoding="utf-8"))
    document = json.loads(out)
    Draft202012Validator(schema).validate(document)
    assert code == document["error"]["exit_code"] == ExitCode.USAGE
    assert document["error"]["message"].splitlines()[0][:40] in err


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_closed_stream_changes_no_exit_code(closed: str) -> None:
    command = f'"{sys.executable}" -m prcard.cli.main number check %s {">&-" if closed == "stdout" else "2>&-"}'
    for number, code in (("911124198108030024", 0), ("911124198108030025", 1)):
        done = subprocess.run(["bash", "-c", command % number], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (code, "")


def test_help_that_finds_no_room_says_so() -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "prcard.cli.main", "--help"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == ExitCode.MALFORMED
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_name_that_is_no_text_is_refused_like_another() -> None:
    command = [sys.executable.encode(), b"-m", b"prcard.cli.main", b"inspect", b"a\xffb"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == ExitCode.MALFORMED
    assert b"Traceback" not in done.stderr
