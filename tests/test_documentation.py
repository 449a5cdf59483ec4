"""Pages and program say the same: commands and options exist, links lead somewhere, Python examples run."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import pytest

from prcard.cli.main import COMMANDS
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import TCPFace
from prcard.simulator.server import Server
from prcard.simulator.specimens import specimen

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[1]
PAGES: Final = {str(path.relative_to(ROOT)): path for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]}

BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"\]\((?!https?://)([^)#\s]+)(?:#[^)]*)?\)")

# Examples that need no hardware and no file from elsewhere, so that they can run here.
RUNNABLE: Final = ["README.md", "docs/tutorial/first-card.md", "docs/how-to/work-with-numbers.md"]


def blocks(page: str, language: str) -> list[str]:
    """Gives the fenced blocks of one language on a page."""
    return [text for kind, text in BLOCK.findall(PAGES[page].read_text(encoding="utf-8")) if kind == language]


def calls() -> Iterator[tuple[str, list[str]]]:
    """Gives every call of the command line that a page shows, with its page."""
    for page in PAGES:
        for line in "".join(blocks(page, "sh")).splitlines():
            for part in re.split(r"[|;<>]", line):
                words = shlex.split(part, comments=True)
                if words[:1] == ["prcard"]:
                    yield page, words[1:]


def unknown_parts(words: list[str]) -> list[str]:
    """Names what a call asks for and the command line does not have."""
    command: click.Command = importlib.import_module(f"prcard.cli.{COMMANDS[words[0]][0]}").command
    rest = words[1:]
    while isinstance(command, click.Group):
        if command.invoke_without_command and (not rest or rest[0] not in command.commands):
            break
        if rest[0] not in command.commands:
            return rest[:1]
        command, rest = command.commands[rest[0]], rest[1:]
    known = {name for parameter in command.params for name in [*parameter.opts, *parameter.secondary_opts]}
    return [word for word in rest if word.startswith("--") and word not in known]


CALLS: Final = list(calls())


def test_pages_show_every_command() -> None:
    assert {words[0] for _, words in CALLS} >= COMMANDS.keys() - {"demo"}


@pytest.mark.parametrize(("page", "words"), CALLS, ids=[f"{page}: {' '.join(words)}" for page, words in CALLS])
def test_a_call_on_a_page_uses_what_exists(page: str, words: list[str]) -> None:
    assert unknown_parts(words) == [], page


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["read", "--reader", "sim:alice"], []),
        (["read", "--raeder", "sim:alice"], ["--raeder"]),
        (["number", "judge", "1"], ["judge"]),
        (["number", "link", "A", "B", "--link", "000"], []),
    ],
)
def test_an_option_that_is_not_there_is_noticed(words: list[str], expected: list[str]) -> None:
    assert unknown_parts(words) == expected


@pytest.mark.parametrize("page", sorted(PAGES))
def test_links_between_pages_lead_somewhere(page: str) -> None:
    targets = LINK.findall(PAGES[page].read_text(encoding="utf-8"))
    assert [target for target in targets if not (PAGES[page].parent / target).exists()] == []


@pytest.mark.parametrize("page", RUNNABLE)
def test_python_on_a_page_runs(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    examples = blocks(page, "python")
    assert examples
    for example in examples:
        exec(compile(example, page, "exec"), {"__name__": "example"})
    assert capsys.readouterr().out


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages if f": {page}\n" not in navigation} == set()


def run_example(name: str, *arguments: str) -> str:
    """Runs a program of examples/ and gives what it prints."""
    script = str(ROOT / "examples" / f"{name}.py")
    return subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=True).stdout


def test_example_read_and_judge() -> None:
    assert run_example("read_and_judge", "sim:alice").startswith("PASSED for training - evidence: unattested")


def test_example_judge_folder() -> None:
    folder = ROOT / "fixtures" / "specimens"
    lines = run_example("judge_folder", str(folder / "alice"), "training", "2026-01-15").splitlines()
    assert lines == ["capture,outcome,reasons", "card.capture.json,PASSED,"]


def test_example_plain_host() -> None:
    reader = VirtualReader()
    reader.insert(specimen("alice").card(), "alice")
    face = TCPFace("127.0.0.1", 0)
    with Server(reader, [face]):
        _, host, port = face.uri.split(":")
        assert run_example("plain_host", host, port) == "text 256 bytes, photo 1024 bytes, type marker 'Y'\n"


def test_example_counter_listener() -> None:
    """Runs against a counter that is served in tests/counter/test_clients.py."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "counter_listener.py"), "http://127.0.0.1:1/", "00000000"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Start it with: prcard counter serve" in done.stderr


def test_example_test_ten_lines() -> None:
    script = str(ROOT / "examples" / "test_ten_lines.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "_prcard_pytest", "-p", "no:cacheprovider", script]
    environment = os.environ | {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_ADDOPTS": "--timeout=60 -p pytest_timeout",
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert "1 passed" in done.stdout


def test_every_example_has_a_test() -> None:
    names = {path.stem for path in (ROOT / "examples").glob("*.py")}
    assert {name for name in names if f"test_example_{name}" not in globals()} == set()
