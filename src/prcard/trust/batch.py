"""Many cards: signed and verified by templates, with the strict path behind them.

The short way takes only what the strict one takes: it makes the object anew from the zones by the template of a signer
whose object has passed the strict path at the same moment, compares all its bytes, and judges time, status and
signature itself. All else goes the strict way, so the two always agree; tests hold them against each other on changed
and on random objects.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from prcard.trust.algorithms import check_public_key, digest_function, issuing_digest
from prcard.trust.certificate_profile import DOCUMENT_TYPE, check_may_sign
from prcard.trust.chain import CLOCK_TOLERANCE
from prcard.trust.cms import encode_time
from prcard.trust.security_object import (
    SIGNED_ALWAYS,
    ZONE_NUMBERS,
    check_issued,
    numbered_zones,
    parse_security_object,
    status_bytes,
)
from prcard.trust.template import Form, Template, make_template
from prcard.trust.verify import SecurityOutcome, SecurityVerifier

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from prcard.trust.chain import TrustedSigner
    from prcard.trust.material import TrustMaterial
    from prcard.trust.security_object import SecurityObject, StatusReference
    from prcard.trust.signer import Signer
    from prcard.trust.verify import SecurityCheck

__all__ = ["BatchSigner", "BatchVerifier"]

_NAMES: Final = {number: name for name, number in ZONE_NUMBERS.items()}
_UTC_TIME: Final = re.compile(
    rb"[0-4]\d(?:(?:0[13578]|1[02])(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)(?:0[1-9]|[12]\d|30)|02(?:0[1-9]|1\d|2[0-8]))"
    rb"(?:[01]\d|2[0-3])[0-5]\d[0-5]\dZ"
).fullmatch
"""A moment from 2000 to 2049 as UTCTime; the 29th of February goes the strict way."""
_STATUS: Final = struct.Struct(">II").unpack
_FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)
_ALMOST_SECOND: Final = timedelta(microseconds=999_999)
"""Added before a moment is cut to the second, so that it is rounded up."""
GROUP: Final = 128
"""How many cards are taken at a time; fewer gain less, more no longer fit the caches."""
_MAX_FORMS: Final = 4096
"""Most forms that a verifier remembers: a signer of one batch has a handful."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A form that passed, ready to be held against the next object of its kind."""

    template: Template
    zones: tuple[tuple[str, slice], ...]
    verify: Callable[[bytes, bytes, Any], None]
    algorithm: ec.ECDSA
    digest: Callable[[bytes], bytes]
    period: tuple[bytes, bytes]
    signer: TrustedSigner
    lists: dict[int, tuple[bytes, int, int]]


_Claim = tuple["Callable[[bytes, bytes, Any], None]", bytes, bytes, ec.ECDSA]
"""What is left to do: the key's `verify`, and the signature, the digest and the algorithm that it takes."""


class BatchVerifier:
    """Judges many cards at one moment by one trust material.

    Make a new one for another moment, or when the material changes.
    """

    __slots__ = ("_at", "_document_type", "_forms", "_learned", "_required", "_verifier")

    def __init__(
        self,
        material: TrustMaterial,
        at: datetime,
        *,
        allow_test_issuers: bool = False,
        required_zones: Collection[str] = SIGNED_ALWAYS,
        document_type: str = DOCUMENT_TYPE,
    ) -> None:
        """Keeps what all cards are judged by.

        Args:
            material: Issuers, signers and lists.
            at: Aware moment of judging.
            allow_test_issuers: True in training only.
            required_zones: The zones that were asked for: one of them that is signed must be there.
            document_type: The kind of document that the signer must be allowed to sign.
        """
        self._verifier = SecurityVerifier(material, allow_test_issuers=allow_test_issuers)
        self._at = at
        self._document_type = document_type
        self._required = frozenset((*SIGNED_ALWAYS, *required_zones))
        self._forms: dict[int, list[tuple[slice, dict[bytes, list[_Known]]]]] = {}
        self._learned: set[object] = set()

    def in_order(self, zones: Mapping[str, bytes], data: bytes | None) -> bool:
        """Tells whether all six checks pass; `verify` says why not.

        Args:
            zones: The zones at hand by name; an empty one counts as absent.
            data: EF.SOD with its outer tag, or None.

        Raises:
            TrustError: BAD_ARGUMENT or ZONE_UNKNOWN: the caller erred. A bad card raises nothing.
        """
        if self.looks_in_order(zones, data):
            return True
        if not all(check.outcome is SecurityOutcome.PASSED for check in self.verify(zones, data)):
            return False
        if data is not None:
            self._learn(parse_security_object(data))
        return True

    def judge(self, cards: Iterable[tuple[Mapping[str, bytes], bytes | None]]) -> Iterator[bool]:
        """Tells of many cards, in order, whether all six checks pass; quicker than one by one.

        Cards are taken in small groups: hashing for all of a group, then the signatures of all, since each of the two
        displaces the other from the processor's caches.

        Args:
            cards: Zones by name, and EF.SOD or None, of each.

        Raises:
            TrustError: as `in_order`.
        """
        source, prepare = iter(cards), self._prepare
        while group := list(islice(source, GROUP)):
            claims = [None if data is None else prepare(zones, data) for zones, data in group]
            for card, claim in zip(group, claims):  # noqa: B905  # as long as each other, and checking costs time
                yield (claim is not None and _signature_holds(*claim)) or self.in_order(*card)

    def verify(self, zones: Mapping[str, bytes], data: bytes | None) -> tuple[SecurityCheck, ...]:
        """Makes all six checks the strict way, with their evidence; see `SecurityVerifier.verify`."""
        return self._verifier.verify(
            zones, data, self._at, required_zones=self._required, document_type=self._document_type
        )

    def looks_in_order(self, zones: Mapping[str, bytes], data: bytes | None) -> bool:
        """Takes the short way: True is sure, False means "look the strict way"."""
        if data is None:
            return False
        claim = self._prepare(zones, data)
        return claim is not None and _signature_holds(*claim)

    def _prepare(self, zones: Mapping[str, bytes], data: bytes) -> _Claim | None:
        """Judges all but the signature by the form that the object has; None sends it the strict way."""
        for name_place, signers in self._forms.get(len(data), ()):
            for form in signers.get(data[name_place], ()):
                claim = self._remake(form, zones, data)
                if claim is not None:
                    return claim
        return None

    def _remake(self, form: _Known, zones: Mapping[str, bytes], data: bytes) -> _Claim | None:
        """Makes the object anew from the zones and compares it; judges time and status, which are the signer's word."""
        template, digest, at_hand = form.template, form.digest, 0
        digests = []
        for name, place in form.zones:
            zone = zones.get(name)
            if zone:
                digests.append(digest(zone))
                at_hand += 1
            elif name in self._required:
                return None
            else:
                digests.append(data[place])
        status, time, signature = template.values(data)
        content = template.content % tuple(digests)
        attributes = template.attributes % (status, time, digest(content))
        whole = b"".join((template.head, content, template.middle, attributes, template.tail, signature))
        # Where more zones are at hand, one is not signed or is empty: the strict way knows which.
        if whole != data or at_hand != len(zones):
            return None
        if not _UTC_TIME(time) or not form.period[0] <= time <= form.period[1] or not self._card_stands(form, status):
            return None
        return form.verify, signature, digest(b"\x31" + attributes), form.algorithm

    def _card_stands(self, form: _Known, status: bytes) -> bool:
        """Tells whether a fresh trusted list says that the card is valid."""
        list_id, entry = _STATUS(status)
        found = form.lists.get(list_id)
        if found is None:
            found = form.lists[list_id] = self._find_list(form.signer, list_id)
        packed, bits, entries = found
        place = entry * bits
        return entry < entries and not packed[place >> 3] >> (place & 7) & ((1 << bits) - 1)

    def _find_list(self, signer: TrustedSigner, list_id: int) -> tuple[bytes, int, int]:
        item, problem = self._verifier.status_list(list_id, signer, self._at)
        return (b"", 1, 0) if item is None or problem is not None else (item.packed, item.bits, item.entries)

    def _learn(self, passed: SecurityObject) -> None:
        """Remembers the form of an object that passed all checks, if it is canonical."""
        certificate = passed.message.certificate
        form = Form(
            groups=tuple(passed.hashes),
            embed_certificate=certificate is not None,
            with_status=True,
            signature_bytes=len(passed.message.signature),
        )
        key = (passed.message.signer_id, form.groups, len(passed.raw))
        if key in self._learned or len(self._learned) >= _MAX_FORMS or not _NAMES.keys() >= passed.hashes.keys():
            return
        self._learned.add(key)
        signer = self._verifier.signer_of(passed, self._at)
        if signer is None or not isinstance(signer.public_key, ec.EllipticCurvePublicKey):
            return
        template = make_template(signer.certificate, form, passed.signing_time)
        period = _period(signer.usage_period.start, min(signer.usage_period.end, self._at + CLOCK_TOLERANCE))
        if period is None:
            return
        forms = self._forms.setdefault(len(passed.raw), [])
        signers = next((found for place, found in forms if place == template.name_place), None)
        if signers is None:
            signers = {}
            forms.append((template.name_place, signers))
        known = _Known(
            template=template,
            zones=tuple((_NAMES[number], place) for number, place in zip(form.groups, template.groups, strict=True)),
            verify=signer.public_key.verify,
            algorithm=ec.ECDSA(Prehashed(template.digest.algorithm)),
            digest=digest_function(template.digest),
            period=period,
            signer=signer,
            lists={},
        )
        signers.setdefault(passed.raw[template.name_place], []).append(known)


def _signature_holds(
    verify: Callable[[bytes, bytes, Any], None], signature: bytes, digest: bytes, algorithm: ec.ECDSA
) -> bool:
    try:
        verify(signature, digest, algorithm)
    except InvalidSignature:
        return False
    return True


def _period(start: datetime, end: datetime) -> tuple[bytes, bytes] | None:
    """Gives the first and last second of a period as UTCTime, in which texts sort as moments do: 2000 to 2049."""
    start, end = max(start + _ALMOST_SECOND, _FIRST), min(end, _LAST)
    if start > end:
        return None
    return encode_time(start)[2:], encode_time(end)[2:]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """How cards with the same zones are signed; the lengths around a signature depend on its own."""

    names: tuple[str, ...]
    form: Form
    moment: datetime
    first: Template
    templates: dict[int, Template]


class BatchSigner:
    """Signs many cards with one signer; each security object is verified the strict way before it is handed out.

    What it makes is byte for byte what `build_security_object` makes of the same signature.
    """

    __slots__ = ("_algorithm", "_certificate", "_digest", "_document_type", "_embed", "_moment", "_plans", "_signer")

    def __init__(self, signer: Signer, *, embed_certificate: bool = True, document_type: str = DOCUMENT_TYPE) -> None:
        """Keeps the signer.

        Args:
            signer: Who signs; P-256 or P-384.
            embed_certificate: False gives the compact form.
            document_type: Kind of document, which the signer's certificate must list.

        Raises:
            TrustError: the signer's key is not one that may issue.
        """
        self._signer = signer
        self._certificate = signer.certificate
        self._embed = embed_certificate
        self._document_type = document_type
        self._digest = digest_function(issuing_digest(check_public_key(signer.certificate)))
        self._moment: tuple[datetime, bytes] | None = None
        self._plans: dict[tuple[tuple[str, ...], bool, int], _Plan] = {}

    def build(self, zones: Mapping[str, bytes], signing_time: datetime, status: StatusReference | None = None) -> bytes:
        """Signs the zones of one card.

        Args:
            zones: The zones by name, as stored; text and photo at least.
            signing_time: Aware moment.
            status: The card's place in a status list.

        Returns:
            EF.SOD with its outer tag.

        Raises:
            TrustError: as `build_security_object`.
        """
        return next(self.build_all([(zones, signing_time, status)]))

    def build_all(
        self, cards: Iterable[tuple[Mapping[str, bytes], datetime, StatusReference | None]]
    ) -> Iterator[bytes]:
        """Signs many cards, in order; quicker than one by one.

        Cards are taken in small groups. Where one is refused, nothing of its group is handed out, though signatures
        may have been made and counted.

        Args:
            cards: Zones by name, signing time, and place in a status list or None, of each.

        Raises:
            TrustError: as `build_security_object`.
        """
        source = iter(cards)
        while group := list(islice(source, GROUP)):
            made = self._make(group)
            for data, (zones, _, _) in zip(made, group, strict=True):
                check_issued(data, zones, self._signer)
            yield from made

    def _make(self, group: Sequence[tuple[Mapping[str, bytes], datetime, StatusReference | None]]) -> list[bytes]:
        """Fills in, signs and joins; what comes out is not verified yet, so it stays in here."""
        drafts = [self._draft(*card) for card in group]
        sign = self._signer.sign
        signatures = [sign(b"\x31" + attributes) for _, _, attributes in drafts]
        return [self._join(*draft, signature) for draft, signature in zip(drafts, signatures, strict=True)]

    def _draft(
        self, zones: Mapping[str, bytes], signing_time: datetime, status: StatusReference | None
    ) -> tuple[_Plan, bytes, bytes]:
        """Gives plan, content and signed attributes of a card."""
        time = self._time(signing_time)
        plan, digest = self._plan(zones, status is not None, time, signing_time), self._digest
        if not all(zones.values()):
            numbered_zones(zones)  # says which zone has no bytes
        content = plan.first.content % tuple([digest(zones[name]) for name in plan.names])
        values = (time, digest(content))
        attributes = plan.first.attributes % (values if status is None else (status_bytes(status), *values))
        return plan, content, attributes

    def _join(self, plan: _Plan, content: bytes, attributes: bytes, signature: bytes) -> bytes:
        template = plan.templates.get(len(signature))
        if template is None:
            form = replace(plan.form, signature_bytes=len(signature))
            template = plan.templates[len(signature)] = make_template(self._certificate, form, plan.moment)
        return b"".join((template.head, content, template.middle, attributes, template.tail, signature))

    def _time(self, signing_time: datetime) -> bytes:
        """The encoded moment, after checking that the signer may sign at it; the last one is remembered."""
        if self._moment is None or self._moment[0] != signing_time:
            check_may_sign(self._certificate, signing_time, self._document_type)
            self._moment = signing_time, encode_time(signing_time)[2:]
        return self._moment[1]

    def _plan(self, zones: Mapping[str, bytes], with_status: bool, time: bytes, moment: datetime) -> _Plan:
        key = (tuple(zones), with_status, len(time))
        found = self._plans.get(key)
        if found is None:
            groups = tuple(number for number, _ in numbered_zones(zones))
            form = Form(groups=groups, embed_certificate=self._embed, with_status=with_status, signature_bytes=0)
            first = make_template(self._certificate, form, moment)
            names = tuple(_NAMES[number] for number in groups)
            found = self._plans[key] = _Plan(names=names, form=form, moment=moment, first=first, templates={})
        return found
