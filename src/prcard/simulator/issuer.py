"""An issuer in memory that signs specimens: TEST ONLY in every name, new keys every time, nothing kept.

It shows the whole way of a signature: issuer (CSCA), document signer (DSC), revocation lists, and a compact security
object that an unmodified reader carries in an otherwise empty fingerprint zone.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from prcard.trust.certificate_profile import DOCUMENT_TYPE, STATUS_LIST_TYPE
from prcard.trust.certificates import IssuerProfile, issue_crl, issue_csca, issue_signer, request_signer
from prcard.trust.compact import pack_compact
from prcard.trust.security_object import StatusReference, build_security_object, zones_of
from prcard.trust.signer import InMemorySigner
from prcard.trust.status_list import build_status_list

if TYPE_CHECKING:
    from datetime import datetime

    from prcard.record.raw import RawCard

__all__ = ["SpecimenIssuer"]

PROFILE: Final = IssuerProfile(
    country="UT",
    country_alpha3="UTO",
    organization="TEST ONLY Issuer of Utopia",
    email="test-only@issuer.invalid",
    crl_uri="http://issuer.invalid/test-only.crl",
)
LIST_ID: Final = 1
LIST_ENTRIES: Final = 1024
CARRIER_BYTES: Final = 512


class SpecimenIssuer:
    """One issuer with one signer and its lists, valid from the day before `now`.

    Attributes:
        csca: Certificate of the issuer, DER.
        dsc: Certificate of the document signer, DER.
        crl: List of revoked signers, DER: empty.
        status_list: Status of all cards, DER: all valid.
    """

    def __init__(self, now: datetime) -> None:
        """Makes keys, certificates and lists.

        Args:
            now: Aware present moment.
        """
        begin = (now - timedelta(days=1)).replace(microsecond=0)
        key, signer_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        csca = issue_csca(PROFILE, key, common_name="TEST ONLY CSCA", serial=_serial(), not_before=begin)
        dsc = issue_signer(
            PROFILE,
            request_signer(PROFILE, signer_key, common_name="TEST ONLY DSC"),
            csca,
            key,
            serial=_serial(),
            not_before=begin,
            document_types=(DOCUMENT_TYPE, STATUS_LIST_TYPE),
        )
        end = begin + timedelta(days=PROFILE.crl_days)
        crl = issue_crl(csca, key, number=1, this_update=begin, next_update=end, revoked={})
        self._signer = InMemorySigner(signer_key, dsc)
        self._now = now
        self.csca, self.dsc, self.crl = (part.public_bytes(Encoding.DER) for part in (csca, dsc, crl))
        self.pem = {"csca.pem": csca.public_bytes(Encoding.PEM), "dsc.pem": dsc.public_bytes(Encoding.PEM)}
        self.status_list = build_status_list(
            {},
            self._signer,
            list_id=LIST_ID,
            number=1,
            entries=LIST_ENTRIES,
            bits=1,
            this_update=begin,
            next_update=end,
        )

    def issue(self, card: RawCard) -> tuple[RawCard, bytes]:
        """Signs a specimen.

        Args:
            card: The specimen.

        Returns:
            The card with its compact security object, in the fingerprint zone where that is empty, else beside the
            zones; and the full security object with the signer's certificate, EF.SOD with its outer tag.
        """
        zones, status = zones_of(card), StatusReference(LIST_ID, 0)
        full = build_security_object(zones, self._signer, self._now, status=status)
        compact = build_security_object(zones, self._signer, self._now, status=status, embed_certificate=False)
        if card.fingerprint:
            return replace(card, security_object=full), full
        return replace(card, fingerprint=pack_compact(compact, CARRIER_BYTES)), full


def _serial() -> int:
    return secrets.randbits(150) | 1
