"""`prcard verify`: a saved capture, judged by the same code as the counter."""

from __future__ import annotations

import click

from prcard.cli.judging import Judging, judging_options
from prcard.cli.output import read_input
from prcard.record.capture import load_capture

__all__ = ["command"]


@click.command("verify")
@click.argument("file")
@judging_options
def command(*, file: str, judging: Judging) -> int:
    """Judge a saved capture, as the counter would.

    FILE is a capture, or - for stdin.

    \b
    Example:
      prcard verify card.capture.json --profile training
    """
    return judging.finish(load_capture(read_input(file)))
