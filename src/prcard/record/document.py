"""Records as JSON documents and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prcard.errors import FieldProblem, RecordError
from prcard.record._codec import RECORDS
from prcard.record.kinds import Refused
from prcard.record.record import build, wholes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prcard.record._codec import CardRecord

__all__ = ["from_document", "to_document"]


def to_document(record: CardRecord) -> dict[str, str | None]:
    """Gives the JSON form of a record: `layout`, then every field; nothing is masked.

    Days stand as YYYY-MM-DD, no end date as 长期, a blank reserved place as null and any other as hexadecimal text.
    """
    shown = {place.name: place.kind.show(getattr(record, place.name)) for place in wholes(record.places)}
    return {"layout": record.layout, **shown}


def from_document(document: Mapping[str, Any]) -> CardRecord:
    """Builds a record from its JSON form; the reverse of `to_document`.

    Raises:
        RecordError: names every field that is refused, missing or unknown.
    """
    layout = document.get("layout")
    record = RECORDS.get(layout) if isinstance(layout, str) else None
    if record is None:
        raise RecordError(
            FieldProblem(
                "layout", None, f"one of {', '.join(RECORDS)}", "nothing" if layout is None else "another value"
            ),
            advice="Name the layout of the card.",
        )
    problems, values = [], {}
    places = wholes(record.places)
    for place in places:
        try:
            if place.name not in document:
                raise Refused(place.kind.words, "nothing")
            values[place.name] = place.kind.read(document[place.name])
        except Refused as refused:
            problems.append(FieldProblem(place.name, place.offset_bytes, refused.expected, refused.found))
    known = {"layout", *(place.name for place in places)}
    problems += [
        FieldProblem(str(name)[:40], None, f"a field of {layout}", "an unknown name")
        for name in document
        if name not in known
    ]
    if problems:
        raise RecordError(*problems, advice="Correct the fields that are named.")
    return build(record, values)
