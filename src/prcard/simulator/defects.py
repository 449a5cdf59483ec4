"""Named defects of a card, each with the check that must notice it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from prcard.record import LAYOUTS
from prcard.record._codec import RECORDS
from prcard.record.kinds import ymd
from prcard.record.numbers import mod11_2, weigh_731

if TYPE_CHECKING:
    from collections.abc import Callable

    from prcard.record.raw import RawCard

__all__ = ["DEFECTS", "Defect", "defects_reference"]


class Defect(NamedTuple):
    """One thing that is wrong with a card, and nothing else.

    Attributes:
        meaning: What is wrong.
        check: The check that notices it.
        reason: The reason that it gives.
        layouts: Layouts that can have it.
        apply: Gives the card with it.
    """

    meaning: str
    check: str
    reason: str
    layouts: tuple[str, ...]
    apply: Callable[[RawCard, date], RawCard]


def _layout(card: RawCard) -> str:
    marker = card.text[248:250].decode("utf-16-le")
    return next(name for name, record in RECORDS.items() if record.marker == marker)


def _place(card: RawCard, field: str) -> tuple[int, int]:
    place = next(place for place in RECORDS[_layout(card)].places if place.name == field)
    return place.offset_bytes, place.length_bytes


def _get(card: RawCard, field: str) -> str:
    at, length = _place(card, field)
    return card.text[at : at + length].decode("utf-16-le").rstrip(" ")


def _put(card: RawCard, field: str, value: str | bytes) -> RawCard:
    at, length = _place(card, field)
    raw = value if isinstance(value, bytes) else value.encode("utf-16-le")
    raw += b" \0" * ((length - len(raw)) // 2)
    return replace(card, text=card.text[:at] + raw + card.text[at + length :])


def _numbered(card: RawCard, head: str) -> RawCard:
    """Puts a number with its right check character."""
    return _put(card, "number", head + (weigh_731(head) if len(head) == 14 else mod11_2(head)))


def _wrong_check(card: RawCard, day: date) -> RawCard:  # noqa: ARG001  # the signature of the table
    number = _get(card, "number")
    return _put(card, "number", number[:-1] + ("1" if number[-1] != "1" else "2"))


def _other_birth(card: RawCard, day: date) -> RawCard:  # noqa: ARG001  # the signature of the table
    number = _get(card, "number")
    at = 12 if len(number) == 18 else 11
    return _numbered(card, number[:at] + ("02" if number[at : at + 2] != "02" else "03") + number[at + 2 : -1])


def _other_nationality(card: RawCard, day: date) -> RawCard:  # noqa: ARG001  # the signature of the table
    return _put(card, "nationality", "FRA" if _get(card, "nationality") != "FRA" else "BRA")


def _other_sex(card: RawCard, day: date) -> RawCard:  # noqa: ARG001  # the signature of the table
    return _put(card, "sex", "2" if _get(card, "sex") == "1" else "1")


def _other_kind_of_number(card: RawCard, day: date) -> RawCard:  # noqa: ARG001  # the signature of the table
    number = _get(card, "number")
    head = {"pr2023": "1", "resident": "9", "hkmt": "1"}[_layout(card)]
    return _numbered(card, head + number[1:-1])


def _no_number(card: RawCard, day: date) -> RawCard:  # noqa: ARG001  # the signature of the table
    number = _get(card, "number")
    at = 10 if len(number) == 18 else 9
    return _numbered(card, number[:at] + "13" + number[at + 2 : -1])


def _expired(card: RawCard, day: date) -> RawCard:
    """Moves the whole period into the past, and the birth with nothing: the length stays."""
    return _moved(card, day - timedelta(days=1))


def _moved(card: RawCard, last: date) -> RawCard:
    years = 5 if _layout(card) == "hkmt" else int(_get(card, "expiry_date")[:4]) - int(_get(card, "issue_date")[:4])
    issue = (last + timedelta(days=1)).replace(year=last.year - years)
    return _put(_put(card, "issue_date", ymd(issue)), "expiry_date", ymd(last))


def _not_yet(card: RawCard, day: date) -> RawCard:
    years = int(_get(card, "expiry_date")[:4]) - int(_get(card, "issue_date")[:4])
    issue = day + timedelta(days=1)
    end = issue.replace(year=issue.year + years) - timedelta(days=1)
    return _put(_put(card, "issue_date", ymd(issue)), "expiry_date", ymd(end))


def _dates_reversed(card: RawCard, day: date) -> RawCard:  # noqa: ARG001  # the signature of the table
    return _put(card, "expiry_date", ymd(date(int(_get(card, "issue_date")[:4]) - 1, 6, 1)))


def _too_long(card: RawCard, day: date) -> RawCard:  # noqa: ARG001  # the signature of the table
    return _put(card, "expiry_date", f"{int(_get(card, 'issue_date')[:4]) + 50}0601")


def _born_later(card: RawCard, day: date) -> RawCard:
    birth = ymd(day + timedelta(days=400))
    number = _get(card, "number")
    head = number[:6] + birth + number[14:17] if len(number) == 18 else number[:7] + birth[2:] + number[13]
    return _numbered(_put(card, "birth_date", birth), head)


def _zeros(card: RawCard, day: date) -> RawCard:  # noqa: ARG001  # the signature of the table
    return _put(card, "birth_date", b"0\0" * 8)


def _field(field: str, value: str | bytes) -> Callable[[RawCard, date], RawCard]:
    return lambda card, day: _put(card, field, value)  # noqa: ARG005  # the signature of the table


def _name(value: bytes) -> Callable[[RawCard, date], RawCard]:
    """Ends a name with these bytes in the place of its last characters."""

    def change(card: RawCard, day: date) -> RawCard:  # noqa: ARG001  # the signature of the table
        field = "name" if _layout(card) in {"resident", "hkmt"} else "english_name"
        _, length = _place(card, field)
        return _put(card, field, _get(card, field).encode("utf-16-le")[: length - len(value)] + value)

    return change


def _zone(**zones: Callable[[RawCard], object]) -> Callable[[RawCard, date], RawCard]:
    return lambda card, day: replace(card, **{name: make(card) for name, make in zones.items()})  # type: ignore[arg-type]  # noqa: ARG005


_RESERVED: Final = {
    "resident": "reserved_250",
    "hkmt": "reserved_250",
    "pr2017": "reserved_250",
    "pr2023": "reserved_158",
}

_PR: Final = ("pr2017", "pr2023")
_MOD: Final = ("resident", "hkmt", "pr2023")
_DATED: Final = ("hkmt", "pr2017", "pr2023")

DEFECTS: Final[dict[str, Defect]] = {
    "text-too-short": Defect("the text zone ends 6 bytes early", "zones-complete", "text-zone-length", LAYOUTS,
                             _zone(text=lambda card: card.text[:250])),
    "photo-too-short": Defect("the photo zone has 1000 bytes", "zones-complete", "photo-zone-length", LAYOUTS,
                              _zone(photo=lambda card: card.photo[:1000])),
    "fingerprint-cut": Defect("the fingerprint zone is cut", "zones-complete", "fingerprint-zone-length", LAYOUTS,
                              _zone(fingerprint=lambda card: b"C" * 300)),  # noqa: ARG005
    "address-cut": Defect("an additional address has 69 bytes", "zones-complete", "extra-zone-length", LAYOUTS,
                          _zone(extra=lambda card: (b" \0" * 34 + b" ",))),  # noqa: ARG005
    "unknown-marker": Defect("the type marker is Q", "text-decodes", "unknown-edition", LAYOUTS,
                             _field("type_marker", "Q")),
    "control-character": Defect("a name holds a line feed", "text-decodes", "malformed", LAYOUTS, _name(b"\n\0")),
    "padded-with-nul": Defect("a name is followed by NUL", "text-decodes", "malformed", LAYOUTS, _name(b"\0\0")),
    "unpaired-surrogate": Defect("a name ends in half a character", "text-decodes", "malformed", LAYOUTS,
                                 _name(b"\x00\xd8")),
    "no-such-day": Defect("the birth date is no day", "text-decodes", "malformed", LAYOUTS, _zeros),
    "no-end-date": Defect("the end date is 长期, which this card cannot have", "text-decodes", "malformed", _DATED,
                          _field("expiry_date", "长期")),
    "reserved-filled": Defect("a reserved place is not blank", "text-decodes", "reserved-not-blank", LAYOUTS,
                              lambda card, day: _put(card, _RESERVED[_layout(card)], "?")),  # noqa: ARG005
    "wrong-check-digit": Defect("the check character of the number is wrong", "number-check-digit",
                                "check-digit-wrong", LAYOUTS, _wrong_check),
    "no-number": Defect("the number holds month 13", "number-check-digit", "number-form-wrong", LAYOUTS, _no_number),
    "birth-differs": Defect("the number tells another birth date", "number-agrees", "birth-differs", LAYOUTS,
                            _other_birth),
    "nationality-differs": Defect("the number tells another nationality", "number-agrees", "nationality-differs", _PR,
                                  _other_nationality),
    "sex-differs": Defect("the number tells the other sex", "number-agrees", "sex-differs", _MOD, _other_sex),
    "number-of-another-card": Defect("the number is that of another kind of card", "number-agrees", "region-differs",
                                     _MOD, _other_kind_of_number),
    "born-after-issue": Defect("the holder is not born yet", "dates-lawful", "birth-after-issue", LAYOUTS, _born_later),
    "ends-before-it-begins": Defect("the card ends before it begins", "dates-lawful", "expiry-before-issue", LAYOUTS,
                                    _dates_reversed),
    "valid-too-long": Defect("the card is valid for fifty years", "dates-lawful", "validity-too-long", _PR, _too_long),
    "expired": Defect("the card ended the day before", "valid-at-moment", "expired", _PR, _expired),
    "not-yet-valid": Defect("the card begins the day after", "valid-at-moment", "not-yet-valid", _DATED, _not_yet),
    "unknown-sex": Defect("the sex code is 7", "codes-known", "unknown-code", ("pr2017",), _field("sex", "7")),
    "photo-blank": Defect("the photo zone holds zeros", "photo-header", "photo-blank", LAYOUTS,
                          _zone(photo=lambda card: bytes(1024))),  # noqa: ARG005
    "photo-unknown": Defect("the photo has a header that nobody knows", "photo-header", "photo-unknown", LAYOUTS,
                            _zone(photo=lambda card: b"??" + card.photo[2:])),
}  # fmt: skip
"""Every defect by its name."""


def defects_reference() -> list[str]:
    """Gives the table of defects as lines of Markdown."""
    lines = ["| defect | what is wrong | noticed by | reason | layouts |", "|---|---|---|---|---|"]
    lines += [
        f"| `{name}` | {defect.meaning} | `{defect.check}` | `{defect.reason}` | {', '.join(defect.layouts)} |"
        for name, defect in DEFECTS.items()
    ]
    return lines
