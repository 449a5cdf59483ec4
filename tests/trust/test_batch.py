"""The short way of batches: it takes what the strict way takes, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import TrustError
from prcard.record.capture import load_capture
from prcard.trust.batch import GROUP, BatchSigner, BatchVerifier
from prcard.trust.certificates import IssuerProfile, issue_csca, issue_signer, request_signer
from prcard.trust.compact import find_security_object
from prcard.trust.security_object import StatusReference, build_security_object, parse_security_object
from prcard.trust.signer import InMemorySigner
from prcard.trust.template import Form, make_template
from prcard.trust.verify import SecurityOutcome

TRUST = Path(__file__).parents[2] / "fixtures" / "trust"
REFUSED = json.loads((TRUST / "refused.json").read_text(encoding="utf-8"))["refused"]
STATUS = StatusReference(list_id=1, entry=42)
MASKS = (0x01, 0x80, 0xFF)


def strictly(verifier: BatchVerifier, zones: dict[str, bytes], data: bytes | None) -> bool:
    return all(check.outcome is SecurityOutcome.PASSED for check in verifier.verify(zones, data))


@pytest.fixture(scope="module")
def taught(p256: Any, zones: dict[str, bytes], judged: datetime) -> BatchVerifier:
    """A verifier that knows both forms of the issuer on P-256."""
    verifier = BatchVerifier(p256.material, judged, allow_test_issuers=True)
    for data in (p256.sod, p256.compact):
        assert verifier.in_order(zones, data)
    return verifier


@pytest.mark.parametrize("form", ["sod", "compact"])
def test_the_second_card_goes_the_short_way(issuer: Any, zones: dict[str, bytes], judged: datetime, form: str) -> None:
    verifier, data = BatchVerifier(issuer.material, judged, allow_test_issuers=True), getattr(issuer, form)
    assert not verifier.looks_in_order(zones, data)
    assert verifier.in_order(zones, data)
    assert verifier.looks_in_order(zones, data)
    assert not verifier.looks_in_order({**zones, "text": zones["photo"]}, data)


def test_further_zones_go_the_short_way_too(p256: Any, zones: dict[str, bytes], judged: datetime) -> None:
    whole = {**zones, "fingerprint": b"C" * 1024, "extra": b"e" * 140}
    data = build_security_object(whole, p256.signer, judged, status=STATUS)
    verifier = BatchVerifier(p256.material, judged, allow_test_issuers=True)
    assert verifier.in_order(whole, data)
    assert verifier.looks_in_order(zones, data), "zones that were not asked for may be absent"
    strict = BatchVerifier(p256.material, judged, allow_test_issuers=True, required_zones=("fingerprint",))
    assert strict.in_order(whole, data)
    assert strict.looks_in_order(whole, data)
    assert not strict.in_order(zones, data), "one that was asked for may not"


@pytest.mark.parametrize(
    "change",
    [
        {"text": b""},
        {"photo": b""},
        {"fingerprint": b"C" * 512},
        {"text": b"x"},
        {"extra": b""},
    ],
)
def test_changed_zones_are_judged_as_the_strict_way_does(
    p256: Any, taught: BatchVerifier, zones: dict[str, bytes], change: dict[str, bytes]
) -> None:
    changed = zones | change
    assert not taught.looks_in_order(changed, p256.sod)
    assert taught.in_order(changed, p256.sod) == strictly(taught, changed, p256.sod) == (change == {"extra": b""})


def test_the_callers_errors_are_told(p256: Any, taught: BatchVerifier, zones: dict[str, bytes]) -> None:
    with pytest.raises(TrustError) as caught:
        taught.in_order({**zones, "chip": b"x"}, p256.sod)
    assert caught.value.reason == "zone-unknown"
    assert not taught.in_order(zones, None)
    naive = BatchVerifier(p256.material, datetime(2026, 3, 1), allow_test_issuers=True)  # noqa: DTZ001  the defect
    with pytest.raises(TrustError) as caught:
        naive.in_order(zones, p256.sod)
    assert caught.value.reason == "bad-argument"


def test_many_cards_are_judged_in_their_order(p256: Any, zones: dict[str, bytes], judged: datetime) -> None:
    batch = BatchSigner(p256.signer)
    whole = {**zones, "fingerprint": b"C" * 512}
    other = {**zones, "extra": b"e" * 70}
    cards: list[tuple[dict[str, bytes], bytes | None]] = []
    expected = []
    for number in range(300):
        some = (zones, whole, other)[number % 3]
        data = batch.build(some, judged, StatusReference(1, number + 10))
        kind = number % 7
        cards.append(
            {
                0: (some, None),
                1: (some, data[:-1] + bytes((data[-1] ^ 1,))),
                2: ({**some, "text": b"x"}, data),
            }.get(kind, (some, data))
        )
        expected.append(kind > 2)
    verifier = BatchVerifier(p256.material, judged, allow_test_issuers=True)
    assert list(verifier.judge(cards)) == expected
    assert list(verifier.judge(iter(cards))) == expected
    assert [verifier.looks_in_order(*card) for card in cards] == expected
    assert list(verifier.judge([])) == []


@pytest.mark.parametrize("form", ["sod", "compact"])
@pytest.mark.parametrize("mask", MASKS)
def test_law_no_changed_byte_is_taken_by_either_way(
    p256: Any, taught: BatchVerifier, zones: dict[str, bytes], form: str, mask: int
) -> None:
    data = getattr(p256, form)
    for at in range(len(data)):
        changed = data[:at] + bytes((data[at] ^ mask,)) + data[at + 1 :]
        assert not taught.looks_in_order(zones, changed), at
        assert not taught.in_order(zones, changed), at
    for name, zone in zones.items():
        for at in range(len(zone)):
            changed_zones = {**zones, name: zone[:at] + bytes((zone[at] ^ mask,)) + zone[at + 1 :]}
            assert not taught.in_order(changed_zones, data), (name, at)


@given(
    st.lists(st.tuples(st.integers(0, 1300), st.integers(0, 3), st.binary(max_size=3)), min_size=1, max_size=4),
    st.sampled_from(["sod", "compact"]),
)
def test_law_both_ways_agree_on_random_mutants(
    p256: Any,
    taught: BatchVerifier,
    zones: dict[str, bytes],
    edits: list[tuple[int, int, bytes]],
    form: str,
) -> None:
    original = data = getattr(p256, form)
    for at, removed, inserted in edits:
        data = data[:at] + inserted + data[at + removed :]
    short, strict = taught.looks_in_order(zones, data), strictly(taught, zones, data)
    assert short == strict == (data == original)


def signed_parts(
    p256: Any, zones: dict[str, bytes], time: bytes, status: bytes, *, wrong_digest: bool = False
) -> bytes:
    """A canonical object that is signed over any time and status, of the length that the taught verifier knows."""
    for _ in range(1000):
        form = Form(groups=(1, 2), embed_certificate=True, with_status=True, signature_bytes=71)
        template = make_template(p256.dsc, form, datetime(2026, 2, 1, tzinfo=UTC))
        content = template.content % tuple(sha256(zones[name]).digest() for name in ("text", "photo"))
        digest = bytes(32) if wrong_digest else sha256(content).digest()
        attributes = template.attributes % (status, time, digest)
        # A signature that is not deterministic comes in several lengths: try until it has the wanted one.
        signature = InMemorySigner(p256.dsc_key, p256.dsc).sign(b"\x31" + attributes)
        if len(signature) == 71:
            parts = (template.head, content, template.middle, attributes, template.tail, signature)
            return b"".join(parts)
    raise AssertionError("no signature of 71 bytes in 1000 trials")


@pytest.fixture(scope="module")
def knows_71(p256: Any, zones: dict[str, bytes], judged: datetime) -> BatchVerifier:
    verifier = BatchVerifier(p256.material, judged, allow_test_issuers=True)
    data = signed_parts(p256, zones, b"260201083000Z", b"\0\0\0\1\0\0\0\x2a")
    assert verifier.in_order(zones, data)
    assert verifier.looks_in_order(zones, data)
    return verifier


@pytest.mark.parametrize(
    ("time", "passes", "shortly"),
    [
        (b"260201083000Z", True, True),
        (b"260105000000Z", True, True),
        (b"260104235959Z", False, False),
        (b"260301000000Z", True, True),
        (b"260301000500Z", True, True),
        (b"260301000501Z", False, False),
        (b"260405000001Z", False, False),
        (b"260230000000Z", False, False),
        (b"260228240000Z", False, False),
        (b"260228236000Z", False, False),
        (b"260228235960Z", False, False),
        (b"260200000000Z", False, False),
        (b"261301000000Z", False, False),
        (b"500201000000Z", False, False),
        (b"990201000000Z", False, False),
        (b"2602010830 0Z", False, False),
        (b"26020108+300Z", False, False),
        (b"260201083000z", False, False),
        (b"260201083000\0", False, False),
    ],
)
def test_every_signed_time_is_judged_as_the_strict_way_does(
    p256: Any, knows_71: BatchVerifier, zones: dict[str, bytes], time: bytes, *, passes: bool, shortly: bool
) -> None:
    data = signed_parts(p256, zones, time, b"\0\0\0\1\0\0\0\x2a")
    assert strictly(knows_71, zones, data) is passes
    assert knows_71.looks_in_order(zones, data) is shortly


@pytest.mark.parametrize(
    ("place", "passes"),
    [
        ((1, 0), True),
        ((1, 3), False),
        ((1, 5), False),
        ((1, 9), False),
        ((1, 1023), True),
        ((1, 1024), False),
        ((0, 0), False),
        ((2, 0), False),
        ((2**32 - 1, 2**32 - 1), False),
    ],
)
def test_every_signed_status_is_judged_as_the_strict_way_does(
    p256: Any, knows_71: BatchVerifier, zones: dict[str, bytes], place: tuple[int, int], *, passes: bool
) -> None:
    status = place[0].to_bytes(4, "big") + place[1].to_bytes(4, "big")
    data = signed_parts(p256, zones, b"260201083000Z", status)
    assert strictly(knows_71, zones, data) is passes
    assert knows_71.looks_in_order(zones, data) is passes


def test_a_signed_digest_that_is_not_the_contents_is_refused_by_both(
    p256: Any, knows_71: BatchVerifier, zones: dict[str, bytes]
) -> None:
    data = signed_parts(p256, zones, b"260201083000Z", b"\0\0\0\1\0\0\0\x2a", wrong_digest=True)
    assert not knows_71.looks_in_order(zones, data)
    assert not strictly(knows_71, zones, data)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_no_named_defect_is_in_order(name: str, taught: BatchVerifier, zones: dict[str, bytes]) -> None:
    (path,) = (TRUST / "refused").glob(f"{name}.*")
    if path.suffix == ".json":
        try:
            given, data = find_security_object(load_capture(path.read_bytes()))
        except TrustError:
            return
    else:
        given, data = zones, path.read_bytes()
    assert not taught.in_order(given, data)
    assert not taught.in_order(given, data), "nothing is learned from what does not pass"


@pytest.mark.parametrize("path", sorted((TRUST / "accepted").iterdir()), ids=lambda path: path.name)
def test_other_forms_are_judged_the_strict_way(path: Path, taught: BatchVerifier, zones: dict[str, bytes]) -> None:
    data = path.read_bytes()
    assert taught.in_order(zones, data) == strictly(taught, zones, data)
    assert not taught.looks_in_order(zones, data)


@pytest.mark.parametrize("days", [40, 200, 4000])
def test_stale_lists_and_ended_chains_are_never_learned(
    p256: Any, zones: dict[str, bytes], judged: datetime, days: int
) -> None:
    verifier = BatchVerifier(p256.material, judged + timedelta(days=days), allow_test_issuers=True)
    assert not verifier.in_order(zones, p256.sod)
    assert not verifier.looks_in_order(zones, p256.sod)
    assert not BatchVerifier(p256.material, judged).in_order(zones, p256.sod), "TEST ONLY"


@pytest.mark.parametrize("embed", [True, False])
@pytest.mark.parametrize("status", [None, STATUS])
def test_law_a_batch_gives_the_bytes_of_single_signing(
    issuer: Any, zones: dict[str, bytes], signed: datetime, embed: bool, status: StatusReference | None
) -> None:
    batch = BatchSigner(issuer.signer, embed_certificate=embed)
    whole = {"extra": b"e" * 70, **zones, "fingerprint": b"C" * 512}
    for seconds in range(12):
        moment = signed + timedelta(seconds=seconds // 2)
        for some in (zones, whole, dict(reversed(whole.items()))):
            expected = build_security_object(some, issuer.signer, moment, status=status, embed_certificate=embed)
            assert batch.build(some, moment, status) == expected


def test_many_cards_are_signed_in_their_order(p256: Any, zones: dict[str, bytes], signed: datetime) -> None:
    cards = [
        (zones if number % 2 else {**zones, "extra": b"e" * 70}, signed, StatusReference(1, number))
        for number in range(150)
    ]
    made = list(BatchSigner(p256.signer).build_all(iter(cards)))
    assert made == [build_security_object(some, p256.signer, at, status=place) for some, at, place in cards]
    assert list(BatchSigner(p256.signer).build_all([])) == []


def test_nothing_is_handed_out_of_a_group_with_a_card_that_is_refused(
    p256: Any, zones: dict[str, bytes], signed: datetime
) -> None:
    batch = BatchSigner(p256.signer)
    cards = [(zones if number != 150 else {**zones, "photo": b""}, signed, None) for number in range(200)]
    made = batch.build_all(cards)
    assert len([next(made) for _ in range(GROUP)]) == GROUP
    with pytest.raises(TrustError) as caught:
        next(made)
    assert caught.value.reason == "zone-missing"
    assert list(made) == []


def test_every_length_of_signature_is_made_and_read(p256: Any, zones: dict[str, bytes], judged: datetime) -> None:
    batch = BatchSigner(InMemorySigner(p256.dsc_key, p256.dsc))
    verifier = BatchVerifier(p256.material, judged, allow_test_issuers=True)
    made = [batch.build(zones, judged, StatusReference(1, entry)) for entry in range(100, 400)]
    assert len({len(data) for data in made}) >= 2
    assert all(verifier.in_order(zones, data) for data in made)
    assert all(verifier.looks_in_order(zones, data) for data in made)
    assert [parse_security_object(data).status for data in made] == [(1, entry) for entry in range(100, 400)]


@pytest.mark.parametrize(
    ("change", "moment", "status", "reason"),
    [
        ({"text": b""}, 0, None, "zone-missing"),
        ({"fingerprint": b""}, 0, None, "zone-missing"),
        ({"chip": b"x"}, 0, None, "zone-unknown"),
        ({}, 91, None, "signed-outside-usage-period"),
        ({}, 0, StatusReference(-1, 0), "bad-argument"),
        ({}, 0, StatusReference(0, 2**32), "bad-argument"),
    ],
)
def test_a_batch_refuses_what_single_signing_refuses(
    p256: Any,
    zones: dict[str, bytes],
    started: datetime,
    change: dict[str, bytes],
    moment: int,
    status: StatusReference | None,
    reason: str,
) -> None:
    batch, at = BatchSigner(p256.signer), started + timedelta(days=moment)
    batch.build(zones, started, STATUS)

    def single(zones: dict[str, bytes], at: datetime, status: StatusReference | None) -> bytes:
        return build_security_object(zones, p256.signer, at, status=status)

    for build in (batch.build, single):
        with pytest.raises(TrustError) as caught:
            build(zones | change, at, status)
        assert caught.value.reason == reason


def test_a_batch_needs_text_and_photo(p256: Any, zones: dict[str, bytes], signed: datetime) -> None:
    with pytest.raises(TrustError) as caught:
        BatchSigner(p256.signer).build({"text": zones["text"], "extra": b"e"}, signed)
    assert caught.value.reason == "zone-missing"


def test_a_batch_asks_for_the_document_type(p256: Any, zones: dict[str, bytes], signed: datetime) -> None:
    with pytest.raises(TrustError) as caught:
        BatchSigner(p256.signer, document_type="P").build(zones, signed)
    assert caught.value.reason == "document-type-wrong"


def test_a_faulty_key_store_hands_out_nothing(p256: Any, zones: dict[str, bytes], signed: datetime) -> None:
    class Faulty:
        certificate = p256.dsc

        def sign(self, data: bytes) -> bytes:
            return bytes(p256.signer.sign(data + b"x"))

    with pytest.raises(TrustError) as caught:
        BatchSigner(Faulty()).build(zones, signed)
    assert caught.value.reason == "signature-wrong"


def test_times_from_2050_on_are_signed_too(
    p256: Any, profile: IssuerProfile, zones: dict[str, bytes], started: datetime
) -> None:
    key = ec.derive_private_key(11, ec.SECP256R1())
    request = request_signer(profile, key, common_name="TEST ONLY late")
    late = datetime(2049, 12, 1, tzinfo=UTC)
    long_lived = IssuerProfile(
        country="UT",
        country_alpha3="UTO",
        organization="TEST ONLY Issuer of Utopia",
        email="test-only@issuer.invalid",
        crl_uri="http://issuer.invalid/test-only.crl",
        csca_key_days=30 * 366,
    )
    csca = issue_csca(long_lived, p256.csca_key, common_name="TEST ONLY CSCA", serial=5, not_before=started)
    certificate = issue_signer(long_lived, request, csca, p256.csca_key, serial=6, not_before=late)
    signer = InMemorySigner(key, certificate, deterministic=True)
    batch = BatchSigner(signer)
    for days in (1, 30, 31, 40):
        moment = late + timedelta(days=days)
        assert batch.build(zones, moment, STATUS) == build_security_object(zones, signer, moment, status=STATUS)
