"""The bottom line."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from prcard.acceptance.indications import Indication
from prcard.acceptance.messages import CHECKS
from prcard.acceptance.outside import ONLINE_CALLS, FaceComparison, OnlineAnswer, Outside
from prcard.acceptance.profile import DEFAULTS, Profile
from prcard.acceptance.verdict import Check, CheckOutcome, EvidenceLevel, Outcome
from prcard.acceptance.verify import TRUST_CHECKS, carries_signature, conclude, verify
from prcard.errors import ProfileError
from prcard.record.raw import Provenance, RawCard
from prcard.simulator.specimens import SPECIMENS
from prcard.store.profiles import load_profile, profile_names
from prcard.trust.material import TrustMaterial, load_material
from prcard.trust.security_object import SECURITY_OBJECT_TAG

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


# The three laws. PASSED is the best, FAILED the worst.

RANK = {Outcome.FAILED: 0, Outcome.INDETERMINATE: 1, Outcome.PASSED: 2}
REAL_PROFILES = [name for name in profile_names() if name != "training"]
LISTED = "05.01-20101129-0001228293-0296863149"


def lenient(name: str, **changes: Any) -> Profile:
    """A real profile that takes test material, so that it can be tried at all; everything else as it is shipped."""
    kind: dict[str, Any] = {"allow_specimens": True, "allow_simulated": True, "allow_test_issuers": True}
    return replace(load_profile(name), sam_allow_list=(LISTED,), **kind, **changes)


def issuer(name: str) -> TrustMaterial:
    data = {path.name: path.read_bytes() for path in (TRUST / name).iterdir()}
    return load_material(
        [data["csca.der"]], signers=[data["dsc.der"]], crls=[data["csca.crl"]], status_lists=[data["status-list.der"]]
    )


MATERIAL = issuer("p256")
SOD = (TRUST / "p256" / "sod.der").read_bytes()
ALICE = replace(SPECIMENS[0].card(), provenance=Provenance(transport="serial", sam_id=LISTED))
MATCHES = dict.fromkeys(ONLINE_CALLS, OnlineAnswer.MATCH)


class Case(NamedTuple):
    """A card with everything that is known about it."""

    card: RawCard
    at: datetime = SIGNED
    trust: TrustMaterial | None = MATERIAL
    outside: Outside = Outside(online=MATCHES)

    def judged(self, profile: Profile) -> Outcome:
        return verify(self.card, profile, self.at, self.trust, outside=self.outside).outcome


def text_changed(case: Case, at: int, unit: str) -> Case:
    text = case.card.text
    return case._replace(card=replace(case.card, text=text[:at] + unit.encode("utf-16-le") + text[at + 2 :]))


DEFECTS: dict[str, Callable[[Case], Case]] = {
    "wrong check digit": lambda case: text_changed(case, 122 + 34, "7"),
    "another sex": lambda case: text_changed(case, 30, "1"),
    "unknown edition": lambda case: text_changed(case, 248, "Q"),
    "malformed": lambda case: text_changed(case, 36, "x"),
    "expired": lambda case: case._replace(at=datetime.fromisoformat("2040-01-01T00:00:00+00:00")),
    "not yet valid": lambda case: case._replace(at=datetime.fromisoformat("2020-01-01T00:00:00+00:00")),
    "photo cut": lambda case: case._replace(card=replace(case.card, photo=case.card.photo[:1000])),
    "photo blank": lambda case: case._replace(card=replace(case.card, photo=bytes(len(case.card.photo)))),
    "an address too many": lambda case: case._replace(card=replace(case.card, extra=(bytes(70),) * 5)),
    "forged": lambda case: case._replace(card=replace(case.card, security_object=SOD[:-1] + bytes((SOD[-1] ^ 1,)))),
    "revoked": lambda case: case._replace(
        card=replace(case.card, security_object=(TRUST / "refused" / "card-revoked.sod.der").read_bytes())
    ),
    "suspended": lambda case: case._replace(
        card=replace(case.card, security_object=(TRUST / "refused" / "card-suspended.sod.der").read_bytes())
    ),
    "untrusted": lambda case: case._replace(trust=issuer("p384")),
    "authority says no": lambda case: case._replace(
        outside=Outside(online={**case.outside.online, "real-name": OnlineAnswer.NO_MATCH})
    ),
}
DEFECT_LISTS = st.lists(st.sampled_from(sorted(DEFECTS)), max_size=3, unique=True)


def with_defects(case: Case, names: Sequence[str]) -> Case:
    for name in names:
        case = DEFECTS[name](case)
    return case


@given(st.sampled_from(REAL_PROFILES), st.booleans(), DEFECT_LISTS, st.sampled_from(sorted(DEFECTS)))
def test_law_adding_a_defect_never_turns_failed_into_passed(
    name: str, signed_card: bool, present: list[str], added: str
) -> None:
    profile = lenient(name)
    case = Case(replace(ALICE, security_object=SOD if signed_card else None))
    before = with_defects(case, present)
    after = DEFECTS[added](before)
    if before.judged(profile) is Outcome.FAILED:
        assert after.judged(profile) is not Outcome.PASSED
    if not present and (signed_card or added != "untrusted"):
        assert RANK[after.judged(profile)] < RANK[before.judged(profile)] == 2, "each is a defect"


@pytest.mark.parametrize("name", sorted(DEFECTS))
def test_every_defect_is_noticed_by_every_real_profile(name: str) -> None:
    for profile in map(lenient, REAL_PROFILES):
        good = Case(replace(ALICE, security_object=SOD))
        assert good.judged(profile) is Outcome.PASSED
        wanted = Outcome.INDETERMINATE if name == "photo blank" else Outcome.FAILED
        if name == "photo blank":
            # The signature covers the photo, so that on a signed card a blank one is a changed one.
            assert DEFECTS[name](good).judged(profile) is Outcome.FAILED
            good = Case(ALICE)
        assert DEFECTS[name](good).judged(profile) is wanted, profile.name


def without_list(case: Case, part: str) -> Case:
    nothing: dict[str, Any] = {part: ()}
    return case if case.trust is None else case._replace(trust=replace(case.trust, **nothing))


EVIDENCE: dict[str, Callable[[Case], Case]] = {
    "SAM id": lambda case: case._replace(card=replace(case.card, provenance=Provenance(transport="serial"))),
    "issuer": lambda case: without_list(case, "anchors"),
    "list of signers": lambda case: without_list(case, "crls"),
    "list of cards": lambda case: without_list(case, "status_lists"),
    "trust folder": lambda case: case._replace(trust=None),
    "online answers": lambda case: case._replace(outside=Outside()),
    "online answer": lambda case: case._replace(
        outside=Outside(online={**case.outside.online, "real-name": OnlineAnswer.NOT_AVAILABLE})
    ),
}
STRIPPED: Callable[[Case], Case] = lambda case: case._replace(  # noqa: E731  # one of a kind with those above
    card=replace(case.card, security_object=None)
)
REMOVALS = st.lists(st.sampled_from(sorted(EVIDENCE)), min_size=1, max_size=4, unique=True)


@given(st.sampled_from(REAL_PROFILES), st.booleans(), DEFECT_LISTS, REMOVALS, st.booleans())
def test_law_removing_evidence_never_raises_the_outcome_to_passed(
    name: str, signed_card: bool, defects: list[str], removed: list[str], required: bool
) -> None:
    """Whatever the card: what is taken away never makes a PASSED that was not there."""
    profile = lenient(name, online_required=required, online_check="real-name")
    before = with_defects(Case(replace(ALICE, security_object=SOD if signed_card else None)), defects)
    after = before
    for evidence in removed:
        after = EVIDENCE[evidence](after)
    if "authority says no" in defects and {"online answers", "online answer"} & set(removed):
        return  # an answer that says no is a defect and no evidence for the card
    if before.judged(profile) is not Outcome.PASSED:
        assert after.judged(profile) is not Outcome.PASSED
    assert RANK[after.judged(profile)] <= max(RANK[before.judged(profile)], RANK[Outcome.INDETERMINATE])


@given(st.sampled_from(REAL_PROFILES), DEFECT_LISTS, REMOVALS)
def test_law_where_a_signature_is_asked_for_taking_it_off_helps_nobody(
    name: str, defects: list[str], removed: list[str]
) -> None:
    profile = lenient(name, evidence=("issuer-signed",))
    before = with_defects(Case(replace(ALICE, security_object=SOD)), defects)
    assert STRIPPED(before).judged(profile) is not Outcome.PASSED
    for evidence in removed:
        assert STRIPPED(EVIDENCE[evidence](before)).judged(profile) is not Outcome.PASSED


@given(st.sampled_from(REAL_PROFILES), REMOVALS)
def test_law_of_a_good_card_removing_evidence_gives_nothing_better(name: str, removed: list[str]) -> None:
    """All is in order: step by step, each removal leaves the outcome or lowers it."""
    profile = lenient(name, online_required=True, online_check="real-person")
    case = Case(replace(ALICE, security_object=SOD))
    assert case.judged(profile) is Outcome.PASSED
    for evidence in removed:
        fewer = EVIDENCE[evidence](case)
        if case.trust is not None or fewer.trust is None:
            assert RANK[fewer.judged(profile)] <= max(RANK[case.judged(profile)], 1)
            assert fewer.judged(profile) is not Outcome.PASSED or case.judged(profile) is Outcome.PASSED
        case = fewer


@st.composite
def profile_pairs(draw: st.DrawFn) -> tuple[Profile, Profile]:
    """Two profiles of which the second demands everything of the first, and perhaps more."""
    base = load_profile(draw(st.sampled_from(profile_names())))
    codes = [code for code, title in CHECKS.items() if title.number <= 16]
    less = draw(st.lists(st.sampled_from(codes), min_size=1, unique=True))
    more = [*less, *draw(st.lists(st.sampled_from([code for code in codes if code not in less] or codes), unique=True))]
    levels: list[tuple[str, ...]] = [(), ("issuer-signed", "reader-attested"), ("issuer-signed",)]
    low, high = sorted(draw(st.tuples(st.integers(0, 2), st.integers(0, 2))))
    kinds = ("none", "real-name", "real-person")
    asked, harder = sorted(draw(st.tuples(st.integers(0, 2), st.integers(0, 2))))
    score, higher = sorted(draw(st.tuples(st.sampled_from((0.0, 0.3, 0.9)), st.sampled_from((0.0, 0.3, 0.9)))))
    flags = [flag for flag in DEFAULTS if flag.startswith("allow_")]
    allowed: dict[str, Any] = {flag: draw(st.booleans()) for flag in flags}
    stricter: dict[str, Any] = {flag: value and draw(st.booleans()) for flag, value in allowed.items()}
    needs, also = sorted(draw(st.tuples(st.booleans(), st.booleans())))
    sams = draw(st.sampled_from([(LISTED,), (), ("05.01-*",)]))
    first = replace(
        base, required=tuple(less), evidence=levels[low], online_check=kinds[asked], face_min_score=score,
        online_required=needs and asked > 0, sam_allow_list=sams, **allowed,
    )  # fmt: skip
    second = replace(
        base, required=tuple(dict.fromkeys(more)), evidence=levels[high], online_check=kinds[harder],
        face_min_score=higher, online_required=(needs and asked > 0) or (also and harder > 0),
        sam_allow_list=draw(st.sampled_from([sams, ()])), **stricter,
    )  # fmt: skip
    return first, second


@given(
    profile_pairs(),
    st.booleans(),
    DEFECT_LISTS,
    st.lists(st.sampled_from(sorted(EVIDENCE)), max_size=3),
    st.sampled_from((None, 0.2, 0.5, 1.0)),
    st.booleans(),
)
def test_law_a_profile_that_demands_more_never_accepts_more(
    pair: tuple[Profile, Profile],
    signed_card: bool,
    defects: list[str],
    removed: list[str],
    score: float | None,
    real: bool,
) -> None:
    less, more = pair
    case = with_defects(Case(replace(ALICE, security_object=SOD if signed_card else None)), defects)
    for evidence in removed:
        case = EVIDENCE[evidence](case)
    if not real:
        case = case._replace(card=replace(case.card, provenance=replace(case.card.provenance, simulated=True)))
    face = None if score is None else FaceComparison(score=score, evidence_id="case-1")
    case = case._replace(outside=replace(case.outside, face=face))
    if case.judged(more) is Outcome.PASSED:
        assert case.judged(less) is Outcome.PASSED


def test_a_card_that_carries_a_signature_is_judged_by_it_also_on_a_registered_reader() -> None:
    profile = lenient("bank")
    signed_card = replace(ALICE, security_object=SOD)
    assert Case(signed_card).judged(profile) is Outcome.PASSED
    unchecked = verify(signed_card, profile, SIGNED)
    assert unchecked.outcome is Outcome.INDETERMINATE
    assert {check.reason for check in unchecked.open} == {"no-trust-store"}
    swapped = verify(replace(signed_card, photo=SPECIMENS[1].card().photo), profile, SIGNED)
    assert swapped.outcome is Outcome.FAILED, "digests are compared without a trust folder too"
    assert swapped.indication is Indication.FORGED


def test_in_training_an_unchecked_signature_is_passed_over_and_a_wrong_one_is_not(training: Profile) -> None:
    signed_card = replace(ALICE, security_object=SOD)
    assert verify(signed_card, training, SIGNED).outcome is Outcome.PASSED
    for trust in (None, MATERIAL):
        swapped = verify(replace(signed_card, photo=SPECIMENS[1].card().photo), training, SIGNED, trust)
        assert (swapped.outcome, swapped.indication) == (Outcome.FAILED, Indication.FORGED)
    carrier = replace(ALICE, fingerprint=(TRUST / "p256" / "compact.sod.der").read_bytes().ljust(512, b"\0"))
    assert verify(carrier, training, SIGNED).outcome is Outcome.PASSED
    assert verify(carrier, training, SIGNED, MATERIAL).evidence_level is EvidenceLevel.ISSUER_SIGNED


def test_the_sign_of_a_carried_security_object_is_that_of_the_trust_folder() -> None:
    assert carries_signature(replace(ALICE, fingerprint=bytes((SECURITY_OBJECT_TAG,)).ljust(512, b"\0")))
    assert not carries_signature(replace(ALICE, fingerprint=b"C".ljust(512, b"\0")))


def test_as_of_an_earlier_day_the_lists_of_that_day_count() -> None:
    profile, now = lenient("bank"), datetime.fromisoformat("2027-06-01T00:00:00+00:00")
    (crl,), (status,) = MATERIAL.crls, MATERIAL.status_lists
    newer = replace(
        MATERIAL,
        crls=(crl, replace(crl, number=crl.number + 9, this_update=now, next_update=now + timedelta(days=30))),
        status_lists=(status, replace(status, number=status.number + 9, this_update=now)),
        highest_status={status.list_id: status.number + 9},
    )
    card = replace(ALICE, security_object=SOD)
    assert verify(card, profile, SIGNED, newer).outcome is Outcome.INDETERMINATE
    earlier = verify(card, profile, SIGNED, newer, now=now)
    assert earlier.outcome is Outcome.PASSED
    assert earlier.as_of is not None
    assert [number for _, number, _ in earlier.as_of.lists] == [crl.number, status.number]
    assert verify(card, profile, SIGNED, newer, now=SIGNED).as_of is None
    with pytest.raises(ProfileError, match="time zone"):
        verify(card, profile, SIGNED, now=now.replace(tzinfo=None))
