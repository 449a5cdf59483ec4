"""Any number of people who do not exist, from a seed: every layout, every country, every edge, and defects by name.

The same seed, options and number give the same bytes on every machine. Every name says SPECIMEN or 样本, every photo is
the open picture of a specimen, and every card passes the checks of its own record, unless a defect is asked for.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prcard.errors import FieldProblem, RecordError
from prcard.record import (
    LAYOUTS,
    LONG_TERM,
    HKMTResidencePermit,
    PermanentResident2017,
    PermanentResident2023,
    ResidentIdentityCard,
)
from prcard.record.codes import NATION, PROVINCE, countries, end_dates, lawful_validity_years
from prcard.record.numbers import HKMT_REGIONS, HKMTNumber, PR15Number, PR18Number, ResidentNumber
from prcard.record.raw import EXTRA_MAX_COUNT, RawCard
from prcard.simulator.defects import DEFECTS
from prcard.simulator.photo import specimen_photo
from prcard.simulator.specimens import specimen_fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prcard.record import CardRecord

__all__ = ["DEFAULT_DAY", "EDGES", "MAX_COUNT", "TRANSLITERATIONS", "Made", "make_specimens"]

DEFAULT_DAY: Final = date(2026, 1, 15)
"""Day on which made cards are valid unless another is asked for: a fixed one, so that a seed stays what it is."""

MAX_COUNT: Final = 10_000_000

TRANSLITERATIONS: Final[dict[str, str]] = {
    "Amharic": "TEWODROS GEBREMARIAM,MEHRET HAILESELASSIE",
    "Arabic": "ABD AL-RAHMAN AL-QAHTANI,NUR AL-HUDA BIN YAHYA",
    "Armenian": "HAYKUHI MKRTCHYAN,ARSHALUYS TER-PETROSYAN",
    "Bengali": "MOHAMMAD SHAHIDULLAH,RUKHSANA CHOWDHURY",
    "Burmese": "AUNG KYAW HTUT,KHIN MYO CHIT",
    "Cyrillic": "VSEVOLOD SHCHERBAKOV,LYUBOV YUSHCHENKO",
    "Devanagari": "LAKSHMINARAYAN CHATURVEDI,SHRADDHA KSHIRSAGAR",
    "Georgian": "TINATIN CHKHARTISHVILI,MZECHABUK GVRITISHVILI",
    "Greek": "CHARALAMPOS PAPADOPOULOS,EVTHYMIA TZAVARA",
    "Hangul": "HWANG BO-RA,NAMGUNG MIN",
    "Hebrew": "YEHOSHUA BEN-TZVI,CHAYA MUSHKA",
    "Kana": "SHIN-ICHIRO KOYANAGI,TSUYU FUJIWARA",
    "Khmer": "SOPHEAK CHANTHOU,RATTANAK SREYNEANG",
    "Lao": "PHOUVONG SISOUPHANH,BOUNMY KEOMANY",
    "Latin, one letter": "O,E",
    "Latin, with marks left out": "SOREN AAKJAER,MALGORZATA SZCZESNA",
    "Latin, with signs": "SINEAD O'NEILL,J. P. D'ARTAGNAN-LEROY",
    "Malayalam": "UNNIKRISHNAN NAMBOOTHIRIPAD,THRESIAMMA KUNJU",
    "Mongolian": "BATBAYAR TSERENDORJ,OYUUNCHIMEG GANKHUYAG",
    "Persian": "GHOLAMHOSSEIN KHOSROSHAHI,ZOHREH TABATABAEI",
    "Polynesian": "KEALOHA KA'AHUMANU,TUILAGI FA'ALELEI",
    "Sinhala": "WICKRAMASINGHE ARACHCHIGE,SANDAMALI JAYAWARDENA",
    "Tamil": "THIRUVENGADAM PILLAI,MUTHULAKSHMI",
    "Thai": "SUPHAWADEE WONGSAWAT,PHATTHARAPHON SRISUWAN",
    "Tibetan": "TENZIN CHOEKYI,LOBSANG RABGYAL",
    "Turkish": "OZGUR KILICDAROGLU,SUKRIYE CAGLAYAN",
    "Vietnamese": "NGUYEN THI NGOC HUYEN,TRUONG QUANG DUC",
}
"""Writing system -> made-up holders as such names are written in Latin letters; each follows the word SPECIMEN."""

CHINESE: Final = "阿伯查德恩法格哈伊基拉马娜奥帕里萨塔乌维沃雅泽"
RARE: Final = "𠮷𤭢𡒄㐂䶮"
"""Characters for transliterated names, and rare ones: most of these take two UTF-16 units."""

PROVINCES: Final = tuple(code for code in PROVINCE.entries if code < "71")
FIRST_DAY: Final = {
    "resident": date(2004, 3, 29),
    "hkmt": date(2018, 9, 1),
    "pr2017": date(2017, 6, 16),
    "pr2023": date(2023, 12, 1),
}
"""First day on which a card of the layout can have been issued."""
LAST_DAY: Final = {"pr2017": date(2023, 11, 30)}


class Made(NamedTuple):
    """One card that was made.

    Attributes:
        name: `specimen-` and its number, from 1.
        layout: Its layout.
        shows: The edge or the defect that it is there for; "" for an ordinary one.
        card: Its zones.
    """

    name: str
    layout: str
    shows: str
    card: RawCard


class _Draft:
    """What is drawn for one card before its record is built; an edge changes it."""

    def __init__(self, layout: str, number: int, source: Random, day: date) -> None:
        self.layout = layout
        self.source = source
        self.day = day
        self.country = countries()[number % len(countries())]
        self.province = PROVINCES[number % len(PROVINCES)]
        self.nation = list(NATION.entries)[number % len(NATION.entries)]
        self.region = HKMT_REGIONS[number % len(HKMT_REGIONS)]
        self.english = f"SPECIMEN {self._holder(number)}"
        self.chinese = "样本" + "".join(source.choice(CHINESE) for _ in range(source.randint(1, 4)))
        self.address = f"样本省样本市样本路{source.randint(1, 999)}号"
        self.sequence = source.randint(1, 999)
        self.permit = f"{'HM'[number % 2]}{source.randrange(10**8):08d}" if self.region != "830000" else ""
        self.renewals = "00"
        self.link = ""
        self.extra: tuple[str, ...] = ()
        self.fingerprint = False
        self.age = source.randint(1, 90)
        self.birthday: tuple[int, int] | None = None
        self.issue: date | None = None
        self.check: str | None = None
        self.nationality: str | None = None
        self.edge = ""

    def _holder(self, number: int) -> str:
        names = list(TRANSLITERATIONS.values())
        return self.source.choice(names[number % len(names)].split(","))

    def dates(self) -> tuple[date, date, Any]:
        """Chooses birth, issue and end, so that the card is lawful and valid on the day."""
        first, last = FIRST_DAY[self.layout], min(LAST_DAY.get(self.layout, self.day), self.day)
        for age in (self.age, 30, 60):
            issue = self.issue or self._issue(first, last, age)
            birth = self._birth(issue, age)
            years = (lawful_validity_years(self.layout, birth, issue) or (5,))[0]
            end: Any = LONG_TERM if years is None else end_dates(issue, years)[0]
            if first <= issue <= last and birth <= issue and (end is LONG_TERM or end >= self.day):
                return birth, issue, end
        raise RecordError(
            FieldProblem("day", None, f"one on which a card of {self.layout} can be valid", self.day.isoformat()),
            advice="Choose another day or another layout.",
        )

    def _issue(self, first: date, last: date, age: int) -> date:
        years = {"hkmt": 5, "resident": 5 if age < 16 else 10}.get(self.layout, 5 if age < 18 else 10)
        earliest = max(first, self.day - timedelta(days=365 * years))
        return earliest + timedelta(days=self.source.randint(0, max((last - earliest).days, 0)))

    def _birth(self, issue: date, age: int) -> date:
        month, day = self.birthday or (self.source.randint(1, 12), self.source.randint(1, 28))
        year = issue.year - age
        if (month, day) == (2, 29):
            year -= next(back for back in range(12) if _leap(year - back))
        return date(year, month, day)

    def number(self, build: Callable[[int], Any]) -> Any:
        """Builds the number, with a sequence that gives the check character that an edge asks for."""
        if self.check is None:
            return build(self.sequence)
        return next(made for at in range(1, 1000) if (made := build(at)).text[-1] == self.check)

    def record(self) -> CardRecord:
        """Builds the record."""
        return _BUILDERS[self.layout](self)


def make_specimens(
    count: int,
    *,
    seed: int = 0,
    layouts: Sequence[str] = LAYOUTS,
    edge_cases: bool = False,
    defect: str | None = None,
    day: date = DEFAULT_DAY,
) -> Iterator[Made]:
    """Makes cards, one after the other; nothing of them is kept.

    Args:
        count: How many, 0–10000000.
        seed: Decides all that is left to chance; a card depends on it, on the options and on its own number only.
        layouts: Layouts in turn.
        edge_cases: True begins with every edge of `EDGES`, then goes on as usual.
        defect: Key of `DEFECTS` that every card is to have; layouts that cannot have it are left out.
        day: Day on which the cards are valid.

    Raises:
        RecordError: an argument is not possible; at the first card.
    """
    problems = list(_problems(count, layouts, defect))
    if problems:
        raise RecordError(*problems, advice="Correct what is named.")
    wanted = [name for name in layouts if defect is None or name in DEFECTS[defect].layouts]
    edges = [(layout, edge) for edge, (own, _) in EDGES.items() for layout in wanted if layout in own] * edge_cases
    for at in range(count):
        source = Random(f"{seed}/{at}")  # noqa: S311  # repeatable on purpose
        layout, edge = edges[at] if at < len(edges) else (wanted[at % len(wanted)], "")
        draft = _Draft(layout, at // len(wanted) + seed, source, day)
        if edge:
            draft.edge = edge
            EDGES[edge][1](draft)
        name = f"specimen-{at + 1}"
        card = RawCard(
            text=draft.record().raw,
            photo=specimen_photo(f"{seed}/{name}"),
            fingerprint=specimen_fingerprint() if draft.fingerprint else b"",
            extra=tuple(address.ljust(35).encode("utf-16-le") for address in draft.extra),
        )
        if defect is None:
            yield Made(name, layout, draft.edge, card)
        else:
            yield Made(name, layout, f"defect: {defect}", DEFECTS[defect].apply(card, day))


def _problems(count: int, layouts: Sequence[str], defect: str | None) -> Iterator[FieldProblem]:
    if not 0 <= count <= MAX_COUNT:
        yield FieldProblem("count", None, f"0 to {MAX_COUNT}", f"{count}")
    for name in layouts:
        if name not in LAYOUTS:
            yield FieldProblem("layout", None, f"one of {', '.join(LAYOUTS)}", repr(name[:40]))
    if not layouts:
        yield FieldProblem("layout", None, f"some of {', '.join(LAYOUTS)}", "none")
    if defect is not None and defect not in DEFECTS:
        yield FieldProblem("defect", None, f"one of {', '.join(DEFECTS)}", repr(defect[:40]))
    elif defect is not None and not set(layouts) & set(DEFECTS[defect].layouts):
        yield FieldProblem(
            "defect", None, f"{defect}: a layout of {', '.join(DEFECTS[defect].layouts)}", "none of them"
        )


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _sex(draft: _Draft) -> str:
    return draft.source.choice("12")


def _pr2023(draft: _Draft) -> CardRecord:
    birth, issue, end = draft.dates()
    number = draft.number(
        lambda at: PR18Number.build(
            province=draft.province, nationality_numeric=draft.country.numeric, birth_date=birth, sequence=f"{at:03d}"
        )
    )
    return PermanentResident2023(
        chinese_name=draft.chinese,
        sex=number.sex,
        renewal_count=draft.renewals,
        birth_date=birth,
        english_name=draft.english,
        number=number.text,
        issue_date=issue,
        expiry_date=end,
        nationality=draft.country.alpha3,
        previous_number_link=draft.link,
    )


def _pr2017(draft: _Draft) -> CardRecord:
    birth, issue, end = draft.dates()
    nationality = draft.nationality or draft.country.alpha3
    number = PR15Number.build(
        nationality=nationality, region=f"{draft.province}00", birth=birth, sequence=str(draft.sequence % 10)
    )
    return PermanentResident2017(
        english_name=draft.english,
        sex=_sex(draft),
        number=number.text,
        nationality=nationality,
        chinese_name=draft.chinese,
        issue_date=issue,
        expiry_date=end,
        birth_date=birth,
        card_version="01",
        authority_code="1500",
    )


def _resident(draft: _Draft) -> CardRecord:
    birth, issue, end = draft.dates()
    number = draft.number(
        lambda at: ResidentNumber.build(region=f"{draft.province}0101", birth_date=birth, sequence=f"{at:03d}")
    )
    return ResidentIdentityCard(
        name=draft.chinese,
        sex=number.sex,
        nation=draft.nation,
        birth_date=birth,
        address=draft.address,
        number=number.text,
        issuing_authority="样本市公安局样本分局",
        issue_date=issue,
        expiry_date=end,
    )


def _hkmt(draft: _Draft) -> CardRecord:
    birth, issue, end = draft.dates()
    number = draft.number(lambda at: HKMTNumber.build(region=draft.region, birth_date=birth, sequence=f"{at:03d}"))
    return HKMTResidencePermit(
        name=draft.chinese,
        sex=number.sex,
        birth_date=birth,
        address=draft.address,
        number=number.text,
        issuing_authority="样本市公安局样本分局",
        issue_date=issue,
        expiry_date=end,
        travel_permit_number=draft.permit or f"{draft.source.randrange(10**8):08d}",
        issue_count=draft.renewals,
    )


_BUILDERS: Final[dict[str, Callable[[_Draft], CardRecord]]] = {
    "resident": _resident,
    "hkmt": _hkmt,
    "pr2017": _pr2017,
    "pr2023": _pr2023,
}


def _with(**values: Any) -> Callable[[_Draft], None]:
    def change(draft: _Draft) -> None:
        for name, value in values.items():
            setattr(draft, name, value)

    return change


def _longest_english(draft: _Draft) -> None:
    chars = 60 if draft.layout == "pr2017" else 46
    draft.english = ("SPECIMEN-" + "LONGUEFONTAINE-" * 4)[: chars - 6] + " EMILE"


def _ends_today(draft: _Draft) -> None:
    """Begins so long ago that today is the last day; where no card was issued then, the card stays an ordinary one."""
    draft.age, years = {"resident": (30, 20), "hkmt": (30, 5)}.get(draft.layout, (10, 5))
    issue = (draft.day + timedelta(days=1)).replace(year=draft.day.year - years)
    if FIRST_DAY[draft.layout] <= issue <= LAST_DAY.get(draft.layout, draft.day):
        draft.issue = issue
    else:
        draft.edge = ""


_ALL: Final = LAYOUTS
_PR: Final = ("pr2017", "pr2023")
_CHINESE: Final = ("resident", "hkmt")
_MOD: Final = ("resident", "hkmt", "pr2023")
_NOT_2017: Final = ("resident", "hkmt", "pr2023")

EDGES: Final[dict[str, tuple[tuple[str, ...], Callable[[_Draft], None]]]] = {
    "no Chinese name": (_PR, _with(chinese="")),
    "longest Chinese name": (_ALL, _with(chinese="样本" + "名" * 13)),
    "rare characters, two units each": (_ALL, _with(chinese=f"样本{RARE}")),
    "a dot in the Chinese name": (_ALL, _with(chinese="样本·阿布都·热合曼")),
    "a character of private use": (_ALL, _with(chinese="样本\ue000")),
    "longest English name": (_PR, _longest_english),
    "English name of one letter": (_PR, _with(english="SPECIMEN X")),
    "hyphens, apostrophe and dots": (_PR, _with(english="SPECIMEN-O'NEILL, J.-P. D'ARC")),
    "English name that breaks at a blank": (("pr2023",), _with(english="SPECIMEN-DE-LA-LONGUE-FONTAINE MIA EMILIA")),
    "English name that just fills its first place": (("pr2023",), _with(english="SPECIMEN-DE-LA-LONGUE-FONTAINE, ANN")),
    "born on 29 February": (_ALL, _with(birthday=(2, 29))),
    "born on the day of issue": (_NOT_2017, _with(age=0, birthday=(1, 1), issue=None)),
    "a child": (_NOT_2017, _with(age=6)),
    "an old person": (_ALL, _with(age=104)),
    "first day of validity": (_NOT_2017, lambda draft: setattr(draft, "issue", draft.day)),
    "last day of validity": (("resident", "hkmt", "pr2017"), _ends_today),
    "check character X": (_MOD, _with(check="X")),
    "check character 0": (_MOD, _with(check="0")),
    "sequence 999": (_MOD, _with(sequence=999)),
    "a stateless person": (("pr2017",), _with(nationality="XXA")),
    "a refugee": (("pr2017",), _with(nationality="XXB")),
    "renewed, with the link to the old number": (("pr2023",), _with(renewals="01", link="020")),
    "renewed ninety-nine times": (("pr2023", "hkmt"), _with(renewals="99")),
    "no renewal count": (("pr2023", "hkmt"), _with(renewals="")),
    "renewal count of one digit": (("pr2023", "hkmt"), _with(renewals="3")),
    "longest address": (_CHINESE, _with(address="样本省" + "样本市" * 9 + "1234号")),
    "rare characters in the address": (_CHINESE, _with(address=f"样本省{RARE}村1号")),
    "four additional addresses": (
        ("resident",), _with(extra=tuple(f"样本省样本市新址{at}号" for at in range(1, EXTRA_MAX_COUNT + 1))),
    ),
    "a fingerprint zone": (_ALL, _with(fingerprint=True)),
    "no end date": (("resident",), _with(age=70)),
    "nation 97, other": (("resident",), _with(nation="97")),
    "permit of Taiwan": (("hkmt",), _with(region="830000", permit="")),
    "permit of Macao": (("hkmt",), _with(region="820000", permit="M00000000")),
}  # fmt: skip
"""Edge -> (layouts that can have it, what it changes)."""
