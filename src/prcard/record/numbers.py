"""Card numbers of all four schemes: their parts, their check characters, and how old and new belong together.

    resident  RRRRRR YYYYMMDD SSS C      GB 11643: region, birth, sequence (odd male), MOD 11-2
    hkmt      81|82|83 0000 …            the same form with the region of Hong Kong, Macao or Taiwan
    pr15      AAA RRRR YYMMDD S C        2017 card: nationality, region, birth, sequence, ICAO 7-3-1
    pr18      9 PP NNN YYYYMMDD SSS C    2023 card: province, nationality, birth, sequence (odd male), MOD 11-2

`parse` looks at the form only; `check` judges the check character. Whether a region or country exists is not looked
at here, since such tables go stale (`prcard.record.codes`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import Enum, unique
from functools import lru_cache
from typing import ClassVar, Final, Self, TypeAlias

from prcard.errors import FieldProblem, NumberError
from prcard.record.codes import PROVINCE, country_by_alpha3, country_by_numeric

__all__ = [
    "CardNumber",
    "HKMTNumber",
    "NumberMatch",
    "NumberMatchVerdict",
    "PR15Number",
    "PR18Number",
    "ResidentNumber",
    "check_digit_731",
    "check_digit_mod11_2",
    "match_numbers",
    "mod11_2",
    "parse_number",
    "previous_number",
    "unknown_parts",
    "weigh_731",
]

HKMT_REGIONS: Final = ("810000", "820000", "830000")
"""Hong Kong, Macao, Taiwan. Source: 港澳台居民居住证 numbering (A)."""

_CHECKS_11_2: Final = "".join("0123456789X"[(1 - 2 * weighed) % 11] for weighed in range(11))


@lru_cache(4096)
def _weigh_group(group: str) -> int:
    return sum(weight * int(character, 36) for weight, character in zip((7, 3, 1), group, strict=False))


_GROUPS_7_3_1: Final = {
    text: _weigh_group(text)
    for text in (*(f"{number:03d}" for number in range(1000)), *(f"{number:02d}" for number in range(100)))
}


def check_digit_mod11_2(first17: str) -> str:
    """Computes the check character of an 18-character number.

    Args:
        first17: 17 ASCII digits.

    Returns:
        A digit or X.

    Raises:
        NumberError: `first17` is something else.

    Source: ISO/IEC 7064 MOD 11-2, as GB 11643 uses it.

    >>> check_digit_mod11_2("91112419810803002")
    '4'
    """
    if len(first17) != 17:
        raise _refused("number", 0, "17 digits before the check character", f"{len(first17)}")
    _digits("number", first17, 0, 17)
    return mod11_2(first17)


def mod11_2(number: str) -> str:
    """Computes the same from what is known to begin with 17 ASCII digits, as a decoded record's number does."""
    # Digits read in base 13 weigh as MOD 11-2 wants them, in powers of two, since 13 leaves 2 when divided by 11.
    return _CHECKS_11_2[int(number[:17], 13) % 11]


def check_digit_731(first14: str) -> str:
    """Computes the check digit of a 15-character number.

    Args:
        first14: 14 ASCII capitals or digits; A counts 10 … Z 35.

    Raises:
        NumberError: `first14` is something else.

    Source: ICAO Doc 9303 part 3, check digits with weights 7-3-1.

    >>> check_digit_731("PAK31008001010")
    '3'
    """
    if len(first14) != 14:
        raise _refused("number", 0, "14 characters before the check digit", f"{len(first14)}")
    for at, character in enumerate(first14):
        if not ("0" <= character <= "9" or "A" <= character <= "Z"):
            raise _refused("number", at, "a capital letter or digit", _point(character, at))
    return "0123456789"[sum(int(character, 36) * (7, 3, 1)[at % 3] for at, character in enumerate(first14)) % 10]


def weigh_731(number: str) -> str:
    """Computes the same from what is known to begin with 3 capitals and 11 digits, as a decoded record's number does.

    The weights come round every three characters, so that groups of digits are looked up as wholes. A capital's value
    is its code less 55, which three weights make 605 in all.
    """
    group = _GROUPS_7_3_1
    total = group[number[3:6]] + group[number[6:9]] + group[number[9:12]] + group[number[12:14]]
    letters = 7 * ord(number[0]) + 3 * ord(number[1]) + ord(number[2]) - 605
    return "0123456789"[(letters + total) % 10]


@dataclass(frozen=True, slots=True)
class _Number18:
    """What the three 18-character schemes share.

    Attributes:
        text: All 18 characters.
    """

    text: str = field(repr=False)
    scheme: ClassVar[str]

    @property
    def birth_date(self) -> date:
        """Date of birth, places 7–14."""
        return date(int(self.text[6:10]), int(self.text[10:12]), int(self.text[12:14]))

    @property
    def sequence(self) -> str:
        """Three digits, places 15–17; odd for men."""
        return self.text[14:17]

    @property
    def sex(self) -> str:
        """`1` male or `2` female, by the parity of the sequence."""
        return "1" if int(self.text[16]) % 2 else "2"

    @property
    def expected_check(self) -> str:
        """What the check character must be."""
        return check_digit_mod11_2(self.text[:17])

    def check(self) -> None:
        """Judges the check character.

        Raises:
            NumberError: it is wrong.
        """
        _check(self.text, self.expected_check)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a number of this scheme; the check character is not judged.

        Raises:
            NumberError: the form is wrong; names place, expected and found.
        """
        _form18(text)
        cls._of_this_scheme(text)
        return cls(text)

    @classmethod
    def _of_this_scheme(cls, text: str) -> None:
        raise NotImplementedError

    @classmethod
    def _built(cls, head: str, birth_date: date, sequence: str) -> Self:
        _digits("sequence", sequence, 0, 3)
        first17 = f"{head}{birth_date.year:04d}{birth_date.month:02d}{birth_date.day:02d}{sequence}"
        return cls.parse(first17 + check_digit_mod11_2(first17))

    def _tail(self) -> dict[str, str]:
        return {
            "birth_date": self.birth_date.isoformat(),
            "sequence": self.sequence,
            "sex": self.sex,
            "check": self.text[17],
        }


@dataclass(frozen=True, slots=True)
class ResidentNumber(_Number18):
    """A citizen identity number. Source: GB 11643-1999."""

    scheme: ClassVar[str] = "resident"

    @property
    def region(self) -> str:
        """Six digits of the region of first registration."""
        return self.text[:6]

    @classmethod
    def build(cls, *, region: str, birth_date: date, sequence: str) -> Self:
        """Builds a number with its check character.

        Args:
            region: Six digits, the first 1–8.
            birth_date: Date of birth.
            sequence: Three digits.

        Raises:
            NumberError: a part has the wrong form.
        """
        _digits("region", region, 0, 6)
        return cls._built(region, birth_date, sequence)

    @classmethod
    def _of_this_scheme(cls, text: str) -> None:
        if not "1" <= text[0] <= "8":
            raise _refused("number", 0, "a first digit from 1 to 8", text[0])
        if text[:6] in HKMT_REGIONS:
            raise _refused("number", 0, "a region of the mainland", "one of Hong Kong, Macao or Taiwan")

    def parts(self) -> dict[str, str]:
        """The parts by name, JSON-ready."""
        return {"region": self.region, **self._tail()}


@dataclass(frozen=True, slots=True)
class HKMTNumber(_Number18):
    """The number of a residence permit for Hong Kong, Macao or Taiwan residents."""

    scheme: ClassVar[str] = "hkmt"

    @property
    def region(self) -> str:
        """`810000` Hong Kong, `820000` Macao or `830000` Taiwan."""
        return self.text[:6]

    @classmethod
    def build(cls, *, region: str, birth_date: date, sequence: str) -> Self:
        """Builds a number with its check character.

        Args:
            region: `810000`, `820000` or `830000`.
            birth_date: Date of birth.
            sequence: Three digits.

        Raises:
            NumberError: a part has the wrong form.
        """
        _digits("region", region, 0, 6)
        return cls._built(region, birth_date, sequence)

    @classmethod
    def _of_this_scheme(cls, text: str) -> None:
        if text[:6] not in HKMT_REGIONS:
            raise _refused("number", 0, "a region 810000, 820000 or 830000", "another region")

    def parts(self) -> dict[str, str]:
        """The parts by name, JSON-ready."""
        return {"region": self.region, **self._tail()}


@dataclass(frozen=True, slots=True)
class PR18Number(_Number18):
    """The number of a 2023 permanent resident card. Source: NIA adaptation notes of 2023 (first digit, MOD 11-2)."""

    scheme: ClassVar[str] = "pr18"

    @property
    def province(self) -> str:
        """Two digits of the province that took the application."""
        return self.text[1:3]

    @property
    def nationality_numeric(self) -> str:
        """Three digits, ISO 3166-1 numeric."""
        return self.text[3:6]

    @classmethod
    def build(cls, *, province: str, nationality_numeric: str, birth_date: date, sequence: str) -> Self:
        """Builds a number with its check character.

        Args:
            province: Two digits.
            nationality_numeric: Three digits, ISO 3166-1 numeric.
            birth_date: Date of birth.
            sequence: Three digits, odd for men.

        Raises:
            NumberError: a part has the wrong form.
        """
        _digits("province", province, 0, 2)
        _digits("nationality", nationality_numeric, 0, 3)
        return cls._built(f"9{province}{nationality_numeric}", birth_date, sequence)

    @classmethod
    def _of_this_scheme(cls, text: str) -> None:
        if text[0] != "9":
            raise _refused("number", 0, "a first digit 9", text[0])

    def parts(self) -> dict[str, str]:
        """The parts by name, JSON-ready."""
        return {"province": self.province, "nationality_numeric": self.nationality_numeric, **self._tail()}


@dataclass(frozen=True, slots=True)
class PR15Number:
    """The number of a 2017 permanent resident card.

    It tells neither the century of birth nor the sex: the parity of its sequence is contested and not used.

    Attributes:
        text: All 15 characters.
    """

    text: str = field(repr=False)
    scheme: ClassVar[str] = "pr15"

    @property
    def nationality(self) -> str:
        """ISO 3166-1 alpha-3."""
        return self.text[:3]

    @property
    def region(self) -> str:
        """Four digits of the region that took the application: province and city, 00 for municipalities."""
        return self.text[3:7]

    @property
    def birth_yymmdd(self) -> str:
        """Six digits of the date of birth, without century."""
        return self.text[7:13]

    @property
    def sequence(self) -> str:
        """One digit."""
        return self.text[13]

    @property
    def expected_check(self) -> str:
        """What the check digit must be."""
        return check_digit_731(self.text[:14])

    def check(self) -> None:
        """Judges the check digit.

        Raises:
            NumberError: it is wrong.
        """
        _check(self.text, self.expected_check)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a number; the check digit is not judged.

        Raises:
            NumberError: the form is wrong; names place, expected and found.
        """
        if len(text) != 15:
            raise _refused("number", 0, "15 characters", f"{len(text)}")
        for at, character in enumerate(text[:3]):
            if not "A" <= character <= "Z":
                raise _refused(
                    "number", at, "a capital letter A–Z", _point(character, at), "Write letters in capitals."
                )
        _digits("number", text, 3, 15)
        # 2000 was a leap year: 29 February is possible, since the century is not known.
        _day("20" + text[7:9], text[9:11], text[11:13], 7)
        return cls(text)

    @classmethod
    def build(cls, *, nationality: str, region: str, birth: date, sequence: str) -> Self:
        """Builds a number with its check digit.

        Args:
            nationality: ISO 3166-1 alpha-3.
            region: Four digits.
            birth: Date of birth.
            sequence: One digit.

        Raises:
            NumberError: a part has the wrong form.
        """
        if len(nationality) != 3:
            raise _refused("nationality", 0, "three capital letters", f"{len(nationality)} characters")
        _digits("region", region, 0, 4)
        _digits("sequence", sequence, 0, 1)
        first14 = f"{nationality}{region}{birth.year % 100:02d}{birth.month:02d}{birth.day:02d}{sequence}"
        return cls.parse(first14 + check_digit_731(first14))

    def parts(self) -> dict[str, str]:
        """The parts by name, JSON-ready."""
        return {
            "nationality": self.nationality,
            "region": self.region,
            "birth_yymmdd": self.birth_yymmdd,
            "sequence": self.sequence,
            "check": self.text[14],
        }


CardNumber: TypeAlias = ResidentNumber | HKMTNumber | PR15Number | PR18Number


def parse_number(text: str) -> CardNumber:
    """Reads a number of any scheme: 15 characters `pr15`; else by its first digits.

    Raises:
        NumberError: the form is of none.
    """
    if len(text) == 15:
        return PR15Number.parse(text)
    if len(text) != 18:
        raise _refused("number", 0, "15 or 18 characters", f"{len(text)}")
    if text[0] == "9":
        return PR18Number.parse(text)
    if text[:6] in HKMT_REGIONS:
        return HKMTNumber.parse(text)
    return ResidentNumber.parse(text)


def unknown_parts(number: CardNumber) -> list[str]:
    """Names the codes in a number that are in no table; none of them makes a number wrong, since tables go stale."""
    unknown = []
    match number:
        case PR15Number():
            province, country = number.region[:2], country_by_alpha3(number.nationality)
        case PR18Number():
            province, country = number.province, country_by_numeric(number.nationality_numeric)
        case _:
            province, country = number.region[:2], None
    if PROVINCE.get(province) is None:
        unknown.append(f"province {province}")
    if country is None and not isinstance(number, ResidentNumber | HKMTNumber):
        unknown.append("nationality")
    return unknown


def previous_number(number: PR18Number, nationality: str, link: str) -> PR15Number | None:
    """Derives the number of the 2017 card from a 2023 card.

    Args:
        number: The 18-digit number.
        nationality: Alpha-3 code as it stands in the zone.
        link: The association item: three digits (old city code, old sequence), or "" when there was no old card.

    Returns:
        The old number, or None when `link` is blank.

    Raises:
        NumberError: `nationality` or `link` has the wrong form.

    Source: rule agreed by three reader programs (A); worked example PAK310080010103 recomputed.
    """
    if not link:
        return None
    _digits("previous_number_link", link, 0, 3)
    if len(nationality) != 3:
        raise _refused("nationality", 0, "three capital letters", f"{len(nationality)} characters")
    first14 = nationality + number.province + link[:2] + number.text[8:14] + link[2]
    return PR15Number.parse(first14 + check_digit_731(first14))


@unique
class NumberMatchVerdict(Enum):
    """Whether an old and a new number belong to one person."""

    MATCH = "MATCH"
    POSSIBLE = "POSSIBLE"
    NO_MATCH = "NO_MATCH"


@dataclass(frozen=True, slots=True)
class NumberMatch:
    """A verdict with its reasons.

    Attributes:
        verdict: `MATCH` only by the association item; `POSSIBLE` when all parts agree that can be compared.
        reasons: What differs or is missing, as codes: `nationality`, `province`, `city`, `birth`, `sequence`,
            `check-old`, `check-new`, `no-link`, `nationality-unknown`.
    """

    verdict: NumberMatchVerdict
    reasons: tuple[str, ...] = ()


def match_numbers(old: PR15Number, new: PR18Number, *, link: str | None = None) -> NumberMatch:
    """Tells whether a 15-character number and an 18-digit number belong to one person.

    Args:
        old: Number of a 2017 card.
        new: Number of a 2023 card.
        link: Association item of the 2023 card; None when only the numbers are known, "" when it is blank.

    Raises:
        NumberError: `link` has the wrong form.
    """
    if link:
        _digits("previous_number_link", link, 0, 3)
    country = country_by_alpha3(old.nationality)
    # Parts are compared as text: compared as digit values, letters would pass for numbers.
    differs = [
        ("nationality", country is not None and country.numeric != new.nationality_numeric),
        ("province", old.region[:2] != new.province),
        ("birth", old.birth_yymmdd != new.text[8:14]),
        ("city", bool(link) and old.region[2:] != (link or "")[:2]),
        ("sequence", bool(link) and old.sequence != (link or "")[2:]),
        ("check-old", old.text[14] != old.expected_check),
        ("check-new", new.text[17] != new.expected_check),
    ]
    reasons = tuple(name for name, wrong in differs if wrong)
    if reasons:
        return NumberMatch(NumberMatchVerdict.NO_MATCH, reasons)
    unknown = ("nationality-unknown",) if country is None else ()
    if not link:
        return NumberMatch(NumberMatchVerdict.POSSIBLE, ("no-link", *unknown))
    return NumberMatch(NumberMatchVerdict.POSSIBLE if unknown else NumberMatchVerdict.MATCH, unknown)


def _form18(text: str) -> None:
    if len(text) != 18:
        raise _refused("number", 0, "18 characters", f"{len(text)}")
    _digits("number", text, 0, 17)
    if not ("0" <= text[17] <= "9" or text[17] == "X"):
        advice = "Write X in capitals." if text[17] in "xｘＸ" else ""
        raise _refused("number", 17, "a digit or X", _point(text[17], 17), advice)
    _day(text[6:10], text[10:12], text[12:14], 6)


def _digits(field: str, text: str, start: int, end: int) -> None:
    """Refuses anything but ASCII digits from `start` to `end`, which is also the length of `text` at least."""
    for at in range(start, end):
        if at >= len(text):
            raise _refused(field, at, f"{end - start} digits", f"{max(len(text) - start, 0)}")
        if not "0" <= text[at] <= "9":
            raise _refused(field, at, "a digit 0–9", _point(text[at], at))
    if len(text) > end and field != "number":
        raise _refused(field, end, f"{end - start} digits", f"{len(text) - start}")


def _day(year: str, month: str, day: str, at: int) -> None:
    try:
        date(int(year), int(month), int(day))
    except ValueError as error:
        found = f"month {month}" if not "01" <= month <= "12" else f"day {day} in month {month}"
        raise _refused("number", at, "a date of birth that exists", "year 0000" if year == "0000" else found) from error


def _check(text: str, expected: str) -> None:
    if text[-1] != expected:
        raise _refused(
            "number", len(text) - 1, f"check character {expected}", text[-1], "One or more characters are wrong."
        )


def _point(character: str, at: int) -> str:
    return f"U+{ord(character):04X} at character {at + 1}"


def _refused(field: str, at: int, expected: str, found: str, advice: str = "") -> NumberError:
    """Builds the error; a number is text, so it is the message that tells the character, not an offset in bytes."""
    where = found if " at character " in found or not at else f"{found} at character {at + 1}"
    return NumberError(FieldProblem(field, None, expected, where), advice=advice)
