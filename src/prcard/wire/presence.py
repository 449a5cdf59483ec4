"""Whether a card lies on a SAM_V reader, told from poll to poll without disturbing it.

The protocol has no event for a lifted card, and a find fails after a good read until the card is lifted, so that "no
card found" means two things. What can be seen, and how:

- Before a card was read, finds tell: found, or not. A card that is swapped between two polls is not noticed, which does
  no harm, because nothing of it was read yet.
- After a card was read, a command that reads from the card that is still selected (`30 05`, else `30 03`) works until
  that very card is lifted; a card laid down in its place is not selected, so the swap is seen as well. That readers
  answer these commands after a base read is known from one source (C).
- Where a reader knows neither command and finds the same card again, finds tell; a swap between two polls is missed.
- Where a reader knows neither command and finds a card once only, nothing tells that the card was lifted. It is taken
  to lie there until the next one is found; both are then reported at once.
"""

from __future__ import annotations

from enum import Enum, unique
from typing import TYPE_CHECKING, Final

from prcard.errors import ReaderError, ReaderFault
from prcard.wire.codes import Command, Status
from prcard.wire.procedure import SETTLE_S, Pause, persistent

if TYPE_CHECKING:
    from prcard.wire.procedure import Procedure

__all__ = ["POLL_S", "CardWatch", "Sight"]

POLL_S: Final = 0.3
"""Pause between two looks. Source: host notes of two makers, 300–600 ms between finds (B)."""

LOOK_S: Final = (1.0, 1.0, 1.0)
"""Longest wait for the reply to one look."""

_STILL_THERE: Final = frozenset({Status.DONE, Status.NO_CONTENT})


@unique
class Sight(Enum):
    """What one look shows."""

    ABSENT = "no card lies there"
    PRESENT = "a card lies there; after PRESENT it is the same one as far as can be told"
    REPLACED = "the card of the last look is gone and another was laid down"


@unique
class _Way(Enum):
    """How the next look is made."""

    FIND = "no card was read: a find tells"
    CHOOSE = "a card was read: see what this reader answers while it lies there"
    HOLD = "a read from the selected card tells"
    FIND_AGAIN = "the card that was read is found again: a find tells"
    BLIND = "the reader keeps quiet about the card that was read"


class CardWatch:
    """What the looks at one reader have shown so far; tell it of every card that was read."""

    def __init__(self) -> None:
        self._way = _Way.FIND
        self._present = False
        self._found_again = False
        self._hold = Command.READ_MANAGEMENT

    def card_was_read(self, *, found_again: bool) -> None:
        """Notes that the card that lies there was read.

        Args:
            found_again: True when a find after the read found the same card, or when the reader did not say.
        """
        self._present, self._found_again, self._way = True, found_again, _Way.CHOOSE

    def look(self) -> Procedure[Sight]:
        """Looks once.

        Raises:
            ReaderError: `SILENT` or `GARBAGE` when no reply makes sense, `REFUSED` when the reader does not look.
        """
        if self._way is _Way.CHOOSE and (yield from self._choose()):
            return Sight.PRESENT
        if self._way is _Way.HOLD and (yield from self._held()):
            return Sight.PRESENT
        found = yield from self._find()
        if self._way is _Way.HOLD:
            # The card that was read is gone; what is found now is another one, or the same laid down anew.
            return self._forget(found=found)
        if self._way is _Way.BLIND:
            return self._forget(found=True) if found else Sight.PRESENT
        if not found and self._present:
            # One failed find may be a card that was moved: only the second one counts.
            yield Pause(POLL_S)
            found = yield from self._find()
        if not found:
            return self._forget(found=False)
        self._present = True
        return Sight.PRESENT

    def _forget(self, *, found: bool) -> Sight:
        self._way, self._present = _Way.FIND, found
        return Sight.REPLACED if found else Sight.ABSENT

    def _find(self) -> Procedure[bool]:
        reply = yield from persistent(Command.FIND_CARD, LOOK_S)
        if reply.status in {Status.CARD_FOUND, Status.NO_CARD}:
            return reply.status is Status.CARD_FOUND
        raise ReaderError(
            ReaderFault.REFUSED,
            f"The reader refused to look for a card: {reply.status.meaning_en} ({reply.status.value:02X}).",
            reply.status.advice_en,
        )

    def _choose(self) -> Procedure[bool]:
        """Finds the command that tells about the card that was read; False when none does."""
        if self._found_again:
            # The find after the read took the selection back.
            yield from persistent(Command.SELECT_CARD, LOOK_S)
        for command in (Command.READ_MANAGEMENT, Command.READ_EXTRA):
            reply = yield from persistent(command, LOOK_S)
            if reply.status in _STILL_THERE:
                self._way, self._hold = _Way.HOLD, command
                return True
            if reply.status is not Status.BAD_COMMAND:
                break
        self._way = _Way.FIND_AGAIN if self._found_again else _Way.BLIND
        return False

    def _held(self) -> Procedure[bool]:
        """Tells whether the selected card still answers; one failure may be a card that was moved."""
        for attempt in range(2):
            if attempt:
                yield Pause(SETTLE_S)
            if (yield from persistent(self._hold, LOOK_S)).status in _STILL_THERE:
                return True
        return False
