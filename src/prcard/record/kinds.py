"""Kinds of field: what a place on the card may hold, and what it means as a value.

A kind turns the UTF-16LE bytes of one place into a value and back, refuses everything else, and describes itself for
schemas and documents. Layouts name kinds; the generated codec takes the same rules in one pass and falls back to the
kinds wherever a place is not plain.

Source: GA 490 (character set GB 13000, blanks as padding); what is refused beyond that is said at each kind.
"""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Any, Final, Generic, TypeVar

__all__ = [
    "LONG_TERM",
    "Date",
    "DateOrLongTerm",
    "Digits",
    "Kind",
    "Letters",
    "LongTerm",
    "Marker",
    "Number15",
    "Number18",
    "Refused",
    "Reserved",
    "Text",
    "ymd",
]

_T = TypeVar("_T")


class LongTerm(Enum):
    """An end date that never comes."""

    LONG_TERM = "长期"


LONG_TERM: Final = LongTerm.LONG_TERM
"""The end date of a resident card without one; printed, stored and in JSON as 长期."""


class Refused(ValueError):  # noqa: N818  # it never leaves the package: callers make a FieldProblem of it
    """One place or value is refused; `at_bytes` counts from the start of the place."""

    def __init__(self, expected: str, found: str, at_bytes: int = 0) -> None:
        super().__init__(f"expected {expected}, found {found}")
        self.expected = expected
        self.found = found
        self.at_bytes = at_bytes


class Kind(Generic[_T]):
    """What all kinds share.

    Attributes:
        chars: UTF-16 units of the place; a rare ideograph takes two.
        words: What may stand there, for people.
        python_type: The value's type as it stands in the generated code.
        default: Source text of the value that a constructor takes when none is given; "" when one must be given.
    """

    chars: int
    words: str
    python_type: str = "str"
    default: str = ""

    def __init__(self, chars: int) -> None:
        self.chars = chars

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.chars})"

    def decode(self, raw: bytes) -> _T:
        """Gives the value that `2 * chars` bytes stand for.

        Raises:
            Refused: the bytes are not of this kind.
        """
        raise NotImplementedError

    def encode(self, value: Any) -> bytes:
        """Gives the `2 * chars` bytes of a value.

        Raises:
            Refused: the value is not of this kind or does not fit.
        """
        raise NotImplementedError

    def show(self, value: _T) -> str | None:
        """Gives the value as it stands in JSON and on screens; None for blank reserved places."""
        return str(value)

    def read(self, shown: object) -> _T:
        """Takes what `show` gave.

        Raises:
            Refused: it is not of this kind.
        """
        if not isinstance(shown, str):
            raise Refused("text", f"a {type(shown).__name__}")
        return self.decode(self.encode(shown))

    def schema(self) -> dict[str, Any]:
        """Gives the JSON Schema of what `show` gives."""
        raise NotImplementedError


class Text(Kind[str]):
    """Any text, padded on the right with U+0020 only.

    Control characters and noncharacters are refused (NUL and U+FFFF are no padding); leading and inner blanks, U+3000
    and private-use characters are part of the value.
    """

    words = "text"

    def decode(self, raw: bytes) -> str:
        """See `Kind.decode`."""
        value = _unpack(raw).rstrip(" ")
        if value.isprintable():
            return value
        # Not printable is more than we refuse: private-use and unassigned characters are kept.
        units = 0
        for character in value:
            code = ord(character)
            if code < 0x20 or 0x7F <= code <= 0x9F or code & 0xFFFE == 0xFFFE:
                raise Refused("a printable character", _point(character, units), 2 * units)
            units += 1 + (code > 0xFFFF)
        return value

    def encode(self, value: Any) -> bytes:
        """See `Kind.encode`."""
        text = _string(value)
        if text.endswith(" "):
            raise Refused("text without blanks at its end", "a blank at its end")
        raw = _pack(text, self.chars)
        self.decode(raw)
        return raw

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"type": "string", "maxLength": self.chars, "pattern": "^([^\\u0000-\\u001F]*[^\\u0000-\\u0020])?$"}


class Digits(Kind[str]):
    """ASCII digits, as many as `lengths` allows, padded on the right with blanks where fewer are allowed."""

    def __init__(self, chars: int, lengths: tuple[int, ...] = ()) -> None:
        super().__init__(chars)
        self.lengths = lengths or (chars,)
        counts = " or ".join(map(str, self.lengths))
        self.words = f"{counts} digit{'' if counts == '1' else 's'}"
        self.default = '""' if 0 in self.lengths else ""

    def __repr__(self) -> str:
        return f"Digits({self.chars})" if self.lengths == (self.chars,) else f"Digits({self.chars}, {self.lengths})"

    def decode(self, raw: bytes) -> str:
        """See `Kind.decode`."""
        value = _unpack(raw).rstrip(" ")
        if len(value) in self.lengths and (not value or (value.isascii() and value.isdigit())):
            return value
        for at, character in enumerate(value):
            if not "0" <= character <= "9":
                raise Refused(self.words, _point(character, at), 2 * at)
        raise Refused(self.words, f"{len(value)} digits")

    def encode(self, value: Any) -> bytes:
        """See `Kind.encode`."""
        return _checked(self, _string(value))

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"type": "string", "pattern": "^(" + "|".join(f"[0-9]{{{n}}}" for n in self.lengths) + ")$"}


class _Patterned(Kind[str]):
    """A fixed number of characters, each from its own set."""

    def sets(self) -> tuple[tuple[str, str], ...]:
        """Gives for each character the allowed ones and their name."""
        raise NotImplementedError

    def decode(self, raw: bytes) -> str:
        value = _unpack(raw)
        for at, (character, (allowed, name)) in enumerate(zip(value, self.sets(), strict=False)):
            if character not in allowed:
                raise Refused(f"{name} at character {at + 1} of {self.words}", _point(character, at), 2 * at)
        return value

    def encode(self, value: Any) -> bytes:
        text = _string(value)
        if len(text) != self.chars:
            raise Refused(self.words, f"{len(text)} characters")
        return _checked(self, text)


_DIGIT: Final = ("0123456789", "a digit")
_LETTER: Final = ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "a capital letter A–Z")


class Letters(_Patterned):
    """ASCII capitals, all places filled."""

    def __init__(self, chars: int) -> None:
        super().__init__(chars)
        self.words = f"{chars} capital letters"

    def sets(self) -> tuple[tuple[str, str], ...]:
        """See `_Patterned.sets`."""
        return (_LETTER,) * self.chars

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"type": "string", "pattern": f"^[A-Z]{{{self.chars}}}$"}


class Number15(_Patterned):
    """The form of a 2017 card's number: three letters, twelve digits; the check digit is judged elsewhere."""

    words = "a number of 3 letters and 12 digits"

    def __init__(self) -> None:
        super().__init__(15)

    def __repr__(self) -> str:
        return "Number15()"

    def sets(self) -> tuple[tuple[str, str], ...]:
        """See `_Patterned.sets`."""
        return (_LETTER,) * 3 + (_DIGIT,) * 12

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"type": "string", "pattern": "^[A-Z]{3}[0-9]{12}$"}


class Number18(_Patterned):
    """The form of an 18-character number: 17 digits, then a digit or X; the check digit is judged elsewhere."""

    words = "a number of 17 digits and a digit or X"

    def __init__(self) -> None:
        super().__init__(18)

    def __repr__(self) -> str:
        return "Number18()"

    def sets(self) -> tuple[tuple[str, str], ...]:
        """See `_Patterned.sets`."""
        return (_DIGIT,) * 17 + (("0123456789X", "a digit or X"),)

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"type": "string", "pattern": "^[0-9]{17}[0-9X]$"}


class Date(Kind[date]):
    """A day of the calendar as YYYYMMDD."""

    words = "a day as YYYYMMDD"
    python_type = "date"

    def __init__(self) -> None:
        super().__init__(8)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def decode(self, raw: bytes) -> date:
        """See `Kind.decode`."""
        text = Digits(8).decode(raw)
        try:
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        except ValueError as error:
            raise Refused(self.words, _no_day(text)) from error

    def encode(self, value: Any) -> bytes:
        """See `Kind.encode`."""
        if not isinstance(value, date):
            raise Refused("a date", f"a {type(value).__name__}")
        return _pack(ymd(value), 8)

    def show(self, value: date) -> str:
        """See `Kind.show`."""
        return f"{value.year:04d}-{value.month:02d}-{value.day:02d}"

    def read(self, shown: object) -> date:
        """See `Kind.read`."""
        if not (isinstance(shown, str) and len(shown) == 10 and shown[4] == shown[7] == "-"):
            raise Refused(
                "a day as YYYY-MM-DD", "another form" if isinstance(shown, str) else f"a {type(shown).__name__}"
            )
        return self.decode(_pack(shown.replace("-", ""), 8))

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}


class DateOrLongTerm(Kind["date | LongTerm"]):
    """A day, or the two characters 长期 and six blanks. Only resident cards have it."""

    words = "a day as YYYYMMDD, or 长期"
    python_type = "date | LongTerm"

    def __init__(self) -> None:
        super().__init__(8)

    def __repr__(self) -> str:
        return "DateOrLongTerm()"

    def decode(self, raw: bytes) -> date | LongTerm:
        """See `Kind.decode`."""
        return LONG_TERM if raw == _LONG_TERM_BYTES else Date().decode(raw)

    def encode(self, value: Any) -> bytes:
        """See `Kind.encode`."""
        return _LONG_TERM_BYTES if value is LONG_TERM else Date().encode(value)

    def show(self, value: date | LongTerm) -> str:
        """See `Kind.show`."""
        return value.value if isinstance(value, LongTerm) else Date().show(value)

    def read(self, shown: object) -> date | LongTerm:
        """See `Kind.read`."""
        return LONG_TERM if shown == LONG_TERM.value else Date().read(shown)

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"anyOf": [{"const": LONG_TERM.value}, Date().schema()]}


class Marker(Kind[str]):
    """The type marker: one fixed character."""

    def __init__(self, character: str) -> None:
        super().__init__(1)
        self.character = character
        self.words = f"the type marker {character!r}"

    def __repr__(self) -> str:
        return f'Marker("{self.character}")'

    def decode(self, raw: bytes) -> str:
        """See `Kind.decode`."""
        if raw != _pack(self.character, 1):
            raise Refused(self.words, f"U+{int.from_bytes(raw, 'little'):04X}")
        return self.character

    def encode(self, value: Any) -> bytes:
        """See `Kind.encode`."""
        if value != self.character:
            raise Refused(self.words, "another")
        return _pack(self.character, 1)

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"const": self.character}


class Reserved(Kind[bytes]):
    """A place without known meaning: any bytes, kept as they are."""

    words = "reserved, usually blanks"
    python_type = "bytes"

    def __init__(self, chars: int) -> None:
        super().__init__(chars)
        self.blank = b" \0" * chars
        self.default = f'b" \\0" * {chars}'

    def decode(self, raw: bytes) -> bytes:
        """See `Kind.decode`."""
        return raw

    def encode(self, value: Any) -> bytes:
        """See `Kind.encode`."""
        if not isinstance(value, bytes) or len(value) != 2 * self.chars:
            found = f"{len(value)} bytes" if isinstance(value, bytes) else f"a {type(value).__name__}"
            raise Refused(f"{2 * self.chars} bytes", found)
        return value

    def show(self, value: bytes) -> str | None:
        """See `Kind.show`."""
        return None if value == self.blank else value.hex()

    def read(self, shown: object) -> bytes:
        """See `Kind.read`."""
        if shown is None:
            return self.blank
        try:
            return self.encode(bytes.fromhex(shown) if isinstance(shown, str) and shown.isalnum() else shown)
        except ValueError as error:
            raise Refused(f"null, or {4 * self.chars} hexadecimal digits", "another form") from error

    def schema(self) -> dict[str, Any]:
        """See `Kind.schema`."""
        return {"type": ["string", "null"], "pattern": f"^[0-9a-f]{{{4 * self.chars}}}$"}


def ymd(day: date) -> str:
    """Gives a day as YYYYMMDD, from tables: three times as quick as formatting, and without a memory to churn."""
    year = day.year
    head = _YEARS[year - 1900] if 1900 <= year < 2200 else f"{year:04d}"
    return head + _DAYS[day.month << 5 | day.day]


def _pack(text: str, chars: int) -> bytes:
    """Encodes and pads with blanks; refuses what does not fit."""
    try:
        raw = text.encode("utf-16-le")
    except UnicodeEncodeError as error:
        raise Refused("paired surrogates", f"U+{ord(text[error.start]):04X} at character {error.start + 1}") from error
    if len(raw) > 2 * chars:
        raise Refused(f"at most {chars} UTF-16 units", f"{len(raw) // 2}")
    return raw + b" \0" * (chars - len(raw) // 2)


def _unpack(raw: bytes) -> str:
    try:
        return raw.decode("utf-16-le")
    except UnicodeDecodeError as error:
        unit = int.from_bytes(raw[error.start : error.start + 2], "little")
        raise Refused(
            "paired surrogates", f"unpaired U+{unit:04X} at character {error.start // 2 + 1}", error.start
        ) from error


def _checked(kind: Kind[str], text: str) -> bytes:
    """Encodes text and takes back only what decodes to the same."""
    raw = _pack(text, kind.chars)
    if kind.decode(raw) != text:
        raise Refused(kind.words, "blanks")
    return raw


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise Refused("text", f"a {type(value).__name__}")
    return value


def _point(character: str, at: int) -> str:
    return f"U+{ord(character):04X} at character {at + 1}"


def _no_day(text: str) -> str:
    """Says what is wrong with eight digits without telling them all."""
    year, month, day = text[:4], text[4:6], text[6:]
    if year == "0000":
        return "year 0000"
    return f"month {month}" if not "01" <= month <= "12" else f"day {day} in month {month}"


_LONG_TERM_BYTES: Final = _pack(LONG_TERM.value, 8)
_YEARS: Final = tuple(f"{year:04d}" for year in range(1900, 2200))
_DAYS: Final = tuple(f"{code >> 5:02d}{code & 31:02d}" for code in range(13 << 5))
