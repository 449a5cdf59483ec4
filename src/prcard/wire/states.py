"""What a reader answers and which state follows: one table for card and reader.

Everything that depends on an earlier command stands in `TRANSITIONS`, and nowhere else. The simulator steps
through it, tests walk it, and the diagram of the reference is drawn from it.

The table gives what becomes of a command when nothing goes wrong with the card. A reader may still answer
with another status that the command allows, for instance `NO_CONTENT` to `READ_EXTRA` when the card has no
additional address; the next state is the same.
"""

from __future__ import annotations

from enum import Enum, unique
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from prcard.wire.codes import Command, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["READ_AGAIN", "TRANSITIONS", "Event", "State", "Transition", "Trigger", "step"]


@unique
class State(Enum):
    """What reader and card have done together since the card was laid down."""

    EMPTY = "no card lies on the reader"
    PRESENT = "a card lies there, not yet found"
    FOUND = "the card was found"
    SELECTED = "the card was selected"
    READ = "text and photo were read; the card still lies there"


@unique
class Event(Enum):
    """What a person does with the card."""

    CARD_INSERTED = "a card is laid down"
    CARD_REMOVED = "the card is lifted"


Trigger: TypeAlias = Command | Event


class Transition(NamedTuple):
    """What follows a trigger in a state.

    Attributes:
        status: What the reader answers; None for an event.
        next: State afterwards.
        confidence: `A` to `D`; `D` is our choice where no source tells.
    """

    status: Status | None
    next: State
    confidence: str


_BASE_READS: Final = (Command.READ_TEXT_PHOTO, Command.READ_TEXT_PHOTO_FINGERPRINT)
_ADDITIONS: Final = (Command.READ_EXTRA, Command.READ_MANAGEMENT)
_CARD_COMMANDS: Final = (Command.FIND_CARD, Command.SELECT_CARD, *_BASE_READS, *_ADDITIONS)


def _rows() -> Iterator[tuple[State, Trigger, Status | None, State, str]]:
    """Every row as (state, trigger, answer, next state, confidence); a later row replaces an earlier one."""
    for state in State:
        # A card laid on another one is not seen; a card laid down or lifted ends what was done before.
        yield state, Event.CARD_INSERTED, None, State.PRESENT if state is State.EMPTY else state, "D"
        yield state, Event.CARD_REMOVED, None, State.EMPTY, "B"
        for command in Command:
            # Commands to the SAM or the line do not touch the card.
            yield state, command, command.success, state, command.confidence
        yield state, Command.FIND_CARD, Status.CARD_FOUND, State.FOUND, "A"
        yield state, Command.SELECT_CARD, Status.SELECT_FAILED, state, "B"
        for command in (*_BASE_READS, *_ADDITIONS):
            yield state, command, Status.READ_FAILED, state, "B"
    yield State.EMPTY, Command.FIND_CARD, Status.NO_CARD, State.EMPTY, "A"
    yield State.FOUND, Command.SELECT_CARD, Status.DONE, State.SELECTED, "A"
    # A host that lost the reply may select once more.
    yield State.SELECTED, Command.SELECT_CARD, Status.DONE, State.SELECTED, "D"
    # Read once: until the card is lifted it is not found again, yet all reads go on working.
    yield State.READ, Command.FIND_CARD, Status.NO_CARD, State.READ, "B"
    for state in (State.SELECTED, State.READ):
        for command in _BASE_READS:
            yield state, command, Status.DONE, State.READ, "A" if state is State.SELECTED else "C"
        for command in _ADDITIONS:
            yield state, command, Status.DONE, state, "C"
    for state in (State.FOUND, State.SELECTED):
        # A reset takes the field from the card: it must be found anew. The card that was read stays read.
        yield state, Command.RESET_SAM, Status.DONE, State.PRESENT, "D"


TRANSITIONS: Final[Mapping[tuple[State, Trigger], Transition]] = MappingProxyType(
    {(state, trigger): Transition(status, after, confidence) for state, trigger, status, after, confidence in _rows()}
)
"""(state, trigger) -> what follows, for every state and every trigger.

Source: SAM_V interface document, order of commands; read once and reads after a read: public host programs.
"""

READ_AGAIN: Final[Mapping[tuple[State, Trigger], Transition]] = MappingProxyType(
    {
        (State.READ, Command.FIND_CARD): Transition(Status.CARD_FOUND, State.FOUND, "D"),
        (State.READ, Command.SELECT_CARD): Transition(Status.DONE, State.SELECTED, "D"),
    }
)
"""What replaces `TRANSITIONS` when the read-once rule is off, for old hosts that poll one card for ever."""


def step(state: State, trigger: Trigger | None, *, read_once: bool = True) -> Transition:
    """Looks up what follows.

    Args:
        state: Present state.
        trigger: A command, an event, or None for a command that is not known.
        read_once: False lets a card that was read be found again without lifting it.
    """
    if trigger is None:
        return Transition(Status.BAD_COMMAND, state, "B")
    if not read_once and (state, trigger) in READ_AGAIN:
        return READ_AGAIN[state, trigger]
    return TRANSITIONS[state, trigger]
