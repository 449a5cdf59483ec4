"""What must hold inside one decoded record: check digit, agreement, dates. One truth for the verdict and for bulk work.

Every function takes a record that decoded, so the form of each field is known to be right, and returns reason codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prcard.errors import NumberError
from prcard.record import PermanentResident2017, PermanentResident2023
from prcard.record._codec import RECORDS
from prcard.record.codes import ICAO_CODES, VALIDITY, countries, country_by_numeric, end_dates, lawful_validity_years
from prcard.record.kinds import LONG_TERM, LongTerm
from prcard.record.numbers import HKMT_REGIONS, mod11_2, parse_number, weigh_731

if TYPE_CHECKING:
    from prcard.record import CardRecord
    from prcard.record.record import Record

__all__ = [
    "agreement_problems",
    "careful_problems",
    "check_digit_problems",
    "date_problems",
    "form_problems",
    "looks_in_order",
    "record_problems",
    "validity_remarks",
]

_OK: Final[tuple[str, ...]] = ()
_SEXES_DIFFER: Final = frozenset({"1" + even for even in "02468"} | {"2" + odd for odd in "13579"})
"""Sex code and last digit of the sequence that contradict each other."""

_NUMERIC: Final = {country.alpha3: country.numeric for country in countries()}


def _birth_places(record: type[Record]) -> tuple[slice, slice]:
    """Where the digits of birth lie in a zone: in the number, and in the date; compared as bytes, which is quickest."""
    offsets = {place.name: place.offset_bytes for place in record.places}
    at, omitted = (7, 2) if record.layout == "pr2017" else (6, 0)
    number, birth = offsets["number"] + 2 * at, offsets["birth_date"]
    return slice(number, number + 2 * (8 - omitted)), slice(birth + 2 * omitted, birth + 16)


_BIRTH_PLACES: Final = {layout: _birth_places(record) for layout, record in RECORDS.items()}
_ENDLESS: Final = 9999
_MAX_AGE: Final = 150


def _years_by_age(layout: str) -> tuple[int, ...]:
    rule = VALIDITY[layout]
    if rule is None:
        return (_ENDLESS,) * _MAX_AGE
    years = [
        next(count or _ENDLESS for limit, count in rule.bands if limit is None or age < limit)
        for age in range(_MAX_AGE)
    ]
    return tuple(count if count == before else 0 for count, before in zip(years, [0, *years], strict=False))


_YEARS_BY_AGE: Final = {layout: _years_by_age(layout) for layout in VALIDITY}
"""Layout -> the years of its rule by age reached in the year of issue: `_ENDLESS` where there is no end or no rule, 0
where it matters whether the birthday has been."""


def record_problems(record: CardRecord) -> tuple[str, ...]:
    """Gives all that is wrong inside a record, as reason codes; the same as checks 4 to 6, without their evidence."""
    return _OK if looks_in_order(record) else careful_problems(record)


def careful_problems(record: CardRecord) -> tuple[str, ...]:
    """The same without the quick look."""
    return check_digit_problems(record) + agreement_problems(record) + date_problems(record)


def looks_in_order(record: CardRecord) -> bool:
    """Takes one quick look, since batches run through millions: True is sure, False means "look carefully"."""
    number, raw, layout = record.number, record.raw, record.layout
    in_number, in_date = _BIRTH_PLACES[layout]
    if raw[in_number] != raw[in_date]:
        return False
    if type(record) is PermanentResident2017:
        if number[:3] != record.nationality or number[14] != weigh_731(number):
            return False
    elif number[17] != mod11_2(number) or record.sex + number[16] in _SEXES_DIFFER:
        return False
    elif type(record) is PermanentResident2023:
        if number[0] != "9" or _NUMERIC.get(record.nationality) != number[3:6]:
            return False
    elif _region_differs(number, layout):
        return False
    birth, issue, expiry = record.birth_date, record.issue_date, record.expiry_date
    begin = issue.year
    span = begin - birth.year
    # Who is born in an earlier year is born before the issue, and what ends in a later one ends after it.
    if not 0 < span < _MAX_AGE:
        return False
    years = _YEARS_BY_AGE[layout][span] or lawful_validity_years(layout, birth, issue)[0] or _ENDLESS
    if expiry is LONG_TERM:
        return years == _ENDLESS
    over = expiry.year - begin - years
    return -years < over < 0 or (over == 0 and expiry.month << 5 | expiry.day <= issue.month << 5 | issue.day)


def check_digit_problems(record: CardRecord) -> tuple[str, ...]:
    """Compares the check character of the number."""
    number = record.number
    expected = weigh_731(number) if record.layout == "pr2017" else mod11_2(number)
    return _OK if number[-1] == expected else ("check-digit-wrong",)


def form_problems(record: CardRecord) -> tuple[str, ...]:
    """Looks whether the number is one at all; agreement finds its errors too, this names them."""
    try:
        parse_number(record.number)
    except NumberError:
        return ("number-form-wrong",)
    return _OK


def agreement_problems(record: CardRecord) -> tuple[str, ...]:
    """Compares the number with birth date, nationality, kind of card and sex.

    Nothing is inferred from a 15-character number about sex. Parts are compared as text, since letters compared as
    digit values would pass.
    """
    if type(record) is PermanentResident2017:
        return _agreement_2017(record)
    number = record.number
    problems = _birth_problems(record)
    if record.sex + number[16] in _SEXES_DIFFER:
        problems += ("sex-differs",)
    if type(record) is PermanentResident2023:
        if _NUMERIC.get(record.nationality) != number[3:6] and _nationality_differs(record.nationality, number[3:6]):
            problems += ("nationality-differs",)
        if number[0] != "9":
            problems += ("region-differs",)
    elif _region_differs(number, record.layout):
        problems += ("region-differs",)
    return problems


def _region_differs(number: str, layout: str) -> bool:
    if number[0] == "8":
        return (number[:6] in HKMT_REGIONS) != (layout == "hkmt")
    return layout == "hkmt" or not "1" <= number[0] <= "7"


def _agreement_2017(record: PermanentResident2017) -> tuple[str, ...]:
    problems = _birth_problems(record)
    return problems if record.number[:3] == record.nationality else (*problems, "nationality-differs")


def _birth_problems(record: CardRecord) -> tuple[str, ...]:
    in_number, in_date = _BIRTH_PLACES[record.layout]
    return _OK if record.raw[in_number] == record.raw[in_date] else ("birth-differs",)


def _nationality_differs(alpha3: str, numeric: str) -> bool:
    """Two codes differ when either is known and is not the other's; of two unknown ones nothing can be said."""
    known = _NUMERIC.get(alpha3)
    if known is None:
        return alpha3 not in ICAO_CODES.entries and country_by_numeric(numeric) is not None
    return known != numeric


def date_problems(record: CardRecord) -> tuple[str, ...]:
    """Compares birth, issue and expiry with each other and the period with the longest that the rules allow."""
    birth, issue, expiry = record.birth_date, record.issue_date, record.expiry_date
    if birth > issue:
        return ("birth-after-issue",)
    if not isinstance(expiry, LongTerm) and expiry < issue:
        return ("expiry-before-issue",)
    years = lawful_validity_years(record.layout, birth, issue)
    if not years or years == (None,):
        return _OK
    if isinstance(expiry, LongTerm) or expiry > max(end_dates(issue, years[0] or 0), default=expiry):
        return ("validity-too-long",)
    return _OK


def validity_remarks(record: CardRecord) -> tuple[str, ...]:
    """Gives what is unusual about a period that is not too long: shorter than the rules, or no rule is known."""
    years = lawful_validity_years(record.layout, record.birth_date, record.issue_date)
    if not years:
        return ("validity-rule-unknown",)
    expiry = record.expiry_date
    usual = any(
        isinstance(expiry, LongTerm) if count is None else expiry in end_dates(record.issue_date, count)
        for count in years
    )
    return _OK if usual else ("validity-unusual",)
