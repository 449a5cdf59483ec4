"""Acceptance profiles: what a purpose asks of a card. Dated data with a source: engineering input, no legal advice."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from prcard.acceptance.messages import CHECKS
from prcard.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MASK_LEVELS", "MAX_PROFILE_CHARS", "Profile", "parse_profile"]

MASK_LEVELS: Final = ("screen", "counter", "full")
MAX_PROFILE_CHARS: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one purpose asks of a card.

    Attributes:
        name: Short name, for instance `counter`.
        title_zh: Title in Chinese.
        title_en: Title in English.
        purpose: What the card is looked at for, one sentence.
        version: Version of this profile.
        source: What it rests on.
        date: Day of the last change, YYYY-MM-DD.
        reviewed_by: Who has reviewed it; "" when nobody has.
        required: Codes of the checks that must be good.
        allow_simulated: True accepts cards from simulated readers.
        allow_specimens: True accepts specimen cards.
        allow_test_issuers: True accepts issuers whose certificates say TEST ONLY.
        sam_allow_list: Printed SAM ids of known readers; one that ends in `*` stands for all that begin so.
        mask_level: How fields are masked unless asked for: `screen`, `counter` or `full`.
    """

    name: str
    title_zh: str
    title_en: str
    purpose: str
    version: str
    source: str
    date: str
    reviewed_by: str
    required: tuple[str, ...]
    allow_simulated: bool
    allow_specimens: bool
    allow_test_issuers: bool
    sam_allow_list: tuple[str, ...]
    mask_level: str


def parse_profile(text: str) -> Profile:
    """Reads a profile from TOML. Every key must be there, and no other.

    Raises:
        ProfileError: it is not TOML, or a key is missing, unknown or wrong; names the key.
    """
    if len(text) > MAX_PROFILE_CHARS:
        raise ProfileError(f"profile: expected at most {MAX_PROFILE_CHARS} characters, found {len(text)}; shorten it")
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ProfileError(f"profile: expected TOML, found an error ({error}); correct it") from error
    unknown = sorted(document.keys() - _KEYS.keys())
    if unknown:
        raise ProfileError(f"profile: unknown key {unknown[0][:40]!r}; expected only {', '.join(_KEYS)}")
    values = {}
    for key, read in _KEYS.items():
        if key not in document:
            raise ProfileError(f"profile: key {key!r} is missing; add it")
        values[key] = read(key, document[key])
    return Profile(**values)


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ProfileError(f"profile: {key!r}: expected text, found {_kind(value)}; correct it")
    return value


def _maybe_text(key: str, value: object) -> str:
    return "" if value == "" else _text(key, value)


def _flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ProfileError(f"profile: {key!r}: expected true or false, found {_kind(value)}; correct it")
    return value


def _day(key: str, value: object) -> str:
    import datetime as dt

    if isinstance(value, dt.datetime) or not isinstance(value, dt.date):
        raise ProfileError(f"profile: {key!r}: expected a day as 2026-01-31, found {_kind(value)}; correct it")
    return value.isoformat()


def _texts(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ProfileError(f"profile: {key!r}: expected a list of texts, found {_kind(value)}; correct it")
    return tuple(_text(key, entry) for entry in value)


def _checks(key: str, value: object) -> tuple[str, ...]:
    codes = _texts(key, value)
    for code in codes:
        if code not in CHECKS:
            raise ProfileError(f"profile: {key!r}: {code[:40]!r} is no check; expected some of {', '.join(CHECKS)}")
    if not codes or len(set(codes)) != len(codes):
        raise ProfileError(f"profile: {key!r}: expected at least one check, each once; correct it")
    return codes


def _level(key: str, value: object) -> str:
    level = _text(key, value)
    if level not in MASK_LEVELS:
        raise ProfileError(
            f"profile: {key!r}: expected one of {', '.join(MASK_LEVELS)}, found {level[:40]!r}; correct it"
        )
    return level


def _kind(value: object) -> str:
    return {str: "an empty text", bool: "true or false", int: "a number", list: "a list", dict: "a table"}.get(
        type(value), "something else"
    )


_KEYS: Final[dict[str, Callable[[str, object], Any]]] = {
    "name": _text,
    "title_zh": _text,
    "title_en": _text,
    "purpose": _text,
    "version": _text,
    "source": _text,
    "date": _day,
    "reviewed_by": _maybe_text,
    "required": _checks,
    "allow_simulated": _flag,
    "allow_specimens": _flag,
    "allow_test_issuers": _flag,
    "sam_allow_list": _texts,
    "mask_level": _level,
}
