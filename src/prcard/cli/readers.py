"""`prcard readers`: what is attached."""

from __future__ import annotations

import click

from prcard.cli.output import print_json, say
from prcard.reader.uri import attached_readers

__all__ = ["command"]


@click.command("readers")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, as_json: bool) -> None:
    """List the readers that are attached.

    \b
    Example:
      prcard readers
    """
    found = attached_readers()
    if as_json:
        print_json({"readers": [{"uri": uri, "description": description} for uri, description in found]})
        return
    for uri, description in found:
        say(f"{uri}\t{description}")
    if not found:
        click.echo("No reader is attached; try the virtual one: prcard read --reader sim:alice", err=True)
