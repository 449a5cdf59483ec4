"""Verdicts as text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from prcard.acceptance.messages import CHECKS
from prcard.acceptance.profile import Profile
from prcard.acceptance.render import render
from prcard.acceptance.verify import verify
from prcard.record.raw import RawCard

MakeCard = Callable[..., RawCard]


def test_the_outcome_comes_first_then_every_check(card: MakeCard, training: Profile, now: datetime) -> None:
    lines = list(render(verify(card(), training, now), "en"))
    assert lines[0].startswith("PASSED (training, 2026-06-01T04:00:00")
    assert lines[1] == "Evidence: nobody vouches for the data"
    assert len(lines) == 2 + len(CHECKS)
    assert "(not required)" in lines[-1]


def test_advice_stands_under_what_is_not_good(card: MakeCard, training: Profile, now: datetime) -> None:
    lines = list(render(verify(card("goro"), training, now), "en"))
    at = next(at for at, line in enumerate(lines) if "has expired" in line)
    assert lines[at].startswith("  ✗  7 ")
    assert lines[at + 1].strip() == "→ Ask the holder for a valid card."


def test_the_same_in_chinese(card: MakeCard, training: Profile, now: datetime) -> None:
    text = "\n".join(render(verify(card("goro"), training, now), "zh"))
    assert text.startswith("不通过：已过期 (training")
    assert "证件已过期" in text
    assert "请持证人换领证件。" in text
    assert "本方案不要求" in text
