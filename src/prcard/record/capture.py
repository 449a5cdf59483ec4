"""Captures: what a reader read, as one JSON document, so that reading and judging can be days and machines apart."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from prcard.errors import CaptureError, FieldProblem
from prcard.record.raw import EXTRA_MAX_COUNT, ManagementNumbers, Provenance, RawCard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "MAX_CAPTURE_CHARS",
    "capture_schema",
    "dump_capture",
    "load_capture",
    "management_document",
    "provenance_document",
    "provenance_schema",
]

FORMAT: Final = "prcard-capture"
VERSION: Final = 1
MAX_CAPTURE_CHARS: Final = 65_536
"""The largest document that is read: a whole card with a security object has about 8,000 characters."""

MAX_ZONE_BYTES: Final = 16_384
"""The largest zone that is kept; a zone of a wrong length is judged, not refused."""


def dump_capture(raw: RawCard) -> str:
    """Gives the document of a card; the same card gives the same text.

    Returns:
        JSON with two blanks of indent and a newline at the end.
    """
    document = {
        "format": FORMAT,
        "version": VERSION,
        "zones": {
            "text": _base64(raw.text),
            "photo": _base64(raw.photo),
            "fingerprint": _base64(raw.fingerprint) if raw.fingerprint else None,
            "extra": [_base64(entry) for entry in raw.extra],
        },
        "management": management_document(raw.management),
        "security_object": _base64(raw.security_object) if raw.security_object is not None else None,
        "provenance": provenance_document(raw.provenance),
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def provenance_document(provenance: Provenance) -> dict[str, Any]:
    """Gives the JSON form of a provenance."""
    return {
        "reader": provenance.reader,
        "transport": provenance.transport,
        "sam_id": provenance.sam_id,
        "simulated": provenance.simulated,
        "read_at": provenance.read_at.isoformat() if provenance.read_at else None,
    }


def management_document(numbers: ManagementNumbers | None) -> dict[str, str] | None:
    """Gives the JSON form of management numbers: hexadecimal text, or None."""
    return {"iin": numbers.iin.hex(), "sn": numbers.sn.hex(), "dn": numbers.dn.hex()} if numbers else None


def load_capture(text: str | bytes) -> RawCard:
    """Reads a capture. Zones are not judged: one of a wrong length is kept as it is.

    Args:
        text: The document, at most `MAX_CAPTURE_CHARS` characters; bytes are UTF-8.

    Raises:
        CaptureError: it is no capture of version 1; names the place in the document.
    """
    document = _Part("capture", _json(text))
    if document.take("format", _string) != FORMAT:
        raise _refused("capture.format", f'"{FORMAT}"', "another format")
    if document.take("version", _integer) != VERSION:
        raise _refused("capture.version", str(VERSION), "another version", "Update prcard to read it.")
    zones = document.part("zones")
    raw = RawCard(
        text=zones.take("text", _bytes),
        photo=zones.take("photo", _bytes),
        fingerprint=zones.take("fingerprint", _optional(_bytes)) or b"",
        extra=zones.take("extra", _extra),
        management=document.take("management", _management, default=None),
        security_object=document.take("security_object", _optional(_bytes)),
        provenance=_provenance(document.part("provenance")),
    )
    zones.end()
    document.end()
    return raw


class _Part:
    """One JSON object; every key must be taken, and none may be left."""

    def __init__(self, path: str, value: object) -> None:
        if not isinstance(value, dict):
            raise _refused(path, "an object", _kind(value))
        self.path = path
        self.left: dict[str, object] = dict(value)

    def take(self, key: str, read: Callable[[str, object], Any], **default: object) -> Any:
        path = f"{self.path}.{key}"
        if key not in self.left:
            if "default" in default:
                return default["default"]
            raise _refused(path, "a value", "nothing")
        return read(path, self.left.pop(key))

    def part(self, key: str) -> _Part:
        part: _Part = self.take(key, _Part)
        return part

    def end(self) -> None:
        if self.left:
            raise _refused(f"{self.path}.{min(self.left)[:40]}", "no such key", "an unknown key")


def _json(text: str | bytes) -> object:
    if len(text) > MAX_CAPTURE_CHARS:
        raise _refused("capture", f"at most {MAX_CAPTURE_CHARS} characters", f"{len(text)}")
    try:
        return json.loads(text, object_pairs_hook=_without_twins, parse_constant=_no_constant, parse_float=_no_constant)
    except CaptureError:
        raise
    except (ValueError, RecursionError) as error:
        raise _refused("capture", "JSON in UTF-8", "something else") from error


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise _refused("capture", "each key once", "a key twice")
    return document


def _no_constant(text: str) -> object:
    raise _refused("capture", "no numbers but whole ones", text[:20])


def _provenance(part: _Part) -> Provenance:
    provenance = Provenance(
        reader=part.take("reader", _string),
        transport=part.take("transport", _string),
        sam_id=part.take("sam_id", _optional(_string)),
        simulated=part.take("simulated", _boolean),
        read_at=part.take("read_at", _optional(_moment)),
    )
    part.end()
    return provenance


def _string(path: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > 1000:
        raise _refused(path, "text of at most 1000 characters", _kind(value))
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _refused(path, "paired surrogates", "an unpaired one") from error
    return value


def _integer(path: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _refused(path, "a whole number", _kind(value))
    return value


def _boolean(path: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _refused(path, "true or false", _kind(value))
    return value


def _bytes(path: str, value: object) -> bytes:
    if not isinstance(value, str):
        raise _refused(path, "base64 text", _kind(value))
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refused(path, "base64 text (RFC 4648, padded)", "another text") from error
    if len(data) > MAX_ZONE_BYTES:
        raise _refused(path, f"at most {MAX_ZONE_BYTES} bytes", f"{len(data)}")
    return data


def _optional(read: Callable[[str, object], Any]) -> Callable[[str, object], Any]:
    return lambda path, value: None if value is None else read(path, value)


def _extra(path: str, value: object) -> tuple[bytes, ...]:
    if not isinstance(value, list) or len(value) > EXTRA_MAX_COUNT:
        raise _refused(path, f"a list of at most {EXTRA_MAX_COUNT}", _kind(value))
    return tuple(_bytes(f"{path}[{at}]", entry) for at, entry in enumerate(value))


def _management(path: str, value: object) -> ManagementNumbers | None:
    if value is None:
        return None
    part = _Part(path, value)
    numbers = ManagementNumbers(
        iin=part.take("iin", _hex(4)), sn=part.take("sn", _hex(8)), dn=part.take("dn", _hex(16))
    )
    part.end()
    return numbers


def _hex(length: int) -> Callable[[str, object], bytes]:
    def read(path: str, value: object) -> bytes:
        good = isinstance(value, str) and len(value) == 2 * length and set(value) <= set("0123456789abcdefABCDEF")
        if not isinstance(value, str) or not good:
            raise _refused(path, f"{2 * length} hexadecimal digits", _kind(value))
        return bytes.fromhex(value)

    return read


def _moment(path: str, value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(_string(path, value))
    except ValueError as error:
        raise _refused(path, "a moment as in RFC 3339", "another text") from error
    if moment.tzinfo is None:
        raise _refused(path, "a moment with its offset from UTC", "one without")
    return moment


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _kind(value: object) -> str:
    names: Mapping[type, str] = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")


def _refused(path: str, expected: str, found: str, advice: str = "") -> CaptureError:
    return CaptureError(FieldProblem(path, None, expected, found), advice=advice or "Save the card again.")


_BASE64: Final = {"type": "string", "contentEncoding": "base64", "pattern": "^[A-Za-z0-9+/]*={0,2}$"}


def provenance_schema() -> dict[str, Any]:
    """Gives the schema of a provenance."""
    properties = {
        "reader": {"type": "string", "description": "URI or name of the reader; empty when not known"},
        "transport": {
            "type": "string",
            "description": "Kind of the reader: serial, tcp, udp, usb, pcsc, sim, replay, file",
        },
        "sam_id": {"type": ["string", "null"], "description": "Printed SAM id"},
        "simulated": {"type": "boolean", "description": "True when a simulator produced the bytes"},
        "read_at": {"type": ["string", "null"], "format": "date-time"},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def capture_schema() -> dict[str, Any]:
    """Gives the JSON Schema of a capture (2020-12)."""
    numbers = {
        name: {"type": "string", "pattern": f"^[0-9a-fA-F]{{{2 * length}}}$"}
        for name, length in (("iin", 4), ("sn", 8), ("dn", 16))
    }
    zones = {
        "text": _BASE64 | {"description": "Text zone, 256 bytes"},
        "photo": _BASE64 | {"description": "Photo zone, 1024 bytes"},
        "fingerprint": _BASE64 | {"type": ["string", "null"], "description": "Fingerprint zone, 512 or 1024 bytes"},
        "extra": {"type": "array", "items": _BASE64, "maxItems": EXTRA_MAX_COUNT, "description": "70 bytes each"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "capture.schema.json",
        "$comment": "GENERATED by make generate; do not edit.",
        "title": "A card as it was read",
        "type": "object",
        "properties": {
            "format": {"const": FORMAT},
            "version": {"const": VERSION},
            "zones": _object(zones),
            "management": {"anyOf": [{"type": "null"}, _object(numbers)]},
            "security_object": _BASE64 | {"type": ["string", "null"], "description": "EF.SOD with its outer tag 0x77"},
            "provenance": provenance_schema(),
        },
        "required": ["format", "version", "zones", "security_object", "provenance"],
        "additionalProperties": False,
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
