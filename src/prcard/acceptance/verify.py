"""Verification: all checks, then the profile's word."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
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
    from prcard.trust.verify import SecurityVerifier

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
            that requires one of them can pass. With them, a security object that the card carries must hold, whatever
            the profile requires: a forged one is never good.

    Raises:
        ProfileError: `at` has no offset from UTC.
    """
    if at.tzinfo is None:
        raise ProfileError("at: expected a moment with its offset from UTC, found one without; add the time zone")
    found = [*run_checks(Subject.of(raw, profile, at)), *_security_checks(raw, profile, at, trust)]
    signed = trust is not None and _carries_security_object(raw)
    checks = tuple(replace(check, required=_decides(check, profile, signed=signed)) for check in found)
    return Verdict(
        outcome=conclude(checks),
        checks=checks,
        profile=profile.name,
        profile_version=profile.version,
        at=at,
        evidence_level=_evidence_level(raw, profile, checks),
    )


def _carries_security_object(raw: RawCard) -> bool:
    """Tells whether a security object came beside the zones or in the fingerprint zone, well-formed or not."""
    return raw.security_object is not None or raw.fingerprint[:1] == b"\x77"


def _decides(check: Check, profile: Profile, *, signed: bool) -> bool:
    """Tells whether a check counts: the profile requires it, or it concerns the signature of a card that has one.

    Lists that are missing or old leave such a card open only where the profile requires them; one that names the card
    or its signer always counts.
    """
    if check.code in profile.required or not signed:
        return check.code in profile.required
    return check.code in SIGNED_BY or (check.code in TRUST_CHECKS and check.outcome is CheckOutcome.FAILED)


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
    return [
        Check(
            code=found.code,
            outcome=CheckOutcome[found.outcome.name],
            reason=found.reason.value,
            evidence=dict(found.evidence),
        )
        for found in _verifier(trust, profile.allow_test_issuers).verify_card(raw, at)
    ]


@lru_cache(maxsize=4)
def _verifier(trust: TrustMaterial, allow_test_issuers: bool) -> SecurityVerifier:
    """The verifier of a trust material, which remembers the signers that it has verified."""
    # Loaded here, since certificates cost time at start-up that a verdict without them need not pay.
    from prcard.trust.verify import SecurityVerifier

    return SecurityVerifier(trust, allow_test_issuers=allow_test_issuers)


def _evidence_level(raw: RawCard, profile: Profile, checks: Sequence[Check]) -> EvidenceLevel:
    """Names who vouches for the bytes: an issuer by a signature that holds, else a listed reader, else nobody."""
    passed = {check.code for check in checks if check.outcome is CheckOutcome.PASSED}
    if passed.issuperset(SIGNED_BY):
        return EvidenceLevel.ISSUER_SIGNED
    return EvidenceLevel.READER_ATTESTED if listed(raw, profile) else EvidenceLevel.UNATTESTED
