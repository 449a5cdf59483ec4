"""Every parser of signed data on random and on changed bytes: a result, or a refusal with its reason; never more.

Each law runs 100 times by default and 20,000 times in the long mode, so 140,000 inputs in all.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import TrustError
from prcard.record.raw import RawCard
from prcard.trust.certificate_profile import check_anchor, check_signer_certificate, load_certificate
from prcard.trust.compact import find_security_object
from prcard.trust.material import load_material
from prcard.trust.merkle import MerkleTree, build_checkpoint, parse_checkpoint
from prcard.trust.reasons import TrustReason
from prcard.trust.revocation import parse_crl
from prcard.trust.security_object import parse_security_object
from prcard.trust.status_list import parse_status_list
from prcard.trust.verify import SECURITY_CHECKS, SecurityVerifier

CODES = {reason.value for reason in TrustReason}

# Places and lengths that DER cares for come often: ends, long lengths, tags.
edits = st.lists(
    st.tuples(
        st.integers(0, 1 << 16),
        st.integers(0, 4),
        st.one_of(
            st.binary(max_size=4),
            st.sampled_from(
                [b"\x30\x80", b"\x00\x00", b"\x84\xff\xff\xff\xff", b"\x31", b"\xa0", b"\x02\x01\x00", b""]
            ),
        ),
    ),
    min_size=1,
    max_size=5,
)


def changed(data: bytes, edited: list[tuple[int, int, bytes]]) -> bytes:
    for at, removed, inserted in edited:
        place = at % (len(data) + 1)
        data = data[:place] + inserted + data[place + removed :]
    return data


def only_refuses(call: Callable[[], object]) -> None:
    try:
        call()
    except TrustError as error:
        assert error.reason in CODES
        assert str(error)
        assert error.__cause__ is None


@pytest.fixture(scope="module")
def parsers(p256: Any) -> dict[str, tuple[bytes, Callable[[bytes], object]]]:
    """Each parser with something good to change."""
    checkpoint = build_checkpoint(
        MerkleTree([b"entry"]), p256.signer, origin="TEST ONLY log", signing_time=datetime(2026, 2, 1, tzinfo=UTC)
    )

    def certificate(data: bytes) -> None:
        loaded = load_certificate(data)
        only_refuses(lambda: check_signer_certificate(loaded))
        only_refuses(lambda: check_anchor(loaded))

    def carrier(data: bytes) -> None:
        find_security_object(RawCard(text=b"t", photo=b"p", fingerprint=data))

    return {
        "security-object": (p256.sod, parse_security_object),
        "crl": (p256.data["csca.crl"], lambda data: parse_crl(data, [p256.csca])),
        "status-list": (p256.data["status-list.der"], parse_status_list),
        "certificate": (p256.data["dsc.der"], certificate),
        "carrier": (p256.data["fingerprint-carrier.bin"], carrier),
        "checkpoint": (checkpoint, parse_checkpoint),
    }


NAMES = ["security-object", "crl", "status-list", "certificate", "carrier", "checkpoint"]


@pytest.mark.parametrize("name", NAMES)
@given(edited=edits)
def test_law_a_parser_refuses_changed_input_with_a_reason(
    parsers: dict[str, tuple[bytes, Callable[[bytes], object]]], name: str, edited: list[tuple[int, int, bytes]]
) -> None:
    good, parse = parsers[name]
    only_refuses(lambda: parse(changed(good, edited)))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.binary(max_size=400))
def test_law_a_parser_refuses_random_input_with_a_reason(
    parsers: dict[str, tuple[bytes, Callable[[bytes], object]]], name: str, data: bytes
) -> None:
    with pytest.raises(TrustError) as caught:
        parsers[name][1](b"\x77" + data if name == "carrier" else data)
    assert caught.value.reason in CODES


@given(edited=edits, zone=st.binary(max_size=64))
def test_law_a_verifier_says_of_every_card_what_it_finds(
    p256: Any, verifier: SecurityVerifier, judged: datetime, edited: list[tuple[int, int, bytes]], zone: bytes
) -> None:
    data = changed(p256.sod, edited)
    checks = verifier.verify_card(RawCard(text=zone, photo=zone, fingerprint=zone, security_object=data), judged)
    assert tuple(check.code for check in checks) == SECURITY_CHECKS


@given(st.integers(-1, 4000))
def test_law_material_is_whole_or_refused_at_every_cut(p256: Any, at: int) -> None:
    cut = p256.data["csca.crl"][: at % (len(p256.data["csca.crl"]) + 1)]
    if cut == p256.data["csca.crl"]:
        assert load_material([p256.data["csca.der"]], crls=[cut], grace=timedelta(1)).crls
    else:
        with pytest.raises(TrustError):
            load_material([p256.data["csca.der"]], crls=[cut])
