"""The highest numbers seen: kept for lists that a pinned issuer stands behind, and never forgotten by accident."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from prcard.errors import TrustError
from prcard.store.seen import Seen, dump_seen, parse_seen
from prcard.trust.material import load_material
from prcard.trust.revocation import issuer_key


def material(office: Any, crl: int, status: int, **more: Any) -> Any:
    anchors = [office.csca.public_bytes(Encoding.DER)]
    revoked = more.pop("revoked", ())
    return load_material(anchors, crls=[office.crl(crl, revoked)], status_lists=[office.status(status, **more)])


def test_numbers_only_grow(office: Any) -> None:
    seen = Seen()
    for crl, status in ((3, 5), (2, 7), (4, 6)):
        seen = seen.with_material(material(office, crl, status), store=crl)
    assert seen == Seen(store=4, crls={issuer_key(office.csca): 4}, status={1: 7})
    assert parse_seen(dump_seen(seen)) == seen


def test_a_list_that_no_pinned_issuer_stands_behind_raises_no_number(office: Any, another_office: Any) -> None:
    stranger = another_office("TEST ONLY CSCA").lists
    assert Seen().with_material(material(office, 1, 10**6, signer=stranger)).status == {}
    assert Seen().with_material(material(office, 1, 10**6, revoked=[office.lists])).status == {}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b'{"format": "prcard-seen", "version": 1, "store": 1, "crls": {}}',
        b'{"format": "prcard-seen", "version": 1, "store": "1", "crls": {}, "status": {}}',
        b'{"format": "prcard-seen", "version": 1, "store": true, "crls": {}, "status": {}}',
        b'{"format": "prcard-seen", "version": 1, "store": 1, "crls": {}, "status": {"x": 1}}',
        b'{"format": "prcard-seen", "version": 2, "store": 1, "crls": {}, "status": {}}',
        b'{"format": "prcard-seen", "version": 1, "store": 1, "crls": {"a": null}, "status": {}}',
    ],
)
def test_a_damaged_memory_is_refused(data: bytes) -> None:
    with pytest.raises(TrustError) as caught:
        parse_seen(data)
    assert caught.value.reason == "seen-malformed"
