"""An issuer's policy in a TOML file: read strictly, and judged by what is usual."""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, Final

from prcard.trust.certificates import IssuerProfile
from prcard.trust.reasons import TrustReason, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["ISSUER_FIELDS", "load_issuer_profile", "remarks"]

MAX_PROFILE_BYTES: Final = 64 * 1024
ISSUER_FIELDS: Final = {item.name: int if isinstance(item.default, int) else str for item in fields(IssuerProfile)}
"""Key of the file -> type of its value."""
_REQUIRED: Final = {item.name for item in fields(IssuerProfile) if item.default is MISSING}


def load_issuer_profile(path: Path | None, overrides: Mapping[str, str | int]) -> IssuerProfile:
    """Makes an issuer's policy from a file, from single values, or from a file with some values replaced.

    Args:
        path: A TOML file whose keys are the attributes of `IssuerProfile`, or None.
        overrides: Values that count instead of the file's.

    Raises:
        TrustError: the file cannot be read, a key is unknown, missing or of another type, or a value is refused.
    """
    values = {} if path is None else _read(path)
    values |= overrides
    problems = [f"{name}: unknown key" for name in values.keys() - ISSUER_FIELDS.keys()]
    problems += [f"{name}: expected it, found none" for name in _REQUIRED - values.keys()]
    problems += [
        f"{name}: expected {'a number' if kind is int else 'a text'}"
        for name, kind in ISSUER_FIELDS.items()
        if name in values and type(values[name]) is not kind
    ]
    if problems:
        raise refusal(TrustReason.BAD_ARGUMENT, "issuer profile: " + "; ".join(sorted(problems)))
    profile = IssuerProfile(**values)
    profile.check()
    return profile


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.loads(file.read(MAX_PROFILE_BYTES).decode("utf-8"))
    except OSError as error:
        raise refusal(TrustReason.FILE_UNUSABLE, f"{path}: expected a file, found {error.strerror}") from None
    except ValueError as error:
        raise refusal(TrustReason.BAD_ARGUMENT, f"{path}: expected TOML, found: {error}") from None


def remarks(profile: IssuerProfile) -> tuple[str, ...]:
    """Lists what is allowed but departs from usual practice; empty when nothing does."""
    rules = {
        f"signer_key_days is {profile.signer_key_days}: usual are 31 to 92, so that a stolen key is soon of no use": (
            31 <= profile.signer_key_days <= 92
        ),
        f"csca_key_days is {profile.csca_key_days}: usual are three to five years": (
            3 * 365 <= profile.csca_key_days <= 5 * 366
        ),
        "crl_uri: usual is an address that begins with http:, which every verifier can follow": (
            profile.crl_uri.startswith("http:")
        ),
        f"signer_budget is {profile.signer_budget}: usual is at most 150000 for one signer": (
            profile.signer_budget <= 150_000
        ),
        f"card_days is {profile.card_days}: the cards this is made for are valid for ten years or less": (
            profile.card_days <= 3660
        ),
    }
    return tuple(remark for remark, usual in rules.items() if not usual)
