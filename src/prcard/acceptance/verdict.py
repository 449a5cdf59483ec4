"""The verdict: PASSED, FAILED or INDETERMINATE, with every check that led to it.

Source: outcomes as in ETSI EN 319 102-1, clause 5.1.3; the reasons are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, unique
from typing import TYPE_CHECKING, Any, NoReturn

from prcard.acceptance.indications import Indication, indication_of
from prcard.acceptance.messages import BRANCHES, CHECKS, REASONS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from prcard.acceptance.as_of import AsOf

__all__ = ["Branch", "Check", "CheckOutcome", "EvidenceLevel", "Outcome", "Verdict"]


@unique
class Outcome(Enum):
    """What a whole verdict says."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    INDETERMINATE = "INDETERMINATE"


@unique
class CheckOutcome(Enum):
    """What one check says. NOTED is good with a remark; NOT_CHECKED is never good."""

    PASSED = "PASSED"
    NOTED = "NOTED"
    FAILED = "FAILED"
    INDETERMINATE = "INDETERMINATE"
    NOT_CHECKED = "NOT_CHECKED"


@unique
class EvidenceLevel(Enum):
    """Who vouches for the bytes; kept apart from whether they are in order.

    Attributes:
        ISSUER_SIGNED: Our configured issuer signed them. It never shows that the state issued a card.
        READER_ATTESTED: A reader whose SAM is on the profile's list read them.
        UNATTESTED: Nobody.
    """

    ISSUER_SIGNED = "issuer-signed"
    READER_ATTESTED = "reader-attested"
    UNATTESTED = "unattested"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check and what it found.

    Attributes:
        code: Which check, a key of `messages.CHECKS`.
        outcome: What it says.
        reason: Why, a key of `messages.REASONS`.
        evidence: What was looked at, by name; holds no personal data.
        required: True when the profile asks for this check.
    """

    code: str
    outcome: CheckOutcome
    reason: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    required: bool = False

    @property
    def number(self) -> int:
        """Place in the list of checks, from 1."""
        return CHECKS[self.code].number

    @property
    def good(self) -> bool:
        """True for PASSED and NOTED."""
        return self.outcome in {CheckOutcome.PASSED, CheckOutcome.NOTED}

    @property
    def indication(self) -> Indication:
        """What its reason amounts to."""
        return indication_of(self.reason)

    def to_document(self) -> dict[str, Any]:
        """The JSON form, with rule, texts and advice in Chinese and English."""
        title, reason = CHECKS[self.code], REASONS[self.reason]
        return {
            "number": self.number,
            "code": self.code,
            "outcome": self.outcome.value,
            "required": self.required,
            "reason": self.reason,
            "indication": self.indication.value,
            "rule_zh": title.rule_zh,
            "rule_en": title.rule_en,
            "source": title.source,
            "zh": f"{title.zh}：{reason.zh}",
            "en": f"{title.en}: {reason.en}",
            "advice_zh": reason.advice_zh,
            "advice_en": reason.advice_en,
            "evidence": dict(self.evidence),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One branch of the tree of checks: a question, and the checks that answer it.

    Attributes:
        code: Which branch, a key of `messages.BRANCHES`.
        checks: Its checks in order.
    """

    code: str
    checks: tuple[Check, ...]

    @property
    def outcome(self) -> CheckOutcome:
        """What its required checks say together; NOT_CHECKED when the profile requires none of them."""
        required = [check for check in self.checks if check.required]
        if not required:
            return CheckOutcome.NOT_CHECKED
        order = (CheckOutcome.FAILED, CheckOutcome.INDETERMINATE, CheckOutcome.NOT_CHECKED, CheckOutcome.NOTED)
        return next((worst for worst in order if any(c.outcome is worst for c in required)), CheckOutcome.PASSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What may be said of a card for one profile at one moment. It has no truth value: compare `outcome`.

    Attributes:
        outcome: The bottom line.
        checks: Every check in order, also those that were not made.
        profile: Name of the profile.
        profile_version: Its version.
        at: The moment that was judged.
        evidence_level: Who vouches for the bytes.
        as_of: What it was judged with, when it is one as of an earlier day.
    """

    outcome: Outcome
    checks: tuple[Check, ...]
    profile: str
    profile_version: str
    at: datetime
    evidence_level: EvidenceLevel
    as_of: AsOf | None = None

    def __bool__(self) -> NoReturn:
        raise TypeError("a verdict has no truth value: compare verdict.outcome with Outcome.PASSED")

    @property
    def failed(self) -> tuple[Check, ...]:
        """The required checks that are not in order."""
        return tuple(check for check in self.checks if check.required and check.outcome is CheckOutcome.FAILED)

    @property
    def open(self) -> tuple[Check, ...]:
        """The required checks that could not be made or could not decide."""
        return tuple(check for check in self.checks if check.required and not check.good and check not in self.failed)

    @property
    def indication(self) -> Indication:
        """What decided: the kind of the first required check that is not good; in order when there is none."""
        decisive = (*self.failed, *self.open)
        return decisive[0].indication if decisive else Indication.IN_ORDER

    @property
    def tree(self) -> tuple[Branch, ...]:
        """The checks by the question that they answer."""
        by_code = {check.code: check for check in self.checks}
        return tuple(
            Branch(code=code, checks=tuple(by_code[check] for check in branch.checks if check in by_code))
            for code, branch in BRANCHES.items()
        )

    def to_document(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "outcome": self.outcome.value,
            "indication": self.indication.value,
            "profile": self.profile,
            "profile_version": self.profile_version,
            "at": self.at.isoformat(),
            "evidence_level": self.evidence_level.value,
            "failed": [check.code for check in self.failed],
            "open": [check.code for check in self.open],
            "as_of": None if self.as_of is None else self.as_of.to_document(),
            "tree": [
                {
                    "code": branch.code,
                    "zh": BRANCHES[branch.code].zh,
                    "en": BRANCHES[branch.code].en,
                    "outcome": branch.outcome.value,
                    "checks": [check.code for check in branch.checks],
                }
                for branch in self.tree
            ],
            "checks": [check.to_document() for check in self.checks],
        }
