"""What all records share: immutable, built from whole bytes, equal by their bytes.

The classes themselves, and the quick way from bytes to record and back, are generated (`prcard.record._codec`). Here is
the careful way: place by place, with every problem named. It runs without construct.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, NoReturn, Self, TypeVar, cast

from prcard.errors import FieldProblem, RecordError
from prcard.record.kinds import Kind, Marker, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "ZONE_BYTES",
    "FieldView",
    "Frozen",
    "Place",
    "Record",
    "build",
    "decode_carefully",
    "encode_carefully",
    "fields",
    "view",
    "wholes",
]

ZONE_BYTES = 256


class Place(NamedTuple):
    """One place of a layout.

    Attributes:
        name: Name in the layout.
        offset_bytes: Where it begins in the zone.
        kind: What it may hold.
        zh: Meaning in Chinese.
        en: Meaning in English.
        source: Where that is from.
        confirmed: False where the sources call place or content unconfirmed.
        part_of: Name of the field that this place continues; "" for a field of its own.
        note: What else is known or not known of it.
    """

    name: str
    offset_bytes: int
    kind: Kind[Any]
    zh: str
    en: str
    source: str
    confirmed: bool = True
    part_of: str = ""
    note: str = ""

    @property
    def length_bytes(self) -> int:
        """Bytes of the place."""
        return 2 * self.kind.chars

    def cut(self, zone: bytes) -> bytes:
        """The bytes of this place in a zone."""
        return zone[self.offset_bytes : self.offset_bytes + self.length_bytes]


class FieldView(NamedTuple):
    """One place of a given zone, for people.

    Attributes:
        name: Name in the layout.
        offset_bytes: Where it begins in the zone.
        length_bytes: Its length.
        raw: Its bytes.
        value: What it says; None when it is refused or a blank reserved place.
        problem: Why it is refused.
        zh: Meaning in Chinese.
        en: Meaning in English.
        source: Where that is from.
        confirmed: False where the sources call place or content unconfirmed.
    """

    name: str
    offset_bytes: int
    length_bytes: int
    raw: bytes
    value: str | None
    problem: FieldProblem | None
    zh: str
    en: str
    source: str
    confirmed: bool


class Record:
    """A decoded text zone. Generated subclasses add the fields.

    Attributes:
        layout: Id of the layout, for instance `pr2023`.
        marker: Its type marker, the character at byte 248.
        places: Its places in order.
        raw: The 256 bytes that the record stands for.
    """

    __slots__ = ("raw",)
    layout: ClassVar[str]
    marker: ClassVar[str]
    places: ClassVar[tuple[Place, ...]]
    raw: bytes

    @staticmethod
    def fast_decode(zone: bytes) -> Any:
        """Decodes a zone of this record's layout; generated."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and other.layout == self.layout and other.raw == self.raw

    def __hash__(self) -> int:
        return hash((self.layout, self.raw))

    def __repr__(self) -> str:
        # No field: a record in a log or a traceback must not tell who holds the card.
        return f"<{type(self).__name__}>"

    def __reduce__(self) -> tuple[Callable[[bytes], Self], tuple[bytes]]:
        return type(self).fast_decode, (self.raw,)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


class Frozen:
    """Makes a class of slots immutable once it is built."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: {name} cannot be set; build a new record")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: {name} cannot be deleted")


_R = TypeVar("_R", bound=Record)


def decode_carefully(slots: type[Record], frozen: type[_R], zone: bytes) -> _R:
    """Decodes place by place: what the quick way cannot take, such as rare ideographs, and everything refused.

    Args:
        slots: The class with the slots, still mutable.
        frozen: Its immutable subclass.
        zone: Any bytes.

    Raises:
        RecordError: names every place at fault.
    """
    if len(zone) != ZONE_BYTES:
        raise RecordError(
            FieldProblem("text zone", min(len(zone), ZONE_BYTES), f"{ZONE_BYTES} bytes", f"{len(zone)}"),
            advice="Read the card again.",
        )
    values, problems = _values(frozen.places, zone)
    if problems:
        raise RecordError(*problems, advice="Read the card again; if it stays so, the card is damaged or no such card.")
    record = object.__new__(slots)
    record.raw = bytes(zone)
    for name, value in values.items():
        setattr(record, name, value)
    record.__class__ = frozen
    return cast("_R", record)


def encode_carefully(places: tuple[Place, ...], values: Mapping[str, Any]) -> bytes:
    """Encodes values place by place.

    Raises:
        RecordError: names every value at fault, one that is missing, and one too many.
    """
    problems = [
        FieldProblem(name, None, "a field of this layout", "an unknown name")
        for name in sorted(values.keys() - fields(places))
    ]
    zone = bytearray()
    for whole in _joined(places):
        try:
            raw = whole.kind.encode(_value(values, whole))
        except Refused as refused:
            problems.append(FieldProblem(whole.name, whole.offset_bytes, refused.expected, refused.found))
            raw = bytes(whole.length_bytes)
        zone += raw
    if problems:
        raise RecordError(*problems, advice="Correct the fields that are named.")
    return _spread(places, bytes(zone))


def build(record: type[_R], values: Mapping[str, Any]) -> _R:
    """Builds a record from its values: encodes them, then decodes the zone as if it had been read."""
    made: _R = record.fast_decode(encode_carefully(record.places, values))
    return made


def view(places: tuple[Place, ...], zone: bytes) -> tuple[FieldView, ...]:
    """Explains every place of a zone of 256 bytes; refuses nothing."""
    views = []
    for place in places:
        raw = place.cut(zone)
        value, problem = None, None
        try:
            value = place.kind.show(place.kind.decode(raw))
        except Refused as refused:
            problem = _problem(place, refused)
        views.append(
            FieldView(
                place.name,
                place.offset_bytes,
                place.length_bytes,
                raw,
                value,
                problem,
                place.zh,
                place.en,
                place.source,
                place.confirmed,
            )
        )
    return tuple(views)


def wholes(places: tuple[Place, ...]) -> list[Place]:
    """The fields of a record: markers left out, a place that continues one joined to it."""
    return [place for place in _joined(places) if not isinstance(place.kind, Marker)]


def fields(places: tuple[Place, ...]) -> list[str]:
    """Names of the values that a record of these places has."""
    return [place.name for place in places if not place.part_of and not isinstance(place.kind, Marker)]


def _values(places: tuple[Place, ...], zone: bytes) -> tuple[dict[str, Any], list[FieldProblem]]:
    values: dict[str, Any] = {}
    problems = []
    for place in places:
        try:
            values[place.name] = place.kind.decode(place.cut(zone))
        except Refused as refused:
            problems.append(_problem(place, refused))
    if problems:
        return {}, problems
    for place in places:
        if isinstance(place.kind, Marker):
            del values[place.name]
        elif place.part_of:
            del values[place.name]
            whole = next(whole for whole in _joined(places) if whole.name == place.part_of)
            joined = b"".join(part.cut(zone) for part in places if whole.name in {part.name, part.part_of})
            values[whole.name] = whole.kind.decode(joined)
    return values, []


def _joined(places: tuple[Place, ...]) -> list[Place]:
    """The places, with those that continue one joined to it."""
    joined = []
    for place in places:
        if place.part_of:
            continue
        chars = sum(part.kind.chars for part in places if place.name in {part.name, part.part_of})
        joined.append(place if chars == place.kind.chars else place._replace(kind=type(place.kind)(chars)))
    return joined


def _spread(places: tuple[Place, ...], joined: bytes) -> bytes:
    """Puts the bytes of joined fields back to where their places lie."""
    zone = bytearray(ZONE_BYTES)
    at = 0
    for whole in _joined(places):
        for part in places:
            if whole.name in {part.name, part.part_of}:
                zone[part.offset_bytes : part.offset_bytes + part.length_bytes] = joined[at : at + part.length_bytes]
                at += part.length_bytes
    return bytes(zone)


def _value(values: Mapping[str, Any], place: Place) -> Any:
    if isinstance(place.kind, Marker):
        return place.kind.character
    if place.name not in values:
        raise Refused(place.kind.words, "nothing")
    return values[place.name]


def _problem(place: Place, refused: Refused) -> FieldProblem:
    return FieldProblem(place.name, place.offset_bytes + refused.at_bytes, refused.expected, refused.found)
