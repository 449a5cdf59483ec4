"""What a code of a verdict means: checks, reasons, indications, outcomes and kinds of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from prcard.acceptance.indications import Indication, indication_of
from prcard.acceptance.messages import CHECKS, OUTCOMES, REASONS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Explanation", "close_codes", "explain_code", "explanations"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What one code means.

    Attributes:
        code: The code.
        kind: `check`, `reason`, `indication`, `outcome`, or what the caller adds.
        zh: Meaning in Chinese.
        en: Meaning in English.
        advice_zh: What to do, in Chinese; "" when there is nothing to do.
        advice_en: What to do, in English.
        more: Further facts by name.
    """

    code: str
    kind: str
    zh: str
    en: str
    advice_zh: str = ""
    advice_en: str = ""
    more: tuple[tuple[str, str], ...] = ()


def explanations() -> Iterator[Explanation]:
    """Gives every code of a verdict with its meaning; some stand for two things and come twice."""
    for code, title in CHECKS.items():
        rule = (("rule_zh", title.rule_zh), ("rule_en", title.rule_en), ("source", title.source))
        more = (("number", str(title.number)), *rule)
        yield Explanation(code=code, kind="check", zh=title.zh, en=title.en, more=more)
    for code, reason in REASONS.items():
        kind = indication_of(code)
        yield Explanation(
            code=code,
            kind="reason",
            zh=reason.zh,
            en=reason.en,
            advice_zh=reason.advice_zh,
            advice_en=reason.advice_en,
            more=(("indication", kind.value),),
        )
    for indication in Indication:
        etsi = (("etsi", indication.etsi),) if indication.etsi else ()
        yield Explanation(code=indication.value, kind="indication", zh=indication.zh, en=indication.en, more=etsi)
    for code, (zh, en) in OUTCOMES.items():
        yield Explanation(code=code, kind="outcome", zh=zh, en=en)


def explain_code(code: str) -> list[Explanation]:
    """Gives the meanings of a code; a check and its reason may be joined as in an audit log, `check:reason`."""
    parts = code.split(":", 1) if ":" in code else [code]
    return [found for part in parts for found in explanations() if found.code.lower() == part.strip().lower()]


def close_codes(code: str) -> list[str]:
    """Gives codes that look like one that is none."""
    return get_close_matches(code, sorted({found.code for found in explanations()}), n=5, cutoff=0.5)
