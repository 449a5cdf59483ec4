"""Masking by field and layout, never by what a text looks like.

    level     number (18)   number (15)   names                  birth, sex, nationality, address
    screen    1 + 1         0 + 4         initials; first sign   hidden
    counter   3 + 3         0 + 4         initials; first sign   hidden
    full      as it is

What a level reveals of a PR card stands in `REVEALS`, and a test holds it against the masked forms. Beside that, a
period of validity of five years tells that the holder was under 18, and a check character narrows down the rest to one
in ten. The usual "first 6, last 4" is not offered, since it shows the nationality.

Source: three-level convention as widely used, adapted by layout; what each form reveals was worked out by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prcard.acceptance.profile import MASK_LEVELS
from prcard.errors import FieldProblem, RecordError
from prcard.record._codec import RECORDS
from prcard.record.record import fields

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["MASKS", "REVEALS", "check_fields", "mask_document"]

STAR: Final = "*"
ALL: Final = "all"
BESIDE: Final = ("extra", "management")
"""What is read beside the record and masked by the same names."""


def _keep(first: int, last: int) -> Callable[[str], str]:
    return lambda text: text[:first] + STAR * (len(text) - first - last) + text[len(text) - last :]


def _initials(text: str) -> str:
    """Keeps the first letter of each part of a name and what stands between the parts."""
    shown = []
    at_start = True
    for character in text:
        shown.append(character if at_start or not character.isalnum() else STAR)
        at_start = not character.isalnum()
    return "".join(shown)


def _first(text: str) -> str:
    return text[:1] + STAR * (len(text) - 1)


def _hide(text: str) -> str:
    return STAR * len(text)


def _hide_length(text: str) -> str:
    return STAR * 6 if text else text


def _hide_day(text: str) -> str:
    return "".join(character if character == "-" else STAR for character in text)


def _show(text: str) -> str:
    return text


_PERSON: Final = {
    "name": _first,
    "chinese_name": _first,
    "english_name": _initials,
    "sex": _hide,
    "nation": _hide,
    "nationality": _hide,
    "birth_date": _hide_day,
    "address": _hide_length,
    "travel_permit_number": _hide,
    "previous_number_link": _hide,
    "issuing_authority": _hide_length,
    "authority_code": _hide,
    # What stands there is not known, so it may be anything.
    "reserved_32": _hide,
    "reserved_158": _hide,
    "reserved_220": _hide,
    "reserved_242": _hide,
    "reserved_250": _hide,
}
_CARD: Final = {
    "layout": _show,
    "issue_date": _show,
    "expiry_date": _show,
    "renewal_count": _show,
    "issue_count": _show,
    "card_version": _show,
}

MASKS: Final[dict[str, dict[tuple[str, str], Callable[[str], str]]]] = {
    "screen": {("number", "18"): _keep(1, 1), ("number", "15"): _keep(0, 4)},
    "counter": {("number", "18"): _keep(3, 3), ("number", "15"): _keep(0, 4)},
}
"""Level -> how a number of so many characters is masked."""


REVEALS: Final = {
    ("screen", "pr2023"): ("layout",),
    ("counter", "pr2023"): ("layout", "province", "sex"),
    ("screen", "pr2017"): ("layout", "day of birth", "sequence"),
    ("counter", "pr2017"): ("layout", "day of birth", "sequence"),
}
"""Level and layout of a PR card -> what its masked form tells of the holder beside initials and dates of the card. The
layout tells that the holder is a foreigner; the last places of an 18-digit number tell the sex by their parity."""


def mask_document(
    document: dict[str, Any], level: str, show: Collection[str] = (), may_show: Collection[str] = (ALL,)
) -> dict[str, Any]:
    """Masks a record's JSON form.

    Args:
        document: What `prcard.record.to_document` gives.
        level: `screen`, `counter` or `full`.
        show: Fields to leave as they are; `all` for every field. Those that this layout has not are passed over.
        may_show: Fields that may be shown at all; the others are hidden whatever was asked for.

    Raises:
        RecordError: `level` is none, or `show` names a field that no layout has.
    """
    check_fields(show)
    if level not in MASK_LEVELS:
        raise RecordError(FieldProblem("level", None, f"one of {', '.join(MASK_LEVELS)}", repr(level[:40])))
    open_fields = set(document) if level == "full" or ALL in show else set(show)
    if ALL not in may_show:
        open_fields &= {*may_show, "layout"}
    return {
        name: value if name in open_fields or value is None else _mask(name, value, level, may_show)
        for name, value in document.items()
    }


def check_fields(names: Collection[str]) -> None:
    """Refuses names that are no field of any layout.

    Raises:
        RecordError: lists the fields that there are.
    """
    known = sorted({name for record in RECORDS.values() for name in fields(record.places)})
    for name in names:
        if name not in known and name not in {ALL, *BESIDE}:
            raise RecordError(
                FieldProblem("show", None, f"one of {', '.join(known)} or all", repr(name[:40])),
                advice="Correct the name.",
            )


def _mask(name: str, value: str, level: str, may_show: Collection[str]) -> str:
    if name not in may_show and ALL not in may_show and name != "layout":
        return _hide_length(value)
    if name == "number":
        return MASKS["screen" if level == "full" else level][name, "15" if len(value) == 15 else "18"](value)
    # A field that is in no table is hidden: forgetting one must not show it.
    return (_CARD.get(name) or _PERSON.get(name) or _hide)(value)
