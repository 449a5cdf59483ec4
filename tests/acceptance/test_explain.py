"""What codes mean."""

from __future__ import annotations

import pytest

from prcard.acceptance.explain import close_codes, explain_code, explanations
from prcard.acceptance.indications import Indication
from prcard.acceptance.messages import CHECKS, OUTCOMES, REASONS


def test_every_code_is_explained_in_both_languages() -> None:
    found = {(one.kind, one.code) for one in explanations()}
    assert found == {
        *(("check", code) for code in CHECKS),
        *(("reason", code) for code in REASONS),
        *(("indication", kind.value) for kind in Indication),
        *(("outcome", code) for code in OUTCOMES),
    }
    assert all(one.zh and one.en and bool(one.advice_zh) == bool(one.advice_en) for one in explanations())


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("signature", ["check"]),
        ("SIGNATURE", ["check"]),
        ("expired", ["reason", "indication"]),
        ("passed", ["outcome"]),
        ("provenance:specimen-card", ["check", "reason"]),
        ("nonsense", []),
        ("", []),
    ],
)
def test_codes(code: str, kinds: list[str]) -> None:
    assert [one.kind for one in explain_code(code)] == kinds


def test_a_slip_is_helped() -> None:
    assert close_codes("signatur")[0] == "signature"
    assert close_codes("zzzzzzzzzz") == []
