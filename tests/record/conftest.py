"""Zones for the record tests: the layouts' own vectors, and ways to make valid, damaged and random ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st

from prcard.record.kinds import Date, DateOrLongTerm, Digits, Kind, Letters, Marker, Number15, Number18, Reserved, Text
from prcard.record.layouts import ALL_LAYOUTS, Layout
from prcard.record.layouts.layout import Vector
from prcard.record.record import Place

VECTORS = [(layout, vector) for layout in ALL_LAYOUTS for vector in layout.vectors]

_LETTERS = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
_IDEOGRAPHS = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)
_RARE = st.sampled_from("𠮷𤭢𡒄　\ue000·é")


def pad(text: str, place: Place) -> bytes:
    raw = text.encode("utf-16-le")
    return raw + b" \0" * ((place.length_bytes - len(raw)) // 2)


def zone_of(layout: type[Layout], vector: Vector) -> bytes:
    zone = b"".join(pad(text, place) for text, place in zip(vector.pieces, layout.places(), strict=True))
    assert len(zone) == 256
    return zone


def content(kind: Kind[Any]) -> st.SearchStrategy[bytes]:  # noqa: C901  # one case for each kind
    """Bytes that the kind takes."""
    digit = st.sampled_from("0123456789")
    letter = st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ")

    def text(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
        return strategy.map(lambda value: value.encode("utf-16-le")).map(
            lambda raw: raw[: 2 * kind.chars] + b" \0" * (kind.chars - len(raw) // 2)
        )

    days = st.dates(date(1, 1, 1), date(9999, 12, 31)).map(lambda day: f"{day.year:04d}{day.month:02d}{day.day:02d}")
    match kind:
        case Text():
            plain = st.text(st.one_of(_LETTERS, _IDEOGRAPHS), max_size=kind.chars)
            rare = st.text(st.one_of(_IDEOGRAPHS, _RARE), max_size=kind.chars // 2)
            return text(st.one_of(plain, plain, rare))
        case Digits():
            return text(
                st.sampled_from(kind.lengths).flatmap(lambda count: st.text(digit, min_size=count, max_size=count))
            )
        case Letters():
            return text(st.text(letter, min_size=kind.chars, max_size=kind.chars))
        case Number15():
            return text(
                st.tuples(st.text(letter, min_size=3, max_size=3), st.text(digit, min_size=12, max_size=12)).map(
                    "".join
                )
            )
        case Number18():
            return text(
                st.tuples(st.text(digit, min_size=17, max_size=17), st.sampled_from("0123456789X")).map("".join)
            )
        case Date():
            return text(days)
        case DateOrLongTerm():
            return text(st.one_of(days, st.just("长期")))
        case Marker():
            return text(st.just(kind.character))
        case Reserved():
            blank = st.just(b" \0" * kind.chars)
            return st.one_of(blank, blank, st.binary(min_size=2 * kind.chars, max_size=2 * kind.chars))
        case _:
            raise AssertionError(f"no strategy for {kind!r}")


@st.composite
def valid_zones(draw: st.DrawFn) -> tuple[type[Layout], bytes]:
    layout = draw(st.sampled_from(ALL_LAYOUTS))
    return layout, b"".join(draw(content(place.kind)) for place in layout.places())


@st.composite
def damaged_zones(draw: st.DrawFn) -> tuple[type[Layout], bytes]:
    layout, zone = draw(valid_zones())
    damaged = bytearray(zone)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, 127)) * 2
        unit = draw(
            st.one_of(
                st.sampled_from((0, 0x20, 0x30, 0xD840, 0xDC00, 0xFFFF, 0x3000, 0xFF10, 0x41)), st.integers(0, 0xFFFF)
            )
        )
        damaged[at : at + 2] = unit.to_bytes(2, "little")
    return layout, bytes(damaged)


@st.composite
def random_zones(draw: st.DrawFn) -> tuple[type[Layout], bytes]:
    layout = draw(st.sampled_from(ALL_LAYOUTS))
    return layout, draw(st.binary(min_size=256, max_size=256))


@pytest.fixture(params=VECTORS, ids=lambda pair: f"{pair[0].id}: {pair[1].shows}")
def vector(request: pytest.FixtureRequest) -> tuple[type[Layout], Vector, bytes]:
    layout, entry = request.param
    return layout, entry, zone_of(layout, entry)


@pytest.fixture
def every_zone() -> st.SearchStrategy[tuple[type[Layout], bytes]]:
    """Valid, damaged and random zones in equal parts."""
    return st.one_of(valid_zones(), damaged_zones(), random_zones())


@pytest.fixture
def good_zone() -> st.SearchStrategy[tuple[type[Layout], bytes]]:
    """Valid zones only."""
    return valid_zones()


@pytest.fixture
def zone() -> Callable[..., bytes]:
    """Builds a zone of a layout's first vector with some places replaced by other text or bytes."""

    def build(layout_id: str, **pieces: str | bytes) -> bytes:
        layout = next(layout for layout in ALL_LAYOUTS if layout.id == layout_id)
        made = bytearray(zone_of(layout, layout.vectors[0]))
        for place in layout.places():
            if place.name in pieces:
                piece = pieces[place.name]
                raw = pad(piece, place) if isinstance(piece, str) else piece
                made[place.offset_bytes : place.offset_bytes + place.length_bytes] = raw
        assert len(made) == 256
        return bytes(made)

    return build


@pytest.fixture
def any_day() -> st.SearchStrategy[date]:
    """Days that a card may hold."""
    return st.dates(date(1900, 1, 1), date(2100, 1, 1) - timedelta(days=1))
