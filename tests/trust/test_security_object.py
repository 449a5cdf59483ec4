"""Security objects: golden bytes, zone states, refusals, and what independent programs say of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from cryptography import x509

from prcard.errors import TrustError
from prcard.record.raw import RawCard
from prcard.trust.algorithms import check_public_key
from prcard.trust.cms import check_signature
from prcard.trust.security_object import (
    ZONE_NUMBERS,
    StatusReference,
    ZoneState,
    build_security_object,
    check_issued,
    compare_zones,
    parse_security_object,
    zones_of,
)

STATUS = StatusReference(list_id=1, entry=42)


def test_the_same_key_zones_and_moment_give_the_golden_bytes(
    issuer: Any, zones: dict[str, bytes], signed: datetime
) -> None:
    assert build_security_object(zones, issuer.signer, signed, status=STATUS) == issuer.sod
    assert build_security_object(zones, issuer.signer, signed, status=STATUS, embed_certificate=False) == issuer.compact


def test_what_a_good_one_says(issuer: Any, zones: dict[str, bytes], signed: datetime) -> None:
    for data, certificate in ((issuer.sod, issuer.dsc), (issuer.compact, None)):
        parsed = parse_security_object(data)
        assert parsed.raw == data
        assert data[0] == 0x77
        assert parsed.signing_time == signed
        assert parsed.status == STATUS
        assert list(parsed.hashes) == [1, 2]
        assert parsed.message.certificate == certificate
        assert parsed.digest.name == {"p256": "sha256", "p384": "sha384"}[issuer.name]
        check_signature(parsed.message, check_public_key(issuer.dsc))
        assert set(compare_zones(parsed, zones).values()) == {ZoneState.MATCHES}


def test_repr_shows_no_digest(p256: Any) -> None:
    parsed = parse_security_object(p256.sod)
    assert "\\x" not in repr(parsed).replace(repr(parsed.message.signer_id), "")


def test_any_subset_of_the_zones_can_be_compared(p256: Any, zones: dict[str, bytes], signed: datetime) -> None:
    whole = {**zones, "fingerprint": b"C" * 1024, "extra": b"e" * 140}
    parsed = parse_security_object(build_security_object(whole, p256.signer, signed))
    assert [ZONE_NUMBERS[name] for name in whole] == list(parsed.hashes) == [1, 2, 3, 13]
    for count in range(5):
        for names in combinations(whole, count):
            states = compare_zones(parsed, {name: whole[name] for name in names})
            assert states == {name: ZoneState.MATCHES if name in names else ZoneState.ABSENT for name in whole}


def test_each_zone_has_its_own_state(p256: Any, zones: dict[str, bytes]) -> None:
    parsed = parse_security_object(p256.sod)
    mixed = {"text": zones["text"][:-1] + b"\x01", "photo": b"", "fingerprint": b"C" * 512}
    assert compare_zones(parsed, mixed) == {
        "text": ZoneState.DIFFERS,
        "photo": ZoneState.ABSENT,
        "fingerprint": ZoneState.UNLISTED,
    }


def test_a_group_that_is_no_zone_of_ours_is_absent(zones: dict[str, bytes], p256: Any) -> None:
    data = (p256.folder.parent / "accepted" / "further-data-group.sod.der").read_bytes()
    states = compare_zones(parse_security_object(data), zones)
    assert states == {"text": ZoneState.MATCHES, "photo": ZoneState.MATCHES, "dg14": ZoneState.ABSENT}


def test_an_unknown_zone_is_the_callers_error(p256: Any, zones: dict[str, bytes], signed: datetime) -> None:
    with pytest.raises(TrustError) as caught:
        compare_zones(parse_security_object(p256.sod), {"chip": b"x"})
    assert caught.value.reason == "zone-unknown"
    with pytest.raises(TrustError) as caught:
        build_security_object({**zones, "chip": b"x"}, p256.signer, signed)
    assert caught.value.reason == "zone-unknown"


@pytest.mark.parametrize("change", [{"text": b""}, {"photo": b""}, {"fingerprint": b""}])
def test_a_zone_without_bytes_is_not_signed(
    p256: Any, zones: dict[str, bytes], signed: datetime, change: dict[str, bytes]
) -> None:
    with pytest.raises(TrustError) as caught:
        build_security_object({**zones, **change}, p256.signer, signed)
    assert caught.value.reason == "zone-missing"
    assert next(iter(change)) in str(caught.value)


@pytest.mark.parametrize(
    ("days", "document_type", "reason"),
    [
        (90, "IR", None),
        (91, "IR", "signed-outside-usage-period"),
        (-1, "IR", "signed-outside-usage-period"),
        (30, "P", "document-type-wrong"),
    ],
)
def test_a_signer_signs_only_what_and_when_it_may(
    p256: Any, zones: dict[str, bytes], started: datetime, days: int, document_type: str, reason: str | None
) -> None:
    def build() -> bytes:
        return build_security_object(zones, p256.signer, started + timedelta(days=days), document_type=document_type)

    if reason is None:
        parse_security_object(build())
    else:
        with pytest.raises(TrustError) as caught:
            build()
        assert caught.value.reason == reason


def test_a_moment_without_offset_is_refused(p256: Any, zones: dict[str, bytes]) -> None:
    with pytest.raises(TrustError) as caught:
        build_security_object(zones, p256.signer, datetime(2026, 2, 1))  # noqa: DTZ001  the defect
    assert caught.value.reason == "bad-argument"


@pytest.mark.parametrize("status", [StatusReference(-1, 0), StatusReference(0, 2**32), StatusReference(2**32, 0)])
def test_a_status_reference_has_its_bounds(
    p256: Any, zones: dict[str, bytes], signed: datetime, status: StatusReference
) -> None:
    with pytest.raises(TrustError) as caught:
        build_security_object(zones, p256.signer, signed, status=status)
    assert caught.value.reason == "bad-argument"


@pytest.mark.parametrize(
    "status", [StatusReference(0, 0), StatusReference(2**32 - 1, 2**32 - 1), StatusReference(1, 256)]
)
def test_a_status_reference_comes_back(
    p256: Any, zones: dict[str, bytes], signed: datetime, status: StatusReference
) -> None:
    assert parse_security_object(build_security_object(zones, p256.signer, signed, status=status)).status == status


def test_the_signing_time_is_kept_to_the_second(p256: Any, zones: dict[str, bytes], signed: datetime) -> None:
    east = signed.astimezone(tz=None).replace(microsecond=999_999)
    assert parse_security_object(build_security_object(zones, p256.signer, east)).signing_time == signed
    assert parse_security_object(p256.sod).signing_time.tzinfo is UTC


class Faulty:
    """A key store that errs."""

    def __init__(self, certificate: x509.Certificate, signature: bytes) -> None:
        self.certificate = certificate
        self.signature = signature

    def sign(self, data: bytes) -> bytes:
        del data
        return self.signature


def test_a_faulty_key_store_is_found_before_the_object_leaves(
    p256: Any, zones: dict[str, bytes], signed: datetime
) -> None:
    with pytest.raises(TrustError) as caught:
        build_security_object(zones, Faulty(p256.dsc, p256.signer.sign(b"other")), signed)
    assert caught.value.reason == "signature-wrong"


def test_a_fresh_object_must_name_the_signer_and_match_the_zones(p256: Any, zones: dict[str, bytes]) -> None:
    check_issued(p256.sod, zones, p256.signer)
    for signer, given_zones, reason in (
        (Faulty(p256.csca, b""), zones, "signer-id-differs"),
        (p256.signer, {**zones, "text": b"x"}, "zone-differs"),
        (p256.signer, {**zones, "extra": b"x"}, "zone-differs"),
    ):
        with pytest.raises(TrustError) as caught:
            check_issued(p256.sod, given_zones, signer)
        assert caught.value.reason == reason


def test_zones_of_a_card_are_those_that_it_has(zones: dict[str, bytes]) -> None:
    card = RawCard(text=zones["text"], photo=zones["photo"], extra=(b"a" * 70, b"b" * 70))
    assert zones_of(card) == {**zones, "extra": b"a" * 70 + b"b" * 70}
    assert zones_of(RawCard(text=b"t", photo=b"")) == {"text": b"t"}
