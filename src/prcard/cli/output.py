"""How commands print: one JSON document to stdout, talk to stderr, input from a file, hex or stdin."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prcard.errors import FieldProblem, PRCardError, ReaderError, RecordError

if TYPE_CHECKING:
    from prcard.cli.main import ExitCode

__all__ = ["MAX_INPUT_BYTES", "error_document", "parse_hex", "print_json", "read_input"]

MAX_INPUT_BYTES = 1 << 20
"""The most that a command takes from a file or stdin: a capture has about 3 KB."""


def print_json(document: dict[str, Any], *, compact: bool = False) -> None:
    """Prints one document to stdout and flushes it; `compact` puts it on one line."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=None if compact else 2))
    sys.stdout.flush()


def error_document(error: PRCardError, code: ExitCode) -> dict[str, Any]:
    """Builds what `--json` prints when a command fails."""
    problems = error.problems if isinstance(error, RecordError) else ()
    return {
        "error": {
            "exit_code": int(code),
            "kind": type(error).__name__,
            "message": str(error),
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
    return RecordError(FieldProblem(source, 0, expected, found), advice="Give a file name, or - for stdin.")
