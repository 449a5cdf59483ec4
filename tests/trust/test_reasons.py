"""Reasons: stable codes with texts in both languages."""

from __future__ import annotations

import re

from prcard.errors import TrustError
from prcard.trust.reasons import TrustReason, reason_of, refusal


def test_every_reason_has_a_code_and_both_texts() -> None:
    for reason in TrustReason:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", reason.value)
        assert reason.en.isascii()
        assert re.search("[\u4e00-\u9fff]", reason.zh)
        assert bool(reason.advice_zh) == bool(reason.advice_en)


def test_texts_and_codes_are_distinct() -> None:
    for texts in ([reason.en for reason in TrustReason], [reason.zh for reason in TrustReason]):
        assert len(texts) == len(set(texts))


def test_a_refusal_carries_code_detail_and_advice() -> None:
    error = refusal(TrustReason.ID_DATA, "eContentType: expected this, found that")
    assert isinstance(error, TrustError)
    assert error.reason == "content-type-id-data"
    assert reason_of(error) is TrustReason.ID_DATA
    assert str(error) == f"{TrustReason.ID_DATA.en}: eContentType: expected this, found that. {error.advice}"
    assert error.advice == TrustReason.ID_DATA.advice_en
