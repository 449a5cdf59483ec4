"""An online check that answers from a table: for tests and training. Its answers count in training only."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from prcard.acceptance.outside import ONLINE_CALLS, OnlineAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from prcard.record.raw import RawCard

__all__ = ["OnlineStandIn"]


class OnlineStandIn:
    """Answers each call as it was told to; one that is told to hang answers once it is released.

    Attributes:
        simulated: True, always.
        asked: The calls that were made, in order.
    """

    simulated = True

    def __init__(self, answers: Mapping[str, OnlineAnswer] | None = None, *, hang: bool = False) -> None:
        """Keeps the answers.

        Args:
            answers: Call to answer; what is not in it is a match.
            hang: True waits for `release` before each answer.
        """
        self._answers = dict.fromkeys(ONLINE_CALLS, OnlineAnswer.MATCH) | dict(answers or {})
        self._released = threading.Event()
        self.asked: list[str] = []
        if not hang:
            self.release()

    def release(self) -> None:
        """Lets waiting and coming calls answer."""
        self._released.set()

    def real_name(self, name: str, number: str, birth_date: date) -> OnlineAnswer:  # noqa: ARG002  # a table answers
        """Answers as told."""
        return self._answer("real-name")

    def real_person(self, number: str, portrait: bytes) -> OnlineAnswer:  # noqa: ARG002  # as above
        """Answers as told."""
        return self._answer("real-person")

    def chip_reading(self, card: RawCard) -> OnlineAnswer:  # noqa: ARG002  # as above
        """Answers as told."""
        return self._answer("chip-reading")

    def _answer(self, call: str) -> OnlineAnswer:
        self.asked.append(call)
        self._released.wait()
        return self._answers[call]
