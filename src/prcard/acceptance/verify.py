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
    from prcard.trust.material import TrustMaterial

__all__ = ["SIGNED_BY", "TRUST_CHECKS", "conclude", "verify"]

TRUST_CHECKS = tuple(code for code, title in CHECKS.items() if title.number > 10)
"""Checks 11 to 16, which need trust material."""

SIGNED_BY = ("security-object", "zone-digests", "signature", "chain")
"""The checks that together show that a configured issuer signed these bytes."""


def verify(raw: RawCard, profile: Profile, at: datetime, trust: TrustMaterial | None = None) -> Verdict:
    """Judges a card for one purpose at one moment.

    Args:
        raw: What a reader read; a damaged card gives a verdict too.
        profile: The rules of the purpose.
        at: Aware moment to judge at.
        trust: Issuers, signers and lists; without them checks 11 to 16 say that they were not made, and no profile
            that requires one of them can pass.

    Raises:
        ProfileError: `at` has no offset from UTC.
    """
    if at.tzinfo is None:
        raise ProfileError("at: expected a moment with its offset from UTC, found one without; add the time zone")
    found = [*run_checks(Subject.of(raw, profile, at)), *_security_checks(raw, profile, at, trust)]
    checks = tuple(replace(check, required=check.code in profile.required) for check in found)
    return Verdict(
        outcome=conclude(checks),
        checks=checks,
        profile=profile.name,
        profile_version=profile.version,
        at=at,
        evidence_level=_evidence_level(raw, profile, checks),
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


def _security_checks(raw: RawCard, profile: Profile, at: datetime, trust: TrustMaterial | None) -> list[Check]:
    """Makes checks 11 to 16."""
    if trust is None:
        return [Check(code=code, outcome=CheckOutcome.NOT_CHECKED, reason="no-trust-store") for code in TRUST_CHECKS]
    # Loaded here, since certificates cost time at start-up that a verdict without them need not pay.
    from prcard.trust.verify import SecurityVerifier

    verifier = SecurityVerifier(trust, allow_test_issuers=profile.allow_test_issuers)
    return [
        Check(
            code=found.code,
            outcome=CheckOutcome[found.outcome.name],
            reason=found.reason.value,
            evidence=dict(found.evidence),
        )
        for found in verifier.verify_card(raw, at)
    ]


def _evidence_level(raw: RawCard, profile: Profile, checks: Sequence[Check]) -> EvidenceLevel:
    """Names who vouches for the bytes: an issuer by a signature that holds, else a listed reader, else nobody."""
    passed = {check.code for check in checks if check.outcome is CheckOutcome.PASSED}
    if passed.issuperset(SIGNED_BY):
        return EvidenceLevel.ISSUER_SIGNED
    return EvidenceLevel.READER_ATTESTED if listed(raw, profile) else EvidenceLevel.UNATTESTED
