"""prcard: read, judge, sign and simulate the cards that a Shenfenzheng reader reads.

The names below are the public face; each is loaded when it is first used, so that `import prcard` costs nothing.

    with prcard.open_reader("sim:alice") as reader:
        raw = reader.read(timeout_s=10)
    record = prcard.decode(raw)
    verdict = prcard.verify(raw, profile="training")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prcard._version import __version__

if TYPE_CHECKING:
    from datetime import datetime

    from prcard.acceptance.profile import Profile
    from prcard.acceptance.verdict import Check, Outcome, Verdict
    from prcard.errors import PRCardError
    from prcard.reader.uri import Reader, open_reader
    from prcard.record import (
        CardRecord,
        HKMTResidencePermit,
        PermanentResident2017,
        PermanentResident2023,
        ResidentIdentityCard,
    )
    from prcard.record.capture import dump_capture, load_capture
    from prcard.record.numbers import parse_number
    from prcard.record.raw import Provenance, RawCard
    from prcard.store.profiles import load_profile
    from prcard.store.trust import load_trust
    from prcard.trust.material import TrustMaterial, load_material
    from prcard.wire.procedure import ReadOptions

_HOMES: Final = {
    "CardRecord": "prcard.record",
    "Check": "prcard.acceptance.verdict",
    "HKMTResidencePermit": "prcard.record",
    "Outcome": "prcard.acceptance.verdict",
    "PRCardError": "prcard.errors",
    "PermanentResident2017": "prcard.record",
    "PermanentResident2023": "prcard.record",
    "Profile": "prcard.acceptance.profile",
    "Provenance": "prcard.record.raw",
    "RawCard": "prcard.record.raw",
    "ReadOptions": "prcard.wire.procedure",
    "Reader": "prcard.reader.uri",
    "ResidentIdentityCard": "prcard.record",
    "TrustMaterial": "prcard.trust.material",
    "Verdict": "prcard.acceptance.verdict",
    "dump_capture": "prcard.record.capture",
    "load_capture": "prcard.record.capture",
    "load_material": "prcard.trust.material",
    "load_profile": "prcard.store.profiles",
    "load_trust": "prcard.store.trust",
    "open_reader": "prcard.reader.uri",
    "parse_number": "prcard.record.numbers",
}

__all__ = [
    "CardRecord",
    "Check",
    "HKMTResidencePermit",
    "Outcome",
    "PRCardError",
    "PermanentResident2017",
    "PermanentResident2023",
    "Profile",
    "Provenance",
    "RawCard",
    "ReadOptions",
    "Reader",
    "ResidentIdentityCard",
    "TrustMaterial",
    "Verdict",
    "__version__",
    "decode",
    "dump_capture",
    "load_capture",
    "load_material",
    "load_profile",
    "load_trust",
    "open_reader",
    "parse_number",
    "verify",
]


def __getattr__(name: str) -> object:
    """Loads a public name at its first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'prcard' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


def decode(card: RawCard | bytes) -> CardRecord:
    """Decodes a card's text zone, strictly.

    Args:
        card: What a reader read, or the 256 bytes of a text zone.

    Returns:
        An immutable record of the layout that the zone names.

    Raises:
        RecordError: the zone is refused; `problems` names every field at fault.
    """
    from prcard.record import decode as decode_text

    return decode_text(card if isinstance(card, bytes) else card.text)


def verify(
    raw: RawCard, profile: Profile | str = "counter", trust: TrustMaterial | None = None, at: datetime | None = None
) -> Verdict:
    """Judges a card for one purpose at one moment; never opens a reader.

    Args:
        raw: What a reader read.
        profile: An acceptance profile, or the name of one.
        trust: Issuers, signers and lists, from `load_trust` or `load_material`; without them the signature checks
            report that they were not made.
        at: Aware moment to judge at; None is now. An earlier one gives a verdict as of that moment, by the version of a
            named profile and the lists of that day, which says so.

    Returns:
        PASSED, FAILED or INDETERMINATE with every check; compare `.outcome`, a verdict has no truth value.

    Raises:
        ProfileError: the profile is unknown or malformed, or `at` has no offset from UTC.
    """
    from datetime import UTC, datetime, timedelta

    from prcard.acceptance.as_of import china_day
    from prcard.acceptance.verify import verify as judge
    from prcard.store.profiles import load_profile as find_profile

    now = datetime.now(UTC)
    # A moment of just now is the present: callers read the clock before they call.
    earlier = at is not None and at.tzinfo is not None and now - at > timedelta(minutes=5)
    if isinstance(profile, str):
        profile = find_profile(profile, china_day(at) if at is not None and earlier else None)
    return judge(raw, profile, at or now, trust, now=now if earlier else None)
