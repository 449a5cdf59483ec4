"""The shipped specimens: unmistakably synthetic, and the same bytes on every machine."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from prcard.acceptance.checks import is_specimen
from prcard.acceptance.rules import record_problems
from prcard.errors import RecordError
from prcard.record import LAYOUTS, LONG_TERM, PermanentResident2023, decode
from prcard.record.numbers import PR18Number, previous_number
from prcard.simulator.specimens import SPECIMENS, Specimen, specimen

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "specimens"


@pytest.mark.parametrize("entry", SPECIMENS, ids=lambda entry: entry.name)
def test_each_says_specimen_and_is_in_order(entry: Specimen) -> None:
    record = decode(entry.card().text)
    assert is_specimen(record)
    assert record_problems(record) == ()
    names = [getattr(record, name, "") for name in ("name", "chinese_name", "english_name")]
    assert all("样本" in name or "SPECIMEN" in name for name in names if name)
    assert entry.card() == entry.card()


@pytest.mark.parametrize("entry", SPECIMENS, ids=lambda entry: entry.name)
def test_the_committed_fixtures_are_these_bytes(entry: Specimen) -> None:
    card = entry.card()
    zones = {"text": card.text, "photo": card.photo, "fingerprint": card.fingerprint, "extra": b"".join(card.extra)}
    for zone, data in zones.items():
        path = FIXTURES / entry.name / f"{zone}.bin"
        assert path.exists() is bool(data)
        assert not data or path.read_bytes() == data


def test_they_cover_layouts_and_edges() -> None:
    records = {entry.name: entry.record() for entry in SPECIMENS}
    assert next(iter(records)) == "alice"
    assert len(records) == 10
    assert {record.layout for record in records.values()} == set(LAYOUTS)
    emile, hana, fatima = records["emile"], records["hana"], records["fatima"]
    assert isinstance(emile, PermanentResident2023)
    assert len(emile.english_name) == 46
    assert emile.chinese_name == ""
    assert isinstance(hana, PermanentResident2023)
    assert previous_number(PR18Number.parse(hana.number), hana.nationality, hana.previous_number_link) is not None
    assert hana.renewal_count == "01"
    assert fatima.birth_date == date(2012, 2, 29)
    assert records["chen"].expiry_date is LONG_TERM
    assert records["goro"].expiry_date < date(2026, 1, 1)  # type: ignore[operator]  # a 2017 card has a day
    assert any(ord(character) > 0xFFFF for character in getattr(records["ivan"], "name"))  # noqa: B009  # one of four classes
    assert specimen("ivan").extra
    assert specimen("chen").fingerprint


@pytest.mark.parametrize("name", ["", "Alice", "nobody"])
def test_a_name_that_is_none_lists_those_there_are(name: str) -> None:
    with pytest.raises(RecordError, match="alice, bob, chen, dina, emile, fatima, goro, hana, ivan, kim"):
        specimen(name)
