"""Code tables with edition and source, and the rules of issue and validity.

An unknown code is never an error here: tables go stale, so a lookup gives None and the caller reports it.
Confidence: A three or more independent sources, B two, C one, D inferred.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from prcard.record._countries import EDITION, ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "COUNTRY_EDITION",
    "ICAO_CODES",
    "ISSUER",
    "NATION",
    "PROVINCE",
    "SEX",
    "CodeTable",
    "CodeText",
    "Country",
    "ValidityRule",
    "age_on",
    "countries",
    "country_by_alpha3",
    "country_by_numeric",
    "end_dates",
    "lawful_validity_years",
]


class CodeText(NamedTuple):
    """What a code means."""

    zh: str
    en: str


class CodeTable(NamedTuple):
    """One table.

    Attributes:
        name: What it codes.
        edition: Which edition of which standard.
        source: Where it is from, with confidence.
        entries: Code -> meaning.
    """

    name: str
    edition: str
    source: str
    entries: Mapping[str, CodeText]

    def get(self, code: str) -> CodeText | None:
        """Gives the meaning of a code; None when the table does not know it."""
        return self.entries.get(code)


SEX: Final = CodeTable(
    "sex",
    "GB/T 2261.1",
    "standard (A)",
    {
        "0": CodeText("未知", "unknown"),
        "1": CodeText("男", "male"),
        "2": CodeText("女", "female"),
        "9": CodeText("未说明", "not stated"),
    },
)

_NATIONS: Final = (
    "汉Han 蒙古Mongol 回Hui 藏Zang 维吾尔Uygur 苗Miao 彝Yi 壮Zhuang 布依Buyei 朝鲜Chosen 满Man 侗Dong 瑶Yao 白Bai "
    "土家Tujia 哈尼Hani 哈萨克Kazak 傣Dai 黎Li 傈僳Lisu 佤Va 畲She 高山Gaoshan 拉祜Lahu 水Sui 东乡Dongxiang 纳西Naxi "
    "景颇Jingpo 柯尔克孜Kirgiz 土Tu 达斡尔Daur 仫佬Mulao 羌Qiang 布朗Blang 撒拉Salar 毛南Maonan 仡佬Gelao 锡伯Xibe "
    "阿昌Achang 普米Pumi 塔吉克Tajik 怒Nu 乌孜别克Uzbek 俄罗斯Russ 鄂温克Ewenki 德昂Deang 保安Bonan 裕固Yugur 京Gin "
    "塔塔尔Tatar 独龙Derung 鄂伦春Oroqen 赫哲Hezhen 门巴Monba 珞巴Lhoba 基诺Jino"
)


def _nations() -> dict[str, CodeText]:
    table = {}
    for number, name in enumerate(_NATIONS.split(), start=1):
        at = next(at for at, character in enumerate(name) if character.isascii())
        table[f"{number:02d}"] = CodeText(name[:at], name[at:])
    table["97"] = CodeText("其他", "other")
    table["98"] = CodeText("外国血统中国籍人士", "Chinese citizen of foreign descent")
    return table


NATION: Final = CodeTable(
    "nation",
    "GB/T 3304-1991",
    "standard (A); codes 81–96 of some makers are not relied on (C)",
    _nations(),
)

_PROVINCES: Final = (
    "11北京Beijing 12天津Tianjin 13河北Hebei 14山西Shanxi 15内蒙古Inner_Mongolia 21辽宁Liaoning "
    "22吉林Jilin 23黑龙江Heilongjiang 31上海Shanghai 32江苏Jiangsu 33浙江Zhejiang 34安徽Anhui "
    "35福建Fujian 36江西Jiangxi 37山东Shandong 41河南Henan 42湖北Hubei 43湖南Hunan "
    "44广东Guangdong 45广西Guangxi 46海南Hainan 50重庆Chongqing 51四川Sichuan 52贵州Guizhou "
    "53云南Yunnan 54西藏Tibet 61陕西Shaanxi 62甘肃Gansu 63青海Qinghai 64宁夏Ningxia "
    "65新疆Xinjiang 71台湾Taiwan 81香港Hong_Kong 82澳门Macao 83台湾Taiwan"
)


def _provinces() -> dict[str, CodeText]:
    table = {}
    for entry in _PROVINCES.split():
        name = entry[2:]
        at = next(at for at, character in enumerate(name) if character.isascii())
        table[entry[:2]] = CodeText(name[:at], name[at:].replace("_", " "))
    return table


PROVINCE: Final = CodeTable(
    "province",
    "GB/T 2260, first two digits",
    "standard (A); 83 stands for Taiwan in the numbers of residence permits, 71 in GB/T 2260",
    _provinces(),
)

ICAO_CODES: Final = CodeTable(
    "nationality, ICAO only",
    "ICAO Doc 9303 part 3, section 5",
    "standard; these are in no edition of GB/T 2659, and whether a card uses them is not confirmed (D)",
    {
        "XXA": CodeText("无国籍人", "stateless person"),
        "XXB": CodeText("难民", "refugee (1951 Convention)"),
        "XXC": CodeText("其他难民", "refugee, other"),
        "XXX": CodeText("国籍不明", "unspecified nationality"),
        "UNO": CodeText("联合国", "United Nations Organization"),
        "UNA": CodeText("联合国专门机构", "United Nations specialised agency"),
        "XOM": CodeText("马耳他骑士团", "Sovereign Military Order of Malta"),
        "EUE": CodeText("欧洲联盟", "European Union"),
        "RKS": CodeText("科索沃", "Kosovo"),
        "GBD": CodeText("英国海外领土公民", "British Overseas Territories citizen"),
        "GBN": CodeText("英国国民(海外)", "British National (Overseas)"),
        "GBO": CodeText("英国海外公民", "British Overseas citizen"),
        "GBP": CodeText("英国被保护人士", "British protected person"),
        "GBS": CodeText("英国籍人士", "British subject"),
    },
)


class Country(NamedTuple):
    """One country of ISO 3166-1 (GB/T 2659)."""

    alpha2: str
    alpha3: str
    numeric: str
    zh: str
    en: str


COUNTRY_EDITION: Final = EDITION


@lru_cache(1)
def countries() -> tuple[Country, ...]:
    """Gives all countries in the order of their alpha-3 codes."""
    rows = []
    for row in ROWS:
        alpha2, alpha3, numeric, names = row.split(" ", 3)
        zh, _, en = names.partition("|")
        rows.append(Country(alpha2, alpha3, numeric, zh, en))
    return tuple(rows)


@lru_cache(1)
def _by_alpha3() -> dict[str, Country]:
    return {country.alpha3: country for country in countries()}


@lru_cache(1)
def _by_numeric() -> dict[str, Country]:
    return {country.numeric: country for country in countries()}


def country_by_alpha3(code: str) -> Country | None:
    """Finds a country by its alpha-3 code; None when ISO 3166-1 has no such code."""
    return _by_alpha3().get(code)


def country_by_numeric(code: str) -> Country | None:
    """Finds a country by its three digits; None when ISO 3166-1 has no such code."""
    return _by_numeric().get(code)


ISSUER: Final[dict[str, CodeText | None]] = {
    "resident": None,
    "hkmt": None,
    "pr2017": CodeText("公安部", "Ministry of Public Security"),
    "pr2023": CodeText("国家移民管理局", "National Immigration Administration"),
}
"""Layout -> issuing authority that is printed but not stored (B); None where the zone holds it."""


class ValidityRule(NamedTuple):
    """How long a card of one layout may be valid.

    Attributes:
        bands: (first age that a band no longer covers, years), by age on the day of issue; None as age: no upper
            bound, None as years: without end date.
        source: Where that is from, with confidence.
    """

    bands: tuple[tuple[int | None, int | None], ...]
    source: str


_PR_VALIDITY: Final = ValidityRule(((18, 5), (None, 10)), "insurers' rules and public notices of 2017 and 2023 (B)")

VALIDITY: Final[dict[str, ValidityRule | None]] = {
    "resident": ValidityRule(((16, 5), (26, 10), (46, 20), (None, None)), "居民身份证法 article 5 (A)"),
    "hkmt": None,
    "pr2017": _PR_VALIDITY,
    "pr2023": _PR_VALIDITY,
}
"""Layout -> rule; None where no rule is known: then nothing is concluded."""


def lawful_validity_years(layout: str, birth_date: date, issue_date: date) -> tuple[int | None, ...]:
    """Gives the validity that the rules allow a card.

    Args:
        layout: Id of a layout.
        birth_date: The holder's date of birth.
        issue_date: First day of validity.

    Returns:
        Years; None stands for no end date. An empty tuple: no rule is known for this layout.
    """
    rule = VALIDITY.get(layout)
    if rule is None:
        return ()
    age = age_on(birth_date, issue_date)
    return (next(years for limit, years in rule.bands if limit is None or age < limit),)


def age_on(birth_date: date, day: date) -> int:
    """Gives the age in whole years on a day; who is born on 29 February is a year older on 1 March."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def end_dates(issue_date: date, years: int) -> tuple[date, ...]:
    """Gives the last days that a validity of so many years may have.

    Returns:
        The day before the anniversary (as specimens have it, B) and the anniversary itself; from 29 February both
        28 February and 1 March count as the anniversary. Empty beyond year 9999.
    """
    try:
        anniversaries = [issue_date.replace(year=issue_date.year + years)]
    except ValueError:
        if issue_date.year + years > date.max.year:
            return ()
        anniversaries = [date(issue_date.year + years, 2, 28), date(issue_date.year + years, 3, 1)]
    days = {day for anniversary in anniversaries for day in (anniversary - timedelta(days=1), anniversary)}
    return tuple(sorted(days))
