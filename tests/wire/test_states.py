"""The transition table: complete, and as the protocol and the hosts that rely on it say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.wire.codes import Command, Status
from prcard.wire.states import READ_AGAIN, TRANSITIONS, Event, State, step

FIND, SELECT, READ = Command.FIND_CARD, Command.SELECT_CARD, Command.READ_TEXT_PHOTO
READS = (READ, Command.READ_TEXT_PHOTO_FINGERPRINT)
ADDITIONS = (Command.READ_EXTRA, Command.READ_MANAGEMENT)


def walk(*triggers: Command | Event, read_once: bool = True) -> tuple[State, list[int | None]]:
    """Steps from an empty reader; gives the last state and all answers to commands."""
    state, answers = State.EMPTY, []
    for trigger in triggers:
        transition = step(state, trigger, read_once=read_once)
        state = transition.next
        if isinstance(trigger, Command):
            answers.append(transition.status)
    return state, [None if status is None else int(status) for status in answers]


def test_every_state_has_every_trigger() -> None:
    assert set(TRANSITIONS) == {(state, trigger) for state in State for trigger in (*Command, *Event)}


def test_every_answer_is_one_that_the_command_allows() -> None:
    for (_, trigger), transition in (*TRANSITIONS.items(), *READ_AGAIN.items()):
        assert transition.confidence in set("ABCD")
        if isinstance(trigger, Command):
            assert transition.status in (trigger.success, *trigger.refusals)
        else:
            assert transition.status is None


@pytest.mark.parametrize("read", READS)
def test_the_usual_order_reads_a_card(read: Command) -> None:
    assert walk(Event.CARD_INSERTED, FIND, SELECT, read) == (State.READ, [0x9F, 0x90, 0x90])


def test_an_empty_reader_finds_nothing() -> None:
    assert walk(FIND, SELECT, *READS, *ADDITIONS) == (State.EMPTY, [0x80, 0x81, 0x41, 0x41, 0x41, 0x41])


def test_select_without_find_is_refused() -> None:
    assert walk(Event.CARD_INSERTED, SELECT) == (State.PRESENT, [0x81])


@pytest.mark.parametrize("read", [*READS, *ADDITIONS])
def test_read_without_select_is_refused(read: Command) -> None:
    assert walk(Event.CARD_INSERTED, read) == (State.PRESENT, [0x41])
    assert walk(Event.CARD_INSERTED, FIND, read) == (State.FOUND, [0x9F, 0x41])


def test_a_card_that_was_read_is_found_again_only_when_it_was_lifted() -> None:
    read = (Event.CARD_INSERTED, FIND, SELECT, READ)
    assert walk(*read, FIND, FIND) == (State.READ, [0x9F, 0x90, 0x90, 0x80, 0x80])
    assert walk(*read, SELECT) == (State.READ, [0x9F, 0x90, 0x90, 0x81])
    assert walk(*read, Event.CARD_REMOVED, FIND)[1][-1] == 0x80
    assert walk(*read, Event.CARD_REMOVED, *read) == (State.READ, [0x9F, 0x90, 0x90] * 2)


def test_after_a_read_all_reads_work_without_find_and_select() -> None:
    state, answers = walk(Event.CARD_INSERTED, FIND, SELECT, READ, *ADDITIONS, *READS, FIND, READ)
    assert (state, answers[3:]) == (State.READ, [0x90, 0x90, 0x90, 0x90, 0x80, 0x90])


@pytest.mark.parametrize("addition", ADDITIONS)
def test_additions_work_once_the_card_is_selected(addition: Command) -> None:
    assert walk(Event.CARD_INSERTED, FIND, SELECT, addition) == (State.SELECTED, [0x9F, 0x90, 0x90])


def test_find_and_select_may_be_repeated_before_the_read() -> None:
    assert walk(Event.CARD_INSERTED, FIND, FIND, SELECT, SELECT) == (State.SELECTED, [0x9F, 0x9F, 0x90, 0x90])
    assert walk(Event.CARD_INSERTED, FIND, SELECT, FIND) == (State.FOUND, [0x9F, 0x90, 0x9F])


def test_the_read_once_rule_can_be_switched_off() -> None:
    round_trip = (FIND, SELECT, READ)
    assert walk(Event.CARD_INSERTED, *round_trip, *round_trip, read_once=False) == (
        State.READ,
        [0x9F, 0x90, 0x90] * 2,
    )
    assert walk(Event.CARD_INSERTED, *round_trip, SELECT, read_once=False) == (
        State.SELECTED,
        [0x9F, 0x90, 0x90, 0x90],
    )
    assert walk(FIND, read_once=False) == (State.EMPTY, [0x80])


@pytest.mark.parametrize("state", State)
def test_lifting_empties_the_reader_from_every_state(state: State) -> None:
    assert step(state, Event.CARD_REMOVED).next is State.EMPTY


@pytest.mark.parametrize("state", State)
def test_a_card_laid_on_another_one_changes_nothing(state: State) -> None:
    expected = State.PRESENT if state is State.EMPTY else state
    assert step(state, Event.CARD_INSERTED).next is expected


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("command", [c for c in Command if c.value[0] in {0x11, 0x12, 0x60, 0x61}])
def test_commands_to_sam_and_line_leave_the_card_alone(state: State, command: Command) -> None:
    assert step(state, command)[:2] == (Status.DONE, state)


@pytest.mark.parametrize("state", State)
def test_a_reset_makes_the_card_be_found_anew(state: State) -> None:
    expected = State.PRESENT if state in {State.FOUND, State.SELECTED} else state
    assert step(state, Command.RESET_SAM)[:2] == (Status.DONE, expected)


@pytest.mark.parametrize("state", State)
def test_an_unknown_command_is_refused_and_changes_nothing(state: State) -> None:
    assert step(state, None)[:2] == (Status.BAD_COMMAND, state)


@given(st.lists(st.sampled_from([*Command, *Event])), st.booleans())
def test_law_nothing_is_read_without_a_card(triggers: list[Command | Event], read_once: bool) -> None:
    state = State.EMPTY
    for trigger in triggers:
        before = state
        status, state, _ = step(before, trigger, read_once=read_once)
        if trigger in READS and status is Status.DONE:
            assert before in {State.SELECTED, State.READ}
            assert state is State.READ
