"""The careful way between zones and values."""

from __future__ import annotations

import pytest

from prcard.errors import RecordError
from prcard.record import explain
from prcard.record._codec import RECORDS
from prcard.record.layouts import ALL_LAYOUTS, Layout
from prcard.record.layouts.layout import Vector
from prcard.record.record import Record, encode_carefully, fields, view, wholes


def test_views_cover_the_zone_in_order(vector: tuple[type[Layout], Vector, bytes]) -> None:
    layout, entry, raw = vector
    views = explain(raw)
    assert [v.name for v in views] == [place.name for place in layout.places()]
    assert b"".join(v.raw for v in views) == raw
    assert [v.offset_bytes for v in views] == [sum(v.length_bytes for v in views[:at]) for at in range(len(views))]
    assert all(v.problem is None for v in views)
    assert all(v.zh and v.en and v.source for v in views)
    assert {v.name for v in views if not v.confirmed} == {p.name for p in layout.places() if not p.confirmed}
    assert entry.shows


def test_a_view_shows_what_is_wrong_and_the_rest_all_the_same() -> None:
    layout = ALL_LAYOUTS[3]
    raw = bytearray(b" \0" * 128)
    raw[248:250] = b"Y\0"
    views = {v.name: v for v in view(layout.places(), bytes(raw))}
    assert views["birth_date"].problem is not None
    assert views["birth_date"].value is None
    assert views["chinese_name"].value == ""
    assert views["reserved_158"].value is None


def test_wholes_join_the_places_of_one_field() -> None:
    joined = {place.name: place.kind.chars for place in wholes(RECORDS["pr2023"].places)}
    assert joined["english_name"] == 46
    assert list(joined) == fields(RECORDS["pr2023"].places)
    assert "english_name_rest" not in joined
    assert "type_marker" not in joined


def test_missing_and_unknown_values_are_named() -> None:
    with pytest.raises(RecordError) as error:
        encode_carefully(RECORDS["hkmt"].places, {"nonsense": 1})
    named = {problem.field: problem.found for problem in error.value.problems}
    assert named["nonsense"] == "an unknown name"
    assert named["number"] == "nothing"


def test_the_base_class_has_no_codec() -> None:
    with pytest.raises(NotImplementedError):
        Record.fast_decode(b"")
