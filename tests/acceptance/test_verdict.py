"""Verdicts as objects and documents."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import datetime

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from prcard.acceptance.messages import CHECKS
from prcard.acceptance.profile import Profile
from prcard.acceptance.schema import verdict_schema
from prcard.acceptance.verify import verify
from prcard.record.raw import RawCard

MakeCard = Callable[..., RawCard]


def test_a_verdict_has_no_truth_value(card: MakeCard, training: Profile, now: datetime) -> None:
    with pytest.raises(TypeError, match="compare verdict.outcome"):
        bool(verify(card(), training, now))


def test_it_cannot_be_changed(card: MakeCard, training: Profile, now: datetime) -> None:
    verdict = verify(card(), training, now)
    with pytest.raises(dataclasses.FrozenInstanceError):
        verdict.outcome = None  # type: ignore[misc,assignment]  # that is the point


@pytest.mark.parametrize("name", ["alice", "goro", "chen"])
def test_its_document_fits_the_schema(
    name: str, card: MakeCard, training: Profile, counter: Profile, now: datetime
) -> None:
    validator = Draft202012Validator(verdict_schema(), format_checker=FormatChecker())
    for profile in (training, counter):
        document = json.loads(json.dumps(verify(card(name), profile, now).to_document()))
        validator.validate(document)
        assert document["profile"] == profile.name
        assert [check["number"] for check in document["checks"]] == list(range(1, len(CHECKS) + 1))
        required = [check for check in document["checks"] if check["required"]]
        assert document["failed"] == [check["code"] for check in required if check["outcome"] == "FAILED"]
        unclear = {"INDETERMINATE", "NOT_CHECKED"}
        assert document["open"] == [check["code"] for check in required if check["outcome"] in unclear]
