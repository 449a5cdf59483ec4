"""How layouts are declared, and the oracle behind them; tests/record/test_codec.py holds the codec against it."""

from __future__ import annotations

import pytest

from prcard.errors import RecordError
from prcard.record.layouts import ALL_LAYOUTS, Layout, PR2023Layout


@pytest.mark.parametrize("layout", ALL_LAYOUTS, ids=lambda layout: layout.id)
def test_a_layout_says_everything_about_itself(layout: type[Layout]) -> None:
    for text in (layout.title_zh, layout.title_en, layout.source, layout.record_class):
        assert text
    assert layout.places()[-1].offset_bytes + layout.places()[-1].length_bytes == 256
    for place in layout.places():
        assert place.zh
        assert place.en
        assert place.source
        assert not place.part_of or place.part_of in {other.name for other in layout.places()}


def test_markers_tell_layouts_apart() -> None:
    assert [layout.marker for layout in ALL_LAYOUTS] == [" ", "J", "I", "Y"]


def test_the_oracle_builds_only_what_it_would_parse() -> None:
    vector = PR2023Layout.vectors[0]
    raw = b"".join(
        text.encode("utf-16-le") + b" \0" * (place.kind.chars - len(text))
        for text, place in zip(vector.pieces, PR2023Layout.places(), strict=True)
    )
    values = PR2023Layout.parse(raw)
    assert PR2023Layout.build(values) == raw
    for change in ({"sex": "x"}, {"english_name": "A" * 47}, {"birth_date": None}):
        with pytest.raises(RecordError):
            PR2023Layout.build(values | change)
    del values["number"]
    with pytest.raises(RecordError):
        PR2023Layout.build(values)
