"""The residence permit, held against the table as published in the trial rules for residence permits.

The table is typed here a second time on purpose.
"""

from __future__ import annotations

from prcard.record.layouts.hkmt import HKMTLayout

PUBLISHED = (
    ("name", 0, 30),
    ("sex", 30, 2),
    ("reserved_32", 32, 4),
    ("birth_date", 36, 16),
    ("address", 52, 70),
    ("number", 122, 36),
    ("issuing_authority", 158, 30),
    ("issue_date", 188, 16),
    ("expiry_date", 204, 16),
    ("travel_permit_number", 220, 18),
    ("issue_count", 238, 4),
    ("reserved_242", 242, 6),
    ("type_marker", 248, 2),
    ("reserved_250", 250, 6),
)


def test_places_are_those_of_the_published_table() -> None:
    assert tuple((place.name, place.offset_bytes, place.length_bytes) for place in HKMTLayout.places()) == PUBLISHED
    assert sum(length for _, _, length in PUBLISHED) == 256


def test_what_is_not_confirmed_is_marked() -> None:
    assert {place.name for place in HKMTLayout.places() if not place.confirmed} == {"issue_count"}
