"""The specimen picture: an ordinary PNG that fits, and looks like no photo of a card."""

from __future__ import annotations

import struct
import zlib

import pytest

from prcard.record.photo import parse_photo
from prcard.simulator.photo import HEIGHT, WIDTH, specimen_photo


def chunks(zone: bytes) -> dict[bytes, bytes]:
    found, at = {}, 8
    while zone[at + 4 : at + 8] != b"IEND":
        length = int.from_bytes(zone[at : at + 4], "big")
        kind, data = zone[at + 4 : at + 8], zone[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + data) == int.from_bytes(zone[at + 8 + length : at + 12 + length], "big")
        found[kind] = data
        at += 12 + length
    assert not zone[at + 12 :].strip(b"\0")
    return found


def test_it_is_a_whole_png_in_one_zone() -> None:
    zone = specimen_photo("alice")
    assert len(zone) == 1024
    parts = chunks(zone)
    assert struct.unpack(">II", parts[b"IHDR"][:8]) == (WIDTH, HEIGHT)
    assert b"SPECIMEN" in parts[b"tEXt"]
    rows = zlib.decompress(parts[b"IDAT"])
    stride = 1 + (WIDTH + 7) // 8
    assert len(rows) == HEIGHT * stride
    assert set(rows[::stride]) == {0}


def test_our_own_header_check_knows_it() -> None:
    assert parse_photo(specimen_photo("alice")).kind == "specimen-png"


@pytest.mark.parametrize("other", ["bob", "chen", ""])
def test_people_can_be_told_apart(other: str) -> None:
    assert specimen_photo(other) != specimen_photo("alice")
    assert specimen_photo(other) == specimen_photo(other)


def test_the_word_stands_in_the_band() -> None:
    rows = zlib.decompress(chunks(specimen_photo("alice"))[b"IDAT"])
    stride = 1 + (WIDTH + 7) // 8
    band = [f"{int.from_bytes(rows[y * stride + 1 : (y + 1) * stride], 'big'):0{stride * 8 - 8}b}" for y in (68, 74)]
    # Top and bottom rows of S P E C I M E N, five columns each with one between, from column 10.
    assert band[0][10:57] == "01110011110011111001110001110010001011111010001"[:47]
    assert band[1][10:57] == "01110010000011111001110001110010001011111010001"[:47]
