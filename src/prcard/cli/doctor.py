"""`prcard doctor`: what keeps this machine from its readers."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import click

from prcard._version import __version__
from prcard.cli.main import ExitCode
from prcard.cli.output import print_json, say
from prcard.reader.diagnosis import Level, diagnose

if TYPE_CHECKING:
    from prcard.reader.diagnosis import Finding

__all__ = ["command"]


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, as_json: bool) -> int:
    """Find out what keeps this machine from its readers, and say how to mend it.

    Nothing is changed and no card is read. What it prints holds no personal data and can be pasted into a report. Exit
    code 4 when there is a problem.

    \b
    Example:
      prcard doctor
    """
    findings = diagnose()
    if as_json:
        print_json(
            {
                "version": __version__,
                "platform": platform.platform(),
                "python": platform.python_version(),
                "findings": [_document(finding) for finding in findings],
            }
        )
    else:
        say(f"prcard {__version__}, Python {platform.python_version()}, {platform.platform()}")
        for finding in findings:
            _print(finding)
    troubled = any(finding.level is Level.PROBLEM for finding in findings)
    return ExitCode.READER if troubled else ExitCode.DONE


def _document(finding: Finding) -> dict[str, str]:
    return {
        "code": finding.code,
        "level": finding.level.value,
        "what": finding.what,
        "cause": finding.cause,
        "fix": finding.fix,
    }


def _print(finding: Finding) -> None:
    say(f"{finding.level.value:8}{finding.what}")
    for label, text in (("cause", finding.cause), ("fix", finding.fix)):
        if text:
            say(f"        {label}: {text}")
