"""Cards by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from prcard.errors import RecordError
from prcard.record.capture import dump_capture
from prcard.simulator.cards import load_card
from prcard.simulator.specimens import specimen


def test_a_specimen_and_a_capture(tmp_path: Path) -> None:
    card = specimen("ivan").card()
    path = tmp_path / "card.json"
    path.write_text(dump_capture(card), encoding="utf-8")
    assert load_card("ivan") == card
    assert load_card(str(path)) == card


@pytest.mark.parametrize("name", ["nobody", "no/such/file", "a\0.b", ""])
def test_what_is_no_card(name: str) -> None:
    with pytest.raises(RecordError, match="alice"):
        load_card(name)


def test_a_file_that_is_no_capture(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"\xff")
    with pytest.raises(RecordError, match="JSON"):
        load_card(str(tmp_path / "x.json"))
