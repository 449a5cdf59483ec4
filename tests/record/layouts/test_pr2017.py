"""The 2017 permanent resident card, held against the table as published in July 2017.

The table is typed here a second time on purpose.
"""

from __future__ import annotations

from prcard.record.layouts.pr2017 import PR2017Layout

PUBLISHED = (
    ("english_name", 0, 120),
    ("sex", 120, 2),
    ("number", 122, 30),
    ("nationality", 152, 6),
    ("chinese_name", 158, 30),
    ("issue_date", 188, 16),
    ("expiry_date", 204, 16),
    ("birth_date", 220, 16),
    ("card_version", 236, 4),
    ("authority_code", 240, 8),
    ("type_marker", 248, 2),
    ("reserved_250", 250, 6),
)


def test_places_are_those_of_the_published_table() -> None:
    assert tuple((place.name, place.offset_bytes, place.length_bytes) for place in PR2017Layout.places()) == PUBLISHED
    assert sum(length for _, _, length in PUBLISHED) == 256


def test_what_is_not_confirmed_is_marked() -> None:
    assert {place.name for place in PR2017Layout.places() if not place.confirmed} == set()
