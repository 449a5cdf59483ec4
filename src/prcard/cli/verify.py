"""`prcard verify`: a saved capture, judged by the same code as the counter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prcard.cli.judging import Judged, judging_options, language, now
from prcard.cli.output import print_json, read_input
from prcard.record.capture import load_capture

if TYPE_CHECKING:
    from datetime import datetime

    from prcard.acceptance.profile import Profile
    from prcard.trust.material import TrustMaterial

__all__ = ["command"]


@click.command("verify")
@click.argument("file")
@judging_options
def command(
    *,
    file: str,
    profile: Profile,
    at: datetime | None,
    trust: TrustMaterial | None,
    show: tuple[str, ...],
    lang: str | None,
    as_json: bool,
) -> int:
    """Judge a saved capture, as the counter would.

    FILE is a capture, or - for stdin.

    \b
    Example:
      prcard verify card.capture.json --profile training
    """
    judged = Judged(load_capture(read_input(file)), profile, at or now(), show, trust)
    if as_json:
        print_json(judged.document())
    else:
        judged.print_text(language(lang))
    return judged.exit_code
