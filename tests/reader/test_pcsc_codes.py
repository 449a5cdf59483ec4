"""Codes of PC/SC: each has a meaning and an advice."""

from __future__ import annotations

import pytest

from prcard.errors import ReaderError, ReaderFault
from prcard.reader.pcsc_codes import MEANINGS, check, explain


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("code", MEANINGS)
def test_every_code_has_its_meaning_and_advice(code: int, sign: int) -> None:
    """Windows gives the same codes as negative numbers."""
    error = explain(code if sign > 0 else code - (1 << 32))
    assert f"0x{code:08X}" in str(error)
    assert error.advice
    assert error.fault is MEANINGS[code].fault


def test_an_unknown_code_keeps_its_number() -> None:
    assert "0x80101234" in str(explain(0x80101234))


def test_success_is_no_error() -> None:
    check(0)
    with pytest.raises(ReaderError) as down:
        check(0x8010001D)
    assert down.value.fault is ReaderFault.SERVICE_DOWN
