"""Limits of a signer: usage period by the clock, document type, budget."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prcard.errors import TrustError
from prcard.keys.count import SignatureCount, count_document
from prcard.keys.signer import LimitedSigner
from prcard.trust.batch import BatchSigner
from prcard.trust.certificate_profile import DOCUMENT_TYPE, STATUS_LIST_TYPE, usage_period
from prcard.trust.security_object import build_security_object
from prcard.trust.signer import Signer


@pytest.fixture
def count(tmp_path: Path, issuer: Any) -> SignatureCount:
    (tmp_path / "dsc.count").write_bytes(count_document(issuer.dsc, budget=2))
    return SignatureCount(tmp_path / "dsc.count", issuer.dsc)


def limited(issuer: Any, count: SignatureCount, at: datetime | None = None, kind: str = DOCUMENT_TYPE) -> LimitedSigner:
    moment = at or issuer.now
    return LimitedSigner(issuer.dsc_key, issuer.dsc, document_type=kind, count=count, clock=lambda: moment)


def test_it_signs_cards_until_its_budget_is_spent(issuer: Any, count: SignatureCount) -> None:
    signer: Signer = limited(issuer, count)
    assert signer.certificate == issuer.dsc
    for _ in range(2):
        build_security_object(issuer.zones, signer, issuer.now)
    with pytest.raises(TrustError, match="2 signatures, 2 made") as caught:
        build_security_object(issuer.zones, signer, issuer.now)
    assert caught.value.reason == "budget-spent"
    assert count.read() == (2, 2)


def test_the_wrong_document_type_is_refused_at_once(issuer: Any, count: SignatureCount) -> None:
    with pytest.raises(TrustError) as caught:
        limited(issuer, count, kind=STATUS_LIST_TYPE)
    assert caught.value.reason == "document-type-wrong"
    with pytest.raises(TrustError) as caught:
        build_security_object(issuer.zones, limited(issuer, count), issuer.now, document_type="P")
    assert caught.value.reason == "document-type-wrong"
    assert count.read() == (0, 2)


def test_the_usage_period_is_judged_by_the_clock(issuer: Any, count: SignatureCount) -> None:
    period = usage_period(issuer.dsc)
    for outside in (period.start - timedelta(seconds=1), period.end + timedelta(seconds=1)):
        with pytest.raises(TrustError) as caught:
            limited(issuer, count, outside)
        assert caught.value.reason == "signed-outside-usage-period"
    clock = [period.end]
    signer = LimitedSigner(issuer.dsc_key, issuer.dsc, document_type=DOCUMENT_TYPE, count=count, clock=lambda: clock[0])
    assert signer.sign(b"data")
    clock[0] += timedelta(seconds=1)
    with pytest.raises(TrustError) as caught:
        build_security_object(issuer.zones, signer, issuer.now)
    assert caught.value.reason == "signed-outside-usage-period"
    assert count.read() == (1, 2)


def test_a_batch_stops_when_the_budget_is_spent(issuer: Any, count: SignatureCount) -> None:
    builder = BatchSigner(limited(issuer, count))
    assert len([builder.build(issuer.zones, issuer.now) for _ in range(2)]) == 2
    with pytest.raises(TrustError, match="2 signatures, 2 made"):
        builder.build(issuer.zones, issuer.now)


def test_without_a_clock_it_is_now(issuer: Any, count: SignatureCount) -> None:
    with pytest.raises(TrustError) as caught:
        LimitedSigner(issuer.csca_key, issuer.dsc, document_type=DOCUMENT_TYPE, count=count, clock=lambda: issuer.now)
    assert caught.value.reason == "bad-argument"
    period = usage_period(issuer.dsc)
    if not period.start <= datetime.now(period.start.tzinfo) <= period.end:
        with pytest.raises(TrustError):
            LimitedSigner(issuer.dsc_key, issuer.dsc, document_type=DOCUMENT_TYPE, count=count)
