"""Revoked signers: what a list says, and when its silence says nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from prcard.errors import TrustError
from prcard.trust.certificates import issue_crl
from prcard.trust.chain import TrustedSigner, verify_signer
from prcard.trust.revocation import MAX_CRL_BYTES, RevocationState, SignerCRL, issuer_key, parse_crl, signer_status


@pytest.fixture
def signer(p256: Any, judged: datetime) -> TrustedSigner:
    return verify_signer(p256.dsc, [p256.csca], judged)


def made(p256: Any, begin: datetime, number: int = 5, *, revoked: bool = False, days: int = 30) -> SignerCRL:
    named = {p256.dsc.serial_number: begin} if revoked else {}
    crl = issue_crl(
        p256.csca,
        p256.csca_key,
        number=number,
        this_update=begin,
        next_update=begin + timedelta(days=days),
        revoked=named,
        deterministic=True,
    )
    return parse_crl(crl.public_bytes(Encoding.DER), [p256.csca])


def state(signer: TrustedSigner, crls: list[SignerCRL], at: datetime, **options: Any) -> tuple[str, str]:
    status = signer_status(signer, crls, at, **options)
    return status.state.name, status.reason.value


def test_a_list_that_does_not_name_the_signer(p256: Any, signer: TrustedSigner, judged: datetime) -> None:
    crl = made(p256, judged)
    status = signer_status(signer, [crl], judged)
    assert status.state is RevocationState.GOOD
    assert (status.number, status.as_of) == (5, judged)


def test_a_list_that_names_it_counts_however_old(p256: Any, signer: TrustedSigner, judged: datetime) -> None:
    revoked = made(p256, judged, 4, revoked=True)
    for crls in ([revoked], [revoked, made(p256, judged, 9)]):
        assert state(signer, crls, judged + timedelta(days=900)) == ("REVOKED", "signer-revoked")


def test_silence_of_a_missing_stale_early_or_rolled_back_list_says_nothing(
    p256: Any, signer: TrustedSigner, judged: datetime
) -> None:
    crl = made(p256, judged)
    late = judged + timedelta(days=31)
    assert state(signer, [], judged) == ("UNKNOWN", "crl-missing")
    assert state(signer, [crl], late) == ("UNKNOWN", "crl-stale")
    assert state(signer, [crl], late, grace=timedelta(days=2)) == ("GOOD", "in-order")
    assert state(signer, [crl], judged - timedelta(days=1)) == ("UNKNOWN", "crl-not-yet-valid")
    assert state(signer, [crl], judged, highest_seen={issuer_key(p256.csca): 6}) == ("UNKNOWN", "crl-rollback")


def test_only_the_issuers_own_list_counts(p256: Any, judged: datetime) -> None:
    data = p256.data["csca.crl"]
    for changed in (data[:-1], data + b"\0", b"", bytes(MAX_CRL_BYTES + 1), data[:-1] + bytes((data[-1] ^ 1,))):
        with pytest.raises(TrustError):
            parse_crl(changed, [p256.csca])
    with pytest.raises(TrustError):
        parse_crl(data, [])


def test_arguments_that_make_no_list(p256: Any, judged: datetime) -> None:
    for number, days in ((-1, 30), (5, 0)):
        with pytest.raises(TrustError) as error:
            made(p256, judged, number, days=days)
        assert error.value.reason == "bad-argument"
