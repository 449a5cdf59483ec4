"""The path from a document signer to a pinned issuer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from prcard.errors import TrustError
from prcard.trust.chain import check_signing, verify_signer


def test_a_good_signer_is_trusted_with_all_that_it_may(issuer: Any, judged: datetime) -> None:
    signer = verify_signer(issuer.dsc, [issuer.csca], judged)
    assert signer.anchor == issuer.csca
    assert signer.test_only
    assert signer.usage_period.start < judged
    assert signer.valid_at(judged)
    assert not signer.valid_at(judged + timedelta(days=365 * 40))


def reason(call: Any) -> str:
    with pytest.raises(TrustError) as error:
        call()
    return str(error.value.reason)


def test_moments_outside_of_validity(p256: Any, judged: datetime) -> None:
    early = p256.dsc.not_valid_before_utc - timedelta(seconds=1)
    late = p256.dsc.not_valid_after_utc + timedelta(seconds=1)
    assert reason(lambda: verify_signer(p256.dsc, [p256.csca], early)) == "certificate-not-yet-valid"
    assert reason(lambda: verify_signer(p256.dsc, [p256.csca], late)) == "certificate-expired"
    assert reason(lambda: verify_signer(p256.dsc, [p256.csca], judged.replace(tzinfo=None))) == "bad-argument"


def test_an_issuer_that_is_not_pinned(p256: Any, judged: datetime) -> None:
    assert reason(lambda: verify_signer(p256.dsc, [], judged)) == "issuer-unknown"


def test_the_issuer_itself_is_no_signer(p256: Any, judged: datetime) -> None:
    assert reason(lambda: verify_signer(p256.csca, [p256.csca], judged)) == "ca-as-signer"


def test_what_a_trusted_signer_was_allowed_to_sign(p256: Any, judged: datetime, signed: datetime) -> None:
    signer = verify_signer(p256.dsc, [p256.csca], judged)
    kind = next(iter(signer.document_types))
    check_signing(signer, signed, judged, kind, allow_test_issuers=True)
    for wrong, expected in (
        ((signed, judged, kind, False), "test-issuer"),
        ((signed, judged, "ZZ", True), "document-type-wrong"),
        ((signer.usage_period.start - timedelta(days=1), judged, kind, True), "signed-outside-usage-period"),
        ((signer.usage_period.end + timedelta(days=1), judged, kind, True), "signed-outside-usage-period"),
        ((judged + timedelta(days=1), judged, kind, True), "signed-in-the-future"),
    ):
        *arguments, allowed = wrong
        assert reason(lambda a=arguments, b=allowed: check_signing(signer, *a, allow_test_issuers=b)) == expected
