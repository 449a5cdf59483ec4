"""`prcard record`: text zones to JSON and back."""

from __future__ import annotations

import json

import click

from prcard.cli.output import parse_hex, print_json, read_input, say, write_bytes
from prcard.errors import FieldProblem, RecordError
from prcard.record import decode, from_document, to_document
from prcard.record.capture import load_capture
from prcard.record.raw import TEXT_BYTES

__all__ = ["command"]


@click.group("record")
def command() -> None:
    """Turn text zones into JSON and back.

    \b
    Example:
      prcard record decode text.bin | prcard record encode - > same.bin
    """


@command.command("decode")
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document; decode prints nothing else anyway.")
def decode_command(*, file: str, as_json: bool) -> None:  # noqa: ARG001  # every command takes --json
    """Decode a text zone into JSON, unmasked.

    FILE holds 256 raw bytes, the same in hexadecimal, or a capture; - is stdin. Exit code 5 when it is refused.

    \b
    Example:
      prcard record decode text.bin
    """
    print_json(to_document(decode(_zone(read_input(file)))))


@command.command("encode")
@click.argument("file")
@click.option("--hex", "as_hex", is_flag=True, help="Print hexadecimal text instead of raw bytes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def encode_command(*, file: str, as_hex: bool, as_json: bool) -> None:
    """Encode a record's JSON into its 256 bytes.

    FILE holds what `record decode` prints; - is stdin. Exit code 5 when it is refused, with all problems together.

    \b
    Example:
      prcard record encode record.json --hex
    """
    try:
        document = json.loads(read_input(file))
    except (ValueError, RecursionError) as error:
        raise _no_document(str(error)[:80]) from error
    if not isinstance(document, dict):
        raise _no_document(f"a JSON {type(document).__name__}")
    raw = from_document(document).raw
    if as_json:
        print_json({"text": raw.hex()})
    elif as_hex:
        say(raw.hex())
    else:
        write_bytes(raw)


def _zone(data: bytes) -> bytes:
    if len(data) == TEXT_BYTES:
        return data
    if data.lstrip().startswith(b"{"):
        return load_capture(data).text
    return parse_hex(data) or data


def _no_document(found: str) -> RecordError:
    return RecordError(
        FieldProblem("document", None, "a JSON object as printed by record decode", found),
        advice="Print one with: prcard record decode FILE",
    )
