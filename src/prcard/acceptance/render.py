"""A verdict as lines of text, in Chinese or English."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prcard.acceptance.messages import CHECKS, OUTCOMES, REASONS
from prcard.acceptance.verdict import CheckOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prcard.acceptance.verdict import Check, Verdict

__all__ = ["render"]

_MARKS = {
    CheckOutcome.PASSED: "✓",
    CheckOutcome.NOTED: "!",
    CheckOutcome.FAILED: "✗",
    CheckOutcome.INDETERMINATE: "?",
    CheckOutcome.NOT_CHECKED: "–",
}


def render(verdict: Verdict, lang: str) -> Iterator[str]:
    """Gives the verdict line by line: outcome, who vouches, then each check with reason and advice.

    Args:
        verdict: What to tell.
        lang: `zh` or `en`.
    """
    zh = lang == "zh"
    pick = 0 if zh else 1
    yield f"{OUTCOMES[verdict.outcome.value][pick]} ({verdict.profile}, {verdict.at.isoformat(timespec='seconds')})"
    yield ("来源证明：" if zh else "Evidence: ") + OUTCOMES[verdict.evidence_level.value][pick]
    for check in verdict.checks:
        yield _line(check, zh=zh)
        reason = REASONS[check.reason]
        advice = reason.advice_zh if zh else reason.advice_en
        if advice and check.required and not check.good:
            yield f"        → {advice}"


def _line(check: Check, *, zh: bool) -> str:
    title, reason = CHECKS[check.code], REASONS[check.reason]
    text = f"{title.zh}：{reason.zh}" if zh else f"{title.en}: {reason.en}"
    optional = "" if check.required else ("（本方案不要求）" if zh else " (not required)")
    return f"  {_MARKS[check.outcome]} {check.number:2d} {text}{optional}"
