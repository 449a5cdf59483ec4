"""How commands print: one JSON document to stdout, talk to stderr, input from a file, hex or stdin."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prcard.errors import FieldProblem, PRCardError, ReaderError, RecordError

if TYPE_CHECKING:
    from click import ClickException

    from prcard.cli.main import ExitCode

__all__ = [
    "MAX_INPUT_BYTES",
    "error_document",
    "parse_hex",
    "print_json",
    "read_input",
    "say",
    "silence",
    "write_bytes",
]

MAX_INPUT_BYTES = 1 << 20
"""The most that a command takes from a file or stdin: a capture has about 3 KB."""


def say(text: str = "") -> None:
    """Prints a line to stdout at once.

    Output that nobody takes any more (`| head`) is no error and changes no exit code.

    Raises:
        RecordError: stdout takes no more, for instance because the disk is full.
    """
    write_bytes(f"{text}\n".encode("utf-8", "replace"))


def print_json(document: dict[str, Any], *, compact: bool = False) -> None:
    """Prints one document to stdout; `compact` puts it on one line."""
    say(json.dumps(document, ensure_ascii=False, indent=None if compact else 2))


def write_bytes(data: bytes) -> None:
    """Writes bytes to stdout at once; see `say`."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        silence()
    except OSError as error:
        silence()
        raise RecordError(
            FieldProblem("stdout", None, "output that can be written", error.strerror or "an error"),
            advice="Make room, or write elsewhere.",
        ) from error


def silence() -> None:
    """Sends stdout nowhere from now on, so that Python does not complain at exit either."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def error_document(error: PRCardError | ClickException, code: ExitCode) -> dict[str, Any]:
    """Builds what `--json` prints when a command fails."""
    problems = error.problems if isinstance(error, RecordError) else ()
    return {
        "error": {
            "exit_code": int(code),
            "kind": type(error).__name__,
            "message": str(error) if isinstance(error, PRCardError) else error.format_message(),
            "fault": error.fault.value if isinstance(error, ReaderError) else None,
            "advice": getattr(error, "advice", ""),
            "problems": [problem._asdict() for problem in problems],
        }
    }


def read_input(source: str) -> bytes:
    """Reads a file, or stdin for `-`.

    Raises:
        RecordError: there is no such file, it may not be read, or it is larger than `MAX_INPUT_BYTES`.
    """
    try:
        if source == "-":
            data = sys.stdin.buffer.read(MAX_INPUT_BYTES + 1)
        else:
            with Path(source).open("rb") as file:
                data = file.read(MAX_INPUT_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise _bad_input(source, "a file that can be read", reason) from error
    if len(data) > MAX_INPUT_BYTES:
        raise _bad_input(source, f"at most {MAX_INPUT_BYTES} bytes", "more")
    return data


def parse_hex(text: bytes) -> bytes | None:
    """Gives the bytes that hexadecimal text stands for, blanks ignored; None when it is not hexadecimal."""
    try:
        return bytes.fromhex(text.decode("ascii")) or None
    except (UnicodeDecodeError, ValueError):
        return None


def _bad_input(source: str, expected: str, found: str) -> RecordError:
    return RecordError(FieldProblem(source, None, expected, found), advice="Give a file name, or - for stdin.")
