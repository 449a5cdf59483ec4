"""Kinds of bad and unknown: distinct, and never one for another."""

from __future__ import annotations

import pytest

from prcard.acceptance.indications import Indication, indication_of, is_grouped


@pytest.mark.parametrize(
    ("reason", "indication"),
    [
        ("malformed", "malformed"),
        ("not-der", "malformed"),
        ("signature-wrong", "forged"),
        ("zone-differs", "forged"),
        ("issuer-unknown", "untrusted"),
        ("expired", "expired"),
        ("certificate-expired", "untrusted"),
        ("not-yet-valid", "not-yet-valid"),
        ("card-revoked", "revoked"),
        ("card-suspended", "suspended"),
        ("unknown-edition", "unknown-edition"),
        ("simulated-reader", "simulated"),
        ("crl-stale", "stale-list"),
        ("no-trust-store", "not-checked"),
    ],
)
def test_what_the_issue_calls_distinct_is_distinct(reason: str, indication: str) -> None:
    assert indication_of(reason).value == indication


def test_names_are_there_in_both_languages_and_distinct() -> None:
    assert len({kind.zh for kind in Indication}) == len({kind.en for kind in Indication}) == len(Indication)
    assert all(not kind.zh.isascii() and kind.en.isascii() for kind in Indication)


def test_a_reason_that_nobody_grouped_accepts_nothing() -> None:
    assert not is_grouped("something-new")
    assert indication_of("something-new") is Indication.UNTRUSTED
