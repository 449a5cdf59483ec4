"""Retention: only what a rule names, live while the purpose lasts, frozen while the law asks, then gone."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.acceptance.profile import Begin, Period
from prcard.errors import AuditError, RecordError
from prcard.simulator.specimens import SPECIMENS, specimen
from prcard.store.profiles import load_profile, profile_names
from prcard.store.retention import KeptField, KeptState, end_purpose, keep_card, list_kept, load_kept, purge

ON = date(2026, 3, 1)
LIVE, FROZEN, DELETED = KeptState.LIVE, KeptState.FROZEN, KeptState.DELETED


@pytest.mark.parametrize("name", [name for name in profile_names() if name != "counter"])
@pytest.mark.parametrize("entry", SPECIMENS, ids=lambda entry: entry.name)
def test_nothing_is_written_that_no_rule_names(tmp_path: Path, name: str, entry: object) -> None:
    profile, raw = load_profile(name), entry.card()  # type: ignore[attr-defined]  # a Specimen
    kept = keep_card(tmp_path / "kept", raw, profile, ON)
    allowed = {field for rule in profile.keep for field in rule.fields}
    assert set(kept.fields) <= allowed
    (path,) = (tmp_path / "kept").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700
    text = path.read_text(encoding="utf-8")
    assert (base64.b64encode(raw.photo).decode() in text) is profile.keeps_photo
    record = entry.record()  # type: ignore[attr-defined]
    for field in ("nationality", "birth_date", "address"):
        value = getattr(record, field, None)
        if value and field not in allowed:
            assert f'"{value}"' not in text
    assert load_kept(tmp_path / "kept", kept.record_id) == kept


def test_a_profile_that_keeps_nothing_keeps_nothing(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="it keeps nothing"):
        keep_card(tmp_path / "kept", specimen("alice").card(), load_profile("counter"), ON)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RecordError):
        keep_card(tmp_path / "kept", replace(specimen("alice").card(), text=b""), load_profile("bank"), ON)


def field(floor: str, begin: Begin = Begin.PURPOSE_END) -> KeptField:
    return KeptField(value="x", floor=Period.parse(floor), counted_from=begin)


@pytest.mark.parametrize(
    ("kept", "end", "day", "state"),
    [
        (field("10 years"), None, date(2099, 1, 1), LIVE),
        (field("10 years"), date(2026, 12, 31), date(2026, 12, 31), LIVE),
        (field("10 years"), date(2026, 12, 31), date(2027, 1, 1), FROZEN),
        (field("10 years"), date(2026, 12, 31), date(2036, 12, 31), FROZEN),
        (field("10 years"), date(2026, 12, 31), date(2037, 1, 1), DELETED),
        (field("3 years", Begin.RECORDED), date(2026, 3, 5), date(2026, 3, 6), FROZEN),
        (field("3 years", Begin.RECORDED), date(2026, 3, 5), date(2029, 2, 28), FROZEN),
        (field("3 years", Begin.RECORDED), date(2026, 3, 5), date(2029, 3, 1), DELETED),
        (field("3 years", Begin.RECORDED), date(2031, 3, 5), date(2031, 3, 5), LIVE),
        (field("3 years", Begin.RECORDED), date(2031, 3, 5), date(2031, 3, 6), DELETED),
        (field("none"), date(2026, 3, 5), date(2026, 3, 5), LIVE),
        (field("none"), date(2026, 3, 5), date(2026, 3, 6), DELETED),
        (field("permanent"), date(2026, 3, 5), date(2999, 1, 1), FROZEN),
        (replace(field("permanent"), state=DELETED), None, date(2026, 3, 5), DELETED),
    ],
)
def test_states(kept: KeptField, end: date | None, day: date, state: KeptState) -> None:
    assert kept.state_on(day, ON, end) is state


@given(
    st.sampled_from(("none", "30 days", "3 years", "10 years", "permanent")),
    st.sampled_from(Begin),
    st.integers(0, 5000),
    st.integers(0, 9000),
)
def test_law_a_value_stays_until_the_later_of_purpose_and_floor(floor: str, begin: Begin, end: int, day: int) -> None:
    kept, purpose_end, today = field(floor, begin), ON + timedelta(days=end), ON + timedelta(days=day)
    until = kept.until(ON, purpose_end)
    assert until is None or until >= purpose_end
    gone = kept.state_on(today, ON, purpose_end) is DELETED
    assert gone == (until is not None and today > until)
    order = [LIVE, FROZEN, DELETED]
    tomorrow = kept.state_on(today + timedelta(days=1), ON, purpose_end)
    assert order.index(tomorrow) >= order.index(kept.state_on(today, ON, purpose_end)), "no way back"


def test_purging_freezes_then_deletes_and_leaves_a_tombstone(tmp_path: Path) -> None:
    profile = load_profile("bank")
    kept = keep_card(tmp_path, specimen("alice").card(), profile, ON)
    assert list(purge(tmp_path, date(2050, 1, 1))) == [], "the purpose lasts"
    end_purpose(tmp_path, kept.record_id, date(2026, 12, 31))
    ((frozen, changed),) = purge(tmp_path, date(2027, 1, 1))
    assert set(changed.values()) == {FROZEN}
    assert frozen.usable() == {}
    assert frozen.fields["number"].value == "911124198504120021", "stored, for the law alone"
    assert list(purge(tmp_path, date(2036, 12, 31))) == []
    ((gone, changed),) = purge(tmp_path, date(2037, 1, 1))
    assert set(changed.values()) == {DELETED}
    text = (tmp_path / f"{kept.record_id}.json").read_text(encoding="utf-8")
    for secret in (
        "911124198504120021",
        "ALICE",
        "爱丽",
        "1985",
        base64.b64encode(specimen("alice").card().photo)[:40].decode(),
    ):
        assert secret not in text
    assert gone.fields["number"].deleted_on == date(2037, 1, 1)
    assert list(purge(tmp_path, date(2040, 1, 1))) == []
    assert [record.record_id for record in list_kept(tmp_path)] == [kept.record_id]
    assert gone.summary()["fields"]["number"] == {"state": "deleted", "until": "2036-12-31", "deleted_on": "2037-01-01"}


def test_only_live_values_are_usable(tmp_path: Path) -> None:
    kept = keep_card(tmp_path, specimen("alice").card(), load_profile("hotel"), ON, date(2026, 3, 4))
    assert kept.usable()["english_name"] == "SPECIMEN, ALICE"
    assert "photo" not in kept.usable()


def test_a_purpose_does_not_end_before_it_begins(tmp_path: Path) -> None:
    kept = keep_card(tmp_path, specimen("alice").card(), load_profile("bank"), ON)
    with pytest.raises(AuditError, match="2026-03-01 or later"):
        end_purpose(tmp_path, kept.record_id, date(2026, 2, 28))


@pytest.mark.parametrize("record_id", ["", "../../secret", "0" * 15, "0" * 16])
def test_an_id_that_is_none(tmp_path: Path, record_id: str) -> None:
    with pytest.raises(AuditError, match="prcard audit kept"):
        load_kept(tmp_path, record_id)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": "prcard-kept", "record": "other"}'])
def test_a_file_that_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / f"{'0' * 16}.json").write_text(content, encoding="utf-8")
    with pytest.raises(AuditError, match="something else"):
        load_kept(tmp_path, "0" * 16)


def test_places_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="folder that can be read"):
        list(list_kept(tmp_path / "none"))
    (tmp_path / "file").touch()
    with pytest.raises(AuditError, match="folder that can be made"):
        keep_card(tmp_path / "file", specimen("alice").card(), load_profile("bank"), ON)
    kept = keep_card(tmp_path / "kept", specimen("alice").card(), load_profile("bank"), ON)
    path = tmp_path / "kept" / f"{kept.record_id}.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["format"] == "prcard-kept"
    path.unlink()
    path.mkdir()
    with pytest.raises(AuditError):
        end_purpose(tmp_path / "kept", kept.record_id, ON)
