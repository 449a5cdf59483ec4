"""The training desk: specimens of a test issuer on virtual readers, and what can go wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from prcard.counter.training import FAULTS, TrainingDesk
from prcard.errors import ReaderError, RecordError
from prcard.simulator.faces import TCPFace
from prcard.simulator.specimens import SPECIMENS

REASONS = {
    "damaged-card": "number-check-digit",
    "tampered-photo": "zone-digests",
    "unknown-edition": "text-decodes",
}


@pytest.mark.parametrize("name", [entry.name for entry in SPECIMENS if entry.name != "goro"])
def test_a_specimen_is_signed_and_accepted_in_training(clean: Any, name: str) -> None:
    clean.insert(name)
    verdict = clean.card()["verdict"]
    assert (verdict["outcome"], verdict["failed"], verdict["open"]) == ("PASSED", [], [])
    assert verdict["profile"] == "training"
    assert verdict["evidence_level"] == "issuer-signed"


@pytest.mark.parametrize("fault", REASONS)
@pytest.mark.parametrize("name", ["alice", "bob", "ivan"])
def test_a_spoiled_card_fails_for_its_own_reason(clean: Any, fault: str, name: str) -> None:
    clean.desk.inject(clean.uri(), fault, name)
    verdict = clean.card()["verdict"]
    assert verdict["outcome"] == "FAILED"
    assert REASONS[fault] in verdict["failed"]


@pytest.mark.parametrize(("fault", "reason"), [("lifted-early", "card-removed"), ("refused-card", "card-refused")])
def test_a_reading_that_goes_wrong_says_why(clean: Any, fault: str, reason: str) -> None:
    clean.desk.inject(clean.uri(), fault, "alice")
    assert clean.card(stage="unread")["error"]["fault"] == reason


def test_a_noisy_line_is_read_all_the_same(clean: Any) -> None:
    clean.desk.inject(clean.uri(), "noisy-line", "alice")
    assert clean.card()["verdict"]["outcome"] == "PASSED"


def test_an_unplugged_reader_comes_back(clean: Any, wait_until: Callable[..., Any]) -> None:
    station = clean.counter.stations[0]
    clean.desk.inject(clean.uri(), "unplugged", "alice")
    clean.desk.inject(clean.uri(), "unplugged", "alice")
    wait_until(lambda: station.state.value == "lost")
    wait_until(lambda: station.state.value == "ready")


def test_every_fault_is_worded_in_both_languages() -> None:
    assert all(zh and en for zh, en in FAULTS.values())


def test_an_unknown_specimen_is_refused(clean: Any) -> None:
    with pytest.raises(RecordError, match="expected one of alice"):
        clean.desk.insert(clean.uri(), "nobody")


def test_nothing_stays_open_when_a_reader_cannot_be_served(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[TCPFace] = []
    real = TCPFace.open

    def second_fails(face: TCPFace) -> Any:
        if opened:
            raise ReaderError.__new__(ReaderError)
        opened.append(face)
        return real(face)

    monkeypatch.setattr(TCPFace, "open", second_fails)
    desk = TrainingDesk(2)
    with pytest.raises(ReaderError):
        desk.start()
    desk.stop()
    assert opened[0].listener() is None
