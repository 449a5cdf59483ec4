"""The books of a shift: told, counted, logged, remembered, and never with a name or a number in them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prcard.counter.hub import Hub
from prcard.counter.journal import Journal
from prcard.counter.ledger import HISTORY_ROWS, KINDS, Ledger
from prcard.counter.metrics import Metrics
from prcard.counter.policy import Policy
from prcard.counter.presence import Presence, Stage
from prcard.counter.refusals import Refusal, RefusedError
from prcard.errors import AuditError, ReaderError, ReaderFault
from prcard.simulator.specimens import SPECIMENS, specimen
from prcard.store.audit import AuditLog, check_log
from prcard.store.audit_keys import ensure_keys
from prcard.store.profiles import load_profile

POLICY = Policy(profile=load_profile("training"), training=True)


def judged(name: str = "alice", presence: str = "p1") -> Presence:
    raw = specimen(name).card()
    at = datetime(2026, 6, 1, tzinfo=UTC)
    return Presence(
        id=presence, reader="r1", inserted_at=at, policy=POLICY, stage=Stage.JUDGED, raw=raw, verdict=POLICY.judge(raw)
    )


def test_a_verdict_is_told_counted_logged_and_remembered() -> None:
    log = io.StringIO()
    hub = Hub("run")
    ledger = Ledger(hub, Metrics(), Journal(log))
    listener = hub.listen(None, lambda: None)
    ledger.concluded(judged("goro"))
    assert listener is not None
    (event,) = listener.take()
    assert event.kind == "verdict"
    assert event.data["row"] == ledger.history()[0]
    entry = json.loads(log.getvalue())
    assert (entry["event"], entry["outcome"], entry["failed"]) == ("verdict", "FAILED", ["valid-at-moment"])
    assert 'prcard_cards_total{outcome="FAILED",training="true"} 1' in ledger.metrics.text({})


def test_a_whole_shift_leaves_no_personal_data_in_log_history_and_counts() -> None:
    log = io.StringIO()
    ledger = Ledger(Hub("run"), Metrics(), Journal(log))
    hidden = []
    for entry in SPECIMENS:
        presence = judged(entry.name, entry.name)
        ledger.concluded(presence)
        ledger.revealed(presence, ["number", "english_name"], "https://pms.example")
        whole = presence.reveal(frozenset(presence.allowed()))
        hidden += [
            whole.get(name) for name in ("number", "name", "chinese_name", "english_name", "birth_date", "address")
        ]
    kept = log.getvalue() + json.dumps(ledger.history(), ensure_ascii=False) + ledger.metrics.text({})
    assert [value for value in hidden if value and value in kept] == []


def test_an_unread_card_is_remembered_with_its_fault() -> None:
    ledger = Ledger(Hub("run"), Metrics(), Journal())
    error = ReaderError(ReaderFault.CARD_REMOVED, "It was lifted.", "Lay it down again.")
    ledger.concluded(replace(judged(), stage=Stage.UNREAD, raw=None, verdict=None, error=error))
    assert ledger.history()[0]["fault"] == "card-removed"
    assert 'prcard_unread_total{fault="card-removed"} 1' in ledger.metrics.text({})


def test_history_is_newest_first_and_bounded() -> None:
    ledger = Ledger(Hub("run"), Metrics(), Journal())
    presence = judged()
    for number in range(HISTORY_ROWS + 1):
        ledger.concluded(replace(presence, id=str(number)))
    rows = ledger.history()
    assert len(rows) == HISTORY_ROWS
    assert rows[0]["presence"] == str(HISTORY_ROWS)


def test_every_kind_says_what_it_means() -> None:
    assert all(words and not words.endswith(".") for words in KINDS.values())


def test_verdicts_and_looks_are_in_the_audit_log_before_anybody_sees_them(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    ledger = Ledger(Hub("run"), Metrics(), Journal(), AuditLog(path, ensure_keys(tmp_path / "key")))
    presence = judged("alice")
    ledger.audited(presence)
    ledger.revealed(presence, ["number"], "https://pms.example")
    ledger.captured(presence, "me")
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [entry["kind"] for entry in entries] == ["begin", "judged", "revealed", "captured"]
    assert (entries[2]["fields"], entries[2]["who"], entries[2]["where"]) == (["number"], "https://pms.example", "r1")
    assert check_log(path).problem == ""
    assert "9111" not in path.read_text(encoding="utf-8")


def test_what_cannot_be_logged_is_not_shown(tmp_path: Path) -> None:
    keys = ensure_keys(tmp_path / "key")
    ledger = Ledger(Hub("run"), Metrics(), Journal(), AuditLog(tmp_path / "missing" / "audit.log", keys))
    presence = judged("alice")
    with pytest.raises(AuditError):
        ledger.audited(presence)
    acts: list[Callable[[], None]] = [
        lambda: ledger.revealed(presence, ["number"], "me"),
        lambda: ledger.captured(presence, "me"),
    ]
    for act in acts:
        with pytest.raises(RefusedError) as refused:
            act()
        assert refused.value.refusal is Refusal.NOT_LOGGED
    assert ledger.history() == []
