"""`prcard simulate`: a virtual reader for any program, and what drives, taps and replays it."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import TYPE_CHECKING, Any

import click

from prcard.cli.main import ExitCode
from prcard.cli.output import print_json, say
from prcard.cli.traffic import FACES, make_face, replay, stopped_by_signal, tap
from prcard.errors import ReaderError, ReaderFault
from prcard.reader.network import split_address
from prcard.simulator.cards import load_card
from prcard.simulator.control import VERBS, Control, found_controls
from prcard.simulator.device import VirtualReader
from prcard.simulator.faults import parse_fault
from prcard.simulator.fidelity import FIDELITIES, fidelity
from prcard.simulator.scenario import ScenarioRun, load_scenario, shipped
from prcard.simulator.server import Server
from prcard.simulator.specimens import SPECIMENS
from prcard.simulator.vpcd import PCSCFace

if TYPE_CHECKING:
    import threading

    from prcard.simulator.server import Face

__all__ = ["ask_control", "command"]


@click.group(
    "simulate", invoke_without_command=True, epilog="Specimens: " + ", ".join(entry.name for entry in SPECIMENS)
)
@click.option("--face", "kinds", multiple=True, type=click.Choice([*FACES, "pcsc"]), help="Where to serve; repeat.")
@click.option(
    "--card", "cards", multiple=True, metavar="NAME", help="Specimen or capture to lay down; further ones wait."
)
@click.option("--serial", "link", metavar="PATH", help="Serial face: a name that stays, as a link to the device.")
@click.option("--tcp", "tcp_address", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="TCP face.")
@click.option("--udp", "udp_address", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="UDP face.")
@click.option(
    "--rfc2217", "rfc2217_address", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="RFC 2217 face."
)
@click.option(
    "--fidelity",
    "kind_of_reader",
    type=click.Choice([entry.name for entry in FIDELITIES]),
    help="Kind of reader to be.",
)
@click.option("--read-once/--read-again", default=None, help="Find a card once until it is lifted, or each time.")
@click.option("--fault", "faults", multiple=True, metavar="FAULT", help="Arm a fault, as `KIND KEY=VALUE …`; repeat.")
@click.option("--seed", default=0, type=click.IntRange(0), help="Decides what faults leave to chance.")
@click.option("--scenario", "scenario_name", metavar="NAME|FILE", help="Play a scenario from the start.")
@click.option("--until-done", is_flag=True, help="End with the scenario: exit 0 when it is done, 1 when it failed.")
@click.option("--control", "control_address", metavar="PATH|tcp:HOST:PORT", help="Where to serve the control socket.")
@click.option("--delay", "delay_ms", default=0.0, type=click.FloatRange(0, 60_000), help="Milliseconds before a reply.")
@click.option("--pace", type=click.IntRange(300, 4_000_000), help="Speed in baud at which replies are written.")
@click.option("--strict-speed", is_flag=True, help="Serial and RFC 2217: lose what a host sends at another speed.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON once every face answers.")
@click.pass_context
def command(
    context: click.Context,
    *,
    kinds: tuple[str, ...],
    cards: tuple[str, ...],
    link: str | None,
    tcp_address: str,
    udp_address: str,
    rfc2217_address: str,
    kind_of_reader: str | None,
    read_once: bool | None,
    faults: tuple[str, ...],
    seed: int,
    scenario_name: str | None,
    until_done: bool,
    control_address: str | None,
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
    # Long because every option of the command is a parameter.
    if context.invoked_subcommand is not None:
        return ExitCode.DONE
    if until_done and scenario_name is None:
        raise click.UsageError("--until-done needs a --scenario.")
    addresses = {"serial": link, "tcp": tcp_address, "udp": udp_address, "rfc2217": rfc2217_address}
    reader = VirtualReader(fidelity=fidelity(kind_of_reader or FIDELITIES[0].name), seed=seed)
    run = ScenarioRun(load_scenario(scenario_name), reader) if scenario_name is not None else None
    if read_once is not None:
        reader.set_read_once(read_once)
    reader.strict_speed = strict_speed
    with _usage():
        decks = [(name, load_card(name)) for name in cards]
        reader.inject(*(parse_fault(text) for text in faults))
    if decks:
        reader.insert(decks[0][1], decks[0][0])
    speed = {"reply_delay_s": delay_ms / 1000, "byte_time_s": 10 / pace if pace else 0.0}
    faces: list[Face] = [
        PCSCFace(reader, **speed) if kind == "pcsc" else make_face(kind, addresses[kind])  # type: ignore[arg-type]  # its other arguments are not named so
        for kind in dict.fromkeys(kinds or ("serial",))
    ]
    # Handlers first: a signal that comes while the faces open must not be lost.
    stopped = stopped_by_signal()
    with Server(reader, faces, **speed):
        control = Control(reader, decks[1:], address=control_address, further=lambda: _further(faces, run))
        try:
            _announce(faces, control, reader, as_json=as_json)
            return _serve(run, stopped, until_done=until_done)
        finally:
            control.close()


def _serve(run: ScenarioRun | None, stopped: threading.Event, *, until_done: bool) -> ExitCode:
    """Waits for a signal, or for the end of the scenario where that was asked for."""
    if run is None:
        stopped.wait()
        return ExitCode.DONE
    run.start()
    while not stopped.is_set() and (run.state == "running" or not until_done):
        stopped.wait(0.05 if until_done else None)
    run.stop()
    if run.problem:
        click.echo(f"The scenario failed at {run.problem}", err=True)
    return ExitCode.FAILED if until_done and run.state != "done" else ExitCode.DONE


def _further(faces: list[Face], run: ScenarioRun | None) -> dict[str, Any]:
    """What `status` tells beside the reader's own state."""
    told: dict[str, Any] = {"faces": [_described(face) for face in faces]}
    return told if run is None else told | {"scenario": run.status()}


@contextlib.contextmanager
def _usage() -> Any:
    """A card or fault that does not exist is a wrong option."""
    from prcard.errors import RecordError

    try:
        yield
    except RecordError as error:
        raise click.UsageError(str(error)) from error


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
    for described in document["faces"]:
        say("\t".join(described.values()))
    say(f"control\t{control.path}")
    click.echo(f"On the reader: {reader.status()['card'] or 'no card'}. Ctrl-C ends it.", err=True)


@command.command("ctl", context_settings={"ignore_unknown_options": True})
@click.option(
    "--control", "address", metavar="PATH|tcp:HOST:PORT", help="Control socket; the only one running if left out."
)
@click.option("--json", "as_json", is_flag=True, help="Print the whole reply as JSON.")
@click.argument("verb", type=click.Choice(list(VERBS)))
@click.argument("arguments", nargs=-1)
def ctl(*, address: str | None, as_json: bool, verb: str, arguments: tuple[str, ...]) -> int:
    """Drive a served virtual reader: lay cards down, lift them, arm faults, ask.

    docs/reference/control.md says what each request does.

    \b
    Example:
      prcard simulate ctl insert bob
      prcard simulate ctl fault wrong-check command=FIND_CARD times=2
    """
    answer = ask_control(address or _only_control(), " ".join((verb, *arguments)))
    if as_json:
        print_json(answer, compact=True)
    elif answer["ok"]:
        lines = {key: value for key, value in answer.items() if key != "ok"}
        for key, value in lines.items():
            say(f"{key}\t{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
    if not answer["ok"]:
        click.echo(f"prcard: {answer['error']}", err=True)
    return ExitCode.DONE if answer["ok"] else ExitCode.FAILED


def _only_control() -> str:
    found = found_controls()
    if not found:
        raise ReaderError(ReaderFault.NOT_FOUND, "No virtual reader is served.", "Start one with: prcard simulate")
    if len(found) > 1:
        raise ReaderError(
            ReaderFault.AMBIGUOUS, f"{len(found)} are served: {', '.join(found)}.", "Name one of them with --control."
        )
    return found[0]


def ask_control(address: str, request: str) -> dict[str, Any]:
    """Sends one request to a control socket and gives the reply.

    Raises:
        ReaderError: `NOT_FOUND` when nobody answers there.
    """
    try:
        if address.startswith("tcp:"):
            line = socket.create_connection(split_address("tcp", address.removeprefix("tcp:")), timeout=5)
        else:
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            line.connect(address)
        with line:
            # A reply to `expect` takes as long as it was asked to wait.
            line.settimeout(None)
            line.sendall(request.encode() + b"\n")
            answer: dict[str, Any] = json.loads(line.makefile("rb").readline())
    except (OSError, ValueError) as error:
        raise ReaderError(
            ReaderFault.NOT_FOUND, f"Nobody answers at {address}.", "Start a virtual reader with: prcard simulate"
        ) from error
    return answer


@command.command("scenario")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.argument("name", required=False)
def scenario(*, name: str | None, as_json: bool) -> int:
    """List the scenarios that come along, or check one and tell its steps.

    \b
    Example:
      prcard simulate scenario
      prcard simulate scenario my-field-bug.toml
    """
    chosen = shipped() if name is None else {name: load_scenario(name)}
    if as_json:
        rows = [
            {
                "name": known,
                "title": entry.title,
                "about": " ".join(entry.about.split()),
                "source": entry.source,
                "steps": [step.do for step in entry.steps],
                "faults": [fault.to_document() for fault in entry.faults],
                "prcard": list(entry.outcomes),
            }
            for known, entry in chosen.items()
        ]
        print_json({"scenarios": rows})
        return ExitCode.DONE
    for known, entry in chosen.items():
        say(f"{known}\t{entry.title}")
    if name is not None:
        for fault in chosen[name].faults:
            say(f"fault\t{json.dumps(fault.to_document())}")
        for number, step in enumerate(chosen[name].steps, start=1):
            values = json.dumps(dict(step.values), ensure_ascii=False) if step.values else ""
            say(f"{number}\t{step.do} {values}".rstrip())
    return ExitCode.DONE


command.add_command(tap)
command.add_command(replay)
