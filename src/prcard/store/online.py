"""Asks an online check with a hard limit of time. Whatever goes wrong gives *not available*, never *match*.

The service runs in a thread of its own, so that one that hangs holds nobody up; nothing is kept but the answers.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from prcard.acceptance.outside import ONLINE_CALLS, OnlineAnswer, Outside
from prcard.errors import RecordError
from prcard.record import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from prcard.acceptance.outside import FaceComparison, OnlineCheck
    from prcard.record.raw import RawCard

__all__ = ["DEFAULT_TIMEOUT_S", "ask_online"]

DEFAULT_TIMEOUT_S: Final = 5.0


def ask_online(
    service: OnlineCheck,
    card: RawCard,
    calls: Collection[str],
    *,
    portrait: bytes | None = None,
    face: FaceComparison | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> Outside:
    """Asks a service about a card.

    Args:
        service: The service.
        card: The card; one that does not decode cannot be asked about by name or person.
        calls: Which of `ONLINE_CALLS` to make, all at once.
        portrait: A picture taken now, for `real-person`; it is handed on and not kept.
        face: A face comparison made beside it, handed through.
        timeout_s: Longest wait in seconds for all calls together.

    Returns:
        An answer for each call; an error, a time-out or an answer that is none counts as not available.

    Raises:
        ValueError: a call is none of the three.
    """
    unknown = set(calls) - set(ONLINE_CALLS)
    if unknown:
        raise ValueError(f"calls: expected some of {', '.join(ONLINE_CALLS)}, found {sorted(unknown)}")
    answers = dict.fromkeys(calls, OnlineAnswer.NOT_AVAILABLE)
    waiting = [_Question(_call(service, card, call, portrait), call) for call in calls]
    for question in waiting:
        question.thread.start()
    until = time.monotonic() + timeout_s
    for question in waiting:
        if question.done.wait(max(0.0, until - time.monotonic())) and isinstance(question.answer, OnlineAnswer):
            answers[question.call] = question.answer
    return Outside(online=answers, simulated=bool(service.simulated), face=face)


def _call(service: OnlineCheck, card: RawCard, call: str, portrait: bytes | None) -> Callable[[], OnlineAnswer]:
    def ask() -> OnlineAnswer:
        if call == "chip-reading":
            return service.chip_reading(card)
        try:
            record = decode(card.text)
        except RecordError:
            return OnlineAnswer.NOT_AVAILABLE
        if call == "real-person":
            return service.real_person(record.number, portrait) if portrait else OnlineAnswer.NOT_AVAILABLE
        name = getattr(record, "english_name", "") or getattr(record, "name", "")
        return service.real_name(name, record.number, record.birth_date)

    return ask


class _Question:
    """One call in a thread of its own; an error in it is no answer."""

    def __init__(self, ask: Callable[[], OnlineAnswer], call: str) -> None:
        self.call = call
        self.done = threading.Event()
        self.answer: object = None
        self._ask = ask
        # A daemon, so that a service that never answers does not keep the program from ending.
        self.thread = threading.Thread(target=self._run, name=f"online-{call}", daemon=True)

    def _run(self) -> None:
        try:
            self.answer = self._ask()
        except BaseException:  # whatever a plug-in raises, it is no match; its text may hold personal data
            self.answer = None
        finally:
            self.done.set()
