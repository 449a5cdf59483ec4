"""What must hold inside one decoded record: check digit, agreement, dates. One truth for the verdict and for bulk work.

Every function takes a record that decoded, so the form of each field is known to be right, and returns reason codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prcard.errors import NumberError
from prcard.record import PermanentResident2017, PermanentResident2023
from prcard.record.codes import VALIDITY, age_on, country_by_alpha3, end_dates, lawful_validity_years
from prcard.record.kinds import LongTerm, ymd
from prcard.record.numbers import HKMT_REGIONS, check_digit_731, mod11_2, parse_number

if TYPE_CHECKING:
    from prcard.record import CardRecord

__all__ = [
    "agreement_problems",
    "check_digit_problems",
    "date_problems",
    "form_problems",
    "record_problems",
    "validity_remarks",
]

_OK: Final[tuple[str, ...]] = ()
_SEXES: Final = {"1": "13579", "2": "02468"}
"""Sex code -> digits that the last place of the sequence may have."""


def record_problems(record: CardRecord) -> tuple[str, ...]:
    """Gives all that is wrong inside a record, as reason codes; the same as checks 4 to 6, without their evidence."""
    return check_digit_problems(record) + agreement_problems(record) + date_problems(record)


def check_digit_problems(record: CardRecord) -> tuple[str, ...]:
    """Compares the check character of the number."""
    number = record.number
    expected = check_digit_731(number[:14]) if record.layout == "pr2017" else mod11_2(number[:17])
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
    if isinstance(record, PermanentResident2017):
        return _agreement_2017(record)
    number = record.number
    problems = []
    if number[6:14] != ymd(record.birth_date):
        problems.append("birth-differs")
    if record.sex in _SEXES and number[16] not in _SEXES[record.sex]:
        problems.append("sex-differs")
    if isinstance(record, PermanentResident2023):
        country = country_by_alpha3(record.nationality)
        if country is not None and country.numeric != number[3:6]:
            problems.append("nationality-differs")
        if number[0] != "9":
            problems.append("region-differs")
    elif (number[:6] in HKMT_REGIONS) != (record.layout == "hkmt") or not "1" <= number[0] <= "8":
        problems.append("region-differs")
    return tuple(problems)


def _agreement_2017(record: PermanentResident2017) -> tuple[str, ...]:
    problems = []
    if record.number[7:13] != ymd(record.birth_date)[2:]:
        problems.append("birth-differs")
    if record.number[:3] != record.nationality:
        problems.append("nationality-differs")
    return tuple(problems)


def date_problems(record: CardRecord) -> tuple[str, ...]:
    """Compares birth, issue and expiry with each other and the period with the longest that the rules allow."""
    issue, expiry = record.issue_date, record.expiry_date
    if record.birth_date > issue:
        return ("birth-after-issue",)
    if not isinstance(expiry, LongTerm) and expiry < issue:
        return ("expiry-before-issue",)
    return ("validity-too-long",) if _too_long(record) else _OK


def _too_long(record: CardRecord) -> bool:
    rule = VALIDITY[record.layout]
    if rule is None:
        return False
    issue, expiry = record.issue_date, record.expiry_date
    age = age_on(record.birth_date, issue)
    years = next(years for limit, years in rule.bands if limit is None or age < limit)
    if years is None:
        return False
    if isinstance(expiry, LongTerm):
        return True
    gap = expiry.year - issue.year
    # Only the year of the anniversary needs a closer look.
    return gap > years or (gap == years and expiry > max(end_dates(issue, years), default=expiry))


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
