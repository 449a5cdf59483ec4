"""Cards for the simulator's tests: bytes that need no codec."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

import prcard.reader.sam as sam
from prcard.record.raw import ManagementNumbers, RawCard


class DrivenClock:
    """A clock that moves only when somebody waits: a minute of time-outs takes no time, to the microsecond."""

    def __init__(self) -> None:
        self.moment = 1000.0
        self.alarms: list[tuple[float, Callable[[], None]]] = []

    def now(self) -> float:
        return self.moment

    def wait(self, seconds: float) -> None:
        """Lets time pass; what is due meanwhile happens at its moment."""
        end = self.moment + seconds
        for alarm in sorted(self.alarms, key=lambda alarm: alarm[0]):
            if alarm[0] <= end:
                self.alarms.remove(alarm)
                self.moment = max(self.moment, alarm[0])
                alarm[1]()
        self.moment = max(end, self.moment)

    def at(self, seconds: float, do: Callable[[], None]) -> None:
        """Does something so many seconds from now."""
        self.alarms.append((self.moment + seconds, do))


@pytest.fixture
def driven(monkeypatch: pytest.MonkeyPatch) -> DrivenClock:
    """The clock of prcard's reader session, driven by the test."""
    clock = DrivenClock()
    monkeypatch.setattr(sam, "time", SimpleNamespace(monotonic=clock.now))
    return clock


@pytest.fixture
def card() -> RawCard:
    """A card with every zone filled, each with bytes of its own."""
    return RawCard(
        text=b"t" * 256,
        photo=b"p" * 1024,
        fingerprint=b"C" + b"f" * 1023,
        extra=(b"a" * 70, b"b" * 70),
        management=ManagementNumbers(iin=b"IIIN", sn=b"S" * 8, dn=b"D" * 16),
    )
