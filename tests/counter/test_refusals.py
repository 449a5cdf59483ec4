"""Every refusal has a code of its own, a status, and says in both languages what to do."""

from __future__ import annotations

import pytest

from prcard.counter.refusals import Refusal, RefusedError, document


def test_codes_are_distinct() -> None:
    assert len({refusal.code for refusal in Refusal}) == len(Refusal)


@pytest.mark.parametrize("refusal", Refusal)
def test_a_refusal_is_worded_in_both_languages(refusal: Refusal) -> None:
    assert 400 <= refusal.status < 600
    assert refusal.zh.endswith("。")
    assert refusal.en.endswith(".")
    assert document(refusal) == {"error": {"code": refusal.code, "zh": refusal.zh, "en": refusal.en}}
    assert str(RefusedError(refusal)) == refusal.en
