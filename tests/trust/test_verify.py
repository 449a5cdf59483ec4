"""Checks 11 to 16: good cards of both curves, every named defect with its reason, every changed byte."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import prcard
from prcard.errors import TrustError
from prcard.record.capture import load_capture
from prcard.record.raw import RawCard
from prcard.store.profiles import load_profile
from prcard.trust.verify import SECURITY_CHECKS, SecurityOutcome, SecurityVerifier, verify_security

LONG = os.environ.get("PRCARD_LONG") == "1"
TRUST = Path(__file__).parents[2] / "fixtures" / "trust"
REFUSED = json.loads((TRUST / "refused.json").read_text(encoding="utf-8"))["refused"]


def outcomes(checks: Any) -> dict[str, str]:
    return {check.code: check.outcome.value for check in checks}


def test_a_good_card_passes_all_six(issuer: Any, zones: dict[str, bytes], judged: datetime) -> None:
    for data in (issuer.sod, issuer.compact):
        checks = verify_security(zones, data, issuer.material, judged, allow_test_issuers=True)
        assert outcomes(checks) == dict.fromkeys(SECURITY_CHECKS, "PASSED"), [check.reason for check in checks]
    chain = {check.code: check.evidence for check in checks}["chain"]
    assert "TEST ONLY" in chain["signer"]
    assert chain["fingerprint"] != chain["issuer_fingerprint"]


def test_a_test_issuer_is_refused_outside_training(p256: Any, zones: dict[str, bytes], judged: datetime) -> None:
    checks = {check.code: check for check in verify_security(zones, p256.sod, p256.material, judged)}
    assert checks["chain"].outcome is SecurityOutcome.FAILED
    assert checks["chain"].reason.value == "test-issuer"


def test_each_defect_that_is_a_sod_or_a_capture_is_there() -> None:
    names = {path.name.split(".")[0] for path in (TRUST / "refused").iterdir()}
    assert names == set(REFUSED)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_every_defect_is_refused_for_its_own_reason(
    name: str, verifier: SecurityVerifier, zones: dict[str, bytes], judged: datetime
) -> None:
    (path,) = (TRUST / "refused").glob(f"{name}.*")
    if path.suffix == ".json":
        checks = verifier.verify_card(load_capture(path.read_bytes()), judged)
    else:
        checks = verifier.verify(zones, path.read_bytes(), judged)
    first = next(check for check in checks if check.outcome is not SecurityOutcome.PASSED)
    assert (first.code, first.reason.value) == (REFUSED[name]["check"], REFUSED[name]["reason"])


def test_reasons_are_distinct_where_defects_differ() -> None:
    assert len({entry["reason"] for entry in REFUSED.values()}) > 50


@pytest.mark.parametrize("path", sorted((TRUST / "accepted").iterdir()), ids=lambda path: path.name)
def test_what_the_profile_allows_on_reading_is_in_order(
    path: Path, verifier: SecurityVerifier, zones: dict[str, bytes], judged: datetime
) -> None:
    checks = outcomes(verifier.verify(zones, path.read_bytes(), judged))
    for code in ("security-object", "zone-digests", "signature"):
        assert checks[code] == "PASSED", code


MASKS = tuple(range(1, 256)) if LONG else (0x01, 0x80, 0xFF)


@pytest.mark.parametrize("profile", ["training", "counter"])
@pytest.mark.parametrize("form", ["beside", "carried"])
@pytest.mark.parametrize("curve", ["p256", pytest.param("p384", marks=pytest.mark.long)])
def test_law_no_changed_byte_of_a_good_card_passes_by_the_public_way(
    issuer_named: Any, curve: str, zones: dict[str, bytes], judged: datetime, form: str, profile: str
) -> None:
    issuer = issuer_named(curve)
    rules = replace(load_profile(profile), allow_simulated=True, allow_specimens=True, allow_test_issuers=True)
    rules = replace(rules, required=tuple(code for code in rules.required if code != "provenance"))
    good = RawCard(text=zones["text"], photo=zones["photo"])
    good = (
        replace(good, security_object=issuer.sod)
        if form == "beside"
        else replace(good, fingerprint=issuer.data["fingerprint-carrier.bin"])
    )
    assert prcard.verify(good, rules, issuer.material, judged).outcome.value == "PASSED"
    masks = MASKS if profile == "counter" or LONG else MASKS[:1]
    for name in ("text", "photo", "security_object", "fingerprint"):
        data = getattr(good, name) or b""
        # Without its first byte a carrier is no carrier: only a profile that requires signatures then asks for one.
        first = int(name == "fingerprint" and profile == "training")
        for at in range(first, len(data)):
            for mask in masks:
                changed = data[:at] + bytes((data[at] ^ mask,)) + data[at + 1 :]
                card: RawCard = replace(good, **{name: changed})  # type: ignore[arg-type]  # all four are bytes
                verdict = prcard.verify(card, rules, issuer.material, judged)
                assert verdict.outcome.value != "PASSED", (name, at, mask)


def test_a_card_carries_it_beside_or_in_the_fingerprint_zone(
    p256: Any, verifier: SecurityVerifier, zones: dict[str, bytes], judged: datetime
) -> None:
    beside = RawCard(text=zones["text"], photo=zones["photo"], security_object=p256.sod)
    inside = replace(beside, security_object=None, fingerprint=p256.compact.ljust(512, b"\0"))
    for card in (beside, inside):
        assert set(outcomes(verifier.verify_card(card, judged)).values()) == {"PASSED"}


def test_without_a_security_object_nothing_is_said_to_be_bad(
    verifier: SecurityVerifier, zones: dict[str, bytes], judged: datetime
) -> None:
    found = outcomes(verifier.verify(zones, None, judged))
    assert found == dict.fromkeys(SECURITY_CHECKS, "NOT_CHECKED") | {"security-object": "INDETERMINATE"}


def test_any_subset_of_zones_can_be_verified(
    p256: Any, verifier: SecurityVerifier, zones: dict[str, bytes], judged: datetime
) -> None:
    checks = {check.code: check for check in verifier.verify({"text": zones["text"]}, p256.sod, judged)}
    assert checks["zone-digests"].reason.value == "zone-stripped"
    assert checks["signature"].outcome is SecurityOutcome.PASSED


def test_a_moment_without_time_zone_is_the_callers_error(
    p256: Any, verifier: SecurityVerifier, zones: dict[str, bytes], judged: datetime
) -> None:
    naive = judged.replace(tzinfo=None)
    with pytest.raises(TrustError) as error:
        verifier.verify(zones, p256.sod, naive)
    assert error.value.reason == "bad-argument"
    with pytest.raises(TrustError):
        verifier.verify_card(RawCard(text=b"", photo=b""), naive)
