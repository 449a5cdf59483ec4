"""The reference page of the checks."""

from __future__ import annotations

from prcard.acceptance.messages import CHECKS, REASONS
from prcard.acceptance.reference import checks_reference


def test_every_check_and_reason_has_its_row() -> None:
    page = checks_reference()
    for code, title in CHECKS.items():
        assert f"| {title.number} | `{code}` | {title.en} | {title.zh} | {title.rule_en} |" in page
    for code in REASONS:
        assert f"| `{code}` |" in page
