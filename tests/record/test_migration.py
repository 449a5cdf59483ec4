"""Old numbers and their successors: never a guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.record.migration import COLUMNS, CardIndex, Claims, Migrated, MigrationStatus, migrate_row
from prcard.record.numbers import PR15Number

OLD, NEW, LINK = "PAK310080010103", "931586198001010028", "000"
OTHER_OLD, OTHER_NEW = "CAN110081080310", "911124198108030024"
SECOND_NEW = "931586198001010044"


def row(old: str = "", new: str = "", nationality: str = "", link: str = "") -> dict[str, str]:
    return dict(zip(COLUMNS, (old, new, nationality, link), strict=True))


@pytest.mark.parametrize(
    ("given_row", "status", "old", "new", "reasons"),
    [
        (row(OLD, NEW, "PAK", LINK), "match", OLD, NEW, ()),
        (row(f" {OLD} ", f"{NEW} ", "", LINK), "match", OLD, NEW, ()),
        (row(OLD, NEW), "possible", "", "", ("no-link",)),
        (row(OLD, NEW, "PAK", "010"), "no-match", "", "", ("city",)),
        (row(OLD, OTHER_NEW), "no-match", "", "", ("nationality", "province", "birth")),
        (row("", NEW, "PAK", LINK), "derived", OLD, NEW, ()),
        (row("", NEW, "", LINK), "derived", OLD, NEW, ()),
        (row("", NEW), "not-found", "", NEW, ("no-link",)),
        (row(OLD), "not-found", OLD, "", ("no-new-number",)),
        (row(), "error", "", "", ("old_number and new_number are both blank",)),
    ],
)
def test_rows(given_row: dict[str, str], status: str, old: str, new: str, reasons: tuple[str, ...]) -> None:
    assert migrate_row(given_row, CardIndex()) == Migrated(MigrationStatus(status), old, new, reasons)


@pytest.mark.parametrize(
    ("given_row", "words"),
    [
        (row("CAN110081080319", "91112419810803002", "CA", "00"), ("old_number", "new_number", "link", "nationality")),
        (row(OLD.lower()), ("old_number",)),
        (row("９" * 15), ("old_number",)),
        (row("9.31586E+17"), ("old_number",)),
        (row(OLD, "", "", LINK), ("link: expected a new_number",)),
        (row(OLD, NEW, "CAN", LINK), ("nationality: expected that of new_number",)),
        (row(OLD, NEW, "PAK", "０００"), ("link: expected three digits",)),
        (row(OLD, "931586198001010027"), ("new_number",)),
    ],
)
def test_all_errors_of_a_row_come_together_and_hold_no_number(
    given_row: dict[str, str], words: tuple[str, ...]
) -> None:
    found = migrate_row(given_row, CardIndex())
    assert found.status is MigrationStatus.ERROR
    assert len(found.reasons) == len(words)
    assert all(reason.startswith(word) for reason, word in zip(found.reasons, words, strict=True))
    for text in given_row.values():
        assert len(text) < 4 or text not in "".join(found.reasons)


def test_a_nationality_beside_the_old_number_must_be_its_own() -> None:
    found = migrate_row(
        row("XXX310080010109"[:14] + PR15Number.parse("XXX310080010100").expected_check, NEW, "PAK"), CardIndex()
    )
    assert found.status is MigrationStatus.NO_MATCH


def cards(*rows: dict[str, str]) -> CardIndex:
    return CardIndex(rows)


def test_an_old_number_is_found_among_new_cards() -> None:
    index = cards(row(new=NEW, nationality="PAK", link=LINK), row(new=OTHER_NEW))
    assert (index.size, index.refused) == (2, 0)
    assert migrate_row(row(OLD), index) == Migrated(MigrationStatus.MATCH, OLD, NEW)
    assert migrate_row(row(OTHER_OLD), index).status is MigrationStatus.POSSIBLE
    assert migrate_row(row(OTHER_OLD), index).new == "", "a candidate is no successor"


def test_two_new_cards_for_one_old_number_are_a_conflict() -> None:
    index = cards(row(new=NEW, link=LINK), row(new=SECOND_NEW, link=LINK))
    assert migrate_row(row(OLD), index) == Migrated(MigrationStatus.CONFLICT, OLD, "", ("several-new-numbers",))
    same_twice = cards(row(new=NEW, link=LINK), row(new=NEW, link=LINK))
    assert migrate_row(row(OLD), same_twice).status is MigrationStatus.MATCH


def test_a_card_that_names_another_old_number_is_no_candidate() -> None:
    index = cards(row(new=NEW, link="001"))
    assert migrate_row(row(OLD), index).status is MigrationStatus.NOT_FOUND


def test_rows_that_are_no_card_are_counted() -> None:
    assert cards(row(), row(new="rubbish"), row(new=NEW, link="x")).refused == 3


def test_a_nationality_that_no_table_knows_names_no_old_number() -> None:
    unknown = "911999198108030029"
    assert migrate_row(row("", unknown, "", LINK), CardIndex()).status is MigrationStatus.NOT_FOUND


def judged(*rows: dict[str, str]) -> list[Migrated]:
    claims, index = Claims(), CardIndex()
    for each in rows:
        claims.add(migrate_row(each, index))
    return [claims.judge(migrate_row(each, index)) for each in rows]


def test_rows_that_contradict_each_other_are_in_conflict_all_of_them() -> None:
    first, second, other = judged(row(OLD, NEW, "", LINK), row(OLD, SECOND_NEW, "", LINK), row(OTHER_OLD))
    assert first.status is second.status is MigrationStatus.CONFLICT
    assert first.new == second.new == ""
    assert other.status is MigrationStatus.NOT_FOUND


def test_a_row_without_new_number_takes_what_another_row_proves() -> None:
    found = judged(row(OLD), row(OLD, NEW, "", LINK), row(OLD))
    assert [each.status for each in found] == [MigrationStatus.MATCH] * 3
    torn = judged(row(OLD), row(OLD, NEW, "", LINK), row(OLD, SECOND_NEW, "", LINK))
    assert torn[0].status is MigrationStatus.NOT_FOUND


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=4), st.text(max_size=4))
def test_law_any_row_has_an_outcome_and_only_a_proof_gives_a_pair(
    old: str, new: str, nationality: str, link: str
) -> None:
    found = migrate_row(row(old, new, nationality, link), CardIndex())
    assert bool(found.old and found.new) is (found.status in {MigrationStatus.MATCH, MigrationStatus.DERIVED})
