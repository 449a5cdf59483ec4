"""The catalogue: complete in both languages, nothing unused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from prcard import acceptance
from prcard.acceptance.indications import Indication, indication_of, is_grouped
from prcard.acceptance.messages import BRANCHES, CHECK_REASONS, CHECKS, OUTCOMES, OWN_REASONS, REASONS
from prcard.acceptance.reference import checks_reference
from prcard.acceptance.verdict import CheckOutcome, EvidenceLevel, Outcome
from prcard.acceptance.verify import verify
from prcard.errors import TrustError
from prcard.record.capture import load_capture
from prcard.record.raw import RawCard
from prcard.simulator.specimens import specimen
from prcard.store.profiles import load_profile
from prcard.trust.certificate_profile import DOCUMENT_TYPE
from prcard.trust.certificates import issue_csca, issue_signer, request_signer
from prcard.trust.cms import sign_message
from prcard.trust.material import TrustMaterial, load_material
from prcard.trust.reasons import TrustReason
from prcard.trust.revocation import issuer_key
from prcard.trust.security_object import build_security_object, zones_of
from prcard.trust.signer import InMemorySigner
from prcard.trust.status_list import STATUS_LIST, parse_status_list


def test_checks_are_numbered_without_gap() -> None:
    assert [title.number for title in CHECKS.values()] == list(range(1, len(CHECKS) + 1))


@pytest.mark.parametrize("text", [*CHECKS.values(), *REASONS.values()], ids=[*CHECKS, *REASONS])
def test_every_text_is_there_in_both_languages(text: object) -> None:
    assert not text.zh.isascii()  # type: ignore[attr-defined]  # a Title or a Reason
    assert text.en.isascii()  # type: ignore[attr-defined]
    advice = getattr(text, "advice_zh", ""), getattr(text, "advice_en", "")
    assert bool(advice[0]) == bool(advice[1])
    assert not advice[1] or advice[1].endswith(".")


def test_every_outcome_has_its_words() -> None:
    values = {member.value for kind in (Outcome, CheckOutcome, EvidenceLevel) for member in kind}
    assert set(OUTCOMES) == values
    assert all(zh and en for zh, en in OUTCOMES.values())


def test_no_reason_is_unused() -> None:
    folder = Path(acceptance.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py") if path.name != "messages.py")
    # Two are put together from the kind of photo.
    built = {"photo-blank", "photo-unknown"}
    assert not [code for code in OWN_REASONS if f'"{code}"' not in source and code not in built]


def test_no_reason_is_defined_twice() -> None:
    assert {reason.value for reason in TrustReason} & set(OWN_REASONS) == {"in-order"}


TRUST = Path(__file__).resolve().parents[2] / "fixtures" / "trust"
JUDGED = datetime.fromisoformat("2026-03-01T00:00:00+00:00")


def material_of(name: str) -> TrustMaterial:
    data = {path.name: path.read_bytes() for path in (TRUST / name).iterdir()}
    return load_material(
        [data["csca.der"]], signers=[data["dsc.der"]], crls=[data["csca.crl"]], status_lists=[data["status-list.der"]]
    )


def corpus() -> Iterator[RawCard]:
    alice = specimen("alice").card()
    for path in sorted((TRUST / "refused").iterdir()):
        data = path.read_bytes()
        yield load_capture(data) if path.suffix == ".json" else replace(alice, security_object=data)


def variations() -> Iterator[tuple[RawCard, TrustMaterial, datetime]]:
    """A good card, judged with material or at a moment that is not in order."""
    good = replace(specimen("alice").card(), security_object=(TRUST / "p256" / "sod.der").read_bytes())
    material, day = material_of("p256"), timedelta(days=1)
    (crl,), (status,) = material.crls, material.status_lists
    lasting = replace(crl, next_update=JUDGED + 900 * day)
    yield good, material, JUDGED
    yield good, replace(material, crls=()), JUDGED
    yield good, replace(material, crls=(replace(crl, next_update=crl.this_update + day),)), JUDGED
    yield good, replace(material, crls=(replace(crl, this_update=JUDGED + day),)), JUDGED
    yield good, replace(material, highest_crl={issuer_key(material.anchors[0]): crl.number + 1}), JUDGED
    yield good, replace(material, status_lists=()), JUDGED
    yield good, replace(material, status_lists=material_of("p384").status_lists), JUDGED
    old = replace(status, next_update=status.this_update + day)
    yield good, replace(material, crls=(lasting,), status_lists=(old,)), JUDGED
    yield good, replace(material, status_lists=(replace(status, this_update=JUDGED + day),)), JUDGED
    yield good, replace(material, highest_status={status.list_id: status.number + 1}), JUDGED
    yield signed_under_an_expired_issuer()


def signed_under_an_expired_issuer() -> tuple[RawCard, TrustMaterial, datetime]:
    """The pinned certificate of an issuer has ended; a later one of the same key signed the signer."""
    from prcard.simulator.issuer import PROFILE

    key, signer_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    begin = JUDGED - timedelta(days=1)
    years = timedelta(days=366 * 20)
    pinned = issue_csca(PROFILE, key, common_name="TEST ONLY CSCA", serial=1 << 100, not_before=begin - years)
    later = issue_csca(PROFILE, key, common_name="TEST ONLY CSCA", serial=1 << 101, not_before=begin)
    request = request_signer(PROFILE, signer_key, common_name="TEST ONLY DSC")
    dsc = issue_signer(PROFILE, request, later, key, serial=1 << 102, not_before=begin, document_types=(DOCUMENT_TYPE,))
    alice = specimen("alice").card()
    sod = build_security_object(zones_of(alice), InMemorySigner(signer_key, dsc), JUDGED)
    material = load_material([pinned.public_bytes(Encoding.DER)])
    return replace(alice, security_object=sod), material, JUDGED


def test_every_reason_of_a_signature_is_given_by_a_card() -> None:
    """None is unreachable: the corpus of refused cards and the variations above produce every one."""
    training, strict = load_profile("training"), replace(load_profile("training"), allow_test_issuers=False)
    seen = set()
    for card in corpus():
        seen |= {check.reason for check in verify(card, training, JUDGED, material_of("p256")).checks}
    for card, material, at in variations():
        seen |= {check.reason for check in verify(card, training, at, material).checks}
    card, material, at = next(variations())
    seen |= {check.reason for check in verify(card, strict, at, material).checks}
    wanted = {reason.value for reason in TrustReason if reason.value in CHECK_REASONS}
    assert wanted - seen == set()
    operations = set(REASONS) - set(CHECK_REASONS)
    assert not seen & operations, "what a card can give is no operation"


def test_every_reason_of_an_operation_that_is_raised_is_named_by_a_test() -> None:
    root = Path(__file__).resolve().parents[2]

    def text_of(folder: str, *but: str) -> str:
        paths = (root / folder).rglob("*.py")
        return "".join(path.read_text(encoding="utf-8") for path in paths if path.name not in but)

    raised, tests = text_of("src", "reasons.py"), text_of("tests", "test_indications.py")
    operations = [reason for reason in TrustReason if indication_of(reason.value) is Indication.OPERATION]
    raised_ones = [reason for reason in operations if f"TrustReason.{reason.name}" in raised]
    assert len(raised_ones) > 10
    assert [reason for reason in raised_ones if reason.value not in tests and reason.name not in tests] == []


def test_a_list_that_is_none_is_refused_where_it_is_loaded() -> None:
    """Two reasons that no card can give, since such a list is never loaded."""
    (status,) = material_of("p256").status_lists
    key = load_pem_private_key((TRUST / "p256" / "TEST-ONLY-dsc.key.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signer = InMemorySigner(key, material_of("p256").signers[0])
    content = status.message.content[:-4] + b"junk"
    for embed, reason in ((True, "status-list-malformed"), (False, "certificate-missing")):
        data = sign_message(content, STATUS_LIST, signer, JUDGED, embed_certificate=embed)
        with pytest.raises(TrustError) as error:
            parse_status_list(data)
        assert error.value.reason == reason


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_stands_in_a_group_and_on_the_page(code: str) -> None:
    assert is_grouped(code), "add the code to a group in prcard.acceptance.indications"
    rows = checks_reference().partition("## Reasons")[2].splitlines()
    row = next(line for line in rows if line.startswith(f"| `{code}` | {indication_of(code).value} "))
    assert REASONS[code].zh in row
    assert REASONS[code].en in row


def test_every_check_stands_in_exactly_one_branch() -> None:
    placed = [check for branch in BRANCHES.values() for check in branch.checks]
    assert sorted(placed) == sorted(CHECKS)
    assert all(title.rule_zh and title.rule_en and title.source for title in CHECKS.values())
