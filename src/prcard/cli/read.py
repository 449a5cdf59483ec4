"""`prcard read`: one card from a reader, judged."""

from __future__ import annotations

import math
from pathlib import Path

import click

from prcard.cli.judging import Judging, judging_options
from prcard.reader.uri import choose_reader, open_reader
from prcard.store import captures
from prcard.wire.procedure import ReadOptions

__all__ = ["command"]


def _finite(seconds: float) -> float:
    if not math.isfinite(seconds):
        raise click.BadParameter("expected a number of seconds")
    return seconds


def _named(path: Path | None) -> Path | None:
    if path is not None and path.name in {"", "-"}:
        raise click.BadParameter("expected the name of a file; stdout has the judgement")
    return path


@click.command("read")
@click.option("--reader", "uri", metavar="URI", help="Reader, for instance serial:/dev/ttyUSB0; default: the only one.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0.1, 86_400),
    default=10.0,
    show_default=True,
    callback=lambda _, __, value: _finite(value),
    help="Seconds to wait.",
)
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=lambda _, __, value: _named(value),
    help="Save what was read as a capture.",
)
@click.option("--fingerprint", is_flag=True, help="Keep the fingerprint zone.")
@click.option("--extra", is_flag=True, help="Read the additional addresses too.")
@click.option("--management", is_flag=True, help="Read the card management numbers too.")
@judging_options
def command(
    *,
    uri: str | None,
    wait_s: float,
    save: Path | None,
    fingerprint: bool,
    extra: bool,
    management: bool,
    judging: Judging,
) -> int:
    """Read one card and judge it; personal data is masked unless asked for.

    \b
    Example:
      prcard read --reader sim:alice --profile training
    """
    chosen = choose_reader(uri)
    if uri is None:
        click.echo(f"Using {chosen}, the only reader attached.", err=True)
    with open_reader(chosen) as reader:
        if not judging.as_json:
            click.echo(f"Reader {reader.uri}, SAM {reader.sam_id or 'unknown'}. Lay a card on it.", err=True)
        raw = reader.read(wait_s, ReadOptions(fingerprint=fingerprint, extra=extra, management=management))
    # Saved before it is judged, so that no error in what follows loses the reading.
    if save is not None:
        captures.save(raw, save)
        if not judging.profile.keeps_photo:
            name = judging.profile.name
            click.echo(f"Profile {name} does not keep the photo: delete {save} when it has been judged.", err=True)
    return judging.finish(raw)
