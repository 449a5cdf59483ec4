"""The reference page of the security object: nothing that refuses one is left out."""

from __future__ import annotations

import json
from pathlib import Path

from prcard.trust.reasons import TrustReason
from prcard.trust.reference import PARTS, security_object_reference

REFUSED = Path(__file__).parents[2] / "fixtures" / "trust" / "refused.json"

# Reasons among those of the format that concern the caller or an issuer at work.
NOT_OF_AN_OBJECT = {TrustReason.ZONE_UNKNOWN, TrustReason.ZONE_MISSING, TrustReason.LINK_WRONG}


def listed() -> list[TrustReason]:
    return [reason for parts in PARTS.values() for part in parts for reason in part.reasons]


def test_every_reason_that_refuses_an_object_is_listed_once() -> None:
    assert len(listed()) == len(set(listed()))
    reasons = list(TrustReason)
    of_the_format = reasons[: reasons.index(TrustReason.STATUS_UNTRUSTED) + 1]
    assert set(listed()) == {*of_the_format, TrustReason.NO_SECURITY_OBJECT} - NOT_OF_AN_OBJECT


def test_every_named_defect_is_explained_on_the_page() -> None:
    page, texts = security_object_reference(), {reason.value: reason.en for reason in TrustReason}
    for name, entry in json.loads(REFUSED.read_text(encoding="utf-8"))["refused"].items():
        assert f"`{entry['reason']}`: {texts[entry['reason']]}" in page, name
