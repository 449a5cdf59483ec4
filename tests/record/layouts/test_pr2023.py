"""The 2023 permanent resident card, held against the table as several makers' headers agree.

The table is typed here a second time on purpose.
"""

from __future__ import annotations

from prcard.record.layouts.pr2023 import PR2023Layout

PUBLISHED = (
    ("chinese_name", 0, 30),
    ("sex", 30, 2),
    ("renewal_count", 32, 4),
    ("birth_date", 36, 16),
    ("english_name", 52, 70),
    ("number", 122, 36),
    ("reserved_158", 158, 30),
    ("issue_date", 188, 16),
    ("expiry_date", 204, 16),
    ("english_name_rest", 220, 22),
    ("nationality", 242, 6),
    ("type_marker", 248, 2),
    ("previous_number_link", 250, 6),
)


def test_places_are_those_of_the_published_table() -> None:
    assert tuple((place.name, place.offset_bytes, place.length_bytes) for place in PR2023Layout.places()) == PUBLISHED
    assert sum(length for _, _, length in PUBLISHED) == 256


def test_what_is_not_confirmed_is_marked() -> None:
    assert {place.name for place in PR2023Layout.places() if not place.confirmed} == {
        "english_name",
        "english_name_rest",
        "previous_number_link",
        "renewal_count",
        "reserved_158",
    }
