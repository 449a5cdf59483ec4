"""From 15-character numbers to their 18-digit successors, for a house whose records are keyed on the old ones.

Nothing is guessed. A successor counts only when the association item of the new card leads back to the old number;
numbers that merely could belong to one person are reported for somebody to look at, and two that claim the same partner
are in conflict, both of them.
"""

from __future__ import annotations

from collections import defaultdict
from enum import Enum, unique
from typing import TYPE_CHECKING, Final, NamedTuple

from prcard.errors import NumberError
from prcard.record.codes import country_by_alpha3, country_by_numeric
from prcard.record.numbers import NumberMatchVerdict, PR15Number, PR18Number, match_numbers, previous_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["COLUMNS", "CardIndex", "Claims", "Migrated", "MigrationStatus", "migrate_row"]

COLUMNS: Final = ("old_number", "new_number", "nationality", "link")
"""What a row may hold: the old number, the new one, and nationality (alpha-3) and association item of the new card."""


@unique
class MigrationStatus(Enum):
    """What came of a row."""

    MATCH = "match"
    DERIVED = "derived"
    POSSIBLE = "possible"
    NOT_FOUND = "not-found"
    NO_MATCH = "no-match"
    CONFLICT = "conflict"
    ERROR = "error"


class Migrated(NamedTuple):
    """One row's outcome.

    Attributes:
        status: What came of it.
        old: The old number, where it is sure; "" otherwise.
        new: The new number, where it is sure; "" otherwise.
        reasons: All that is wrong or missing, as codes or sentences without any value of the row.
    """

    status: MigrationStatus
    old: str = ""
    new: str = ""
    reasons: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Shows no number, so that no log and no traceback does."""
        return f"<Migrated {self.status.value} {', '.join(self.reasons)}>"


class _Card(NamedTuple):
    new: PR18Number
    nationality: str
    link: str

    def __repr__(self) -> str:
        return "<_Card>"


class CardIndex:
    """New cards by the old number that they name, and by what an old number shows of a new one."""

    def __init__(self, rows: Iterable[Mapping[str, str]] = ()) -> None:
        """Takes the rows of new cards in; those that are no card are counted.

        Args:
            rows: Mappings with `new_number`, `nationality` and `link`.
        """
        self._by_old: dict[str, set[str]] = defaultdict(set)
        self._by_parts: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        self.size, self.refused = 0, 0
        for row in rows:
            card, problems = _card(row)
            if card is None or problems:
                self.refused += 1
                continue
            self.size += 1
            old = _old_of(card)
            if old:
                self._by_old[old].add(card.new.text)
            else:
                self._by_parts[_parts(card.new)].add(card.new.text)

    def find(self, old: PR15Number) -> Migrated:
        """Looks for the successor of an old number."""
        sure = self._by_old.get(old.text, set())
        if len(sure) > 1:
            return Migrated(MigrationStatus.CONFLICT, old.text, "", ("several-new-numbers",))
        if sure:
            return Migrated(MigrationStatus.MATCH, old.text, next(iter(sure)))
        country = country_by_alpha3(old.nationality)
        numeric = "" if country is None else country.numeric
        possible = len(self._by_parts.get((numeric, old.region[:2], old.birth_yymmdd), ()))
        if possible:
            return Migrated(MigrationStatus.POSSIBLE, old.text, "", (f"candidates-without-link: {possible}",))
        return Migrated(MigrationStatus.NOT_FOUND, old.text, "", ("no-new-number",))


class Claims:
    """Which old number each new one was matched with, and the reverse; more than one partner is a conflict."""

    def __init__(self) -> None:
        """Begins without any."""
        self._partner: dict[str, str] = {}
        self._torn: set[str] = set()

    def add(self, row: Migrated) -> None:
        """Takes a match in."""
        if row.status in {MigrationStatus.MATCH, MigrationStatus.DERIVED}:
            for number, partner in ((row.old, row.new), (row.new, row.old)):
                if self._partner.setdefault(number, partner) != partner:
                    self._torn |= {number, partner, self._partner[number]}

    def judge(self, row: Migrated) -> Migrated:
        """Gives the row back, a conflict when one of its numbers has more than one partner, or what other rows know."""
        if row.status is MigrationStatus.NOT_FOUND and row.old in self._partner and row.old not in self._torn:
            return Migrated(MigrationStatus.MATCH, row.old, self._partner[row.old])
        matched = row.status in {MigrationStatus.MATCH, MigrationStatus.DERIVED}
        if matched and (row.old in self._torn or row.new in self._torn):
            return Migrated(MigrationStatus.CONFLICT, "", "", ("another-row-matches-one-of-these-numbers",))
        return row


def migrate_row(row: Mapping[str, str], index: CardIndex) -> Migrated:
    """Judges one row; all that is wrong with it is reported together.

    Args:
        row: Texts by the names of `COLUMNS`; what is missing or blank is not known. Blanks around a text are passed
            over, everything else is taken as it stands.
        index: The new cards to look in when the row names none.
    """
    problems: list[str] = []
    old = _old(row, problems)
    card, wrong = _card(row)
    problems += wrong
    if problems:
        return Migrated(MigrationStatus.ERROR, reasons=tuple(problems))
    if card is None:
        if old is None:
            return Migrated(MigrationStatus.ERROR, reasons=("old_number and new_number are both blank",))
        return index.find(old)
    if old is None:
        derived = _old_of(card)
        if derived:
            return Migrated(MigrationStatus.DERIVED, derived, card.new.text)
        return Migrated(MigrationStatus.NOT_FOUND, "", card.new.text, ("no-link",))
    return _pair(old, card)


def _pair(old: PR15Number, card: _Card) -> Migrated:
    match = match_numbers(old, card.new, link=card.link or None)
    reasons = match.reasons
    if card.nationality and card.nationality != old.nationality:
        reasons = tuple(dict.fromkeys((*reasons, "nationality")))
        return Migrated(MigrationStatus.NO_MATCH, reasons=reasons)
    status = {
        NumberMatchVerdict.MATCH: MigrationStatus.MATCH,
        NumberMatchVerdict.POSSIBLE: MigrationStatus.POSSIBLE,
        NumberMatchVerdict.NO_MATCH: MigrationStatus.NO_MATCH,
    }[match.verdict]
    sure = status is MigrationStatus.MATCH
    return Migrated(status, old.text if sure else "", card.new.text if sure else "", reasons)


def _old(row: Mapping[str, str], problems: list[str]) -> PR15Number | None:
    text = _cell(row, "old_number")
    if not text:
        return None
    try:
        number = PR15Number.parse(text)
        number.check()
    except NumberError as error:
        problems.append(f"old_number: {error}")
        return None
    return number


def _card(row: Mapping[str, str]) -> tuple[_Card | None, list[str]]:
    """Reads what a row says of a new card; None when it names none."""
    text, nationality, link = (_cell(row, name) for name in COLUMNS[1:])
    problems = []
    number = None
    if text:
        try:
            number = PR18Number.parse(text)
            number.check()
        except NumberError as error:
            problems.append(f"new_number: {error}")
    if link and not (len(link) == 3 and link.isascii() and link.isdigit()):
        problems.append("link: expected three digits or nothing, found another text")
    if link and not text:
        problems.append("link: expected a new_number beside it, found none")
    problems += _nationality_problems(number, nationality)
    return (None if number is None else _Card(number, nationality, link)), problems


def _nationality_problems(number: PR18Number | None, nationality: str) -> list[str]:
    if not nationality:
        return []
    if not (len(nationality) == 3 and nationality.isascii() and nationality.isalpha() and nationality.isupper()):
        return ["nationality: expected three capital letters or nothing, found another text"]
    country = country_by_alpha3(nationality)
    if number is not None and country is not None and country.numeric != number.nationality_numeric:
        return ["nationality: expected that of new_number, found another"]
    return []


def _old_of(card: _Card) -> str:
    """Gives the old number that a new card names; "" when it names none or its nationality is not known."""
    country = country_by_numeric(card.new.nationality_numeric)
    alpha3 = card.nationality or (country.alpha3 if country else "")
    if not card.link or not alpha3:
        return ""
    old = previous_number(card.new, alpha3, card.link)
    return old.text if old else ""


def _parts(number: PR18Number) -> tuple[str, str, str]:
    return number.nationality_numeric, number.province, number.text[8:14]


def _cell(row: Mapping[str, str], name: str) -> str:
    return (row.get(name) or "").strip()
