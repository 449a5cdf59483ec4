"""The stand-in; how it is asked is tested where asking is."""

from __future__ import annotations

from datetime import date

from prcard.acceptance.outside import OnlineAnswer
from prcard.simulator.online import OnlineStandIn
from prcard.simulator.specimens import specimen


def test_it_answers_as_it_was_told_and_says_that_it_is_a_stand_in() -> None:
    service = OnlineStandIn({"real-name": OnlineAnswer.NOT_AVAILABLE})
    assert service.simulated
    assert service.real_name("a", "1", date(2000, 1, 1)) is OnlineAnswer.NOT_AVAILABLE
    assert service.real_person("1", b"") is OnlineAnswer.MATCH
    assert service.chip_reading(specimen("alice").card()) is OnlineAnswer.MATCH
    assert service.asked == ["real-name", "real-person", "chip-reading"]
