"""Made cards: the same for ever, in order by our own checks, and synthetic beyond doubt."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.acceptance.checks import is_specimen
from prcard.acceptance.rules import record_problems
from prcard.acceptance.verdict import Outcome
from prcard.acceptance.verify import verify
from prcard.errors import RecordError
from prcard.record import LAYOUTS, LONG_TERM, PermanentResident2023, decode
from prcard.record.codes import countries
from prcard.simulator.factory import DEFAULT_DAY, EDGES, MAX_COUNT, TRANSLITERATIONS, Made, make_specimens
from prcard.store.profiles import load_profile

TRAINING = load_profile("training")
NOON = datetime(DEFAULT_DAY.year, DEFAULT_DAY.month, DEFAULT_DAY.day, 4, tzinfo=UTC)
ALL_EDGES = sum(len(own) for own, _ in EDGES.values())


def assert_in_order(made: Made, at: datetime = NOON) -> None:
    """The record checks find nothing, and the verdict is PASSED where specimens are welcome."""
    record = decode(made.card.text)
    assert record_problems(record) == (), made.name
    verdict = verify(made.card, TRAINING, at)
    assert verdict.outcome is Outcome.PASSED, (made.name, made.shows, [check.reason for check in verdict.failed])
    assert is_specimen(record)
    assert b"SPECIMEN, NOT A PERSON" in made.card.photo


def test_every_edge_of_every_layout_is_in_order() -> None:
    made = list(make_specimens(ALL_EDGES, edge_cases=True))
    assert Counter((entry.shows, entry.layout) for entry in made) == Counter(
        (edge, layout) for edge, (own, _) in EDGES.items() for layout in own
    )
    for entry in made:
        assert_in_order(entry)


@given(st.integers(0, 10**6), st.integers(0, 3000))
def test_law_every_card_is_in_order_on_its_day(seed: int, later: int) -> None:
    day = DEFAULT_DAY + timedelta(days=later % 700)
    for made in make_specimens(4, seed=seed, edge_cases=bool(later % 2), day=day):
        assert_in_order(made, datetime(day.year, day.month, day.day, 4, tzinfo=UTC))


def test_the_same_seed_gives_the_same_cards_and_more_of_them_begin_with_the_same() -> None:
    few, many = list(make_specimens(7, seed=5)), list(make_specimens(20, seed=5))
    assert many[:7] == few
    assert list(make_specimens(7, seed=6)) != few


def test_bytes_are_the_same_on_every_machine() -> None:
    """A figure that changes says that a seed no longer means what it meant."""
    import hashlib

    digest = hashlib.sha256(b"".join(made.card.text + made.card.photo for made in make_specimens(100, seed=1)))
    assert digest.hexdigest()[:16] == "0b04ee7d05219475"


def test_countries_and_transliterations_are_all_there() -> None:
    made = list(make_specimens(len(countries()), layouts=("pr2023",)))
    records = [decode(entry.card.text) for entry in made]
    assert {record.nationality for record in records if isinstance(record, PermanentResident2023)} == {
        country.alpha3 for country in countries()
    }
    names = {record.english_name for record in records if isinstance(record, PermanentResident2023)}
    for script, holders in TRANSLITERATIONS.items():
        assert names & {f"SPECIMEN {holder}" for holder in holders.split(",")}, script


def test_edges_reach_what_they_say() -> None:
    by_edge = {(made.shows, made.layout): decode(made.card.text) for made in make_specimens(ALL_EDGES, edge_cases=True)}
    for (edge, _), record in by_edge.items():
        if edge.startswith("check character"):
            assert record.number[-1] == edge[-1]
        if edge == "born on 29 February":
            assert (record.birth_date.month, record.birth_date.day) == (2, 29)
        if edge == "first day of validity":
            assert record.issue_date == DEFAULT_DAY
        if edge == "last day of validity":
            assert record.expiry_date == DEFAULT_DAY
    longest = by_edge["longest English name", "pr2023"]
    assert isinstance(longest, PermanentResident2023)
    assert len(longest.english_name) == 46
    assert by_edge["no end date", "resident"].expiry_date is LONG_TERM


def test_an_edge_that_a_day_does_not_allow_is_not_claimed() -> None:
    made = make_specimens(ALL_EDGES, edge_cases=True, layouts=("pr2017",), day=date(2022, 1, 1))
    assert "last day of validity" not in {entry.shows for entry in made}


def test_layouts_come_in_turn_and_each_alone() -> None:
    assert [made.layout for made in make_specimens(6)] == [*LAYOUTS, *LAYOUTS[:2]]
    assert {made.layout for made in make_specimens(9, layouts=("hkmt",), edge_cases=True)} == {"hkmt"}
    assert list(make_specimens(0)) == []


@pytest.mark.parametrize(
    ("count", "layouts", "defect", "field"),
    [
        (-1, LAYOUTS, None, "count"),
        (MAX_COUNT + 1, LAYOUTS, None, "count"),
        (1, ("passport",), None, "layout"),
        (1, (), None, "layout"),
        (1, LAYOUTS, "nonsense", "defect"),
        (1, ("resident",), "nationality-differs", "defect"),
    ],
)
def test_what_cannot_be_made(count: int, layouts: tuple[str, ...], defect: str | None, field: str) -> None:
    with pytest.raises(RecordError) as refused:
        next(make_specimens(count, layouts=layouts, defect=defect))
    assert [problem.field for problem in refused.value.problems] == [field]


def test_a_day_on_which_no_such_card_is_valid() -> None:
    with pytest.raises(RecordError, match="day: expected one on which a card of pr2017"):
        next(make_specimens(1, layouts=("pr2017",), day=date(2050, 1, 1)))
