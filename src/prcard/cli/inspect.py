"""`prcard inspect`: every byte explained."""

from __future__ import annotations

import os
from typing import Any

import click

from prcard.cli.main import ExitCode
from prcard.cli.output import parse_hex, print_json, read_input, say
from prcard.errors import RecordError, WireError
from prcard.record import detect_layout, explain
from prcard.record.capture import load_capture, management_document
from prcard.record.extra import addresses
from prcard.record.fingerprint import parse_fingerprint
from prcard.record.photo import parse_photo
from prcard.record.raw import FINGERPRINT_BYTES, PHOTO_BYTES, TEXT_BYTES, RawCard
from prcard.wire.codes import describe
from prcard.wire.frame import PREAMBLE, Frame

__all__ = ["command"]


@click.command("inspect")
@click.argument("source", nargs=-1, required=True, metavar="FILE|HEX…")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, source: tuple[str, ...], as_json: bool) -> int:
    """Explain every byte of a capture, a text zone or a frame.

    The input is a file or - for stdin, or hexadecimal text: a capture, a text, photo or fingerprint zone (raw or
    hexadecimal), or a SAM_V frame. Nothing is masked here: the bytes lie before you.

    \b
    Example:
      prcard inspect AAAAAA96690003200122
    """
    data = _input(source)
    if data.lstrip().startswith(b"{"):
        document = _capture(load_capture(data))
    else:
        document = _bytes(data if len(data) in _ZONES else parse_hex(data) or data)
    if as_json:
        print_json(document)
    else:
        _print(document)
    return ExitCode.MALFORMED if _has_problem(document) else ExitCode.DONE


_ZONES = {TEXT_BYTES, PHOTO_BYTES, *FINGERPRINT_BYTES}


def _input(source: tuple[str, ...]) -> bytes:
    """A file that is there goes before hexadecimal text; what is neither is a file that is missing."""
    # os.path: pathlib raises where a long hexadecimal text is no possible file name.
    if len(source) == 1 and (source[0] == "-" or os.path.exists(source[0])):  # noqa: PTH110  # as said above
        return read_input(source[0])
    return parse_hex("".join(source).encode(errors="replace")) or read_input(" ".join(source))


def _bytes(raw: bytes) -> dict[str, Any]:
    """Explains bytes by what they begin with, then by their length."""
    if raw.startswith(PREAMBLE[:2]):
        return _frame(raw)
    if raw[:1] in {b"C", b"\x77"} and len(raw) in FINGERPRINT_BYTES:
        return {"fingerprint": _guarded(lambda: parse_fingerprint(raw).to_document())}
    if len(raw) == PHOTO_BYTES:
        return {"photo": _guarded(lambda: parse_photo(raw).to_document())}
    return {"text": _text(raw)}


def _capture(raw: RawCard) -> dict[str, Any]:
    return {
        "text": _text(raw.text),
        "photo": _guarded(lambda: parse_photo(raw.photo).to_document()),
        "fingerprint": _guarded(lambda: parse_fingerprint(raw.fingerprint).to_document()),
        "extra": {"addresses": addresses(raw.extra), "problem": None},
        "management": {"numbers": management_document(raw.management), "problem": None},
    }


def _guarded(parse: Any) -> dict[str, Any]:
    try:
        document: dict[str, Any] = parse()
    except RecordError as error:
        return {"problem": str(error)}
    return document | {"problem": None}


def _text(raw: bytes) -> dict[str, Any]:
    try:
        layout = detect_layout(raw)
        places = explain(raw)
    except RecordError as error:
        return {"layout": None, "places": [], "problem": str(error)}
    return {
        "layout": layout,
        "places": [
            {
                "name": place.name,
                "offset_bytes": place.offset_bytes,
                "length_bytes": place.length_bytes,
                "hex": place.raw.hex(),
                "value": place.value,
                "problem": str(place.problem) if place.problem else None,
                "zh": place.zh,
                "en": place.en,
                "source": place.source,
                "confirmed": place.confirmed,
            }
            for place in places
        ],
        "problem": None,
    }


def _frame(data: bytes) -> dict[str, Any]:
    try:
        frame = Frame.parse(data)
    except WireError as error:
        return {"frame": {"hex": data.hex(), "problem": str(error)}}
    return {
        "frame": {"hex": data.hex(), "body_bytes": len(frame.body), "meaning": describe(frame.body), "problem": None}
    }


def _has_problem(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_problem(item) if key != "problem" else bool(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_has_problem, value))


def _print(document: dict[str, Any]) -> None:
    for part, content in document.items():
        say(f"{part}: {content.get('layout') or ''}".rstrip(": ") if part == "text" else f"{part}:")
        for place in content.get("places", ()):
            _print_place(place)
        for name, value in content.items():
            if name not in {"places", "layout"} and value not in (None, [], ""):
                say(f"  {name}: {value}")


def _print_place(place: dict[str, Any]) -> None:
    unsure = "" if place["confirmed"] else "  (unconfirmed)"
    value = "—" if place["value"] in (None, "") else place["value"]
    end = place["offset_bytes"] + place["length_bytes"]
    say(f"  {place['offset_bytes']:3d}–{end - 1:3d}  {place['name']:<22} {value}{unsure}")
    if place["problem"]:
        say(f"           !! {place['problem']}")
