"""Judging as of an earlier day: with that day's profile, code tables and lists, and saying which ones they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prcard.record.codes import COUNTRY_EDITION, ICAO_CODES, NATION, PROVINCE, SEX

if TYPE_CHECKING:
    from datetime import datetime

    from prcard.acceptance.profile import Profile
    from prcard.trust.material import TrustMaterial

__all__ = ["CHINA", "TABLES", "AsOf", "Table", "as_of", "china_day", "material_of_day"]

CHINA: Final = timezone(timedelta(hours=8), "UTC+8")
"""The days on a card are days in China, wherever the counter is."""


class Table(NamedTuple):
    """One code table or rule that checks look into.

    Attributes:
        name: What it codes.
        edition: Which edition is built in.
        since: From when these codes hold; None where that is not known.
        source: Where that day is from.
    """

    name: str
    edition: str
    since: date | None
    source: str


TABLES: Final = (
    Table("sex", SEX.edition, None, "day of the edition not confirmed"),
    Table("nation", NATION.edition, None, "day of the edition not confirmed"),
    Table("province", PROVINCE.edition, date(2018, 9, 1), "83 begins with the residence permits of that day"),
    Table("nationality", COUNTRY_EDITION, date(2011, 8, 9), "the youngest code of ISO 3166-1 is SSD of that day"),
    Table("nationality, ICAO only", ICAO_CODES.edition, None, "day of the edition not confirmed"),
    Table("validity of residents' cards", "居民身份证法 art. 5", date(2004, 1, 1), "the law is in force since"),
    Table("validity of permanent residents' cards", "measures of 2004, art. 21", date(2004, 8, 15), "in force since"),
)
"""Every table that a check depends on. An edition that changes codes gets a row of its own beside the older one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """What a verdict as of an earlier day was judged with.

    Attributes:
        judged_at: When it was judged.
        profile_of_that_day: False when the profile's version begins later than the day: no older one was at hand.
        applies_from: From when that version applies.
        later_tables: Names of tables that begin later than the day, or whose day is not known.
        lists: The lists of that day: kind, number and moment.
    """

    judged_at: datetime
    profile_of_that_day: bool
    applies_from: str
    later_tables: tuple[str, ...]
    lists: tuple[tuple[str, int, datetime], ...]

    def to_document(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "judged_at": self.judged_at.isoformat(),
            "profile_of_that_day": self.profile_of_that_day,
            "profile_applies_from": self.applies_from,
            "tables_not_known_for_that_day": list(self.later_tables),
            "lists": [
                {"kind": kind, "number": number, "this_update": moment.isoformat()}
                for kind, number, moment in self.lists
            ],
        }


def china_day(at: datetime) -> date:
    """Gives the day in China at a moment."""
    return at.astimezone(CHINA).date()


def as_of(profile: Profile, at: datetime, now: datetime, trust: TrustMaterial | None) -> AsOf:
    """Says what was at hand for a day.

    Args:
        profile: The version that was chosen.
        at: The moment that is judged.
        now: When it is judged.
        trust: What `material_of_day` left.
    """
    day = china_day(at)
    lists = [] if trust is None else [("crl", crl.number, crl.this_update) for crl in trust.crls]
    lists += [] if trust is None else [("status", item.number, item.this_update) for item in trust.status_lists]
    return AsOf(
        judged_at=now,
        profile_of_that_day=date.fromisoformat(profile.applies_from) <= day,
        applies_from=profile.applies_from,
        later_tables=tuple(table.name for table in TABLES if table.since is None or table.since > day),
        lists=tuple(lists),
    )


def material_of_day(trust: TrustMaterial, at: datetime) -> TrustMaterial:
    """Leaves the lists that were there at a moment; highest numbers seen since then do not count.

    Only for a verdict as of an earlier day. At the counter a list from the future stays: there it is the clock that is
    wrong, and what such a list revokes stays revoked.
    """
    return replace(
        trust,
        crls=tuple(crl for crl in trust.crls if crl.this_update <= at),
        status_lists=tuple(item for item in trust.status_lists if item.this_update <= at),
        highest_crl={},
        highest_status={},
    )
