"""The reference page of the specimens."""

from __future__ import annotations

from prcard.simulator.reference import specimens_reference
from prcard.simulator.specimens import SPECIMENS


def test_every_specimen_has_its_row() -> None:
    page = specimens_reference()
    for entry in SPECIMENS:
        assert f"| `{entry.name}` | {entry.record().layout} | {entry.record().number} |" in page
