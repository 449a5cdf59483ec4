"""Checks 11 to 16 of a card: is it signed, by whom, and do signer and card still stand?

Each check says what it found, why, and on what evidence; none stands for another. All of them together show that our
configured issuer signed these bytes. They never show that the state issued a card.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, unique
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from prcard.errors import TrustError
from prcard.trust.algorithms import Scheme, check_public_key
from prcard.trust.certificate_profile import DOCUMENT_TYPE, STATUS_LIST_TYPE, fingerprint
from prcard.trust.chain import TrustedSigner, check_signing, verify_signer
from prcard.trust.cms import check_signature, names_certificate
from prcard.trust.compact import find_security_object
from prcard.trust.reasons import TrustReason, reason_of, refusal
from prcard.trust.revocation import (
    AgeReasons,
    ListStatus,
    RevocationState,
    age_problem,
    same_issuer,
    signer_status,
)
from prcard.trust.security_object import (
    SIGNED_ALWAYS,
    ZoneState,
    compare_zones,
    parse_security_object,
)
from prcard.trust.sm2 import check_sm2_key, check_sm2_signature, is_sm2
from prcard.trust.status_list import CardStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from cryptography import x509

    from prcard.record.raw import RawCard
    from prcard.trust.material import TrustMaterial
    from prcard.trust.security_object import SecurityObject, StatusReference
    from prcard.trust.status_list import StatusList

__all__ = ["SECURITY_CHECKS", "SecurityCheck", "SecurityOutcome", "SecurityVerifier", "verify_security"]

SECURITY_CHECKS: Final = (
    "security-object",
    "zone-digests",
    "signature",
    "chain",
    "signer-not-revoked",
    "card-not-revoked",
)
"""The checks in their order, 11 to 16 of a verdict."""

STATUS_AGE: Final = AgeReasons(TrustReason.STATUS_ROLLBACK, TrustReason.STATUS_EARLY, TrustReason.STATUS_STALE)
_CARD_REASONS: Final = {
    CardStatus.VALID: TrustReason.IN_ORDER,
    CardStatus.REVOKED: TrustReason.CARD_REVOKED,
    CardStatus.SUSPENDED: TrustReason.CARD_SUSPENDED,
    CardStatus.REPLACED: TrustReason.CARD_REPLACED,
}


@unique
class SecurityOutcome(Enum):
    """What one check says; only PASSED is good."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    INDETERMINATE = "INDETERMINATE"
    NOT_CHECKED = "NOT_CHECKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityCheck:
    """One check and what it found.

    Attributes:
        code: Which check, one of `SECURITY_CHECKS`.
        outcome: What it says.
        reason: Why.
        evidence: What was looked at, JSON-ready; holds no personal data.
    """

    code: str
    outcome: SecurityOutcome
    reason: TrustReason
    evidence: Mapping[str, Any] = field(default_factory=dict)


_STATE_OUTCOMES: Final = {
    RevocationState.GOOD: SecurityOutcome.PASSED,
    RevocationState.REVOKED: SecurityOutcome.FAILED,
    RevocationState.UNKNOWN: SecurityOutcome.INDETERMINATE,
}


class SecurityVerifier:
    """Verifies many cards by one trust material; the chain of each signer is verified once.

    Make a new one when the material changes.
    """

    __slots__ = ("_allow_test_issuers", "_material", "_trusted")

    def __init__(self, material: TrustMaterial, *, allow_test_issuers: bool = False) -> None:
        """Keeps the material.

        Args:
            material: Issuers, signers and lists.
            allow_test_issuers: True in training only.
        """
        self._material = material
        self._allow_test_issuers = allow_test_issuers
        self._trusted: dict[x509.Certificate, TrustedSigner] = {}

    def verify_card(
        self,
        card: RawCard,
        at: datetime,
        *,
        required_zones: Collection[str] = SIGNED_ALWAYS,
        document_type: str = DOCUMENT_TYPE,
    ) -> tuple[SecurityCheck, ...]:
        """Makes all six checks of a card as it was read; a compact security object in it is found.

        Args:
            card: What a reader read.
            at: Aware moment of judging.
            required_zones: The zones that were asked for: one of them that is signed must be there.
            document_type: The kind of document that the signer must be allowed to sign.

        Raises:
            TrustError: BAD_ARGUMENT: `at` has no offset from UTC. A bad card raises nothing.
        """
        _check_moment(at)
        try:
            zones, data = find_security_object(card)
        except TrustError as error:
            return _no_object(_failed("security-object", error))
        return self.verify(zones, data, at, required_zones=required_zones, document_type=document_type)

    def verify(
        self,
        zones: Mapping[str, bytes],
        data: bytes | None,
        at: datetime,
        *,
        required_zones: Collection[str] = SIGNED_ALWAYS,
        document_type: str = DOCUMENT_TYPE,
    ) -> tuple[SecurityCheck, ...]:
        """Makes all six checks of zones and a security object.

        Args:
            zones: The zones at hand by name; an empty one counts as absent.
            data: EF.SOD with its outer tag, or None.
            at: Aware moment of judging.
            required_zones: The zones that were asked for: one of them that is signed must be there.
            document_type: The kind of document that the signer must be allowed to sign.

        Raises:
            TrustError: BAD_ARGUMENT or ZONE_UNKNOWN: the caller erred. A bad card raises nothing.
        """
        _check_moment(at)
        if data is None:
            return _no_object(_unclear("security-object", TrustReason.NO_SECURITY_OBJECT))
        try:
            security_object = parse_security_object(data, sm2=bool(self._material.sm2_keys) and is_sm2(data))
        except TrustError as error:
            return _no_object(_failed("security-object", error))
        if security_object.message.scheme is Scheme.SM2:
            return (
                _describe(security_object),
                _check_zones(security_object, zones, required_zones),
                *self._check_sm2(security_object, at),
            )
        signature, certificate = self._check_signature(security_object)
        chain, signer = self._check_chain(security_object, certificate, at, document_type)
        return (
            _describe(security_object),
            _check_zones(security_object, zones, required_zones),
            signature,
            chain,
            self._check_signer_status(signer, at),
            self._check_card_status(security_object, signature, signer, at),
        )

    def _check_signature(self, security_object: SecurityObject) -> tuple[SecurityCheck, x509.Certificate | None]:
        """Check 13; with the certificate whose key was tried, if there is one."""
        message = security_object.message
        embedded = () if message.certificate is None else (message.certificate,)
        candidates = [known for known in embedded or self._material.signers if names_certificate(message, known)]
        if not candidates:
            return _unclear("signature", TrustReason.SIGNER_UNKNOWN), None
        problems = []
        # Two certificates may name one key identifier: a renewed one, or one that claims it and has another key.
        for certificate in candidates:
            try:
                check_signature(message, self._public_key(certificate))
            except TrustError as error:
                problems.append(error)
                continue
            evidence = {"algorithm": message.scheme.value, "digest": message.digest.name}
            return _passed("signature", evidence), certificate
        return _failed("signature", problems[0]), candidates[0]

    def _check_sm2(self, security_object: SecurityObject, at: datetime) -> tuple[SecurityCheck, ...]:
        """Checks 13 to 16 by a pinned SM2 key, for which there are no lists."""
        message = security_object.message
        lists = (
            _unclear("signer-not-revoked", TrustReason.CRL_MISSING),
            _unclear("card-not-revoked", TrustReason.STATUS_MISSING),
        )
        key = next((key for key in self._material.sm2_keys if key.key_identifier == message.signer_id), None)
        if key is None:
            return _unclear("signature", TrustReason.SIGNER_UNKNOWN), _not_checked("chain"), *lists
        evidence = {"pinned_key": key.key_identifier.hex()}
        try:
            check_sm2_signature(security_object, key)
            signature = _passed("signature", {"algorithm": message.scheme.value, "digest": message.digest.name})
        except TrustError as error:
            signature = _failed("signature", error)
        try:
            check_sm2_key(security_object, key, at, allow_test_keys=self._allow_test_issuers)
            chain = _passed("chain", evidence)
        except TrustError as error:
            chain = _failed("chain", error, evidence)
        return signature, chain, *lists

    def signer_of(self, security_object: SecurityObject, at: datetime) -> TrustedSigner | None:
        """Finds who signed an object, if its signature and its signer's chain hold at a moment; else None."""
        certificate = self._check_signature(security_object)[1]
        try:
            return None if certificate is None else self.trusted_signer(certificate, at)
        except TrustError:
            return None

    def _public_key(self, certificate: x509.Certificate) -> Any:
        known = self._trusted.get(certificate)
        return check_public_key(certificate) if known is None else known.public_key

    def _check_chain(
        self,
        security_object: SecurityObject,
        certificate: x509.Certificate | None,
        at: datetime,
        document_type: str,
    ) -> tuple[SecurityCheck, TrustedSigner | None]:
        """Check 14; with the signer if its chain holds, also when it was not allowed to sign this."""
        if certificate is None:
            return _not_checked("chain"), None
        evidence = dict(_certificate_evidence(certificate))
        signer = None
        try:
            signer = self.trusted_signer(certificate, at)
            evidence |= {"issuer_fingerprint": fingerprint(signer.anchor)}
            check_signing(
                signer,
                security_object.signing_time,
                at,
                document_type,
                allow_test_issuers=self._allow_test_issuers,
            )
        except TrustError as error:
            return _failed("chain", error, evidence), signer
        return _passed("chain", evidence), signer

    def _signer_status(self, signer: TrustedSigner, at: datetime) -> ListStatus:
        material = self._material
        return signer_status(signer, material.crls, at, grace=material.grace, highest_seen=material.highest_crl)

    def _check_signer_status(self, signer: TrustedSigner | None, at: datetime) -> SecurityCheck:
        """Check 15."""
        if signer is None:
            return _not_checked("signer-not-revoked")
        return _from_status("signer-not-revoked", self._signer_status(signer, at))

    def _check_card_status(
        self, security_object: SecurityObject, signature: SecurityCheck, signer: TrustedSigner | None, at: datetime
    ) -> SecurityCheck:
        """Check 16; the place in the list counts only when it is signed by a trusted signer."""
        if signer is None or signature.outcome is not SecurityOutcome.PASSED:
            return _not_checked("card-not-revoked")
        if security_object.status is None:
            return _unclear("card-not-revoked", TrustReason.NO_STATUS_REFERENCE)
        return _from_status("card-not-revoked", self._card_status(security_object.status, signer, at))

    def _card_status(self, place: StatusReference, signer: TrustedSigner, at: datetime) -> ListStatus:
        """What the newest trusted list of the card's own issuer says; to revoke it may be of any age."""
        newest, problem = self.status_list(place.list_id, signer, at)
        if newest is None:
            untrusted = [item for item in self._material.status_lists if item.list_id == place.list_id]
            if untrusted:
                return _list_status(untrusted[-1], RevocationState.UNKNOWN, TrustReason.STATUS_UNTRUSTED)
            return ListStatus(state=RevocationState.UNKNOWN, reason=TrustReason.STATUS_MISSING)
        if place.entry >= newest.entries:
            return _list_status(newest, RevocationState.UNKNOWN, TrustReason.STATUS_INDEX)
        reason = _CARD_REASONS[newest.status(place.entry)]
        if reason is not TrustReason.IN_ORDER:
            return _list_status(newest, RevocationState.REVOKED, reason)
        if problem is not None:
            return _list_status(newest, RevocationState.UNKNOWN, problem)
        return _list_status(newest, RevocationState.GOOD, TrustReason.IN_ORDER)

    def status_list(
        self, list_id: int, signer: TrustedSigner, at: datetime
    ) -> tuple[StatusList | None, TrustReason | None]:
        """Finds the newest trusted list that may speak of a card, and what forbids to trust its silence.

        Args:
            list_id: Which list the card names.
            signer: Who signed the card.
            at: Aware moment of judging.

        Returns:
            The list, or None without one; and the problem, or None when "valid" in the list means good.
        """
        lists = [item for item in self._material.status_lists if item.list_id == list_id]
        trusted = [item for item in lists if self._speaks_for(item, signer, at)]
        if not trusted:
            return None, TrustReason.STATUS_UNTRUSTED if lists else TrustReason.STATUS_MISSING
        newest = max(trusted, key=lambda item: item.number)
        highest = self._material.highest_status.get(list_id, 0)
        age = (newest.this_update, newest.next_update, newest.number)
        return newest, age_problem(age, at, self._material.grace, highest, STATUS_AGE)

    def trusted_signer(self, certificate: x509.Certificate, at: datetime) -> TrustedSigner:
        """Verifies the chain of a signer, or remembers that it holds at this moment.

        Raises:
            TrustError: it does not hold.
        """
        known = self._trusted.get(certificate)
        if known is None or not known.valid_at(at):
            known = verify_signer(certificate, self._material.anchors, at)
            self._trusted[certificate] = known
        return known

    def _speaks_for(self, item: StatusList, card_signer: TrustedSigner, at: datetime) -> bool:
        """Tells whether a list's signer is trusted, not revoked, allowed to sign lists, and of the card's issuer."""
        try:
            signer = self.trusted_signer(item.certificate, at)
            check_signing(
                signer,
                item.message.signing_time,
                at,
                STATUS_LIST_TYPE,
                allow_test_issuers=self._allow_test_issuers,
            )
        except TrustError:
            return False
        good = self._signer_status(signer, at).state is RevocationState.GOOD
        return good and same_issuer(signer.anchor, card_signer.anchor)


def verify_security(
    zones: Mapping[str, bytes],
    data: bytes | None,
    material: TrustMaterial,
    at: datetime,
    *,
    allow_test_issuers: bool = False,
    required_zones: Collection[str] = SIGNED_ALWAYS,
    document_type: str = DOCUMENT_TYPE,
) -> tuple[SecurityCheck, ...]:
    """Makes all six checks once; for many cards make one `SecurityVerifier`.

    Args:
        zones: The zones at hand by name; an empty one counts as absent.
        data: EF.SOD with its outer tag, or None.
        material: Issuers, signers and lists.
        at: Aware moment of judging.
        allow_test_issuers: True in training only.
        required_zones: The zones that were asked for: one of them that is signed must be there.
        document_type: The kind of document that the signer must be allowed to sign.

    Raises:
        TrustError: BAD_ARGUMENT or ZONE_UNKNOWN: the caller erred. A bad card raises nothing.
    """
    verifier = SecurityVerifier(material, allow_test_issuers=allow_test_issuers)
    return verifier.verify(zones, data, at, required_zones=required_zones, document_type=document_type)


def _check_moment(at: datetime) -> None:
    if at.tzinfo is None:
        raise refusal(TrustReason.BAD_ARGUMENT, "moment: expected an offset from UTC, found none")


def _passed(code: str, evidence: Mapping[str, Any]) -> SecurityCheck:
    return SecurityCheck(code=code, outcome=SecurityOutcome.PASSED, reason=TrustReason.IN_ORDER, evidence=evidence)


def _failed(code: str, error: TrustError, evidence: Mapping[str, Any] | None = None) -> SecurityCheck:
    return SecurityCheck(
        code=code,
        outcome=SecurityOutcome.FAILED,
        reason=reason_of(error),
        evidence={**(evidence or {}), "detail": str(error)},
    )


def _unclear(code: str, reason: TrustReason) -> SecurityCheck:
    return SecurityCheck(code=code, outcome=SecurityOutcome.INDETERMINATE, reason=reason)


def _not_checked(code: str) -> SecurityCheck:
    return SecurityCheck(code=code, outcome=SecurityOutcome.NOT_CHECKED, reason=TrustReason.NEEDS_EARLIER)


def _no_object(first: SecurityCheck) -> tuple[SecurityCheck, ...]:
    return (first, *(_not_checked(code) for code in SECURITY_CHECKS[1:]))


def _describe(security_object: SecurityObject) -> SecurityCheck:
    """Check 11, once the object is parsed."""
    status = security_object.status
    evidence = {
        "length_bytes": len(security_object.raw),
        "signing_time": security_object.signing_time.isoformat(),
        "data_groups": list(security_object.hashes),
        "embeds_certificate": security_object.message.certificate is not None,
        "status": None if status is None else {"list": status.list_id, "entry": status.entry},
    }
    return _passed("security-object", evidence)


def _check_zones(
    security_object: SecurityObject, zones: Mapping[str, bytes], required: Collection[str]
) -> SecurityCheck:
    """Check 12: every zone at hand is signed and matches, and none that was asked for is missing."""
    states = compare_zones(security_object, zones)
    evidence = {"zones": {name: state.value for name, state in states.items()}}
    for state, reason in (
        (ZoneState.DIFFERS, TrustReason.ZONE_DIFFERS),
        (ZoneState.UNLISTED, TrustReason.ZONE_INJECTED),
    ):
        if state in states.values():
            return _bad_zones(reason, evidence)
    if any(states.get(name, ZoneState.ABSENT) is ZoneState.ABSENT for name in (*SIGNED_ALWAYS, *required)):
        return _bad_zones(TrustReason.ZONE_STRIPPED, evidence)
    return _passed("zone-digests", evidence)


def _bad_zones(reason: TrustReason, evidence: Mapping[str, Any]) -> SecurityCheck:
    return SecurityCheck(code="zone-digests", outcome=SecurityOutcome.FAILED, reason=reason, evidence=evidence)


@lru_cache(maxsize=64)
def _certificate_evidence(certificate: x509.Certificate) -> Mapping[str, Any]:
    return {
        "signer": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "serial": f"{certificate.serial_number:x}",
        "fingerprint": fingerprint(certificate),
        "valid_until": certificate.not_valid_after_utc.isoformat(),
    }


def _from_status(code: str, status: ListStatus) -> SecurityCheck:
    moments = {"as_of": status.as_of, "next_update": status.next_update, "since": status.since}
    evidence = {"list_number": status.number} | {
        name: None if moment is None else moment.isoformat() for name, moment in moments.items()
    }
    return SecurityCheck(code=code, outcome=_STATE_OUTCOMES[status.state], reason=status.reason, evidence=evidence)


def _list_status(item: StatusList, state: RevocationState, reason: TrustReason) -> ListStatus:
    return ListStatus(
        state=state, reason=reason, number=item.number, as_of=item.this_update, next_update=item.next_update
    )
