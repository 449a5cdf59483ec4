"""What happened in this shift: told to listeners, counted, logged, and kept in a history of masked data."""

from __future__ import annotations

import threading
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from prcard.counter.presence import Stage
from prcard.counter.refusals import Refusal, RefusedError
from prcard.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Collection

    from prcard.counter.hub import Hub
    from prcard.counter.journal import Journal
    from prcard.counter.metrics import Metrics
    from prcard.counter.presence import Presence
    from prcard.store.audit import AuditLog

__all__ = ["HISTORY_ROWS", "KINDS", "Ledger"]

HISTORY_ROWS: Final = 500

KINDS: Final = {
    "hello": "the stream begins; says whether it was resumed, and the run of the service",
    "card-inserted": "a card was laid down and is being read",
    "verdict": "the card was read and judged",
    "read-failed": "the card could not be read; says why and what to do",
    "card-removed": "the card was lifted",
    "card-left-behind": "the card still lies there some time after its verdict",
    "revealed": "somebody asked to see fields unmasked; names the fields",
    "cleared": "what was read of a card was forgotten",
    "reader-ready": "the reader is there and waits for a card",
    "reader-lost": "the reader is gone or does not answer; says why and what to do",
    "service-down": "the smart card service of this machine (pcscd) is gone",
    "service-up": "the smart card service of this machine is back",
    "closing": "the service ends; a page reconnects until it is back",
}
"""Every kind of event, and what it means."""


class Ledger:
    """Keeps the books of one run; every method may be called from any thread.

    Args:
        hub: Who is told.
        metrics: Where it is counted.
        journal: Where it is logged.
        audit: Where verdicts and looks at fields in full are written before anybody sees them; None: nowhere.
    """

    def __init__(self, hub: Hub, metrics: Metrics, journal: Journal, audit: AuditLog | None = None) -> None:
        self._audit = audit
        self.hub = hub
        self.metrics = metrics
        self.journal = journal
        self._lock = threading.Lock()
        self._rows: deque[dict[str, Any]] = deque(maxlen=HISTORY_ROWS)

    def happened(self, kind: str, reader: str, data: dict[str, Any] | None = None, **log: object) -> None:
        """Tells, counts and logs one event.

        Args:
            kind: A key of `KINDS`.
            reader: Id of the station.
            data: What listeners are told.
            log: What is logged; see `journal.FIELDS`.
        """
        self.metrics.count("prcard_events_total", kind)
        self.journal.log(kind, reader=reader, **log)
        self.hub.publish(kind, datetime.now(UTC), {"reader": reader, **(data or {})})

    def audited(self, presence: Presence) -> None:
        """Writes a verdict to the audit log; to be called before anybody sees it.

        Raises:
            AuditError: it could not be written.
        """
        if self._audit is not None and presence.raw is not None and presence.verdict is not None:
            self._audit.record(presence.verdict, presence.raw, at=datetime.now(UTC), where=presence.reader)

    def concluded(self, presence: Presence) -> None:
        """Books a presence that was judged, or could not be read."""
        training = "true" if presence.policy.training else "false"
        document = presence.to_document()
        row = self._remember(document)
        if presence.stage is Stage.UNREAD:
            fault = document["error"]["fault"]
            self.metrics.count("prcard_unread_total", fault)
            self.happened(
                "read-failed", presence.reader, {"card": document, "row": row}, presence=presence.id, fault=fault
            )
            return
        verdict = document["verdict"]
        self.metrics.count("prcard_cards_total", verdict["outcome"], training)
        log = {"outcome": verdict["outcome"], "failed": verdict["failed"], "open": verdict["open"]}
        log |= {"presence": presence.id, "profile": verdict["profile"], "training": presence.policy.training}
        self.happened("verdict", presence.reader, {"card": document, "row": row}, **log)

    def revealed(self, presence: Presence, names: Collection[str], who: str) -> None:
        """Books that somebody asks to see fields: which, and who, never what stands in them.

        Raises:
            RefusedError: the audit log takes no entry, so that nothing may be shown.
        """
        self._write("revealed", presence, who, fields=sorted(names))
        self.metrics.count("prcard_reveals_total")
        with self._lock:
            for row in self._rows:
                if row["presence"] == presence.id:
                    row["revealed"] = sorted({*row["revealed"], *names})
        data = {"presence": presence.id, "fields": sorted(names)}
        self.happened("revealed", presence.reader, data, presence=presence.id, fields=sorted(names), origin=who)

    def captured(self, presence: Presence, who: str) -> None:
        """Books that a capture is handed out.

        Raises:
            RefusedError: the audit log takes no entry, so that nothing may be handed out.
        """
        self._write("captured", presence, who)
        self.journal.log("captured", reader=presence.reader, presence=presence.id, origin=who)

    def _write(self, kind: str, presence: Presence, who: str, **more: object) -> None:
        if self._audit is None:
            return
        content = {"kind": kind, "who": who, "where": presence.reader, "presence": presence.id, **more}
        try:
            self._audit.append(content, at=datetime.now(UTC))
        except AuditError as error:
            self.journal.log("audit-failed", reader=presence.reader, reason=kind)
            raise RefusedError(Refusal.NOT_LOGGED) from error

    def history(self) -> list[dict[str, Any]]:
        """The cards of this shift, newest first; masked."""
        with self._lock:
            return [dict(row) for row in reversed(self._rows)]

    def _remember(self, document: dict[str, Any]) -> dict[str, Any]:
        record, verdict = document["record"] or {}, document["verdict"]
        row = {
            "presence": document["presence"],
            "reader": document["reader"],
            "at": document["inserted_at"],
            "training": document["training"],
            "profile": document["profile"],
            "layout": record.get("layout"),
            "number": record.get("number"),
            "outcome": None if verdict is None else verdict["outcome"],
            "failed": [] if verdict is None else [*verdict["failed"], *verdict["open"]],
            "fault": None if document["error"] is None else document["error"]["fault"],
            "revealed": [],
        }
        with self._lock:
            self._rows.append(row)
        return row
