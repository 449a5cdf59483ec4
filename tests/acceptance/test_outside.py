"""What is asked outside: exactly three calls, three answers, and a score without a picture."""

from __future__ import annotations

import inspect

import pytest

from prcard.acceptance.outside import NOTHING_ASKED, ONLINE_CALLS, FaceComparison, OnlineAnswer, OnlineCheck
from prcard.errors import RecordError
from prcard.simulator.online import OnlineStandIn


def test_there_are_exactly_three_calls_and_three_answers() -> None:
    calls = {
        name.replace("_", "-") for name, _ in inspect.getmembers(OnlineCheck, inspect.isfunction) if name[0] != "_"
    }
    assert calls == set(ONLINE_CALLS)
    assert {answer.value for answer in OnlineAnswer} == {"match", "no-match", "not-available"}
    service: OnlineCheck = OnlineStandIn()
    assert service.simulated


def test_a_face_comparison_is_a_score_and_an_id() -> None:
    assert list(FaceComparison.__slots__) == ["score", "evidence_id"]
    FaceComparison(score=1, evidence_id="box:2026.1_a-b")


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_what_is_no_score(score: float) -> None:
    with pytest.raises(RecordError, match="score"):
        FaceComparison(score=score, evidence_id="a")


@pytest.mark.parametrize("evidence_id", ["", "a b", "样本", "x" * 65, "a\n"])
def test_an_id_holds_no_name(evidence_id: str) -> None:
    with pytest.raises(RecordError, match="evidence_id"):
        FaceComparison(score=0.5, evidence_id=evidence_id)


def test_nothing_asked_is_nothing() -> None:
    assert (dict(NOTHING_ASKED.online), NOTHING_ASKED.face, NOTHING_ASKED.simulated) == ({}, None, False)
