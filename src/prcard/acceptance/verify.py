"""Verification: all checks, then the profile's word."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from prcard.acceptance.checks import Subject, listed, run_checks
from prcard.acceptance.messages import CHECKS
from prcard.acceptance.verdict import Check, CheckOutcome, EvidenceLevel, Outcome, Verdict
from prcard.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from prcard.acceptance.profile import Profile
    from prcard.record.raw import RawCard

__all__ = ["TRUST_CHECKS", "conclude", "verify"]

TRUST_CHECKS = tuple(code for code, title in CHECKS.items() if title.number > 10)
"""Checks 11 to 16, which need trust material."""


def verify(raw: RawCard, profile: Profile, at: datetime, trust: object | None = None) -> Verdict:
    """Judges a card for one purpose at one moment.

    Args:
        raw: What a reader read; a damaged card gives a verdict too.
        profile: The rules of the purpose.
        at: Aware moment to judge at.
        trust: Trust material. Signatures are not checked yet: checks 11 to 16 say so, and no profile that requires one
            of them can pass.

    Raises:
        ProfileError: `at` has no offset from UTC.
    """
    if at.tzinfo is None:
        raise ProfileError("at: expected a moment with its offset from UTC, found one without; add the time zone")
    del trust  # No check takes it yet; see the docstring.
    found = [*run_checks(Subject.of(raw, profile, at)), *_not_checked()]
    checks = tuple(replace(check, required=check.code in profile.required) for check in found)
    return Verdict(
        outcome=conclude(checks),
        checks=checks,
        profile=profile.name,
        profile_version=profile.version,
        at=at,
        evidence_level=EvidenceLevel.READER_ATTESTED if listed(raw, profile) else EvidenceLevel.UNATTESTED,
    )


def conclude(checks: Sequence[Check]) -> Outcome:
    """Gives the bottom line of checks: one required FAILED fails; one required that is not good leaves it open.

    No required check at all is never PASSED.
    """
    required = [check for check in checks if check.required]
    if any(check.outcome is CheckOutcome.FAILED for check in required):
        return Outcome.FAILED
    if not required or not all(check.good for check in required):
        return Outcome.INDETERMINATE
    return Outcome.PASSED


def _not_checked() -> list[Check]:
    return [Check(code=code, outcome=CheckOutcome.NOT_CHECKED, reason="no-trust-store") for code in TRUST_CHECKS]
