"""A compact security object in a fingerprint zone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import TrustError
from prcard.record.fingerprint import parse_fingerprint
from prcard.record.raw import RawCard
from prcard.trust.asn1 import wrap
from prcard.trust.compact import find_security_object, pack_compact, unpack_compact


@given(st.binary(max_size=1020), st.sampled_from([512, 1024]))
def test_unpack_undoes_pack(content: bytes, length: int) -> None:
    sod = wrap(0x77, content)
    if len(sod) > length:
        with pytest.raises(TrustError) as caught:
            pack_compact(sod, length)
        assert caught.value.reason == "carrier-too-small"
    else:
        zone = pack_compact(sod, length)
        assert len(zone) == length
        assert unpack_compact(zone) == sod
        assert parse_fingerprint(zone).kind == "security-object"


def test_the_compact_form_fits_its_zone(issuer: Any) -> None:
    length = {"p256": 512, "p384": 1024}[issuer.name]
    assert pack_compact(issuer.compact, length) == issuer.data["fingerprint-carrier.bin"]
    assert unpack_compact(issuer.data["fingerprint-carrier.bin"]) == issuer.compact


@pytest.mark.parametrize("length", [0, 511, 513, 2048])
def test_other_zone_lengths_are_refused(length: int) -> None:
    with pytest.raises(TrustError, match="512 or 1024"):
        pack_compact(wrap(0x77, b""), length)
    with pytest.raises(TrustError):
        unpack_compact(wrap(0x77, b"").ljust(length, b"\x00")[:length])


def test_something_after_the_object_is_refused() -> None:
    with pytest.raises(TrustError) as caught:
        pack_compact(wrap(0x77, b"abc") + b"\x01", 512)
    assert caught.value.reason == "not-a-carrier"
    with pytest.raises(TrustError) as caught:
        pack_compact(wrap(0x77, b"abc") + b"\x00", 512)
    assert caught.value.reason == "bad-argument"


@pytest.mark.parametrize("start", [b"C\x10", b"\x77\x80", b"\x77\x82\x02\x00", b"\x77\x81\x01", b"\x00"])
def test_other_zones_are_no_carriers(start: bytes) -> None:
    with pytest.raises(TrustError) as caught:
        unpack_compact(start.ljust(512, b"\x00"))
    assert caught.value.reason == "not-a-carrier"


def test_where_the_security_object_is_found(p256: Any, zones: dict[str, bytes]) -> None:
    carrier = p256.data["fingerprint-carrier.bin"]
    plain = RawCard(text=zones["text"], photo=zones["photo"])
    assert find_security_object(plain) == (zones, None)
    carrying = replace(plain, fingerprint=carrier, extra=(b"x" * 70, b"y" * 70))
    assert find_security_object(carrying) == ({**zones, "extra": b"x" * 70 + b"y" * 70}, p256.compact)
    both = replace(plain, fingerprint=carrier, security_object=p256.sod)
    assert find_security_object(both) == ({**zones, "fingerprint": carrier}, p256.sod)
    fingers = replace(plain, fingerprint=b"C".ljust(512, b"\x01"))
    assert find_security_object(fingers) == ({**zones, "fingerprint": fingers.fingerprint}, None)
