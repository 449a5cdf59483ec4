"""The bottom line."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.acceptance.profile import Profile
from prcard.acceptance.verdict import Check, CheckOutcome, EvidenceLevel, Outcome
from prcard.acceptance.verify import TRUST_CHECKS, conclude, verify
from prcard.errors import ProfileError
from prcard.record.raw import RawCard
from prcard.simulator.specimens import SPECIMENS

MakeCard = Callable[..., RawCard]


@pytest.mark.parametrize("entry", SPECIMENS, ids=lambda entry: entry.name)
def test_specimens_are_good_in_training_but_the_expired_one(
    entry: object, training: Profile, counter: Profile, now: datetime
) -> None:
    raw = entry.card()  # type: ignore[attr-defined]  # a Specimen
    verdict = verify(raw, training, now)
    if entry.name == "goro":  # type: ignore[attr-defined]
        assert (verdict.outcome, [check.reason for check in verdict.failed]) == (Outcome.FAILED, ["expired"])
    else:
        assert verdict.outcome is Outcome.PASSED
        assert verdict.failed == verdict.open == ()
    assert verdict.evidence_level is EvidenceLevel.UNATTESTED
    assert verify(raw, counter, now).outcome is Outcome.FAILED


def test_a_real_card_cannot_pass_where_signatures_are_required(real: MakeCard, counter: Profile, now: datetime) -> None:
    known = replace(counter, sam_allow_list=("05.01-*",))
    verdict = verify(real(), known, now)
    assert verdict.outcome is Outcome.INDETERMINATE
    assert verdict.failed == ()
    assert tuple(check.code for check in verdict.open) == TRUST_CHECKS
    assert {check.reason for check in verdict.open} == {"no-trust-store"}


def test_a_real_card_on_a_listed_reader_passes_where_that_is_enough(
    real: MakeCard, counter: Profile, now: datetime
) -> None:
    enough = replace(
        counter, sam_allow_list=("05.01-*",), required=tuple(c for c in counter.required if c not in TRUST_CHECKS)
    )
    verdict = verify(real(), enough, now)
    assert verdict.outcome is Outcome.PASSED
    assert verdict.evidence_level is EvidenceLevel.READER_ATTESTED


def test_the_moment_must_have_its_time_zone(card: MakeCard, training: Profile, now: datetime) -> None:
    with pytest.raises(ProfileError, match="time zone"):
        verify(card(), training, now.replace(tzinfo=None))


def test_an_empty_list_of_checks_never_passes() -> None:
    assert conclude([]) is Outcome.INDETERMINATE
    assert conclude([Check(code="signature", outcome=CheckOutcome.PASSED, reason="in-order")]) is Outcome.INDETERMINATE


@pytest.mark.parametrize("outcomes", list(itertools.product(CheckOutcome, repeat=2)))
def test_one_required_check_decides(outcomes: tuple[CheckOutcome, CheckOutcome]) -> None:
    checks = [Check(code="signature", outcome=outcome, reason="in-order", required=True) for outcome in outcomes]
    expected = Outcome.PASSED
    if not set(outcomes) <= {CheckOutcome.PASSED, CheckOutcome.NOTED}:
        expected = Outcome.INDETERMINATE
    if CheckOutcome.FAILED in outcomes:
        expected = Outcome.FAILED
    assert conclude(checks) is expected
    ignored = Check(code="chain", outcome=CheckOutcome.FAILED, reason="in-order")
    assert conclude([*checks, ignored]) is expected


@given(st.integers(0, 255), st.integers(1, 255))
def test_law_a_changed_byte_of_the_number_or_a_date_never_passes_unseen(at: int, change: int) -> None:
    """Law: whatever byte of the text changes, there is a verdict; in the number's digits it is never PASSED."""
    from prcard.store.profiles import load_profile

    raw = SPECIMENS[0].card()
    text = bytearray(raw.text)
    text[at] ^= change
    verdict = verify(
        replace(raw, text=bytes(text)), load_profile("training"), datetime.fromisoformat("2026-06-01T12:00:00+08:00")
    )
    if 122 <= at < 158 or 36 <= at < 52:
        assert verdict.outcome is Outcome.FAILED
