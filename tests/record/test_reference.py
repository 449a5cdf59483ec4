"""The reference page of the layouts."""

from __future__ import annotations

from prcard.record.layouts import ALL_LAYOUTS
from prcard.record.reference import layouts_reference


def test_every_place_of_every_layout_has_its_row() -> None:
    page = layouts_reference()
    for layout in ALL_LAYOUTS:
        section = page.split(f"## `{layout.id}`")[1].split("\n## ")[0]
        rows = [line for line in section.splitlines() if line.startswith("| ") and line[2].isdigit()]
        assert len(rows) == len(layout.places())
        for place, row in zip(layout.places(), rows, strict=True):
            assert row.startswith(
                f"| {place.offset_bytes} | {place.length_bytes} | {place.kind.chars} | `{place.name}`"
            )
            assert ("**no**" in row) is not place.confirmed
