"""Raw cards: the printed SAM id, and what marks a simulated one."""

from __future__ import annotations

import pytest

from prcard.record.raw import SIMULATED_SAM_PREFIX, format_sam_id, is_simulated_sam_id


def test_the_worked_example_of_the_protocol_document() -> None:
    sam_id = bytes.fromhex("05000100 09B83201 05BE1200 ADC5B111")
    assert format_sam_id(sam_id) == "05.01-20101129-0001228293-0296863149"
    assert not is_simulated_sam_id(format_sam_id(sam_id))


def test_our_prefix_is_seen_in_the_printed_form() -> None:
    assert is_simulated_sam_id(format_sam_id(SIMULATED_SAM_PREFIX + bytes(12)))
    assert not is_simulated_sam_id(None)


def test_large_numbers_keep_all_their_digits() -> None:
    assert format_sam_id(b"\xff" * 16) == "65535.65535-4294967295-4294967295-4294967295"


@pytest.mark.parametrize("length", [0, 15, 17])
def test_another_length_is_the_callers_error(length: int) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        format_sam_id(bytes(length))
