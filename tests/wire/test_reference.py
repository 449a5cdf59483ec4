"""The reference pages say what the tables say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from prcard.wire.apdu import StatusWord
from prcard.wire.card_application import EF, CardKind, Instruction
from prcard.wire.codes import Command, Status
from prcard.wire.reference import card_application_reference, commands_reference, states_reference, status_reference
from prcard.wire.states import READ_AGAIN, TRANSITIONS, State

if TYPE_CHECKING:
    from collections.abc import Callable

PAGES = [commands_reference, states_reference, status_reference]


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_whole_and_the_same_each_time(page: Callable[[], str]) -> None:
    text = page()
    assert text == page()
    assert text.startswith("<!-- GENERATED")
    assert text.endswith("tells.\n")
    tables = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    assert len(set(tables)) == 1


def rows(text: str) -> list[list[str]]:
    table = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in table]


def test_every_command_is_on_its_page() -> None:
    listed = {row[0]: row for row in rows(commands_reference())}
    for command in Command:
        assert listed[f"`{command.name}`"][1] == f"`{command.value.hex(' ').upper()}`"
    assert listed["`FIND_CARD`"][2:] == ["find a card", "寻找证/卡", "none", "9F", "4", "15", "80", "1", "A"]
    assert listed["`SET_MAX_RF_BYTES`"][4] == "1 byte, 24–255"
    assert listed["`READ_TEXT_PHOTO_FINGERPRINT`"][7] == "1297, 1809, 2321"


def test_every_status_is_on_its_page_in_order() -> None:
    listed = [row[0] for row in rows(status_reference())[2:]]
    assert listed == sorted(f"{status.value:02X}" for status in Status)


def test_every_transition_is_in_the_table() -> None:
    text = states_reference()
    assert len(rows(text)) == len(TRANSITIONS) + len(READ_AGAIN) + 4
    assert ["`READ`", "`FIND_CARD`", "80", "`READ`", "B"] in rows(text)
    assert ["`READ`", "`FIND_CARD`", "9F", "`FOUND`", "D"] in rows(text)


def test_the_diagram_shows_every_change_of_state() -> None:
    arrows = dict(re.findall(r"^    (\w+ --> \w+): (.+)$", states_reference(), flags=re.MULTILINE))
    for (state, trigger), transition in TRANSITIONS.items():
        if transition.next is not state:
            assert trigger.name in arrows[f"{state.name} --> {transition.next.name}"]
    assert arrows["FOUND --> SELECTED"] == "SELECT_CARD → 90"
    assert "FIND_CARD → 80" in arrows["READ --> READ"]
    assert "READ_EXTRA → 90" in arrows["READ --> READ"]
    assert "SELECT_CARD" not in arrows["READ --> READ"]
    assert "PRESENT --> PRESENT" not in arrows
    assert all("SAM_STATUS" not in labels and "BAUD" not in labels for labels in arrows.values())
    for state in State:
        assert f"- `{state.name}`: {state.value}" in states_reference()


def test_the_card_application_page_names_every_file_command_and_status_word() -> None:
    page = card_application_reference()
    assert "F0 50 52 43 41 52 44 01" in page
    assert [ef.name for ef in EF if f"| EF.{ef.name} | `{ef.file_id:04X}` |" not in page] == []
    assert [word for word in StatusWord if f"| `{word.value:04X}` | {word.meaning} |" not in page] == []
    assert [kind for kind in CardKind if f"| {kind.value} | " not in page] == []
    assert [command for command in Instruction if f"| `{command.name}` |" not in page] == []
