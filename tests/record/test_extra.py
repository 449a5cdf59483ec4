"""Additional addresses."""

from __future__ import annotations

from prcard.record.extra import addresses


def test_text_is_trimmed_and_the_rest_is_kept_as_hex() -> None:
    good = "样本镇3号".ljust(35).encode("utf-16-le")
    assert addresses([good, b"\0" * 70, b"ab"]) == ["样本镇3号", "00" * 70, "6162"]
    assert addresses([]) == []
