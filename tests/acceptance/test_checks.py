"""Checks 1 to 10, each with every reason it can give."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from prcard.acceptance.as_of import CHINA, china_day
from prcard.acceptance.checks import Subject, face_compare, is_specimen, online_check, run_checks
from prcard.acceptance.messages import CHECKS, OWN_REASONS
from prcard.acceptance.outside import FaceComparison, OnlineAnswer, Outside
from prcard.acceptance.profile import Profile
from prcard.acceptance.verdict import Check, CheckOutcome
from prcard.acceptance.verify import verify
from prcard.record import decode
from prcard.record.numbers import PR18Number, check_digit_731, check_digit_mod11_2
from prcard.record.raw import Provenance, RawCard

MakeCard = Callable[..., RawCard]
SEEN: set[str] = set()
UNBORN = {"birth_date": "2027-01-01", "issue_date": "2030-01-01", "expiry_date": "2034-12-31"}
NO_PROVINCE = PR18Number.build(
    province="99", nationality_numeric="124", birth_date=date(1985, 4, 12), sequence="002"
).text


def check(code: str, raw: RawCard, profile: Profile, at: datetime) -> Check:
    found = {result.code: result for result in run_checks(Subject.of(raw, profile, at))}[code]
    SEEN.add(found.reason)
    return found


def says(found: Check) -> tuple[str, str]:
    return found.outcome.value, found.reason


def number(first17: str) -> str:
    return first17 + check_digit_mod11_2(first17)


def test_checks_run_in_the_order_of_the_catalogue(card: MakeCard, training: Profile, now: datetime) -> None:
    codes = [result.code for result in run_checks(Subject.of(card(), training, now))]
    assert codes == [code for code, title in CHECKS.items() if title.number <= 10]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, "in-order"),
        ({"fingerprint": bytes(512)}, "in-order"),
        ({"text": bytes(255)}, "text-zone-length"),
        ({"photo": b""}, "photo-zone-length"),
        ({"fingerprint": bytes(100)}, "fingerprint-zone-length"),
        ({"extra": (bytes(69),)}, "extra-zone-length"),
        ({"extra": (bytes(70),) * 5}, "extra-zone-length"),
    ],
)
def test_zones_complete(card: MakeCard, training: Profile, now: datetime, change: dict[str, Any], reason: str) -> None:
    outcome = "PASSED" if reason == "in-order" else "FAILED"
    assert says(check("zones-complete", replace(card(), **change), training, now)) == (outcome, reason)


def test_text_that_is_of_no_known_edition(card: MakeCard, training: Profile, now: datetime) -> None:
    raw = card()
    unknown = replace(raw, text=raw.text[:248] + b"Z\0" + raw.text[250:])
    found = check("text-decodes", unknown, training, now)
    assert says(found) == ("FAILED", "unknown-edition")
    assert "U+005A" in found.evidence["problems"][0]


def test_text_that_is_malformed_leaves_the_rest_unchecked(card: MakeCard, training: Profile, now: datetime) -> None:
    raw = card()
    broken = replace(raw, text=b"\0\0" + raw.text[2:])
    assert says(check("text-decodes", broken, training, now)) == ("FAILED", "malformed")
    for code in (
        "builds-back",
        "number-check-digit",
        "number-agrees",
        "dates-lawful",
        "valid-at-moment",
        "codes-known",
    ):
        assert says(check(code, broken, training, now)) == ("NOT_CHECKED", "needs-record")


@pytest.mark.parametrize("character", ["\ue000", "\U000f0000", "\u0378"])
def test_characters_that_no_font_shows_are_noted(
    card: MakeCard, training: Profile, now: datetime, character: str
) -> None:
    found = check("text-decodes", card(chinese_name=f"样本{character}"), training, now)
    assert says(found) == ("NOTED", "unusual-characters")
    assert found.evidence["unusual_fields"] == ["chinese_name"]


def test_reserved_places_that_are_filled_are_noted(card: MakeCard, training: Profile, now: datetime) -> None:
    found = check("text-decodes", card(reserved_158="41" * 30), training, now)
    assert says(found) == ("NOTED", "reserved-not-blank")
    assert found.evidence["filled_places"] == ["reserved_158"]


def test_builds_back(card: MakeCard, training: Profile, now: datetime) -> None:
    subject = Subject.of(card(), training, now)
    assert says(check("builds-back", card(), training, now)) == ("PASSED", "in-order")
    other = replace(subject, raw=card(sex="1"))
    found = next(result for result in run_checks(other) if result.code == "builds-back")
    SEEN.add(found.reason)
    assert says(found) == ("FAILED", "does-not-build-back")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("alice", "911124198504120021", "in-order"),
        ("alice", "911124198504120022", "check-digit-wrong"),
        ("alice", "91112419850412002X", "check-digit-wrong"),
        ("bob", "USA310079113019", "check-digit-wrong"),
        ("alice", "911124198513120021", "number-form-wrong"),
        ("chen", "010105195802030011", "number-form-wrong"),
    ],
)
def test_check_digit(card: MakeCard, training: Profile, now: datetime, name: str, text: str, reason: str) -> None:
    outcome = "PASSED" if reason == "in-order" else "FAILED"
    assert says(check("number-check-digit", card(name, number=text), training, now)) == (outcome, reason)


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("alice", {}, "in-order"),
        ("bob", {}, "in-order"),
        ("chen", {}, "in-order"),
        ("dina", {}, "in-order"),
        ("alice", {"birth_date": "1985-04-13"}, "birth-differs"),
        ("alice", {"nationality": "USA"}, "nationality-differs"),
        ("alice", {"sex": "1"}, "sex-differs"),
        ("alice", {"sex": "9"}, "in-order"),
        ("alice", {"number": number("11112419850412002")}, "region-differs"),
        ("bob", {"birth_date": "1979-12-01"}, "birth-differs"),
        ("bob", {"birth_date": "1879-11-30"}, "in-order"),
        ("bob", {"nationality": "CAN"}, "nationality-differs"),
        ("bob", {"sex": "2"}, "in-order"),
        ("chen", {"number": number("81000019580203001")}, "region-differs"),
        ("chen", {"sex": "2"}, "sex-differs"),
        ("dina", {"number": number("11010519940823002")}, "region-differs"),
        ("dina", {"birth_date": "1994-08-24"}, "birth-differs"),
        ("alice", {"nationality": "XXA"}, "nationality-unknown"),
    ],
)
def test_number_agrees(
    card: MakeCard, training: Profile, now: datetime, name: str, changes: dict[str, str], reason: str
) -> None:
    outcome = {"in-order": "PASSED", "nationality-unknown": "NOTED"}.get(reason, "FAILED")
    assert says(check("number-agrees", card(name, **changes), training, now)) == (outcome, reason)


def test_letters_in_a_birth_place_do_not_pass_as_digits(card: MakeCard, training: Profile, now: datetime) -> None:
    """A comparison by digit values would take 0A for 10; here such a number does not even decode."""
    raw = card("bob")
    text = bytearray(raw.text)
    text[122 + 2 * 9 : 122 + 2 * 9 + 2] = b"A\0"
    assert says(check("text-decodes", replace(raw, text=bytes(text)), training, now)) == ("FAILED", "malformed")


@pytest.mark.parametrize(
    ("name", "changes", "outcome", "reason"),
    [
        ("alice", {}, "PASSED", "in-order"),
        ("chen", {}, "PASSED", "in-order"),
        ("fatima", {}, "PASSED", "in-order"),
        ("dina", {}, "NOTED", "validity-rule-unknown"),
        ("alice", {"expiry_date": "2034-03-01"}, "PASSED", "in-order"),
        ("alice", {"expiry_date": "2034-03-02"}, "FAILED", "validity-too-long"),
        ("alice", {"expiry_date": "2044-02-28"}, "FAILED", "validity-too-long"),
        ("alice", {"expiry_date": "2030-01-01"}, "NOTED", "validity-unusual"),
        ("alice", {"expiry_date": "2024-02-28"}, "FAILED", "expiry-before-issue"),
        ("alice", {"birth_date": "2024-03-02"}, "FAILED", "birth-after-issue"),
        ("alice", UNBORN, "FAILED", "birth-after-issue"),
        ("fatima", {"expiry_date": "2034-05-31"}, "FAILED", "validity-too-long"),
        ("ivan", {"expiry_date": "长期"}, "FAILED", "validity-too-long"),
        ("chen", {"expiry_date": "2030-05-05"}, "NOTED", "validity-unusual"),
        ("alice", {"issue_date": "2024-02-29", "expiry_date": "2034-03-01"}, "PASSED", "in-order"),
        ("alice", {"issue_date": "2024-02-29", "expiry_date": "2034-03-02"}, "FAILED", "validity-too-long"),
    ],
)  # fmt: skip
def test_dates_lawful(
    card: MakeCard, training: Profile, now: datetime, name: str, changes: dict[str, str], outcome: str, reason: str
) -> None:
    assert says(check("dates-lawful", card(name, **changes), training, now)) == (outcome, reason)


@pytest.mark.parametrize(
    ("at", "outcome", "reason"),
    [
        (datetime(2024, 2, 29, 23, 59, tzinfo=CHINA), "FAILED", "not-yet-valid"),
        (datetime(2024, 3, 1, 0, 0, tzinfo=CHINA), "PASSED", "in-order"),
        (datetime(2024, 2, 29, 16, 0, tzinfo=UTC), "PASSED", "in-order"),
        (datetime(2024, 2, 29, 15, 59, tzinfo=UTC), "FAILED", "not-yet-valid"),
        (datetime(2034, 2, 28, 23, 59, tzinfo=CHINA), "PASSED", "in-order"),
        (datetime(2034, 3, 1, 0, 0, tzinfo=CHINA), "FAILED", "expired"),
        (datetime(2034, 2, 28, 16, 0, tzinfo=UTC), "FAILED", "expired"),
    ],
)
def test_first_and_last_day_count_in_china(
    card: MakeCard, training: Profile, at: datetime, outcome: str, reason: str
) -> None:
    assert says(check("valid-at-moment", card(), training, at)) == (outcome, reason)


def test_a_card_without_end_date_does_not_expire(card: MakeCard, training: Profile, now: datetime) -> None:
    found = check("valid-at-moment", card("chen"), training, now + timedelta(days=40_000))
    assert says(found) == ("PASSED", "in-order")
    assert found.evidence["expiry_date"] == "长期"


@pytest.mark.parametrize(
    ("name", "changes", "unknown"),
    [
        ("alice", {}, []),
        ("chen", {}, []),
        ("alice", {"sex": "7"}, ["sex"]),
        ("chen", {"nation": "81"}, ["nation"]),
        ("alice", {"nationality": "ZZZ"}, ["nationality"]),
        ("alice", {"nationality": "XXA"}, []),
        ("alice", {"number": NO_PROVINCE}, ["province of the number"]),
        ("bob", {"number": "USA990079113012"[:14] + check_digit_731("USA99007911301")}, ["province of the number"]),
    ],
)  # fmt: skip
def test_unknown_codes_are_noted_never_refused(
    card: MakeCard, training: Profile, now: datetime, name: str, changes: dict[str, str], unknown: list[str]
) -> None:
    found = check("codes-known", card(name, **changes), training, now)
    assert says(found) == (("NOTED", "unknown-code") if unknown else ("PASSED", "in-order"))
    assert found.evidence["unknown"] == unknown


@pytest.mark.parametrize(
    ("photo", "outcome", "reason"),
    [
        (None, "NOTED", "specimen-photo"),
        (bytes.fromhex("574C66007E003200").ljust(1024, b"x"), "PASSED", "in-order"),
        (bytes(1024), "INDETERMINATE", "photo-blank"),
        (b"JFIF".ljust(1024, b"x"), "INDETERMINATE", "photo-unknown"),
        (b"", "NOT_CHECKED", "photo-missing"),
    ],
)
def test_photo_header(
    card: MakeCard, training: Profile, now: datetime, photo: bytes | None, outcome: str, reason: str
) -> None:
    raw = card() if photo is None else replace(card(), photo=photo)
    assert says(check("photo-header", raw, training, now)) == (outcome, reason)


def test_a_specimen_is_good_for_training_only(
    card: MakeCard, training: Profile, counter: Profile, now: datetime
) -> None:
    assert says(check("provenance", card(), training, now)) == ("NOTED", "training-material")
    assert says(check("provenance", card(), counter, now)) == ("FAILED", "specimen-card")


def test_a_simulated_reader_is_good_for_training_only(
    real: MakeCard, training: Profile, counter: Profile, now: datetime
) -> None:
    raw = replace(real(), provenance=Provenance(sam_id="05.01-1", simulated=True))
    assert says(check("provenance", raw, training, now)) == ("NOTED", "training-material")
    assert says(check("provenance", raw, counter, now)) == ("FAILED", "simulated-reader")


def vouched(raw: RawCard, profile: Profile, at: datetime) -> tuple[str, str]:
    found = next(result for result in verify(raw, profile, at).checks if result.code == "evidence")
    SEEN.add(found.reason)
    return says(found)


def test_readers_are_known_by_their_sam(real: MakeCard, counter: Profile, now: datetime) -> None:
    assert says(check("provenance", real(), counter, now)) == ("PASSED", "in-order")
    assert vouched(real(), counter, now) == ("INDETERMINATE", "no-reader-registered")
    assert vouched(real(sam_id=None), counter, now) == ("INDETERMINATE", "sam-unknown")
    for entry in ("05.01-20101129-0001228293-0296863149", "05.01-20101129-*"):
        known = replace(counter, sam_allow_list=(entry,))
        assert vouched(real(), known, now) == ("PASSED", "in-order")
        assert verify(real(), known, now).evidence_level.value == "reader-attested"
    other = replace(counter, sam_allow_list=("05.01-20101129",))
    assert vouched(real(), other, now) == ("INDETERMINATE", "sam-not-listed")
    signed_only = replace(counter, sam_allow_list=("05.01-*",), evidence=("issuer-signed",))
    assert vouched(real(), signed_only, now) == ("INDETERMINATE", "signature-needed")


def test_training_asks_for_no_evidence(card: MakeCard, training: Profile, now: datetime) -> None:
    assert vouched(card(), training, now) == ("NOTED", "evidence-not-asked")


REAL_NAME, REAL_PERSON = {"real-name": OnlineAnswer.MATCH}, {"real-person": OnlineAnswer.MATCH}


@pytest.mark.parametrize(
    ("asked_for", "answers", "outcome", "reason"),
    [
        ("none", {}, "NOT_CHECKED", "online-not-asked"),
        ("none", REAL_NAME, "PASSED", "in-order"),
        ("none", {"chip-reading": OnlineAnswer.NO_MATCH}, "FAILED", "online-no-match"),
        ("real-name", {}, "NOT_CHECKED", "online-not-asked"),
        ("real-name", REAL_NAME, "PASSED", "in-order"),
        ("real-name", REAL_PERSON, "NOT_CHECKED", "online-not-asked"),
        ("real-name", {"real-name": OnlineAnswer.NO_MATCH}, "FAILED", "online-no-match"),
        ("real-name", {"real-name": OnlineAnswer.NOT_AVAILABLE}, "INDETERMINATE", "online-not-available"),
        ("real-person", REAL_PERSON, "NOT_CHECKED", "online-not-asked"),
        ("real-person", REAL_NAME | REAL_PERSON, "PASSED", "in-order"),
        ("real-person", REAL_NAME | {"real-person": OnlineAnswer.NO_MATCH}, "FAILED", "online-no-match"),
    ],
)
def test_online_check(
    counter: Profile, asked_for: str, answers: dict[str, OnlineAnswer], outcome: str, reason: str
) -> None:
    found = online_check(replace(counter, online_check=asked_for), Outside(online=answers))
    SEEN.add(found.reason)
    assert says(found) == (outcome, reason)


def test_a_stand_in_answers_in_training_only(counter: Profile, training: Profile) -> None:
    outside = Outside(online=REAL_NAME, simulated=True)
    found = online_check(replace(counter, online_check="real-name"), outside)
    SEEN.add(found.reason)
    assert says(found) == ("INDETERMINATE", "online-stand-in")
    assert says(online_check(replace(training, online_check="real-name"), outside)) == ("PASSED", "in-order")


@pytest.mark.parametrize(
    ("least", "score", "outcome", "reason"),
    [
        (0.0, None, "NOT_CHECKED", "face-not-compared"),
        (0.0, 0.1, "NOTED", "face-score-only"),
        (0.8, 0.79, "INDETERMINATE", "face-score-low"),
        (0.8, 0.8, "PASSED", "in-order"),
    ],
)
def test_face_compare(counter: Profile, least: float, score: float | None, outcome: str, reason: str) -> None:
    face = None if score is None else FaceComparison(score=score, evidence_id="case-1")
    found = face_compare(replace(counter, face_min_score=least), Outside(face=face))
    SEEN.add(found.reason)
    assert says(found) == (outcome, reason)


@pytest.mark.parametrize(
    ("name", "changes", "specimen"),
    [
        ("alice", {}, True),
        ("alice", {"chinese_name": ""}, True),
        ("alice", {"english_name": "NOBODY"}, True),
        ("alice", {"english_name": "Specimen"}, True),
        ("alice", {"english_name": "NOBODY", "chinese_name": "无名"}, False),
        ("chen", {}, True),
    ],
)
def test_specimens_are_known_by_either_name(card: MakeCard, name: str, changes: dict[str, str], specimen: bool) -> None:
    raw = card(name, **(changes | ({"chinese_name": ""} if changes.get("english_name") == "Specimen" else {})))
    assert is_specimen(decode(raw.text)) is specimen


def test_days_are_those_of_china() -> None:
    assert china_day(datetime(2026, 1, 1, 16, 0, tzinfo=UTC)).isoformat() == "2026-01-02"


def test_every_reason_was_given_by_a_test_above(card: MakeCard, training: Profile, now: datetime) -> None:
    """Nobody can add a reason and forget its test. Runs last in this file, which one process must run whole."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", __file__]
        assert subprocess.run(command, env=alone, capture_output=True, check=False).returncode == 0
        return
    SEEN.update(result.reason for result in verify(card(), training, now).checks)
    assert set(OWN_REASONS) - SEEN == set()


def test_no_evidence_holds_personal_data(card: MakeCard, training: Profile, now: datetime) -> None:
    raw = card()
    for secret in ("ALICE", "爱丽", "911124198504120021", "1985", "CAN"):
        assert secret not in str([result.to_document() for result in verify(raw, training, now).checks])


def test_outcomes_are_the_five_of_the_catalogue() -> None:
    assert {outcome.value for outcome in CheckOutcome} == {"PASSED", "NOTED", "FAILED", "INDETERMINATE", "NOT_CHECKED"}
