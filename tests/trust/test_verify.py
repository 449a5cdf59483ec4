"""Checks 11 to 16: good cards of both curves, every named defect with its reason, every changed byte."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from prcard.errors import TrustError
from prcard.record.capture import load_capture
from prcard.record.raw import RawCard
from prcard.trust.verify import SECURITY_CHECKS, SecurityOutcome, SecurityVerifier, verify_security

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


def test_no_changed_byte_of_a_good_card_passes(
    p256: Any, verifier: SecurityVerifier, zones: dict[str, bytes], judged: datetime
) -> None:
    good = {"text": zones["text"], "photo": zones["photo"]}
    for name, data in good.items():
        for at in range(0, len(data), 1 if name == "text" else 13):
            changed = {**good, name: data[:at] + bytes((data[at] ^ 0x10,)) + data[at + 1 :]}
            assert set(outcomes(verifier.verify(changed, p256.sod, judged)).values()) != {"PASSED"}
    for at in range(len(p256.sod)):
        changed_sod = p256.sod[:at] + bytes((p256.sod[at] ^ 0x01,)) + p256.sod[at + 1 :]
        assert set(outcomes(verifier.verify(zones, changed_sod, judged)).values()) != {"PASSED"}, at


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
