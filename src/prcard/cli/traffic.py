"""`prcard simulate tap` and `replay`: what passes between a host and a reader, kept and played again."""

from __future__ import annotations

import contextlib
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prcard.cli.main import ExitCode
from prcard.cli.output import print_json, say
from prcard.errors import FieldProblem, RecordError, RemoteWireError
from prcard.reader.network import split_address
from prcard.reader.uri import open_channel
from prcard.simulator.faces import PtyFace, TCPFace, UDPFace
from prcard.simulator.playback import RecordedReader, play_as_host
from prcard.simulator.redaction import redact_with_specimens
from prcard.simulator.rfc2217 import RFC2217Face
from prcard.simulator.server import Server
from prcard.simulator.tap import Tap
from prcard.wire.transcript import MAX_TEXT_CHARS, Transcript

if TYPE_CHECKING:
    from prcard.simulator.playback import Playback
    from prcard.simulator.server import Face

__all__ = ["FACES", "make_face", "replay", "stopped_by_signal", "tap"]

FACES = ("serial", "tcp", "udp", "rfc2217")


def make_face(kind: str, address: str | None) -> Face:
    """Gives a face of a kind.

    Args:
        kind: One of `FACES`.
        address: `HOST:PORT`, for the serial face the name of a link; None for any that is free.

    Raises:
        ReaderError: the address is malformed.
    """
    if kind == "serial":
        return PtyFace(link=address)
    host, port = split_address(kind, address or "127.0.0.1:0", lowest_port=0)
    if kind == "tcp":
        return TCPFace(host, port)
    return RFC2217Face(host, port) if kind == "rfc2217" else UDPFace(host, port)


def stopped_by_signal() -> threading.Event:
    """Gives an event that SIGINT and SIGTERM set."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


@click.command("tap")
@click.option(
    "--from",
    "source",
    required=True,
    metavar="FACE[:ADDRESS]",
    help="Where the host connects: serial, tcp, udp, rfc2217.",
)
@click.option("--to", "uri", required=True, metavar="URI", help="The reader.")
@click.option("--record", "path", required=True, metavar="FILE", help="Where to write the transcript at the end.")
@click.option("--unredacted", is_flag=True, help="Keep personal data, for a file that nobody else gets.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON once the face answers.")
def tap(*, source: str, uri: str, path: str, unredacted: bool, as_json: bool) -> int:
    """Stand between a host program and a reader, and write a redacted transcript.

    It runs until SIGINT or SIGTERM. Bytes pass unchanged. In the transcript every person is replaced by a specimen;
    lengths, check bytes and layout stay valid, and what was damaged stays damaged.

    \b
    Example:
      prcard simulate tap --from serial --to serial:/dev/ttyUSB0 --record bug.transcript
    """
    kind, _, address = source.partition(":")
    if kind not in FACES:
        raise click.UsageError(f"--from {source}: expected one of {', '.join(FACES)}, then optionally :ADDRESS.")
    face, target = make_face(kind, address or None), Path(path)
    # Found out now, not when hours of traffic are to be written.
    _write(target, Transcript(entries=()).serialize())
    stopped = stopped_by_signal()
    with Tap(face, lambda: open_channel(uri)) as running:
        _announce(face, {"to": uri, "record": path}, as_json=as_json)
        stopped.wait()
    transcript = running.transcript
    if running.problem:
        click.echo(f"The reader was lost: {running.problem}", err=True)
    shown = transcript if unredacted else redact_with_specimens(transcript)
    _write(target, shown.serialize(unredacted=unredacted))
    click.echo(f"{path}: {len(shown.entries)} pieces, {'NOT redacted' if unredacted else 'redacted'}.", err=True)
    return ExitCode.DONE


@click.command("replay")
@click.argument("path", metavar="FILE")
@click.option("--to", "uri", metavar="URI", help="Play the host against this reader.")
@click.option("--face", "source", metavar="FACE[:ADDRESS]", help="Play the reader for a host that connects here.")
@click.option(
    "--timing", type=click.Choice(["tolerant", "strict"]), default="tolerant", show_default=True, help="Mind the times."
)
@click.option("--tolerance", "tolerance_ms", default=250.0, show_default=True, type=click.FloatRange(0, 60_000),
              help="Milliseconds that a reply may come later than recorded, with --timing strict.")  # fmt: skip
@click.option("--until-done", is_flag=True, help="With --face: end once the recording was played or differs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a line when ready, a line with the result.")
def replay(
    *,
    path: str,
    uri: str | None,
    source: str | None,
    timing: str,
    tolerance_ms: float,
    until_done: bool,
    as_json: bool,
) -> int:
    """Play a transcript as a host or as a reader; the first byte that differs is named.

    \b
    Example:
      prcard simulate replay bug.transcript --to tcp:127.0.0.1:7000
      prcard simulate replay bug.transcript --face serial --timing strict
    """
    if (uri is None) == (source is None):
        raise click.UsageError("Give either --to URI, to play the host, or --face, to play the reader.")
    transcript, strict = _load(path), timing == "strict"
    if uri is not None:
        channel = open_channel(uri)
        with contextlib.closing(channel):
            result = play_as_host(transcript, channel, strict=strict, tolerance_s=tolerance_ms / 1000)
        return _tell("host", result, as_json=as_json)
    kind, _, address = str(source).partition(":")
    if kind not in FACES:
        raise click.UsageError(f"--face {source}: expected one of {', '.join(FACES)}, then optionally :ADDRESS.")
    face, reader = make_face(kind, address or None), RecordedReader(transcript, strict=strict)
    stopped = stopped_by_signal()
    with Server(reader, [face]):
        _announce(face, {}, as_json=as_json)
        while not stopped.wait(0.05 if until_done else None):
            if reader.ended.is_set() and until_done:
                # What was answered last may still be on its way to the host.
                stopped.wait(0.5)
                break
    return _tell("reader", reader.result, as_json=as_json)


def _announce(face: Face, further: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json({"ready": True, "faces": [{"face": face.kind, "uri": face.uri}], **further}, compact=True)
        return
    say(f"{face.kind}\t{face.uri}")
    click.echo("Ctrl-C ends it.", err=True)


def _tell(role: str, result: Playback, *, as_json: bool) -> ExitCode:
    document = {
        "played": role,
        "same": not result.mismatch,
        "sent_bytes": result.sent,
        "received_bytes": result.received,
        "mismatch": result.mismatch or None,
    }
    if as_json:
        print_json(document, compact=True)
    else:
        say(result.mismatch or f"the same: {result.sent} bytes of the host, {result.received} of the reader")
    return ExitCode.FAILED if result.mismatch else ExitCode.DONE


def _load(path: str) -> Transcript:
    try:
        with Path(path).open(encoding="utf-8") as file:
            text = file.read(MAX_TEXT_CHARS + 1)
        return Transcript.parse(text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise RecordError(FieldProblem(path, None, "a transcript file", reason)) from error
    except RemoteWireError as error:
        raise RecordError(FieldProblem(path, None, "a transcript", str(error))) from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecordError(
            FieldProblem(str(path), None, "a file that can be written", error.strerror or "an error"),
            advice="Name another file.",
        ) from error
