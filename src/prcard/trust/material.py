"""What a verifier holds: pinned issuers, known signers, lists, and how old a list may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from prcard.trust.certificate_profile import check_anchor, load_certificate
from prcard.trust.revocation import SignerCRL, parse_crl
from prcard.trust.status_list import StatusList, parse_status_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography import x509

    from prcard.trust.sm2 import SM2Key

__all__ = ["TrustMaterial", "load_material"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrustMaterial:
    """Everything that signatures and revocation are judged by; `load_material` makes it from bytes.

    Each is equal to itself alone, so that what was verified by one can be remembered under it.

    Attributes:
        anchors: The pinned issuers (CSCA), each self-signed and to the profile.
        signers: Known document signers, for security objects that embed no certificate.
        crls: Lists of revoked signers; their signatures hold.
        status_lists: Status lists of cards; their signatures hold under the certificates that they embed.
        highest_crl: The highest CRLNumber seen so far, by the issuer's key identifier in hex.
        highest_status: The highest number seen so far, by list id.
        grace: How long after its nextUpdate a list still counts.
        sm2_keys: Pinned SM2 keys; none unless the operator adds them, and then no object signed by SM2 is read.
    """

    anchors: tuple[x509.Certificate, ...]
    signers: tuple[x509.Certificate, ...] = ()
    crls: tuple[SignerCRL, ...] = ()
    status_lists: tuple[StatusList, ...] = ()
    highest_crl: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    highest_status: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    grace: timedelta = timedelta(0)
    sm2_keys: tuple[SM2Key, ...] = ()


def load_material(
    anchors: Iterable[bytes],
    *,
    signers: Iterable[bytes] = (),
    crls: Iterable[bytes] = (),
    status_lists: Iterable[bytes] = (),
    highest_crl: Mapping[str, int] | None = None,
    highest_status: Mapping[int, int] | None = None,
    grace: timedelta = timedelta(0),
    sm2_keys: Iterable[SM2Key] = (),
) -> TrustMaterial:
    """Makes trust material from files' bytes; refuses all of it when one piece is not in order.

    Args:
        anchors: Pinned issuers' certificates, DER.
        signers: Document signers' certificates, DER. Their chains are verified when they are used.
        crls: CRLs of the anchors, DER.
        status_lists: Signed status lists, DER.
        highest_crl: The highest CRLNumber seen so far, by the issuer's key identifier in hex.
        highest_status: The highest status list number seen so far, by list id.
        grace: How long after its nextUpdate a list still counts.
        sm2_keys: Pinned SM2 keys, for interoperability.

    Raises:
        TrustError: a piece cannot be read, departs from the profile, or is a CRL that none of the anchors signed.
    """
    pinned = tuple(load_certificate(data) for data in anchors)
    for anchor in pinned:
        check_anchor(anchor)
    return TrustMaterial(
        anchors=pinned,
        signers=tuple(load_certificate(data) for data in signers),
        crls=tuple(parse_crl(data, pinned) for data in crls),
        status_lists=tuple(parse_status_list(data) for data in status_lists),
        highest_crl=MappingProxyType(dict(highest_crl or {})),
        highest_status=MappingProxyType(dict(highest_status or {})),
        grace=grace,
        sm2_keys=tuple(sm2_keys),
    )
