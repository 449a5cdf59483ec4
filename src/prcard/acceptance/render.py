"""A verdict as lines of text, in Chinese or English, and as one line for logs and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prcard.acceptance.messages import CHECKS, OUTCOMES, REASONS
from prcard.acceptance.verdict import CheckOutcome, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prcard.acceptance.verdict import Check, Verdict

__all__ = ["MARKS", "as_of_lines", "render", "render_line"]

MARKS: Final = {
    CheckOutcome.PASSED: "✓",
    CheckOutcome.NOTED: "!",
    CheckOutcome.FAILED: "✗",
    CheckOutcome.INDETERMINATE: "?",
    CheckOutcome.NOT_CHECKED: "–",
}
"""Outcome of a check -> the sign that stands for it beside its words."""


def render(verdict: Verdict, lang: str) -> Iterator[str]:
    """Gives the verdict line by line: outcome, who vouches, then each check with reason and advice.

    Args:
        verdict: What to tell.
        lang: `zh` or `en`.
    """
    zh = lang == "zh"
    pick = 0 if zh else 1
    outcome = OUTCOMES[verdict.outcome.value][pick]
    if verdict.outcome is not Outcome.PASSED:
        kind = verdict.indication.zh if zh else verdict.indication.en
        outcome += f"：{kind}" if zh else f": {kind}"
    yield f"{outcome} ({verdict.profile}, {verdict.at.isoformat(timespec='seconds')})"
    yield ("来源证明：" if zh else "Evidence: ") + OUTCOMES[verdict.evidence_level.value][pick]
    yield from as_of_lines(verdict, lang)
    for check in verdict.checks:
        yield _line(check, zh=zh)
        reason = REASONS[check.reason]
        advice = reason.advice_zh if zh else reason.advice_en
        if advice and check.required and not check.good:
            yield f"        → {advice}"
            if check.code == "evidence" and check.evidence.get("sam_id"):
                yield f"          sam_id {check.evidence['sam_id']}"


def render_line(verdict: Verdict) -> str:
    """Gives the verdict on one line: outcome, kind, profile, moment, evidence, and the checks that decided.

    The words are the codes of the JSON form, the same in every language.
    """
    decisive = " ".join(f"{check.code}:{check.reason}" for check in (*verdict.failed, *verdict.open))
    words = (
        verdict.outcome.value,
        verdict.indication.value,
        f"{verdict.profile}/{verdict.profile_version}",
        verdict.at.isoformat(timespec="seconds"),
        verdict.evidence_level.value,
        *([f"as-of-judged-at={verdict.as_of.judged_at.isoformat(timespec='seconds')}"] if verdict.as_of else []),
        decisive,
    )
    return " ".join(word for word in words if word)


def as_of_lines(verdict: Verdict, lang: str) -> Iterator[str]:
    """Says with what a verdict as of an earlier day was judged; nothing for one of the present."""
    earlier = verdict.as_of
    if earlier is None:
        return
    zh = lang == "zh"
    judged = earlier.judged_at.isoformat(timespec="seconds")
    begin = earlier.applies_from
    if zh:
        yield f"按早前时刻判定（判定于 {judged}），方案版本 {verdict.profile_version}，自 {begin} 起适用"
    else:
        yield f"As of that moment; judged at {judged}, by profile version {verdict.profile_version} from {begin}"
    if not earlier.profile_of_that_day:
        yield (
            "  ! 没有当日的方案版本，使用了最早的版本"
            if zh
            else "  ! No version of that day is kept; the oldest was used"
        )
    if earlier.later_tables:
        names = ", ".join(earlier.later_tables)
        yield (
            f"  ! 当日版本未知的代码表：{names}" if zh else f"  ! Tables not known for that day, today's used: {names}"
        )
    for kind, number, moment in earlier.lists:
        yield f"  {kind} {number}, {moment.isoformat(timespec='seconds')}"


def _line(check: Check, *, zh: bool) -> str:
    title, reason = CHECKS[check.code], REASONS[check.reason]
    text = f"{title.zh}：{reason.zh}" if zh else f"{title.en}: {reason.en}"
    optional = "" if check.required else ("（本方案不要求）" if zh else " (not required)")
    return f"  {MARKS[check.outcome]} {check.number:2d} {text}{optional}"
