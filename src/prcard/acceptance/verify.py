"""Verification: all checks, then the profile's word."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from prcard.acceptance.as_of import as_of, material_of_day
from prcard.acceptance.checks import Subject, evidence_check, face_compare, listed, online_check, run_checks
from prcard.acceptance.messages import CHECKS
from prcard.acceptance.outside import NOTHING_ASKED, OnlineAnswer
from prcard.acceptance.verdict import Check, CheckOutcome, EvidenceLevel, Outcome, Verdict
from prcard.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from prcard.acceptance.outside import Outside
    from prcard.acceptance.profile import Profile
    from prcard.record.raw import RawCard
    from prcard.trust.material import TrustMaterial
    from prcard.trust.verify import SecurityVerifier

__all__ = ["SIGNED_BY", "TRUST_CHECKS", "carries_signature", "conclude", "verify"]

TRUST_CHECKS = tuple(code for code, title in CHECKS.items() if 11 <= title.number <= 16)
"""Checks 11 to 16, which need trust material."""

SIGNED_BY = ("security-object", "zone-digests", "signature", "chain")
"""The checks that together show that a configured issuer signed these bytes."""

_NEEDS_TRUST = ("chain", "signer-not-revoked", "card-not-revoked")
"""What cannot be said at all without trust material; the rest can be looked at, though nobody is trusted."""

_SECURITY_OBJECT_BEGINS = b"\x77"
"""First byte of a fingerprint zone that carries a security object; see `prcard.trust.compact`."""


def verify(
    raw: RawCard,
    profile: Profile,
    at: datetime,
    trust: TrustMaterial | None = None,
    *,
    outside: Outside = NOTHING_ASKED,
    now: datetime | None = None,
) -> Verdict:
    """Judges a card for one purpose at one moment.

    Args:
        raw: What a reader read; a damaged card gives a verdict too.
        profile: The rules of the purpose.
        at: Aware moment to judge at.
        trust: Issuers, signers and lists; without them checks 14 to 16 say that they were not made, and no profile
            that requires one of them can pass.
        outside: What was asked outside the card.
        now: The present moment, when `at` is an earlier one: the verdict is then one as of `at`, uses the lists of
            that moment and says so. Choosing the profile's version of that day is up to `load_profile`.

    Raises:
        ProfileError: `at` or `now` has no offset from UTC.
    """
    for moment in (at, now):
        if moment is not None and moment.tzinfo is None:
            raise ProfileError("at: expected a moment with its offset from UTC, found one without; add the time zone")
    earlier = None
    if now is not None and at < now:
        trust = None if trust is None else material_of_day(trust, at)
        earlier = as_of(profile, at, now, trust)
    found = [*run_checks(Subject.of(raw, profile, at)), *_security_checks(raw, profile, at, trust)]
    level = _evidence_level(raw, profile, found)
    found += [evidence_check(raw, profile, level), online_check(profile, outside), face_compare(profile, outside)]
    checks = tuple(replace(check, required=_required(check, raw, profile, outside)) for check in found)
    return Verdict(
        outcome=conclude(checks),
        checks=checks,
        profile=profile.name,
        profile_version=profile.version,
        at=at,
        evidence_level=level,
        as_of=earlier,
    )


def _required(check: Check, raw: RawCard, profile: Profile, outside: Outside) -> bool:
    """Tells whether a check decides: named by the profile, or following from what it asks and what the card carries.

    A card that carries a signature is judged by it, so that none with a bad one passes for want of being asked. No
    answer of an authority that says no is passed over either.
    """
    code = check.code
    if code == "evidence":
        return bool(profile.evidence)
    if code == "online-check":
        return profile.online_required or OnlineAnswer.NO_MATCH in outside.online.values()
    if code == "face-compare":
        return profile.face_min_score > 0
    if code in profile.required:
        return True
    if code not in TRUST_CHECKS or not carries_signature(raw):
        return False
    return not (profile.allow_unchecked_signature and check.reason == "no-trust-store")


def carries_signature(raw: RawCard) -> bool:
    """Tells whether a card brings a security object, beside its zones or in its fingerprint zone."""
    return raw.security_object is not None or raw.fingerprint[:1] == _SECURITY_OBJECT_BEGINS


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
    """Makes checks 11 to 16; without trust material those that can be made all the same."""
    if trust is None and not carries_signature(raw):
        return [_no_trust(code) for code in TRUST_CHECKS]
    found = [
        Check(
            code=found.code,
            outcome=CheckOutcome[found.outcome.name],
            reason=found.reason.value,
            evidence=dict(found.evidence),
        )
        for found in _verifier(trust, profile.allow_test_issuers).verify_card(raw, at)
    ]
    if trust is not None:
        return found
    return [
        _no_trust(check.code) if check.code in _NEEDS_TRUST or check.reason == "signer-unknown" else check
        for check in found
    ]


@lru_cache(maxsize=4)
def _verifier(trust: TrustMaterial | None, allow_test_issuers: bool) -> SecurityVerifier:
    """The verifier of a trust material, which remembers the signers that it has verified."""
    # Loaded here, since certificates cost time at start-up that a verdict without them need not pay.
    from prcard.trust.material import TrustMaterial
    from prcard.trust.verify import SecurityVerifier

    return SecurityVerifier(trust or TrustMaterial(anchors=()), allow_test_issuers=allow_test_issuers)


def _no_trust(code: str) -> Check:
    return Check(code=code, outcome=CheckOutcome.NOT_CHECKED, reason="no-trust-store")


def _evidence_level(raw: RawCard, profile: Profile, checks: Sequence[Check]) -> EvidenceLevel:
    """Names who vouches for the bytes: an issuer by a signature that holds, else a listed reader, else nobody."""
    passed = {check.code for check in checks if check.outcome is CheckOutcome.PASSED}
    if passed.issuperset(SIGNED_BY):
        return EvidenceLevel.ISSUER_SIGNED
    return EvidenceLevel.READER_ATTESTED if listed(raw, profile) else EvidenceLevel.UNATTESTED
