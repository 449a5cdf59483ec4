"""ASN.1: what is DER, what is BER, what is neither; declarations keep their bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import TrustError
from prcard.trust.asn1 import (
    SEQUENCE,
    ContentInfo,
    DataGroupHash,
    LDSSecurityObject,
    SignedData,
    any_value,
    decode,
    encode,
    extent,
    unwrap,
    wrap,
)

GROUP = encode(DataGroupHash(number=1, value=b"abc"))


@given(st.binary(max_size=70_000), st.sampled_from([0x30, 0x77, 0x04]))
def test_unwrap_undoes_wrap(content: bytes, tag: int) -> None:
    assert unwrap(tag, wrap(tag, content), "value") == content


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_wrap_uses_the_shortest_length_as_the_declared_encoder_does(size: int) -> None:
    content = bytes(size)
    assert wrap(0x04, content) == encode(content)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "wrong-tag"),
        (b"\x31\x00", "wrong-tag"),
        (b"\x30", "malformed-structure"),
        (b"\x30\x01", "malformed-structure"),
        (b"\x30\x82\x01", "malformed-structure"),
        (b"\x30\x80\x00\x00", "not-der"),
        (b"\x30\x81\x01\x05", "not-der"),
        (b"\x30\x82\x00\x80" + bytes(128), "not-der"),
        (b"\x30\x00\x00", "trailing-bytes"),
    ],
)
def test_unwrap_says_what_is_wrong(data: bytes, reason: str) -> None:
    with pytest.raises(TrustError) as caught:
        unwrap(SEQUENCE, data, "value")
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x30\x05\x02\x01\x01\x04\x01", "malformed-structure"),
        (b"", "malformed-structure"),
        (b"\x05\x00", "malformed-structure"),
        (b"\x30\x80\x02\x01\x01\x04\x01a\x00\x00", "not-der"),
        (b"\x30\x0a\x02\x01\x01\x24\x05\x04\x03abc", "not-der"),
        (b"\x30\x07\x02\x01\x01\x04\x81\x01a", "not-der"),
    ],
)
def test_decode_tells_ber_from_nonsense(data: bytes, reason: str) -> None:
    with pytest.raises(TrustError) as caught:
        decode(DataGroupHash, data, "group")
    assert caught.value.reason == reason
    assert "group" in str(caught.value)


def test_an_unsorted_set_is_ber_only(p256: Any) -> None:
    message = decode(ContentInfo, unwrap(0x77, p256.sod, "security object"), "message")
    content = encode(message.content)
    attributes = decode(SignedData, content, "message").signer_infos.as_list()[0].signed_attributes
    assert attributes is not None
    first, second = (encode(item) for item in attributes.as_list()[:2])
    swapped = content.replace(first + second, second + first)
    with pytest.raises(TrustError) as caught:
        decode(SignedData, swapped, "message")
    assert caught.value.reason == "not-der"


@given(st.binary(max_size=300))
def test_whatever_decodes_encodes_to_the_same_bytes(data: bytes) -> None:
    for kind in (DataGroupHash, LDSSecurityObject, ContentInfo):
        try:
            value = decode(kind, data, "value")
        except TrustError:
            continue
        assert encode(value) == data


@given(st.binary(max_size=80))
def test_refusals_never_crash(data: bytes) -> None:
    with pytest.raises(TrustError):
        decode(ContentInfo, b"\x30\x80" + data, "value")


def test_deep_nesting_is_refused_not_followed() -> None:
    data = b"\x05\x00"
    for _ in range(2_000):
        data = wrap(0x30, data)
    with pytest.raises(TrustError) as caught:
        decode(DataGroupHash, data, "group")
    assert caught.value.reason == "malformed-structure"


def test_any_value_keeps_its_bytes() -> None:
    assert encode(any_value(GROUP)) == GROUP
    assert extent(GROUP, 0) == (2, len(GROUP))
