"""Signers: a key in memory, a budget, and nothing that shows the key."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from prcard.errors import TrustError
from prcard.trust.signer import BudgetedSigner, InMemorySigner, Signer


def test_deterministic_signatures_repeat_and_others_do_not(p256: Any) -> None:
    assert p256.signer.sign(b"data") == p256.signer.sign(b"data")
    random = InMemorySigner(p256.dsc_key, p256.dsc)
    assert random.sign(b"data") != random.sign(b"data")


def test_key_and_certificate_must_belong_together(p256: Any) -> None:
    with pytest.raises(TrustError, match="expected the one of this key") as caught:
        InMemorySigner(p256.csca_key, p256.dsc)
    assert caught.value.reason == "bad-argument"


def test_a_budget_is_never_exceeded(p256: Any) -> None:
    signer: Signer = BudgetedSigner(p256.signer, budget=5, used=3)
    assert signer.certificate == p256.dsc
    assert signer.sign(b"one") == p256.signer.sign(b"one")
    signer.sign(b"two")
    with pytest.raises(TrustError, match="5 signatures, 5 made") as caught:
        signer.sign(b"three")
    assert caught.value.reason == "budget-spent"
    assert isinstance(signer, BudgetedSigner)
    assert signer.used == 5


def test_a_failed_signature_counts(p256: Any) -> None:
    class Broken:
        certificate = p256.dsc

        def sign(self, data: bytes) -> bytes:
            raise OSError(str(len(data)))

    signer = BudgetedSigner(Broken(), budget=1)
    with pytest.raises(OSError, match="4"):
        signer.sign(b"data")
    with pytest.raises(TrustError):
        signer.sign(b"data")


def shown_by_a_refusal(signer: InMemorySigner) -> str:
    try:
        BudgetedSigner(signer, budget=0).sign(b"data")
    except TrustError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    raise AssertionError("a spent budget must refuse")


def test_no_key_material_in_repr_or_traceback(p256: Any) -> None:
    secret = p256.dsc_key.private_numbers().private_value
    signer = p256.signer
    for text in (repr(signer), repr(BudgetedSigner(signer, budget=0)), shown_by_a_refusal(signer)):
        assert str(secret) not in text
        assert f"{secret:x}" not in text.lower()
