"""`prcard counter`: the page and the local service for hotels and banks."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prcard.cli.judging import known_profile, loaded_trust
from prcard.cli.main import ExitCode
from prcard.cli.output import print_json, say
from prcard.errors import CaptureError, FieldProblem, ReaderError, ReaderFault
from prcard.reader.uri import NOT_REAL, choose_reader

if TYPE_CHECKING:
    from prcard.acceptance.profile import Profile
    from prcard.counter.server import CounterServer
    from prcard.counter.service import Counter
    from prcard.store.audit import AuditLog
    from prcard.trust.material import TrustMaterial

__all__ = ["command"]

COMPAT = ("synjones", "huashi", "donsee")


def _origins(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    from prcard.counter.gate import is_origin

    for text in texts:
        if not is_origin(text):
            raise click.BadParameter(f"{text!r} is no origin; write scheme and host, as https://pms.example")
    return texts


def _profile(_: click.Context, __: click.Parameter, name: str) -> Profile:
    return known_profile(name)


def _state_folder(_: click.Context, __: click.Parameter, folder: Path | None) -> Path:
    if folder is not None:
        return folder
    base = os.environ.get("STATE_DIRECTORY") or os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "prcard-counter"


state_option = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_state_folder,
    help="Folder for what a restart must know: digests of tokens, the address. Default: your state folder.",
)


@click.group("counter")
def command() -> None:
    """Serve the counter page and the local service that other pages use."""


@command.command("serve")
@click.option("--reader", "uris", multiple=True, metavar="URI", help="Reader to use; repeat it for several.")
@click.option("--profile", default="counter", show_default=True, callback=_profile, help="Profile for real readers.")
@click.option(
    "--trust",
    type=click.Path(path_type=Path, file_okay=False),
    callback=loaded_trust,
    help="Trust folder to verify signatures and revocation by.",
)
@click.option(
    "--sim",
    "virtual",
    is_flag=False,
    flag_value="1",
    default="0",
    type=click.IntRange(0, 8),
    metavar="[N]",
    help="Add N virtual readers (1 when no number is given), plainly marked TRAINING.",
)
@click.option("--port", default=8964, show_default=True, type=click.IntRange(0, 65535), help="Port on 127.0.0.1.")
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    callback=_origins,
    metavar="ORIGIN",
    help="Page that may call this service, for instance https://pms.example; repeat it.",
)
@click.option(
    "--compat",
    "vendors",
    multiple=True,
    type=click.Choice(COMPAT),
    help="Also answer as this maker's local service does; repeat it. Off by default.",
)
@state_option
@click.option(
    "--sam-allow",
    multiple=True,
    metavar="ID",
    help="Register a reader by its printed SAM id; * at the end stands for all that begin so.",
)
@click.option(
    "--audit",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write verdicts, and looks at fields in full, to this audit log before they are shown.",
)
@click.option(
    "--audit-key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Key file of the log; default: the log's name with .key, made when it is not there.",
)
@click.option("--log", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), help="Log file; - is stderr.")
@click.option(
    "--left-behind",
    "left_behind_s",
    default=45.0,
    show_default=True,
    type=click.FloatRange(min=1),
    help="Seconds after which a card that still lies there is called left behind.",
)
@click.option(
    "--forget",
    "forget_s",
    default=120.0,
    show_default=True,
    type=click.FloatRange(min=1),
    help="Seconds after lifting the card at which what was read is forgotten.",
)
@click.option("--open", "open_page", is_flag=True, help="Open the page in this machine's browser.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON once the service answers.")
def serve(
    *,
    uris: tuple[str, ...],
    profile: Profile,
    trust: TrustMaterial | None,
    virtual: int,
    port: int,
    origins: tuple[str, ...],
    vendors: tuple[str, ...],
    state: Path,
    sam_allow: tuple[str, ...],
    audit: Path | None,
    audit_key: Path | None,
    log: Path | None,
    left_behind_s: float,
    forget_s: float,
    open_page: bool,
    as_json: bool,
) -> int:
    """Serve the page and the local service until SIGINT or SIGTERM.

    Without --reader the only reader that is attached is used; when none is, a virtual one marked TRAINING.

    \b
    Example:
      prcard counter serve --reader serial:/dev/ttyUSB0 --profile counter
    """
    # Long because it is one list of options, each handed on.
    _need_extra()
    uris, virtual = _chosen(uris, virtual)
    from prcard.counter.compat import vendor
    from prcard.counter.pairing import Pairing
    from prcard.counter.server import CounterServer
    from prcard.counter.service import Counter
    from prcard.counter.station import Times
    from prcard.counter.training import TrainingDesk

    # Handlers first: a signal that comes while ports open must not be lost.
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    counter = Counter(
        _readers(uris, replace(profile, sam_allow_list=(*profile.sam_allow_list, *sam_allow)), trust),
        pairing=Pairing(state / "tokens.json"),
        desk=TrainingDesk(virtual) if virtual else None,
        log=_log(log),
        times=Times(left_behind_s, forget_s),
        audit=_audit_log(audit, audit_key),
    )
    made = [vendor(name) for name in vendors]
    with CounterServer(counter, port=port, origins=origins, vendors=made, state=state) as server:
        _announce(server, counter, vendors, as_json=as_json)
        if open_page:
            webbrowser.open(server.url)
        stopped.wait()
    return ExitCode.DONE


@command.command("pair")
@state_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def pair(*, state: Path, as_json: bool) -> int:
    """Get a one-time pairing code from the counter that runs on this machine.

    \b
    Example:
      prcard counter pair
    """
    _need_extra()
    from prcard.counter.client import CounterClient
    from prcard.counter.server import load_state

    found = load_state(state)
    code = CounterClient(found["url"]).new_code(found["admin"])
    if as_json:
        print_json({"url": found["url"], **code})
    else:
        say(f"{code['code'][:4]} {code['code'][4:]}")
        click.echo(f"Good for {code['expires_in_s']} s, once, at {found['url']}", err=True)
    return ExitCode.DONE


def _need_extra() -> None:
    try:
        import fastapi  # noqa: F401  # only whether it is there
        import uvicorn  # noqa: F401  # only whether it is there
        import wsproto  # noqa: F401  # only whether it is there
    except ImportError as error:
        raise ReaderError(
            ReaderFault.MISSING_EXTRA,
            f"The counter needs {error.name}, which is not installed.",
            "Install it with: pip install 'prcard[counter]'",
        ) from error


def _chosen(uris: tuple[str, ...], virtual: int) -> tuple[tuple[str, ...], int]:
    """The readers to use; without any, a virtual one for training. Never silent about what it chose."""
    if uris or virtual:
        return uris, virtual
    try:
        only = choose_reader(None)
    except ReaderError as error:
        if error.fault is not ReaderFault.NOT_FOUND:
            raise
        click.echo("No reader is attached: offering a virtual one, for TRAINING only.", err=True)
        return (), 1
    click.echo(f"Using {only}, the only reader attached.", err=True)
    return (only,), 0


def _readers(uris: tuple[str, ...], profile: Profile, trust: TrustMaterial | None) -> list[tuple[str, str, Any]]:
    from prcard.counter.policy import Policy
    from prcard.store.profiles import load_profile

    house = Policy(profile=profile, trust=trust, training=profile.allow_specimens)
    training = Policy(profile=load_profile("training"), trust=trust, training=True)
    # Behind some kinds no card can lie: they are for training, whatever profile was asked for.
    return [(uri, uri, training if uri.partition(":")[0] in NOT_REAL else house) for uri in uris]


def _audit_log(path: Path | None, key: Path | None) -> AuditLog | None:
    if path is None:
        return None
    from prcard.store.audit import AuditLog
    from prcard.store.audit_keys import ensure_keys

    return AuditLog(path, ensure_keys(key or path.with_name(f"{path.name}.key")))


def _log(path: Path | None) -> Any:
    if path is None:
        return None
    try:
        return sys.stderr if str(path) == "-" else path.open("a", encoding="utf-8")
    except OSError as error:
        raise CaptureError(
            FieldProblem(str(path), None, "a log that can be written", error.strerror or "an error"),
            advice="Choose another file for --log.",
        ) from error


def _announce(server: CounterServer, counter: Counter, vendors: tuple[str, ...], *, as_json: bool) -> None:
    code = counter.pairing.new_code()
    if as_json:
        document = {
            "ready": True,
            "url": server.url,
            "pairing_code": code,
            "readers": [
                {
                    "reader": one.name,
                    "uri": one.uri,
                    "profile": one.policy.profile.name,
                    "training": one.policy.training,
                }
                for one in counter.stations
            ],
            "compat": [{"vendor": name, "url": url} for name, url in zip(vendors, server.vendor_urls, strict=True)],
        }
        say(json.dumps(document, ensure_ascii=False))
        return
    for one in counter.stations:
        mark = "  TRAINING" if one.policy.training else ""
        say(f"{one.name}\t{one.uri}\t{one.policy.profile.name}{mark}")
    for name, url in zip(vendors, server.vendor_urls, strict=True):
        say(f"{name}\t{url}")
    say(f"page\t{server.url}")
    say(f"code\t{code[:4]} {code[4:]}")
    click.echo("Open the page and enter the code. More codes: prcard counter pair. Ctrl-C ends it.", err=True)
