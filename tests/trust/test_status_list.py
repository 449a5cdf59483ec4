"""The status list of cards: exact, small, and read back before it is handed out."""

from __future__ import annotations

import random
import zlib
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from prcard.errors import TrustError
from prcard.trust.certificate_profile import STATUS_LIST_TYPE
from prcard.trust.certificates import IssuerProfile, issue_signer, request_signer
from prcard.trust.signer import InMemorySigner
from prcard.trust.status_list import CardStatus, build_status_list, pack_statuses, parse_status_list


@pytest.fixture(scope="module")
def lister(p256: Any, profile: IssuerProfile, started: datetime) -> InMemorySigner:
    """A signer that may sign status lists."""
    key = ec.derive_private_key(7, ec.SECP256R1())
    request = request_signer(profile, key, common_name="TEST ONLY lists")
    certificate = issue_signer(
        profile,
        request,
        p256.csca,
        p256.csca_key,
        serial=77,
        not_before=started,
        document_types=(STATUS_LIST_TYPE,),
        deterministic=True,
    )
    return InMemorySigner(key, certificate, deterministic=True)


def made(lister: InMemorySigner, begin: datetime, statuses: dict[int, CardStatus], **changes: Any) -> bytes:
    options: dict[str, Any] = {"list_id": 1, "number": 3, "entries": 1000, "bits": 2} | changes
    return build_status_list(statuses, lister, this_update=begin, next_update=begin + timedelta(days=7), **options)


def test_every_status_is_read_back(lister: InMemorySigner, started: datetime) -> None:
    statuses = {0: CardStatus.REVOKED, 1: CardStatus.SUSPENDED, 998: CardStatus.REPLACED, 999: CardStatus.REVOKED}
    begin = started + timedelta(days=1)
    found = parse_status_list(made(lister, begin, statuses))
    assert (found.list_id, found.number, found.entries, found.this_update) == (1, 3, 1000, begin)
    assert {entry: found.status(entry) for entry in (0, 1, 2, 998, 999)} == {2: CardStatus.VALID, **statuses}
    for entry in (-1, 1000):
        with pytest.raises(TrustError) as error:
            found.status(entry)
        assert error.value.reason == "status-index-out-of-range"


@given(st.dictionaries(st.integers(0, 99), st.sampled_from([CardStatus.VALID, CardStatus.REVOKED])))
def test_law_one_bit_a_card(statuses: dict[int, CardStatus]) -> None:
    packed = pack_statuses(statuses, 100, 1)
    assert len(packed) == 13
    ones = {entry for entry in range(100) if packed[entry // 8] >> (entry % 8) & 1}
    assert ones == {entry for entry, status in statuses.items() if status is CardStatus.REVOKED}


@pytest.mark.parametrize(
    ("statuses", "entries", "bits"),
    [({}, 0, 1), ({}, 10, 3), ({10: CardStatus.REVOKED}, 10, 1), ({0: CardStatus.SUSPENDED}, 10, 1), ({}, 1 << 30, 1)],
)
def test_what_cannot_be_packed(statuses: dict[int, CardStatus], entries: int, bits: int) -> None:
    with pytest.raises(TrustError) as error:
        pack_statuses(statuses, entries, bits)
    assert error.value.reason == "bad-argument"


def test_a_million_cards_of_which_one_in_a_hundred_is_revoked_fit_20_kilobytes(
    lister: InMemorySigner, started: datetime
) -> None:
    source = random.Random(1)
    revoked = dict.fromkeys(source.sample(range(1_000_000), 10_000), CardStatus.REVOKED)
    data = made(lister, started + timedelta(days=1), revoked, entries=1_000_000, bits=1)
    assert len(data) <= 20_000
    found = parse_status_list(data)
    assert sum(found.status(entry) is CardStatus.REVOKED for entry in range(0, 1_000_000, 97)) == sum(
        entry in revoked for entry in range(0, 1_000_000, 97)
    )


def test_arguments_and_signers_that_make_no_list(p256: Any, lister: InMemorySigner, started: datetime) -> None:
    begin = started + timedelta(days=1)
    for changes in ({"list_id": -1}, {"list_id": 2**32}, {"number": -1}):
        with pytest.raises(TrustError):
            made(lister, begin, {}, **changes)
    with pytest.raises(TrustError):
        made(lister, begin + timedelta(days=4000), {})


def test_no_changed_byte_is_taken(lister: InMemorySigner, started: datetime) -> None:
    data = made(lister, started + timedelta(days=1), {5: CardStatus.REVOKED})
    good = parse_status_list(data)
    for at in range(0, len(data), 7):
        changed = data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]
        try:
            found = parse_status_list(changed)
        except TrustError:
            continue
        # Only the certificate beside the list may change unseen here; its chain is judged apart.
        assert found.packed == good.packed
        assert found.certificate != good.certificate


def test_a_bomb_is_not_unpacked() -> None:
    assert len(zlib.compress(bytes(1 << 24), 9)) < 20_000
    with pytest.raises(TrustError):
        parse_status_list(zlib.compress(bytes(1 << 24), 9))
