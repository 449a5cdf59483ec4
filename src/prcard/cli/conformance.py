"""`prcard conformance`: score a reader, or a host program, against the protocol."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import click

from prcard.cli.main import ExitCode
from prcard.cli.output import print_json, say
from prcard.cli.simulate import ask_control
from prcard.cli.traffic import FACES, make_face
from prcard.errors import FieldProblem, RecordError
from prcard.reader.uri import open_channel
from prcard.simulator.conformance import ClauseNotRun, Outcome
from prcard.simulator.device import VirtualReader
from prcard.simulator.host_clauses import HOST_CLAUSES, judge_host
from prcard.simulator.inprocess import InProcessChannel
from prcard.simulator.reader_clauses import READER_CLAUSES, judge_reader
from prcard.simulator.specimens import specimen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prcard.reader.channel import Channel
    from prcard.simulator.conformance import Report, Result
    from prcard.simulator.reader_clauses import Operator

__all__ = ["command"]

STOP_S = 5.0


@click.command("conformance")
@click.option("--reader", "uri", metavar="URI", help="Score this reader; sim: is our own virtual one.")
@click.option("--host", "is_host", is_flag=True, help="Score a host program instead.")
@click.option(
    "--run", "program", metavar="COMMAND", help="Host: how to start it; {uri}, {address}, {host}, {port} are filled in."
)
@click.option(
    "--face", "source", default="tcp", show_default=True, metavar="FACE[:ADDRESS]", help="Host: where it connects."
)
@click.option(
    "--control", "control", metavar="PATH", help="Reader: control socket of a virtual one, which then needs no hands."
)
@click.option("--ask/--no-ask", "asks", default=True, show_default=True, help="Reader: ask a person to lay cards down.")
@click.option("--clause", "only", multiple=True, metavar="ID", help="Try only this clause; repeat.")
@click.option("--markdown", metavar="FILE", help="Write the report as Markdown.")
@click.option("--html", metavar="FILE", help="Write the report as one HTML page.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    *,
    uri: str | None,
    is_host: bool,
    program: str | None,
    source: str,
    control: str | None,
    asks: bool,
    only: tuple[str, ...],
    markdown: str | None,
    html: str | None,
    as_json: bool,
) -> int:
    """Score a reader, or a host program, against the protocol, clause by clause.

    The report shows the bytes that were exchanged for every clause that is not kept. Exit 0 when it conforms, else 1.

    \b
    Example:
      prcard conformance --reader serial:/dev/ttyUSB0 --html report.html
      prcard conformance --host --run "my-host --port {port}"
    """
    if is_host is (uri is not None):
        raise click.UsageError("Give either --reader URI or --host.")
    clauses = HOST_CLAUSES if is_host else READER_CLAUSES
    unknown = set(only) - {clause.id for clause in clauses}
    if unknown:
        known = f"{clauses[0].id} to {clauses[-1].id}"
        raise click.UsageError(f"--clause {min(unknown)}: expected one of {known}.")
    report = _judge_host(program, source, only) if uri is None else _judge_reader(uri, control, only, asks=asks)
    for path, text in ((markdown, report.to_markdown), (html, report.to_html)):
        if path is not None:
            _save(Path(path), text())
    if as_json:
        print_json(report.to_document())
    else:
        say(report.to_markdown().rstrip("\n"))
    return ExitCode.DONE if report.conforms else ExitCode.FAILED


def _judge_reader(uri: str, control: str | None, only: tuple[str, ...], *, asks: bool) -> Report:
    with _open(uri, control, asks=asks) as (channel, operator):
        return judge_reader(channel, operator, uri, only, _tell)


@contextlib.contextmanager
def _open(uri: str, control: str | None, *, asks: bool) -> Iterator[tuple[Channel, Operator]]:
    """Opens the line, with whoever lays cards down: our own hands, a control socket, a person, or nobody."""
    operator: Operator
    if uri == "sim:":
        reader = VirtualReader()
        channel: Channel = InProcessChannel(reader.line())
        operator = _OwnHands(reader)
    else:
        channel = open_channel(uri)
        operator = _Control(control) if control is not None else _Person() if asks else _Nobody()
    with contextlib.closing(channel):
        yield channel, operator


class _OwnHands:
    def __init__(self, reader: VirtualReader) -> None:
        self._reader = reader

    def lay(self) -> None:
        self._reader.insert(specimen("alice").card(), "alice")

    def lift(self) -> None:
        self._reader.remove()


class _Control:
    """A virtual reader in another process."""

    def __init__(self, address: str) -> None:
        self._address = address

    def lay(self) -> None:
        self._ask("insert alice")

    def lift(self) -> None:
        self._ask("remove")

    def _ask(self, request: str) -> None:
        answer = ask_control(self._address, request)
        if not answer["ok"]:
            raise ClauseNotRun(f"the control socket refused {request!r}: {answer['error']}")


class _Person:
    """Somebody at the reader; asked for each change of the card only."""

    def __init__(self) -> None:
        self._lies: bool | None = None

    def lay(self) -> None:
        self._ask("Lay a card down", lies=True)

    def lift(self) -> None:
        self._ask("Lift the card", lies=False)

    def _ask(self, what: str, *, lies: bool) -> None:
        if self._lies is lies:
            return
        try:
            click.prompt(f"{what}, then press Enter", default="", show_default=False, prompt_suffix=" ", err=True)
        except click.Abort as error:
            raise ClauseNotRun("nobody is at the reader") from error
        self._lies = lies


class _Nobody:
    def lay(self) -> None:
        raise ClauseNotRun("somebody has to lay a card down; give --control, or leave --no-ask out")

    def lift(self) -> None:
        self.lay()


def _judge_host(program: str | None, source: str, only: tuple[str, ...]) -> Report:
    kind, _, address = source.partition(":")
    if kind not in FACES:
        raise click.UsageError(f"--face {source}: expected one of {', '.join(FACES)}, then optionally :ADDRESS.")
    if program is None and not address:
        raise click.UsageError("A host that is not started by --run needs a --face with a fixed address.")
    host = _Program(program) if program is not None else _Attached()
    return judge_host(host, lambda: make_face(kind, address or None), program or source, only, _tell)


class _Program:
    """A host program that is started anew for each clause."""

    def __init__(self, command: str) -> None:
        self._words = shlex.split(command)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, uri: str) -> None:
        address = uri.partition(":")[2]
        host, _, port = address.rpartition(":")
        filled = {"{uri}": uri, "{address}": address, "{host}": host.strip("[]"), "{port}": port}
        words = []
        for word in self._words:
            for name, value in filled.items():
                word = word.replace(name, value)  # noqa: PLW2901  # filled in step by step
            words.append(word)
        try:
            self._process = subprocess.Popen(  # noqa: S603  # the person's own command is what this is for
                words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise RecordError(
                FieldProblem("--run", None, "a program that can be started", error.strerror or "an error"),
                advice="Correct the command.",
            ) from error

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None


class _Attached:
    """A host program that runs already and connects again by itself."""

    ended = False

    def start(self, uri: str) -> None:
        click.echo(f"Waiting for the host at {uri}", err=True)

    def stop(self) -> None:
        """It goes on."""


def _tell(result: Result) -> None:
    sign = {Outcome.PASSED: "ok", Outcome.FAILED: "FAILED", Outcome.NOT_RUN: "not run"}[result.outcome]
    click.echo(f"{result.clause.id} {sign}: {result.clause.title}", err=True)


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecordError(
            FieldProblem(str(path), None, "a file that can be written", error.strerror or "an error"),
            advice="Name another file.",
        ) from error
