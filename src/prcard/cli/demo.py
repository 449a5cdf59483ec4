"""`prcard demo`: from a card on a reader to a verdict, through a real serial device."""

from __future__ import annotations

from pathlib import Path

import click

from prcard.cli.judging import Judged, language, now
from prcard.cli.output import print_json
from prcard.errors import CaptureError, FieldProblem
from prcard.reader.uri import open_reader
from prcard.record.raw import RawCard
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import PtyFace
from prcard.simulator.server import Server
from prcard.simulator.specimens import specimen
from prcard.store import captures
from prcard.store.profiles import load_profile

__all__ = ["command"]


@click.command("demo")
@click.option("--card", "name", default="alice", show_default=True, help="Specimen to lay on the reader.")
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), help="Leave capture and zones in this folder."
)
@click.option("--lang", type=click.Choice(["en", "zh"]), help="Language of the texts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, name: str, keep: Path | None, lang: str | None, as_json: bool) -> int:
    """Show the whole story on a virtual serial reader.

    A specimen card is laid on a virtual reader behind a real serial device, read over that device as a counter would
    read it, decoded and judged by the training profile.

    \b
    Example:
      prcard demo --keep demo-output
    """
    card = specimen(name)
    virtual = VirtualReader()
    face = PtyFace()
    with Server(virtual, [face]):
        if not as_json:
            click.echo(f"Virtual reader on {face.uri}; laying down {name}: {card.shows}.")
        virtual.insert(card.card(), name)
        with open_reader(face.uri) as reader:
            raw = reader.read()
            if not as_json:
                click.echo(f"Read {_zones(raw)} from SAM {reader.sam_id} at {getattr(reader, 'baud', None)} baud.\n")
    # Everything is shown: the person does not exist, and the point is to see the fields.
    judged = Judged(raw, load_profile("training"), now(), show=("all",))
    if keep is not None:
        _keep(keep, raw)
    if as_json:
        print_json(judged.document())
    else:
        judged.print_text(language(lang))
        click.echo("\nNext: prcard simulate --face serial --face tcp --card alice, then read it with any program.")
    return judged.exit_code


def _zones(raw: RawCard) -> str:
    return f"text {len(raw.text)}, photo {len(raw.photo)}, fingerprint {len(raw.fingerprint)} bytes"


def _keep(folder: Path, raw: RawCard) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CaptureError(
            FieldProblem(str(folder), 0, "a folder that can be made", error.strerror or "an error"),
            advice="Choose another folder for --keep.",
        ) from error
    captures.save(raw, folder / "card.capture.json")
    zones = {"text": raw.text, "photo": raw.photo, "fingerprint": raw.fingerprint, "extra": b"".join(raw.extra)}
    for zone, data in zones.items():
        if data:
            captures.write_whole(folder / f"{zone}.bin", data)
