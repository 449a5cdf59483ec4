"""What a counter remembers of the lists it has seen, so that nobody can hand it older ones.

Only numbers that a pinned issuer stands behind are kept: whoever can place a file could otherwise name a number so high
that every true list looks old.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from prcard.errors import TrustError
from prcard.trust.certificate_profile import STATUS_LIST_TYPE
from prcard.trust.chain import verify_signer
from prcard.trust.reasons import TrustReason, refusal
from prcard.trust.revocation import issuer_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prcard.trust.material import TrustMaterial
    from prcard.trust.status_list import StatusList

__all__ = ["Seen", "dump_seen", "parse_seen"]

_FORMAT: Final = {"format": "prcard-seen", "version": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The highest numbers seen.

    Attributes:
        store: Number of the published store.
        crls: CRLNumber by the issuer's key identifier in hex.
        status: Number of the status list by list id.
    """

    store: int = 0
    crls: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    status: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))

    def with_material(self, material: TrustMaterial, store: int = 0) -> Seen:
        """Gives the memory after these lists were seen."""
        crls, status = dict(self.crls), dict(self.status)
        for crl in material.crls:
            key = issuer_key(crl.issuer)
            crls[key] = max(crl.number, crls.get(key, 0))
        for item in material.status_lists:
            if item.number > status.get(item.list_id, -1) and _is_trusted(item, material):
                status[item.list_id] = item.number
        return Seen(store=max(store, self.store), crls=crls, status=status)


def _is_trusted(item: StatusList, material: TrustMaterial) -> bool:
    """Tells whether a pinned issuer stands behind a list's signer, and has not revoked it."""
    try:
        signer = verify_signer(item.certificate, material.anchors, item.message.signing_time)
    except TrustError:
        return False
    revoked = any(
        item.certificate.serial_number in crl.revoked and crl.issuer == signer.anchor for crl in material.crls
    )
    return STATUS_LIST_TYPE in signer.document_types and not revoked


def dump_seen(seen: Seen) -> bytes:
    """Gives the memory as a file's content."""
    document = _FORMAT | {
        "store": seen.store,
        "crls": dict(seen.crls),
        "status": {str(list_id): number for list_id, number in seen.status.items()},
    }
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode("ascii")


def parse_seen(data: bytes) -> Seen:
    """Reads the memory.

    Raises:
        TrustError: SEEN_MALFORMED; it is never taken for an empty one.
    """
    try:
        document: Any = json.loads(data)
        seen = Seen(
            store=document["store"],
            crls=dict(document["crls"]),
            status={int(list_id): number for list_id, number in document["status"].items()},
        )
        numbers = [seen.store, *seen.crls.values(), *seen.status.values()]
        good = all(type(number) is int for number in numbers) and _FORMAT.items() <= document.items()
    except (ValueError, TypeError, KeyError, AttributeError):
        good = False
    if not good:
        raise refusal(TrustReason.SEEN_MALFORMED, "seen.json: expected the highest numbers seen, found another content")
    return seen
