"""Entry point of the `prcard` command: finds the subcommand, turns errors into exit codes."""

from __future__ import annotations

import errno
import io
import sys
from enum import IntEnum
from typing import Any, Final

import click

from prcard._version import __version__
from prcard.errors import PRCardError, ReaderError, ReaderFault

__all__ = ["COMMANDS", "HELP_OPTIONS", "ExitCode", "cli", "main"]


class ExitCode(IntEnum):
    """What the exit code of every command means."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INDETERMINATE = 3
    READER = 4
    MALFORMED = 5
    BUG = 70


HELP_OPTIONS: Final = ["-h", "--help"]

# Command -> (module of prcard.cli, one-sentence help). The module is imported when its command runs, so that
# `prcard --help` stays quick; a test compares the sentences with the commands themselves.
COMMANDS: Final = {
    "demo": ("demo", "Show the whole story on a virtual serial reader."),
    "readers": ("readers", "List the readers that are attached."),
    "watch": ("watch", "Tell of readers and cards as they come and go."),
    "doctor": ("doctor", "Find out what keeps this machine from its readers, and say how to mend it."),
    "read": ("read", "Read one card and judge it; personal data is masked unless asked for."),
    "verify": ("verify", "Judge a saved capture, as the counter would."),
    "explain": ("explain", "Explain a check, a reason, any other code of a verdict, or an exit code."),
    "profile": ("profile", "List, show and check acceptance profiles, and enter a card as a sector does."),
    "audit": ("audit", "Verify the audit log, sign its checkpoints, and apply the rules of retention."),
    "inspect": ("inspect", "Explain every byte of a capture, a text zone or a frame."),
    "record": ("record", "Turn text zones into JSON and back."),
    "number": ("number", "Check, link, make and migrate card numbers."),
    "trust": ("trust", "Be an issuer step by step, and keep a trust folder up to date."),
    "simulate": ("simulate", "Serve a virtual reader that other programs can use."),
    "counter": ("counter", "Serve the counter page and the local service that other pages use."),
    "conformance": ("conformance", "Score a reader, or a host program, against the protocol, clause by clause."),
    "specimen": ("specimen", "Make specimen cards: people who do not exist, from a seed."),
}


class _LazyGroup(click.Group):
    """A group whose commands are imported when they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # the signature is click's
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # as above
        if cmd_name not in COMMANDS:
            return None
        import importlib

        module = importlib.import_module(f"prcard.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # as above
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": HELP_OPTIONS})
@click.version_option(__version__, prog_name="prcard")
def cli() -> None:
    """Read, judge, sign and simulate the cards that a Shenfenzheng reader reads.

    Exit codes: 0 passed or done, 1 verdict FAILED, 2 usage, 3 INDETERMINATE, 4 reader or card could not be read,
    5 malformed input, 70 a bug of ours.
    """


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits with an `ExitCode`."""
    arguments = sys.argv[1:] if arguments is None else arguments
    _open_streams()
    sys.exit(_run(arguments))


def _open_streams() -> None:
    """Gives output somewhere to go where a caller closed it, and lets it take names that are no text."""
    import os

    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  # for the whole process
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _run(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    try:
        result: Any = cli.main(arguments, prog_name="prcard", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        if as_json:
            _print_error(error, ExitCode.USAGE)
        return int(ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return 128 + 2
    except PRCardError as error:
        return _report(error, as_json=as_json)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            return _bug(error)
        from prcard.cli.output import silence

        silence()
        click.echo(f"prcard: stdout: {error.strerror}. Make room, or write elsewhere.", err=True)
        return int(ExitCode.MALFORMED)
    except Exception as error:  # the one place that turns our bugs into exit code 70
        return _bug(error)
    return int(result) if isinstance(result, int) else int(ExitCode.DONE)


def _bug(error: Exception) -> int:
    import traceback

    traceback.print_exception(error)
    click.echo("This is a bug in prcard; please report it with the lines above.", err=True)
    return int(ExitCode.BUG)


def _report(error: PRCardError, *, as_json: bool) -> int:
    code = ExitCode.READER if isinstance(error, ReaderError) else ExitCode.MALFORMED
    if isinstance(error, ReaderError) and error.fault is ReaderFault.BAD_URI:
        code = ExitCode.USAGE
    click.echo(f"prcard: {error}", err=True)
    if as_json:
        _print_error(error, code)
    return int(code)


def _print_error(error: PRCardError | click.ClickException, code: ExitCode) -> None:
    from prcard.cli.output import error_document, print_json

    print_json(error_document(error, code))


if __name__ == "__main__":
    main()
