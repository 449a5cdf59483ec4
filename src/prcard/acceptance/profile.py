"""Acceptance profiles: what a purpose asks of a card. Dated data with a source: engineering input, no legal advice."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from datetime import date, datetime, timedelta
from enum import Enum, unique
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prcard.acceptance.messages import CHECKS, DERIVED_CHECKS
from prcard.errors import ProfileError
from prcard.record._codec import RECORDS
from prcard.record.record import fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "ALL_FIELDS",
    "DEFAULTS",
    "EVIDENCE",
    "FIELD_NAMES",
    "MASK_LEVELS",
    "MAX_PROFILE_CHARS",
    "NATIONALITY_FORMS",
    "NO_LEGAL_ADVICE",
    "ONLINE_CHECKS",
    "SEX_FORMS",
    "Basis",
    "Begin",
    "DocumentCode",
    "EntryForm",
    "KeepRule",
    "Period",
    "Profile",
    "parse_profile",
]

MASK_LEVELS: Final = ("screen", "counter", "full")
MAX_PROFILE_CHARS: Final = 65_536
EVIDENCE: Final = ("issuer-signed", "reader-attested")
ONLINE_CHECKS: Final = ("none", "real-name", "real-person")
SEX_FORMS: Final = ("code", "zh", "letter", "printed")
NATIONALITY_FORMS: Final = ("alpha3", "alpha2", "numeric", "zh", "printed")
ALL_FIELDS: Final = "all"
FIELD_NAMES: Final = (
    *sorted({name for record in RECORDS.values() for name in fields(record.places)}),
    *("layout", "photo", "fingerprint", "extra", "management"),
)
"""Everything of a card that may be shown, printed or kept: fields of any layout, and what is read beside them."""

NO_LEGAL_ADVICE: Final = (
    "方案是注明日期的工程资料，不是法律意见；使用前须由有权判断的人审阅。",
    "A profile is dated engineering input, not legal advice; somebody who may judge that has to review it first.",
)
"""What every profile's output says: Chinese, English."""


@unique
class Begin(Enum):
    """From when a retention floor counts."""

    PURPOSE_END = "purpose-end"
    RECORDED = "recorded"


class Period(NamedTuple):
    """How long at least something must be kept.

    Attributes:
        length: How many.
        unit: `years`, `days`, `permanent` or `none`.
    """

    length: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Period:
        """Reads `10 years`, `30 days`, `permanent` or `none`.

        Raises:
            ValueError: it is none of these.
        """
        if text in {"permanent", "none"}:
            return cls(0, text)
        count, _, unit = text.partition(" ")
        if unit not in {"years", "days"} or not (count.isascii() and count.isdigit() and 0 < int(count) <= 36_500):
            raise ValueError(text[:40])
        return cls(int(count), unit)

    def __str__(self) -> str:
        return f"{self.length} {self.unit}" if self.length else self.unit

    def end(self, begin: date) -> date | None:
        """Gives the last day of the period: None when it has no end, the day before `begin` for none."""
        if self.unit == "permanent":
            return None
        try:
            if self.unit != "years":
                return begin + timedelta(days=self.length - 1)
            day = 28 if (begin.month, begin.day) == (2, 29) else begin.day
            end = begin.replace(year=begin.year + self.length, day=day)
            return end if day != begin.day else end - timedelta(days=1)
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """One thing that a profile rests on.

    Attributes:
        zh: What it says, in Chinese.
        en: What it says, in English.
        since: From when it applies, YYYY-MM-DD; "" when that is not known.
        source: Where that is from.
        confirmed: False where it was not confirmed; that is shown wherever the profile is.
    """

    zh: str
    en: str
    since: str
    source: str
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepRule:
    """How long some fields are kept. A field without a rule is not kept at all.

    Attributes:
        fields: Names out of `FIELD_NAMES`.
        floor: How long the law asks for at least.
        counted_from: From when the floor counts.
        source: Where that is from.
        confirmed: False where it was not confirmed.
    """

    fields: tuple[str, ...]
    floor: Period
    counted_from: Begin
    source: str
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentCode:
    """How a sector's forms call this kind of document.

    Attributes:
        code: The code.
        used_in: Which list or form.
        source: Where that is from.
        confirmed: False where it was not confirmed.
    """

    code: str
    used_in: str
    source: str
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryForm:
    """How a sector enters names, sex and nationality.

    Attributes:
        surname_first: True puts the surname first where a comma tells it; as printed otherwise.
        capitals: True writes Latin letters in capitals.
        half_width: True writes full-width Latin letters and digits in half width.
        name_max_chars: Longest English name; 0 for no limit.
        cut_mark: What stands at the end of a name that was cut.
        chinese_name: True enters the Chinese name too, where there is one.
        sex_form: One of `SEX_FORMS`.
        nationality_form: One of `NATIONALITY_FORMS`.
        source: Where that is from.
        confirmed: False where it was not confirmed.
    """

    surname_first: bool
    capitals: bool
    half_width: bool
    name_max_chars: int
    cut_mark: str
    chinese_name: bool
    sex_form: str
    nationality_form: str
    source: str
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one purpose asks of a card.

    Attributes:
        name: Short name, for instance `counter`.
        title_zh: Title in Chinese.
        title_en: Title in English.
        purpose: What the card is looked at for, one sentence.
        purpose_zh: The same in Chinese; "" when it was not given.
        version: Version of this profile.
        source: What it rests on, in short; `basis` has the parts.
        basis: What it rests on, piece by piece, with dates.
        date: Day of the last change, YYYY-MM-DD.
        applies_from: First day for which this version is meant, YYYY-MM-DD.
        reviewed_by: Who has reviewed it; "" when nobody has.
        reviewed_on: When, YYYY-MM-DD; "" when nobody has.
        required: Codes of the checks that must be good, besides those that follow from other keys.
        evidence: Which kinds of evidence are enough, one of them suffices; empty when none is asked for.
        online_check: The online check that belongs to the purpose: `none`, `real-name` or `real-person`.
        online_required: True when no card passes without it.
        face_min_score: Score from 0 to 1 that a face comparison must reach; 0 when none is asked for.
        allow_simulated: True accepts cards from simulated readers.
        allow_specimens: True accepts specimen cards.
        allow_test_issuers: True accepts issuers whose certificates say TEST ONLY.
        allow_unchecked_signature: True passes over a card's signature when no trust folder is at hand.
        sam_allow_list: Printed SAM ids of known readers; one that ends in `*` stands for all that begin so.
        mask_level: How fields are masked unless asked for: `screen`, `counter` or `full`.
        may_show: Fields that may be shown, masked or not; `all` for every one.
        may_print: Fields that may stand in a report.
        keep: How long which fields are kept.
        document_codes: How forms of the sector call this kind of document.
        entry: How the sector enters names, sex and nationality.
        unconfirmed: What is not confirmed, in words.
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
    purpose_zh: str = ""
    basis: tuple[Basis, ...] = ()
    applies_from: str = "2004-08-15"
    reviewed_on: str = ""
    evidence: tuple[str, ...] = EVIDENCE
    online_check: str = "none"
    online_required: bool = False
    face_min_score: float = 0.0
    allow_simulated: bool = False
    allow_specimens: bool = False
    allow_test_issuers: bool = False
    allow_unchecked_signature: bool = False
    sam_allow_list: tuple[str, ...] = ()
    mask_level: str = "counter"
    may_show: tuple[str, ...] = (ALL_FIELDS,)
    may_print: tuple[str, ...] = (ALL_FIELDS,)
    keep: tuple[KeepRule, ...] = ()
    document_codes: tuple[DocumentCode, ...] = ()
    entry: EntryForm | None = None
    unconfirmed: tuple[str, ...] = ()

    @property
    def keeps_photo(self) -> bool:
        """True when a rule lets the photo be kept."""
        return self.rule_for("photo") is not None

    def rule_for(self, field: str) -> KeepRule | None:
        """Gives the rule by which a field is kept; None when it may not be kept."""
        return next((rule for rule in self.keep if field in rule.fields), None)

    def shows(self, field: str) -> bool:
        """Tells whether a field may be shown at all."""
        return ALL_FIELDS in self.may_show or field in self.may_show

    def prints(self, field: str) -> bool:
        """Tells whether a field may stand in a report."""
        return self.shows(field) and (ALL_FIELDS in self.may_print or field in self.may_print)


def parse_profile(text: str) -> Profile:
    """Reads a profile from TOML. Keys without a default must be there, and no other key may.

    Raises:
        ProfileError: it is not TOML, or keys are missing, unknown or wrong; names all of them.
    """
    if len(text) > MAX_PROFILE_CHARS:
        raise ProfileError(f"profile: expected at most {MAX_PROFILE_CHARS} characters, found {len(text)}; shorten it")
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ProfileError(f"profile: expected TOML, found an error ({error}); correct it") from error
    values = _table("profile", document, _KEYS, DEFAULTS)
    profile = Profile(**values)
    problems = list(_contradictions(profile))
    if problems:
        raise ProfileError(f"profile: {'; '.join(problems)}; correct it")
    return profile


def _contradictions(profile: Profile) -> list[str]:
    """Names what keys say against each other."""
    found = []
    if bool(profile.reviewed_by) != bool(profile.reviewed_on):
        found.append("'reviewed_by' and 'reviewed_on' belong together: expected both or neither")
    if profile.online_required and profile.online_check == "none":
        found.append("'online_required' is true, but 'online_check' is none")
    kept = [name for rule in profile.keep for name in rule.fields]
    twice = sorted({name for name in kept if kept.count(name) > 1})
    if twice:
        found.append(f"'keep': {', '.join(twice)} has more than one rule")
    if profile.allow_test_issuers and not (profile.allow_specimens and profile.allow_simulated):
        found.append("'allow_test_issuers' belongs to a profile that allows specimens and simulated readers too")
    form = profile.entry
    if form is not None and 0 < form.name_max_chars <= len(form.cut_mark):
        found.append("'name_max_chars': expected 0, or more than 'cut_mark' takes")
    return found


def _table(
    where: str,
    document: Mapping[str, object],
    keys: Mapping[str, Callable[[str, object], Any]],
    defaults: Mapping[str, object],
) -> dict[str, Any]:
    """Reads one table; collects all that is wrong before it refuses."""
    problems = []
    values = {}
    unknown = sorted(document.keys() - keys.keys())
    if unknown:
        names = ", ".join(repr(name[:40]) for name in unknown[:10])
        problems.append(f"unknown key {names}; expected only {', '.join(keys)}")
    for key, read in keys.items():
        if key in document:
            try:
                values[key] = read(key, document[key])
            except ProfileError as error:
                problems.append(str(error))
        elif key in defaults:
            values[key] = defaults[key]
        else:
            problems.append(f"key {key!r} is missing; add it")
    if problems:
        prefix = f"{where}: "
        raise ProfileError(prefix + "; ".join(problem.removeprefix("profile: ") for problem in problems))
    return values


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ProfileError(f"{key!r}: expected text, found {_kind(value)}; correct it")
    return value


def _maybe_text(key: str, value: object) -> str:
    return "" if value == "" else _text(key, value)


def _flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ProfileError(f"{key!r}: expected true or false, found {_kind(value)}; correct it")
    return value


def _day(key: str, value: object) -> str:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ProfileError(f"{key!r}: expected a day as 2026-01-31, found {_kind(value)}; correct it")
    return value.isoformat()


def _maybe_day(key: str, value: object) -> str:
    return "" if value == "" else _day(key, value)


def _count(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1000:
        raise ProfileError(f"{key!r}: expected a number from 0 to 1000, found {_kind(value)}; correct it")
    return value


def _score(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ProfileError(f"{key!r}: expected a score from 0 to 1, found {_kind(value)}; correct it")
    return float(value)


def _texts(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ProfileError(f"{key!r}: expected a list of texts, found {_kind(value)}; correct it")
    return tuple(_text(key, entry) for entry in value)


def _checks(key: str, value: object) -> tuple[str, ...]:
    codes = _texts(key, value)
    for code in codes:
        if code in DERIVED_CHECKS:
            raise ProfileError(f"{key!r}: {code!r} follows from the key {DERIVED_CHECKS[code]!r}; take it out")
        if code not in CHECKS:
            known = ", ".join(known for known in CHECKS if known not in DERIVED_CHECKS)
            raise ProfileError(f"{key!r}: {code[:40]!r} is no check; expected some of {known}")
    if not codes or len(set(codes)) != len(codes):
        raise ProfileError(f"{key!r}: expected at least one check, each once; correct it")
    return codes


def _choice(*known: str) -> Callable[[str, object], str]:
    def read(key: str, value: object) -> str:
        chosen = _text(key, value)
        if chosen not in known:
            raise ProfileError(f"{key!r}: expected one of {', '.join(known)}, found {chosen[:40]!r}; correct it")
        return chosen

    return read


def _choices(*known: str) -> Callable[[str, object], tuple[str, ...]]:
    one = _choice(*known)

    def read(key: str, value: object) -> tuple[str, ...]:
        chosen = tuple(one(key, entry) for entry in _texts(key, value))
        if len(set(chosen)) != len(chosen):
            raise ProfileError(f"{key!r}: expected each once; correct it")
        return chosen

    return read


def _period(key: str, value: object) -> Period:
    try:
        return Period.parse(_text(key, value))
    except ValueError as error:
        raise ProfileError(f"{key!r}: expected '10 years', '30 days', permanent or none, found {error}") from error


def _tables(
    make: Callable[..., Any], keys: Mapping[str, Callable[[str, object], Any]], defaults: Mapping[str, object]
) -> Callable[[str, object], tuple[Any, ...]]:
    def read(key: str, value: object) -> tuple[Any, ...]:
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise ProfileError(f"{key!r}: expected tables [[{key}]], found {_kind(value)}; correct it")
        return tuple(make(**_table(f"[[{key}]]", entry, keys, defaults)) for entry in value)

    return read


def _entry(key: str, value: object) -> EntryForm:
    if not isinstance(value, dict):
        raise ProfileError(f"{key!r}: expected a table [{key}], found {_kind(value)}; correct it")
    return EntryForm(**_table(f"[{key}]", value, _ENTRY_KEYS, {"name_max_chars": 0, "cut_mark": "?"}))


def _kind(value: object) -> str:
    kinds = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return "an empty text" if isinstance(value, str) and not value.strip() else kinds.get(type(value), "something else")


_field_list: Final = _choices(*FIELD_NAMES)
_BASIS_KEYS: Final = {"zh": _text, "en": _text, "since": _maybe_day, "source": _text, "confirmed": _flag}
_KEEP_KEYS: Final[dict[str, Callable[[str, object], Any]]] = {
    "fields": _field_list,
    "floor": _period,
    "counted_from": lambda key, value: Begin(_choice(*(begin.value for begin in Begin))(key, value)),
    "source": _text,
    "confirmed": _flag,
}
_CODE_KEYS: Final = {"code": _text, "used_in": _text, "source": _text, "confirmed": _flag}
_ENTRY_KEYS: Final[dict[str, Callable[[str, object], Any]]] = {
    "surname_first": _flag,
    "capitals": _flag,
    "half_width": _flag,
    "name_max_chars": _count,
    "cut_mark": _text,
    "chinese_name": _flag,
    "sex_form": _choice(*SEX_FORMS),
    "nationality_form": _choice(*NATIONALITY_FORMS),
    "source": _text,
    "confirmed": _flag,
}

_KEYS: Final[dict[str, Callable[[str, object], Any]]] = {
    "name": _text,
    "title_zh": _text,
    "title_en": _text,
    "purpose": _text,
    "purpose_zh": _text,
    "version": _text,
    "source": _text,
    "date": _day,
    "applies_from": _day,
    "reviewed_by": _maybe_text,
    "reviewed_on": _maybe_day,
    "required": _checks,
    "evidence": _choices(*EVIDENCE),
    "online_check": _choice(*ONLINE_CHECKS),
    "online_required": _flag,
    "face_min_score": _score,
    "allow_simulated": _flag,
    "allow_specimens": _flag,
    "allow_test_issuers": _flag,
    "allow_unchecked_signature": _flag,
    "sam_allow_list": _texts,
    "mask_level": _choice(*MASK_LEVELS),
    "may_show": _choices(*FIELD_NAMES, ALL_FIELDS),
    "may_print": _choices(*FIELD_NAMES, ALL_FIELDS),
    "basis": _tables(Basis, _BASIS_KEYS, {}),
    "keep": _tables(KeepRule, _KEEP_KEYS, {}),
    "document_codes": _tables(DocumentCode, _CODE_KEYS, {}),
    "entry": _entry,
    "unconfirmed": _texts,
}

_MUST: Final = frozenset(
    {"name", "title_zh", "title_en", "purpose", "version", "source", "date", "reviewed_by", "required"}
)
DEFAULTS: Final[dict[str, Any]] = {
    field.name: field.default for field in dataclass_fields(Profile) if field.name not in _MUST
}
"""Key -> what holds when it is left out; a profile that leaves out none is easier to review."""
