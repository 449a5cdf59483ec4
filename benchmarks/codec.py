"""The generated codec beside construct and beside code written by hand; checks beside plain decoding.

Records are made from a seed: 20,000 different ones for each layout, so that no memory of past values flatters.
"""

from __future__ import annotations

import random
import statistics
import time
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from prcard.acceptance.rules import record_problems
from prcard.record import LONG_TERM, CardRecord, PermanentResident2023, decode, encode
from prcard.record.codes import countries
from prcard.record.layouts import ALL_LAYOUTS, Layout
from prcard.record.numbers import HKMTNumber, PR15Number, PR18Number, ResidentNumber

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COUNT = 20_000
FEW = 1_500
"""Records that construct parses in a round; it takes fifteen times as long for each."""

_IDEOGRAPHS = "样本陈王李张刘杨黄赵周吴徐孙马朱胡郭何高林郑谢罗梁宋唐许韩冯邓曹彭曾"
_SYLLABLES = (
    "AL",
    "BE",
    "CO",
    "DA",
    "EL",
    "FI",
    "GO",
    "HA",
    "IN",
    "JO",
    "KA",
    "LU",
    "MI",
    "NO",
    "PE",
    "RO",
    "SA",
    "TU",
)


def run(rounds: int) -> list[dict[str, Any]]:
    """Interleaves all contestants in every round, layout by layout; the worst layout counts."""
    results = [_layout(layout, rounds) for layout in ALL_LAYOUTS]
    return [*_worst(results), *_by_hand(rounds)]


def _layout(layout: type[Layout], rounds: int) -> dict[str, tuple[float, float, str]]:
    source = random.Random(layout.id)
    records = [_record(layout.id, source) for _ in range(COUNT)]
    zones = [record.raw for record in records]
    values = [layout.parse(zone) for zone in zones[:FEW]]
    if any(record_problems(record) for record in records):
        raise SystemExit("a generated record is not in order")
    struct = layout.struct
    built = [_parts(layout, value) for value in values]
    contestants: dict[str, tuple[Callable[[Any], Any], Sequence[Any]]] = {
        "decode": (decode, zones),
        "construct parse": (struct.parse, zones[:FEW]),
        "decode and check": (lambda zone: record_problems(decode(zone)), zones),
        "encode": (encode, records),
        "construct build": (struct.build, built),
    }
    times = _race(contestants, rounds)
    return {
        "decode": (*_against(times, "decode", "construct parse"), layout.id),
        "checks": (*_against(times, "decode and check", "decode"), layout.id),
        "encode": (*_against(times, "encode", "construct build"), layout.id),
    }


def _race(contestants: dict[str, tuple[Callable[[Any], Any], Sequence[Any]]], rounds: int) -> dict[str, list[float]]:
    """Gives microseconds for each item, one figure a round; the first round only warms up."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, (call, items) in contestants.items():
            start = time.perf_counter()
            for item in items:
                call(item)
            if turn:
                times[name].append((time.perf_counter() - start) / len(items) * 1e6)
    return times


def _against(times: dict[str, list[float]], ours: str, base: str) -> tuple[float, float]:
    """Gives our median and the median of the ratios ours : base, round by round."""
    ratios = [mine / theirs for mine, theirs in zip(times[ours], times[base], strict=True)]
    return statistics.median(times[ours]), statistics.median(ratios)


def _worst(results: list[dict[str, tuple[float, float, str]]]) -> list[dict[str, Any]]:
    rows = []
    for key, what, base, target in (
        ("decode", "decode", "construct parse of the same declaration", 10.0),
        ("encode", "encode", "construct build of the same declaration", 12.0),
    ):
        median, ratio, layout = max((result[key] for result in results), key=lambda row: row[1])
        rows.append(
            _row(f"{what}, worst layout ({layout})", median, 1 / ratio, base, f"≥ {target:g} ×", 1 / ratio >= target)
        )
    median, ratio, layout = max((result["checks"] for result in results), key=lambda row: row[1])
    rows.append(
        _row(f"decode and all record checks, worst layout ({layout})", median, ratio, "decode", "≤ 1.6 ×", ratio <= 1.6)
    )
    return rows


def _by_hand(rounds: int) -> list[dict[str, Any]]:
    source = random.Random("by hand")
    zones = [_record("pr2023", source).raw for _ in range(COUNT)]
    for zone in zones:
        if by_hand(zone).number != decode(zone).number:
            raise SystemExit("the code written by hand is wrong")
    times = _race({"generated": (PermanentResident2023.fast_decode, zones), "by hand": (by_hand, zones)}, rounds)
    median, ratio = _against(times, "generated", "by hand")
    return [_row("decode (pr2023)", median, ratio, "code written by hand, same object", "≤ 1.15 ×", ratio <= 1.15)]


def _row(name: str, median: float, ratio: float, base: str, target: str, holds: bool) -> dict[str, Any]:
    return {
        "name": name,
        "median": median,
        "unit": "µs",
        "ratio": ratio,
        "base": base,
        "target": target,
        "holds": holds,
    }


# --- What a good programmer would write for one layout, with the same checks and the same kind of object. ---


class _Slots:
    __slots__ = (
        "birth_date", "chinese_name", "english_name", "expiry_date", "issue_date", "nationality", "number",
        "previous_number_link", "raw", "renewal_count", "reserved_158", "sex",
    )  # fmt: skip
    number: str


class _Frozen(_Slots):
    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


def by_hand(raw: bytes) -> _Frozen:
    """Decodes a 2023 card, or raises ValueError."""
    if len(raw) != 256:
        raise ValueError("length")
    text = raw.decode("utf-16-le")
    if len(text) != 128 or text[124] != "Y" or not text.isprintable():
        raise ValueError("text")
    renewals, link = text[16:18].rstrip(" "), text[125:128].rstrip(" ")
    digits = text[15] + renewals + text[18:26] + text[61:78] + text[94:110] + link
    if not (digits.isascii() and digits.isdigit()) or len(link) not in (0, 3) or text[78] not in "0123456789X":
        raise ValueError("digits")
    nationality = text[121:124]
    if not (nationality.isascii() and nationality.isalpha() and nationality.isupper()):
        raise ValueError("nationality")
    record: Any = object.__new__(_Slots)
    record.chinese_name = text[0:15].rstrip(" ")
    record.sex = text[15]
    record.renewal_count = renewals
    record.birth_date = date.fromisoformat(text[18:26])
    record.english_name = (text[26:61] + text[110:121]).rstrip(" ")
    record.number = text[61:79]
    record.reserved_158 = raw[158:188]
    record.issue_date = date.fromisoformat(text[94:102])
    record.expiry_date = date.fromisoformat(text[102:110])
    record.nationality = nationality
    record.previous_number_link = link
    record.raw = raw
    record.__class__ = _Frozen
    made: _Frozen = record
    return made


# --- Records from a seed ---


def _record(layout: str, source: random.Random) -> CardRecord:
    birth = date(1940, 1, 1) + timedelta(days=source.randrange(29_000))
    issue = max(birth + timedelta(days=18 * 366), date(2015, 1, 1)) + timedelta(days=source.randrange(4000))
    sequence = f"{source.randrange(1000):03d}"
    sex = "1" if int(sequence) % 2 else "2"
    chinese = "样本" + "".join(source.sample(_IDEOGRAPHS, source.randrange(1, 3)))
    address = "样本省" + "".join(source.choices(_IDEOGRAPHS, k=source.randrange(8, 25)))
    english = "SPECIMEN, " + "".join(source.choices(_SYLLABLES, k=source.randrange(2, 8)))
    country = source.choice(countries())
    kind = next(entry for entry in ALL_LAYOUTS if entry.id == layout)
    values: dict[str, Any] = {
        "name": chinese,
        "chinese_name": chinese,
        "english_name": english,
        "sex": sex,
        "birth_date": birth,
        "issue_date": issue,
        "address": address,
        "nation": f"{source.randrange(1, 57):02d}",
        "nationality": country.alpha3,
        "issuing_authority": "样本市公安局",
        "travel_permit_number": "H00000000",
        "issue_count": "01",
        "renewal_count": "00",
        "card_version": "01",
        "authority_code": "1500",
        "previous_number_link": source.choice(("", "000", "011")),
    }
    years = (issue - birth).days / 365.25
    values["expiry_date"] = _end(issue, 10)
    match layout:
        case "resident":
            values["number"] = ResidentNumber.build(region="110105", birth_date=birth, sequence=sequence).text
            long_term = years >= 47
            values["expiry_date"] = LONG_TERM if long_term else _end(issue, 10)
        case "hkmt":
            values["number"] = HKMTNumber.build(region="810000", birth_date=birth, sequence=sequence).text
            values["expiry_date"] = _end(issue, 5)
        case "pr2017":
            number = PR15Number.build(nationality=country.alpha3, region="3100", birth=birth, sequence=sequence[2])
            values["number"] = number.text
        case _:
            pr18 = PR18Number.build(
                province="31", nationality_numeric=country.numeric, birth_date=birth, sequence=sequence
            )
            values["number"] = pr18.text
    record_class: Any = type(decode(_first_zone(kind)))
    taken = {name: value for name, value in values.items() if name in record_class.__mro__[2].__slots__}
    made: CardRecord = record_class(**taken)
    return made


def _end(issue: date, years: int) -> date:
    return date(issue.year + years, issue.month, min(issue.day, 28)) - timedelta(days=1)


def _first_zone(layout: type[Layout]) -> bytes:
    pieces = []
    for text, place in zip(layout.vectors[0].pieces, layout.places(), strict=True):
        raw = text.encode("utf-16-le")
        pieces.append(raw + b" \0" * ((place.length_bytes - len(raw)) // 2))
    return b"".join(pieces)


def _parts(layout: type[Layout], values: dict[str, Any]) -> dict[str, Any]:
    """What `struct.build` takes: joined fields in their places, and the marker."""
    parsed = dict(layout.struct.parse(layout.build(values)))
    parsed.pop("_io", None)
    return parsed
