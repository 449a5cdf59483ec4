"""The catalogue: complete in both languages, nothing unused."""

from __future__ import annotations

from pathlib import Path

import pytest

from prcard import acceptance
from prcard.acceptance.messages import CHECKS, OUTCOMES, OWN_REASONS, REASONS
from prcard.acceptance.verdict import CheckOutcome, EvidenceLevel, Outcome
from prcard.trust.reasons import TrustReason


def test_checks_are_numbered_without_gap() -> None:
    assert [title.number for title in CHECKS.values()] == list(range(1, len(CHECKS) + 1))


@pytest.mark.parametrize("text", [*CHECKS.values(), *REASONS.values()], ids=[*CHECKS, *REASONS])
def test_every_text_is_there_in_both_languages(text: object) -> None:
    assert not text.zh.isascii()  # type: ignore[attr-defined]  # a Title or a Reason
    assert text.en.isascii()  # type: ignore[attr-defined]
    advice = getattr(text, "advice_zh", ""), getattr(text, "advice_en", "")
    assert bool(advice[0]) == bool(advice[1])
    assert not advice[1] or advice[1].endswith(".")


def test_every_outcome_has_its_words() -> None:
    values = {member.value for kind in (Outcome, CheckOutcome, EvidenceLevel) for member in kind}
    assert set(OUTCOMES) == values
    assert all(zh and en for zh, en in OUTCOMES.values())


def test_no_reason_is_unused() -> None:
    folder = Path(acceptance.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py") if path.name != "messages.py")
    # Two are put together from the kind of photo.
    built = {"photo-blank", "photo-unknown"}
    assert not [code for code in OWN_REASONS if f'"{code}"' not in source and code not in built]


def test_no_reason_is_defined_twice() -> None:
    assert {reason.value for reason in TrustReason} & set(OWN_REASONS) == {"in-order"}
