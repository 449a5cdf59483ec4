"""The resident card, held against the table as published for GA 490 cards.

The table is typed here a second time on purpose.
"""

from __future__ import annotations

from prcard.record.layouts.resident import ResidentLayout

PUBLISHED = (
    ("name", 0, 30),
    ("sex", 30, 2),
    ("nation", 32, 4),
    ("birth_date", 36, 16),
    ("address", 52, 70),
    ("number", 122, 36),
    ("issuing_authority", 158, 30),
    ("issue_date", 188, 16),
    ("expiry_date", 204, 16),
    ("reserved_220", 220, 28),
    ("type_marker", 248, 2),
    ("reserved_250", 250, 6),
)


def test_places_are_those_of_the_published_table() -> None:
    assert tuple((place.name, place.offset_bytes, place.length_bytes) for place in ResidentLayout.places()) == PUBLISHED
    assert sum(length for _, _, length in PUBLISHED) == 256


def test_what_is_not_confirmed_is_marked() -> None:
    assert {place.name for place in ResidentLayout.places() if not place.confirmed} == set()
