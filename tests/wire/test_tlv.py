"""BER-TLV: round trip, every truncation, and cards that lie about lengths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import RemoteWireError
from prcard.wire.tlv import MAX_OBJECTS, extent, find, parse, wrap

TAGS = st.one_of(
    st.integers(0x01, 0xFE).filter(lambda tag: tag & 0x1F != 0x1F),
    st.integers(0, 0x7F).map(lambda low: 0x5F00 | low),
)


@given(st.lists(st.tuples(TAGS, st.binary(max_size=300)), max_size=5))
def test_law_what_is_wrapped_parses_to_the_same(objects: list[tuple[int, bytes]]) -> None:
    assert parse(b"".join(wrap(tag, value) for tag, value in objects)) == objects


@pytest.mark.parametrize("size", [0, 1, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF])
def test_each_form_of_length(size: int) -> None:
    data = wrap(0x77, bytes(size))
    assert extent(data)[2] == len(data)
    assert parse(data) == [(0x77, bytes(size))]


def test_every_truncation_is_refused() -> None:
    data = wrap(0x7F49, wrap(0x5F01, bytes(300)))
    for end in range(1, len(data)):
        with pytest.raises(RemoteWireError):
            parse(data[:end])


def test_a_claim_of_four_gigabytes_is_told_without_taking_it() -> None:
    assert extent(bytes.fromhex("7784FFFFFFFF")) == (0x77, 6, 6 + 0xFFFFFFFF)
    with pytest.raises(RemoteWireError, match="expected 4294967295 bytes, found 0"):
        parse(bytes.fromhex("7784FFFFFFFF"))


@pytest.mark.parametrize("data", ["", "77", "7780", "7785FFFFFFFFFF", "5F8101", "5F"])
def test_forms_that_are_not_taken(data: str) -> None:
    with pytest.raises(RemoteWireError):
        extent(bytes.fromhex(data))


def test_the_number_of_objects_is_bounded() -> None:
    assert len(parse(wrap(1) * MAX_OBJECTS)) == MAX_OBJECTS
    with pytest.raises(RemoteWireError, match="at most"):
        parse(wrap(1) * (MAX_OBJECTS + 1))


def test_a_path_of_tags() -> None:
    data = wrap(0x6F, wrap(0x84, b"name"), wrap(0xA5, wrap(0x50, b"label")))
    assert find(data, 0x6F, 0xA5, 0x50) == b"label"
    assert find(data, 0x6F, 0x50) is None
    assert find(data) == data


@given(st.binary(max_size=40))
def test_fuzz_only_the_documented_error(data: bytes) -> None:
    try:
        parse(data)
    except RemoteWireError as error:
        assert str(error)
