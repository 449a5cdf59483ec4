"""Counts for Prometheus, in its text format. Labels are codes of ours: no card, no person, no reader's name."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Final

__all__ = ["CONTENT_TYPE", "FAMILIES", "Metrics"]

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

FAMILIES: Final = {
    "prcard_cards_total": ("counter", "Cards judged, by outcome and whether in training.", ("outcome", "training")),
    "prcard_unread_total": ("counter", "Cards that could not be read, by fault.", ("fault",)),
    "prcard_events_total": ("counter", "Events published, by kind.", ("kind",)),
    "prcard_requests_total": ("counter", "HTTP requests, by method and status.", ("method", "status")),
    "prcard_refusals_total": ("counter", "Requests refused before they reached the service, by reason.", ("reason",)),
    "prcard_reveals_total": ("counter", "Times that somebody asked to see fields unmasked.", ()),
    "prcard_listeners": ("gauge", "Pages and programs that listen to events now.", ()),
    "prcard_readers": ("gauge", "Readers, by state.", ("state",)),
}
"""Name -> (type, help, labels)."""

READ_BUCKETS_S: Final = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0)
_READ: Final = "prcard_read_seconds"


class Metrics:
    """Counts of one run; every method may be called from any thread."""

    def __init__(self) -> None:
        """Begins at zero."""
        self._lock = threading.Lock()
        self._values: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self._buckets = [0] * (len(READ_BUCKETS_S) + 1)
        self._seconds = 0.0

    def count(self, family: str, *labels: str) -> None:
        """Adds one to a counter; `labels` in the order of `FAMILIES`."""
        with self._lock:
            self._values[family, labels] += 1

    def read_took(self, seconds: float) -> None:
        """Notes how long a card took from being seen to its verdict."""
        with self._lock:
            place = next((at for at, bound in enumerate(READ_BUCKETS_S) if seconds <= bound), len(READ_BUCKETS_S))
            self._buckets[place] += 1
            self._seconds += seconds

    def text(self, gauges: dict[str, dict[tuple[str, ...], int]]) -> str:
        """Gives the whole page.

        Args:
            gauges: Present values of the gauges: family -> labels -> value.

        Source: Prometheus, text exposition format 0.0.4.
        """
        with self._lock:
            values, buckets, seconds = dict(self._values), list(self._buckets), self._seconds
        lines = []
        for family, (kind, words, names) in FAMILIES.items():
            lines += [f"# HELP {family} {words}", f"# TYPE {family} {kind}"]
            found = gauges.get(family, {}) if kind == "gauge" else _of(family, values)
            rows = found if found or names else {(): 0}
            lines += [f"{family}{_labels(names, labels)} {value}" for labels, value in sorted(rows.items())]
        return "\n".join([*lines, *_histogram(buckets, seconds)]) + "\n"


def _of(family: str, values: dict[tuple[str, tuple[str, ...]], int]) -> dict[tuple[str, ...], int]:
    return {labels: value for (name, labels), value in values.items() if name == family}


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _histogram(buckets: list[int], seconds: float) -> list[str]:
    lines = [f"# HELP {_READ} From the card being seen to its verdict, in seconds.", f"# TYPE {_READ} histogram"]
    total = 0
    for bound, count in zip((*map(str, READ_BUCKETS_S), "+Inf"), buckets, strict=True):
        total += count
        lines.append(f'{_READ}_bucket{{le="{bound}"}} {total}')
    return [*lines, f"{_READ}_sum {seconds:.6f}", f"{_READ}_count {total}"]
