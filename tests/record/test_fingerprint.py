"""The headers of the fingerprint zone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import RecordError
from prcard.record.fingerprint import parse_fingerprint

THUMB = bytes((0x43, 1, 0x17, 1, 0x01, 0x0B, 0x32)).ljust(512, b"t")
LITTLE = bytes((0x43, 1, 0x17, 1, 0x09, 0x14, 0)).ljust(512, b"t")
ODD = bytes((0x43, 1, 0x17, 1, 0x77, 0x00, 200)).ljust(512, b"t")


def test_two_fingers() -> None:
    zone = parse_fingerprint(THUMB + LITTLE)
    assert zone.kind == "fingerprints"
    assert [finger.position_text for finger in zone.fingers] == ["right thumb", "left little finger"]
    assert [finger.registration_text for finger in zone.fingers] == ["registered", "unknown"]
    assert [finger.quality for finger in zone.fingers] == [0x32, 0]
    assert zone.fingers[0][:3] == (1, 0x17, 1)


def test_unknown_codes_are_kept_with_their_number() -> None:
    finger = parse_fingerprint(ODD).fingers[0]
    assert (finger.registration, finger.registration_text) == (0x77, "")
    assert (finger.position, finger.position_text) == (0, "")
    assert parse_fingerprint(ODD).to_document()["fingers"][0]["quality"] == 200


@pytest.mark.parametrize(
    ("zone", "kind", "count"),
    [
        (b"", "absent", 0),
        (bytes(1024), "unknown", 0),
        (THUMB, "fingerprints", 1),
        (bytes(512) + THUMB, "fingerprints", 1),
        (b"\x77" + bytes(511), "security-object", 0),
    ],
)
def test_kinds(zone: bytes, kind: str, count: int) -> None:
    parsed = parse_fingerprint(zone)
    assert (parsed.kind, len(parsed.fingers)) == (kind, count)


@pytest.mark.parametrize("length", [1, 511, 513, 1023, 1025])
def test_other_lengths_are_refused(length: int) -> None:
    with pytest.raises(RecordError, match="0, 512 or 1024 bytes"):
        parse_fingerprint(bytes(length))


@given(st.one_of(st.binary(min_size=512, max_size=512), st.binary(min_size=1024, max_size=1024)))
def test_law_any_zone_of_a_length_has_a_kind(zone: bytes) -> None:
    assert parse_fingerprint(zone).kind in {"fingerprints", "security-object", "unknown"}
