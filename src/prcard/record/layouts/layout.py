"""How a layout is declared: a Construct `Struct` of places, each with its kind, meaning and source.

A declaration is the truth about a layout. Everything else (generated codec, schema, reference) is derived from it, and
`Layout.parse` and `Layout.build`, which go through Construct, are the oracle that the generated codec is held against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from construct import Adapter, Bytes, ConstructError, Struct

from prcard.errors import FieldProblem, RecordError
from prcard.record.kinds import Kind, Marker, Refused
from prcard.record.record import ZONE_BYTES, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Layout", "PlaceAdapter", "Vector", "place"]


class Vector(NamedTuple):
    """A synthetic zone with what it decodes to.

    Attributes:
        shows: What this vector is there for.
        pieces: The text of each place in order, without its padding.
        values: Some of the decoded values by field name.
    """

    shows: str
    pieces: tuple[str, ...]
    values: Mapping[str, Any]


class PlaceAdapter(Adapter):  # type: ignore[misc]  # construct has no types
    """One place: its bytes, read as its kind."""

    def __init__(
        self, kind: Kind[Any], zh: str, en: str, source: str, *, confirmed: bool, part_of: str, note: str
    ) -> None:
        """See `place`."""
        super().__init__(Bytes(2 * kind.chars))
        self.kind = kind
        self.zh = zh
        self.en = en
        self.source = source
        self.confirmed = confirmed
        self.part_of = part_of
        self.note = note

    def _decode(self, obj: bytes, context: Any, path: str) -> Any:  # noqa: ARG002  # construct's signature
        return self.kind.decode(obj)

    def _encode(self, obj: Any, context: Any, path: str) -> bytes:  # noqa: ARG002  # construct's signature
        return self.kind.encode(obj)


def place(
    name: str,
    kind: Kind[Any],
    zh: str,
    en: str,
    source: str = "",
    *,
    confirmed: bool = True,
    part_of: str = "",
    note: str = "",
) -> Any:
    """Declares one place.

    Args:
        name: Name of the place; also the field's name unless `part_of` is given.
        kind: What it may hold.
        zh: Meaning in Chinese.
        en: Meaning in English.
        source: Where that is from, when it is not the layout's own source.
        confirmed: False where place or content is not confirmed.
        part_of: Name of the field that this place continues.
        note: What else is known or not known of it.
    """
    return name / PlaceAdapter(kind, zh, en, source, confirmed=confirmed, part_of=part_of, note=note)


class Layout:
    """A layout of the 256-byte text zone. Subclasses declare; nothing is instantiated.

    Attributes:
        id: Name of the layout in JSON and on the command line.
        marker: The character at byte 248.
        record_class: Name of the generated record class.
        title_zh: The card's name in Chinese.
        title_en: The card's name in English.
        source: Where the layout is from, with confidence.
        struct: The declaration.
        vectors: Synthetic zones; there must be some.
    """

    id: ClassVar[str]
    marker: ClassVar[str]
    record_class: ClassVar[str]
    title_zh: ClassVar[str]
    title_en: ClassVar[str]
    source: ClassVar[str]
    struct: ClassVar[Struct]
    vectors: ClassVar[tuple[Vector, ...]] = ()

    @classmethod
    def places(cls) -> tuple[Place, ...]:
        """Gives the places with the offsets that follow from their order."""
        places = []
        offset = 0
        for subcon in cls.struct.subcons:
            adapter: PlaceAdapter = subcon.subcon
            places.append(
                Place(
                    name=subcon.name,
                    offset_bytes=offset,
                    kind=adapter.kind,
                    zh=adapter.zh,
                    en=adapter.en,
                    source=adapter.source or cls.source,
                    confirmed=adapter.confirmed,
                    part_of=adapter.part_of,
                    note=adapter.note,
                )
            )
            offset += subcon.sizeof()
        return tuple(places)

    @classmethod
    def parse(cls, zone: bytes) -> dict[str, Any]:
        """Decodes through Construct.

        Returns:
            Values by field name, without the marker; places of one field joined.

        Raises:
            RecordError: the zone is refused; names every place at fault.
        """
        if len(zone) != cls.struct.sizeof():
            raise RecordError(FieldProblem("text zone", 0, f"{ZONE_BYTES} bytes", f"{len(zone)}"))
        try:
            parsed = dict(cls.struct.parse(zone))
        except (ConstructError, Refused):
            raise RecordError(*cls._problems(zone)) from None
        parsed.pop("_io", None)
        values: dict[str, Any] = {}
        for subcon in cls.struct.subcons:
            adapter: PlaceAdapter = subcon.subcon
            if isinstance(adapter.kind, Marker):
                continue
            if adapter.part_of:
                head = values[adapter.part_of]
                missing = cls._chars(adapter.part_of) - len(head.encode("utf-16-le")) // 2
                values[adapter.part_of] = (head + " " * missing + parsed[subcon.name]).rstrip(" ")
            else:
                values[subcon.name] = parsed[subcon.name]
        return values

    @classmethod
    def build(cls, values: Mapping[str, Any]) -> bytes:
        """Encodes through Construct; the reverse of `parse`.

        Raises:
            RecordError: a value is refused.
        """
        left: dict[str, Any] = dict(values)
        for subcon in cls.struct.subcons:
            adapter: PlaceAdapter = subcon.subcon
            if isinstance(adapter.kind, Marker):
                left[subcon.name] = adapter.kind.character
            if adapter.part_of:
                units = left[adapter.part_of].encode("utf-16-le")
                at = 2 * cls._chars(adapter.part_of)
                left[adapter.part_of] = units[:at].decode("utf-16-le", "surrogatepass").rstrip(" ")
                left[subcon.name] = units[at:].decode("utf-16-le", "surrogatepass")
        try:
            raw: bytes = cls.struct.build(left)
        except (ConstructError, Refused, KeyError) as error:
            raise RecordError(FieldProblem(cls.id, 0, "values of this layout", type(error).__name__)) from error
        return raw

    @classmethod
    def _problems(cls, zone: bytes) -> list[FieldProblem]:
        """Parses each place alone, since Construct stops at the first that is refused."""
        problems = []
        offset = 0
        for subcon in cls.struct.subcons:
            try:
                subcon.parse(zone[offset : offset + subcon.sizeof()])
            except Refused as refused:
                problems.append(FieldProblem(subcon.name, offset + refused.at_bytes, refused.expected, refused.found))
            offset += subcon.sizeof()
        return problems

    @classmethod
    def _chars(cls, name: str) -> int:
        size: int = next(subcon.sizeof() for subcon in cls.struct.subcons if subcon.name == name)
        return size // 2
