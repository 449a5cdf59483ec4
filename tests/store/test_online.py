"""Asking online: a hard limit of time, and nothing but a match is a match."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from prcard.acceptance.outside import ONLINE_CALLS, FaceComparison, OnlineAnswer
from prcard.simulator.online import OnlineStandIn
from prcard.simulator.specimens import specimen
from prcard.store.online import ask_online

CARD = specimen("alice").card()


def test_answers_are_handed_on() -> None:
    service = OnlineStandIn({"real-person": OnlineAnswer.NO_MATCH})
    face = FaceComparison(score=0.5, evidence_id="a")
    found = ask_online(service, CARD, ONLINE_CALLS, portrait=b"x", face=face)
    assert found.online == {
        "real-name": OnlineAnswer.MATCH,
        "real-person": OnlineAnswer.NO_MATCH,
        "chip-reading": OnlineAnswer.MATCH,
    }
    assert found.simulated
    assert found.face is face
    assert sorted(service.asked) == sorted(ONLINE_CALLS)


def test_a_service_that_hangs_is_not_available() -> None:
    service = OnlineStandIn(hang=True)
    found = ask_online(service, CARD, ONLINE_CALLS, portrait=b"x", timeout_s=0.05)
    service.release()
    assert found.online == dict.fromkeys(ONLINE_CALLS, OnlineAnswer.NOT_AVAILABLE)


class Broken:
    """A service that errs in every way."""

    simulated = False

    def real_name(self, name: str, number: str, birth_date: date) -> Any:
        raise RuntimeError(name, number)

    def real_person(self, number: str, portrait: bytes) -> Any:
        return True

    def chip_reading(self, card: Any) -> Any:
        raise SystemExit


def test_an_error_or_an_answer_that_is_none_is_not_available(capsys: pytest.CaptureFixture[str]) -> None:
    found = ask_online(Broken(), CARD, ONLINE_CALLS, portrait=b"x", timeout_s=5)
    assert found.online == dict.fromkeys(ONLINE_CALLS, OnlineAnswer.NOT_AVAILABLE)
    assert not found.simulated
    assert "911124198504120021" not in "".join(capsys.readouterr())


def test_what_cannot_be_asked_is_not_available() -> None:
    service = OnlineStandIn()
    assert ask_online(service, CARD, ["real-person"]).online == {"real-person": OnlineAnswer.NOT_AVAILABLE}
    broken = replace(CARD, text=b"")
    assert ask_online(service, broken, ["real-name"]).online == {"real-name": OnlineAnswer.NOT_AVAILABLE}
    assert ask_online(service, broken, ["chip-reading"]).online == {"chip-reading": OnlineAnswer.MATCH}
    assert service.asked == ["chip-reading"]


@pytest.mark.parametrize(("name", "asked"), [("alice", "SPECIMEN, ALICE"), ("chen", "样本陈")])
def test_the_name_that_is_asked_about_is_the_one_on_the_card(name: str, asked: str) -> None:
    names = []

    class Named(OnlineStandIn):
        def real_name(self, name: str, number: str, birth_date: date) -> OnlineAnswer:
            names.append(name)
            return OnlineAnswer.MATCH

    ask_online(Named(), specimen(name).card(), ["real-name"])
    assert names == [asked]


def test_there_is_no_fourth_call() -> None:
    with pytest.raises(ValueError, match="real-name, real-person, chip-reading"):
        ask_online(OnlineStandIn(), CARD, ["everything"])
