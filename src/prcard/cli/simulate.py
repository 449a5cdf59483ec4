"""`prcard simulate`: a virtual reader for any program."""

from __future__ import annotations

import signal
import threading
from typing import Any

import click

from prcard.cli.main import ExitCode
from prcard.cli.output import print_json, say
from prcard.reader.network import split_address
from prcard.simulator.control import Control
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import PtyFace, TCPFace, UDPFace
from prcard.simulator.server import Face, Server
from prcard.simulator.specimens import SPECIMENS, specimen
from prcard.simulator.vpcd import PCSCFace

__all__ = ["command"]


@click.command("simulate", epilog="Specimens: " + ", ".join(entry.name for entry in SPECIMENS))
@click.option(
    "--face",
    "kinds",
    multiple=True,
    type=click.Choice(["serial", "tcp", "udp", "pcsc"]),
    help="Where to serve; repeat.",
)
@click.option(
    "--card",
    "cards",
    multiple=True,
    type=click.Choice([entry.name for entry in SPECIMENS]),
    metavar="NAME",
    help="Specimen to lay down; further ones wait.",
)
@click.option("--tcp", "tcp_address", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="TCP face.")
@click.option("--udp", "udp_address", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="UDP face.")
@click.option("--read-once/--read-again", default=True, show_default=True, help="Find a card once until it is lifted.")
@click.option("--delay", "delay_ms", default=0.0, type=click.FloatRange(0, 60_000), help="Milliseconds before a reply.")
@click.option("--pace", type=click.IntRange(300, 4_000_000), help="Speed in baud at which replies are written.")
@click.option("--strict-speed", is_flag=True, help="Serial face: lose what a host sends at another speed.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON once every face answers.")
def command(
    *,
    kinds: tuple[str, ...],
    cards: tuple[str, ...],
    tcp_address: str,
    udp_address: str,
    read_once: bool,
    delay_ms: float,
    pace: int | None,
    strict_speed: bool,
    as_json: bool,
) -> int:
    """Serve a virtual reader that other programs can use.

    It runs until SIGINT or SIGTERM. Every face sees the same card. Its SAM id begins with 99.99, which marks it as
    simulated.

    \b
    Example:
      prcard simulate --face serial --face tcp --card alice
    """
    speed = {"reply_delay_s": delay_ms / 1000, "byte_time_s": 10 / pace if pace else 0.0}
    decks = [(name, specimen(name).card()) for name in cards]
    reader = VirtualReader(read_once=read_once)
    if decks:
        reader.insert(decks[0][1], decks[0][0])
    faces = [
        _face(kind, reader, tcp_address, udp_address, strict_speed=strict_speed, speed=speed)
        for kind in dict.fromkeys(kinds or ("serial",))
    ]
    # Handlers first: a signal that comes while the faces open must not be lost.
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with Server(reader, faces, **speed):
        control = Control(reader, waiting=decks[1:])
        try:
            _announce(faces, control, reader, as_json=as_json)
            stopped.wait()
        finally:
            control.close()
    return ExitCode.DONE


def _face(kind: str, reader: VirtualReader, tcp: str, udp: str, *, strict_speed: bool, speed: dict[str, float]) -> Face:
    if kind == "pcsc":
        return PCSCFace(reader, **speed)  # type: ignore[arg-type]  # its other arguments are not named so
    if kind == "serial":
        return PtyFace(reader if strict_speed else None)
    if kind == "tcp":
        return TCPFace(*split_address("tcp", tcp, lowest_port=0))
    return UDPFace(*split_address("udp", udp, lowest_port=0))


def _described(face: Face) -> dict[str, str]:
    described = {"face": face.kind, "uri": face.uri}
    return described | {"socket": face.socket} if isinstance(face, PCSCFace) else described


def _announce(faces: list[Face], control: Control, reader: VirtualReader, *, as_json: bool) -> None:
    document: dict[str, Any] = {
        "ready": True,
        "faces": [_described(face) for face in faces],
        "control": control.path,
    }
    for face in faces:
        if isinstance(face, PCSCFace) and face.warning:
            click.echo(face.warning, err=True)
    if as_json:
        print_json(document, compact=True)
        return
    for face in document["faces"]:
        say("\t".join(face.values()))
    say(f"control\t{control.path}")
    click.echo(f"On the reader: {reader.status()['card'] or 'no card'}. Ctrl-C ends it.", err=True)
