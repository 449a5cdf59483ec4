"""The bottom line."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from prcard.acceptance.indications import Indication
from prcard.acceptance.profile import Profile
from prcard.acceptance.verdict import Check, CheckOutcome, EvidenceLevel, Outcome
from prcard.acceptance.verify import TRUST_CHECKS, conclude, verify
from prcard.errors import ProfileError
from prcard.record.raw import RawCard
from prcard.simulator.specimens import SPECIMENS
from prcard.store.profiles import load_profile, profile_names
from prcard.trust.material import TrustMaterial, load_material

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
    strict = replace(counter, sam_allow_list=("05.01-*",), required=(*counter.required, *TRUST_CHECKS))
    verdict = verify(real(), strict, now)
    assert verdict.outcome is Outcome.INDETERMINATE
    assert verdict.failed == ()
    assert tuple(check.code for check in verdict.open) == TRUST_CHECKS
    assert {check.reason for check in verdict.open} == {"no-trust-store"}
    assert verdict.indication is Indication.NOT_CHECKED


@pytest.mark.parametrize("name", [name for name in profile_names() if name != "training"])
def test_a_real_card_passes_on_a_registered_reader_and_only_there(real: MakeCard, name: str, now: datetime) -> None:
    profile = load_profile(name)
    verdict = verify(real(), profile, now)
    assert (verdict.outcome, verdict.indication) == (Outcome.INDETERMINATE, Indication.UNATTESTED)
    assert [check.code for check in verdict.open] == ["evidence"]
    known = verify(real(), replace(profile, sam_allow_list=("05.01-*",)), now)
    assert (known.outcome, known.indication) == (Outcome.PASSED, Indication.IN_ORDER)
    assert known.evidence_level is EvidenceLevel.READER_ATTESTED
    simulated = replace(real(), provenance=replace(real().provenance, simulated=True))
    assert verify(simulated, replace(profile, sam_allow_list=("05.01-*",)), now).outcome is Outcome.FAILED


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
    raw = SPECIMENS[0].card()
    text = bytearray(raw.text)
    text[at] ^= change
    verdict = verify(
        replace(raw, text=bytes(text)), load_profile("training"), datetime.fromisoformat("2026-06-01T12:00:00+08:00")
    )
    if 122 <= at < 158 or 36 <= at < 52:
        assert verdict.outcome is Outcome.FAILED


TRUST = Path(__file__).resolve().parents[2] / "fixtures" / "trust"
SIGNED = datetime.fromisoformat("2026-03-01T00:00:00+00:00")


@pytest.fixture(params=["p256", "p384"])
def material(request: pytest.FixtureRequest) -> TrustMaterial:
    """What a TEST ONLY issuer publishes."""
    folder = TRUST / request.param
    data = {path.name: path.read_bytes() for path in folder.iterdir()}
    return load_material(
        [data["csca.der"]], signers=[data["dsc.der"]], crls=[data["csca.crl"]], status_lists=[data["status-list.der"]]
    )


@pytest.fixture
def signed(material: TrustMaterial) -> RawCard:
    """Alice, signed by that issuer."""
    sod = next(
        (TRUST / name / "sod.der").read_bytes()
        for name in ("p256", "p384")
        if (TRUST / name / "csca.der").read_bytes() == material.anchors[0].public_bytes(Encoding.DER)
    )
    return replace(SPECIMENS[0].card(), security_object=sod)


def test_a_signed_card_passes_every_check_in_training(
    signed: RawCard, material: TrustMaterial, training: Profile
) -> None:
    verdict = verify(signed, training, SIGNED, material)
    assert verdict.outcome is Outcome.PASSED
    assert verdict.evidence_level is EvidenceLevel.ISSUER_SIGNED
    assert all(check.good for check in verdict.checks if check.code not in {"online-check", "face-compare"})
    assert "TEST ONLY" in str(verdict.to_document())


def test_where_signatures_are_required_they_decide(signed: RawCard, material: TrustMaterial, training: Profile) -> None:
    strict = replace(training, required=(*training.required, *TRUST_CHECKS))
    assert verify(signed, strict, SIGNED, material).outcome is Outcome.PASSED
    unsigned = replace(signed, security_object=None)
    assert verify(unsigned, strict, SIGNED, material).outcome is Outcome.INDETERMINATE
    other = replace(signed, photo=SPECIMENS[1].card().photo)
    verdict = verify(other, strict, SIGNED, material)
    assert verdict.outcome is Outcome.FAILED
    assert [check.reason for check in verdict.failed] == ["zone-differs"]
    assert verdict.evidence_level is EvidenceLevel.UNATTESTED


def test_a_test_issuer_is_refused_outside_training(signed: RawCard, material: TrustMaterial, counter: Profile) -> None:
    verdict = verify(signed, counter, SIGNED, material)
    assert verdict.outcome is Outcome.FAILED
    assert {"specimen-card", "test-issuer"} <= {check.reason for check in verdict.failed}


def test_a_stale_list_leaves_it_open_and_says_as_of_when(
    signed: RawCard, material: TrustMaterial, training: Profile
) -> None:
    strict = replace(training, required=(*training.required, *TRUST_CHECKS))
    late = datetime.fromisoformat("2027-03-01T00:00:00+00:00")
    verdict = verify(signed, strict, late, material)
    assert verdict.outcome is Outcome.INDETERMINATE
    assert [check.code for check in verdict.open] == ["signer-not-revoked", "card-not-revoked"]
    assert all(check.evidence["as_of"] for check in verdict.open if "as_of" in check.evidence)
