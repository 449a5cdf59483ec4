"""The header of the photo zone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import RecordError
from prcard.record.photo import parse_photo

WLT = bytes.fromhex("574C 6600 7E00 3200")


@pytest.mark.parametrize(
    ("head", "kind", "size"),
    [
        (WLT, "wlt", (102, 126)),
        (b"WLf\0", "wlt", (102, 0)),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x44\0\0\0\x54", "specimen-png", (68, 84)),
        (b"\x89PNG\r\n\x1a\n", "unknown", (None, None)),
        (b"", "blank", (None, None)),
        (b"\xff\xd8\xff\xe0", "unknown", (None, None)),
    ],
)
def test_kinds(head: bytes, kind: str, size: tuple[int | None, int | None]) -> None:
    header = parse_photo(head.ljust(1024, b"\0"))
    assert (header.kind, (header.width, header.height)) == (kind, size)
    assert header.to_document() == {"kind": kind, "width": size[0], "height": size[1]}


@pytest.mark.parametrize("blank", [b"\0", b" ", b"\xff"])
def test_blank_zones(blank: bytes) -> None:
    assert parse_photo(blank * 1024).kind == "blank"
    assert parse_photo(blank * 1023 + b"x").kind == "unknown"


@pytest.mark.parametrize("length", [0, 1023, 1025, 38862])
def test_other_lengths_are_refused(length: int) -> None:
    with pytest.raises(RecordError, match=f"expected 1024 bytes, found {length}"):
        parse_photo(bytes(length))


@given(st.binary(min_size=1024, max_size=1024))
def test_law_any_zone_of_the_length_has_a_kind(zone: bytes) -> None:
    assert parse_photo(zone).kind in {"wlt", "specimen-png", "blank", "unknown"}
