"""Structured logs: one JSON object for each thing that happened, and no personal data in any of them.

What may stand in an entry is a closed list of names; a value under any other name is left out and its name is reported,
so that nobody logs a card by mistake.
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["FIELDS", "Journal"]

FIELDS: Final = frozenset(
    {
        "reader", "uri", "presence", "outcome", "profile", "training", "failed", "open", "fault", "fields", "origin",
        "name", "method", "path", "status", "ms", "reason", "port", "compat", "version", "listeners", "specimen",
    }
)  # fmt: skip
"""Names of values that an entry may hold. `fields` are names of fields, never what stands in them."""


class Journal:
    """Writes entries to a text stream, one line each; may be called from any thread.

    Args:
        stream: Where to write; None writes nothing.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def log(self, event: str, **values: object) -> None:
        """Writes one entry.

        Args:
            event: What happened.
            values: Particulars, by names of `FIELDS`.
        """
        if self._stream is None:
            return
        entry: dict[str, object] = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event}
        entry |= {name: value for name, value in values.items() if name in FIELDS}
        if withheld := sorted(values.keys() - FIELDS):
            entry["withheld"] = withheld
        line = json.dumps(entry, ensure_ascii=False, default=str)
        with self._lock:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                # Nobody takes the log any more; the counter goes on, and counting it would not help either.
                self._stream = None
