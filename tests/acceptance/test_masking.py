"""Masking: what each level shows, and that it shows no more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from prcard.acceptance.masking import MASKS, REVEALS, check_fields, mask_document
from prcard.acceptance.profile import MASK_LEVELS
from prcard.errors import RecordError
from prcard.record import decode, to_document
from prcard.record._codec import RECORDS
from prcard.record.numbers import PR15Number, PR18Number
from prcard.record.raw import RawCard
from prcard.record.record import fields
from prcard.simulator.specimens import SPECIMENS

MakeCard = Callable[..., RawCard]
OPEN = {"layout", "issue_date", "expiry_date", "renewal_count", "issue_count", "card_version"}


def document(raw: RawCard) -> dict[str, Any]:
    return to_document(decode(raw.text))


@pytest.mark.parametrize(
    ("name", "level", "number"),
    [
        ("alice", "screen", "9****************1"),
        ("alice", "counter", "911************021"),
        ("bob", "screen", "***********" + "3013"[-4:]),
        ("bob", "counter", None),
        ("chen", "screen", None),
    ],
)
def test_numbers(card: MakeCard, name: str, level: str, number: str | None) -> None:
    plain = document(card(name))
    masked = mask_document(plain, level)["number"]
    keep = {("18", "screen"): (1, 1), ("18", "counter"): (3, 3)}.get((str(len(plain["number"])), level), (0, 4))
    expected = plain["number"][: keep[0]] + "*" * (len(plain["number"]) - sum(keep)) + plain["number"][-keep[1] :]
    assert masked == expected
    if number is not None and name == "alice":
        assert masked == number


def test_names_keep_initials_only(card: MakeCard) -> None:
    masked = mask_document(
        document(card(english_name="SPECIMEN-DE LA O'X, ALICE B", chinese_name="样本𠮷丽")), "counter"
    )
    assert masked["english_name"] == "S*******-D* L* O'X, A**** B"
    assert masked["chinese_name"] == "样***"


@pytest.mark.parametrize("level", ["screen", "counter"])
@pytest.mark.parametrize("entry", SPECIMENS, ids=lambda entry: entry.name)
def test_no_masked_form_shows_nationality_birth_or_sex(entry: object, level: str) -> None:
    plain = to_document(entry.record())  # type: ignore[attr-defined]  # a Specimen
    masked = mask_document(plain, level)
    for name, value in masked.items():
        if value is None or name in OPEN:
            assert value == plain[name]
        elif name not in {"number", "english_name", "chinese_name", "name"}:
            assert set(value) <= {"*", "-"}, name
    if plain["layout"] in {"pr2017", "pr2023"}:
        text = " ".join(str(value) for name, value in masked.items() if name not in OPEN)
        assert str(plain["nationality"]) not in text
        assert str(plain["birth_date"]).replace("-", "")[:6] not in text
        number = str(plain["number"])
        # The nationality places of either number are hidden at every level.
        hidden = masked["number"][3:6] if len(number) == 18 else masked["number"][:3]
        assert hidden == "***"


@pytest.mark.parametrize("layout", RECORDS)
def test_every_field_of_every_layout_is_masked_or_known_to_be_open(layout: str) -> None:
    plain = {"layout": layout, **dict.fromkeys(fields(RECORDS[layout].places), "A1-B2"), "number": "9" * 18}
    for name, value in mask_document(plain, "screen").items():
        assert (value == plain[name]) is (name in OPEN), name


def test_a_field_that_is_in_no_table_is_hidden() -> None:
    assert mask_document({"layout": "pr2099", "something": "secret"}, "counter")["something"] == "******"


def test_what_is_asked_for_is_shown(card: MakeCard) -> None:
    plain = document(card())
    masked = mask_document(plain, "screen", {"number", "address"})
    assert masked["number"] == plain["number"]
    assert masked["birth_date"] == "****-**-**"
    assert mask_document(plain, "screen", {"all"}) == plain == mask_document(plain, "full")


def test_nothing_blank_becomes_stars(card: MakeCard) -> None:
    masked = mask_document(document(card("emile")), "screen")
    assert masked["chinese_name"] == ""
    assert masked["reserved_158"] is None


def test_unknown_names_and_levels_are_refused(card: MakeCard) -> None:
    with pytest.raises(RecordError, match="birth_date"):
        check_fields(["nonsense"])
    with pytest.raises(RecordError, match="screen, counter, full"):
        mask_document(document(card()), "none")


def test_levels_are_those_of_the_profiles() -> None:
    assert set(MASKS) | {"full"} == set(MASK_LEVELS)


def pr2023(**parts: str) -> dict[str, Any]:
    """A record of one person, of whom some parts are another's; the number follows."""
    values = {
        "province": "11",
        "numeric": "124",
        "nationality": "CAN",
        "birth": "1985-04-12",
        "sequence": "002",
    } | parts
    born = date.fromisoformat(values["birth"])
    number = PR18Number.build(
        province=values["province"],
        nationality_numeric=values["numeric"],
        birth_date=born,
        sequence=values["sequence"],
    )
    changes = {"number": number.text, "sex": number.sex, "nationality": values["nationality"], "birth_date": str(born)}
    return to_document(SPECIMENS[0].record()) | changes


def pr2017(**parts: str) -> dict[str, Any]:
    """The same for the older edition."""
    values = {"region": "1100", "nationality": "CAN", "birth": "1985-04-12", "sequence": "1", "sex": "1"} | parts
    born = date.fromisoformat(values["birth"])
    number = PR15Number.build(
        nationality=values["nationality"], region=values["region"], birth=born, sequence=values["sequence"]
    )
    changes = {"number": number.text, "sex": values["sex"], "nationality": values["nationality"]}
    return to_document(SPECIMENS[1].record()) | changes | {"birth_date": str(born)}


CHANGES: dict[str, list[tuple[str, dict[str, str]]]] = {
    "pr2023": [
        ("nationality", {"numeric": "250", "nationality": "FRA"}),
        ("birth", {"birth": "1999-11-30"}),
        ("sex", {"sequence": "001"}),
        ("province", {"province": "31"}),
    ],
    "pr2017": [
        ("nationality", {"nationality": "FRA"}),
        ("year and month of birth", {"birth": "1999-11-12"}),
        ("day of birth", {"birth": "1985-04-27"}),
        ("sex", {"sex": "2"}),
        ("province", {"region": "3100"}),
        ("sequence", {"sequence": "7"}),
    ],
}
CASES = [(layout, level, *change) for layout, changes in CHANGES.items() for level in MASKS for change in changes]


@pytest.mark.parametrize(("layout", "level", "what", "changes"), CASES)
def test_a_masked_form_tells_apart_only_what_its_level_states(
    layout: str, level: str, what: str, changes: dict[str, str]
) -> None:
    """Two people who differ in one thing look the same, unless the level says that it shows that thing."""
    make = pr2023 if layout == "pr2023" else pr2017
    one, other = (mask_document(make(**parts), level) for parts in ({}, changes))
    for masked in (one, other):
        # The check character depends on everything and tells nothing of it alone.
        masked["number"] = masked["number"][:-1]
    assert (one != other) is (what in REVEALS[level, layout])


def test_the_levels_are_stated_for_both_editions() -> None:
    assert set(REVEALS) == {(level, layout) for level in MASKS for layout in CHANGES}


def test_a_field_that_a_profile_does_not_show_is_hidden_at_every_level(card: MakeCard) -> None:
    plain = document(card())
    for level in MASK_LEVELS:
        masked = mask_document(plain, level, {"all"}, ("english_name", "number"))
        assert masked["layout"] == "pr2023"
        assert masked["english_name"] == "SPECIMEN, ALICE"
        assert masked["birth_date"] == masked["nationality"] == masked["sex"] == "******"
        assert mask_document(plain, level, {"birth_date"}, ("number",))["birth_date"] == "******"
    assert mask_document(plain, "full", (), ("number",))["number"] == plain["number"]
