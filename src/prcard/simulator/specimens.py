"""Ten people who do not exist, one for each layout, edition and edge that breaks software.

Each is a plain row of values; text and photo zones are built by the record codec and by `specimen_photo`, so that
`fixtures/make.py` writes the same bytes on every machine. Every name says SPECIMEN or 样本.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from prcard.errors import FieldProblem, RecordError
from prcard.record import (
    LONG_TERM,
    HKMTResidencePermit,
    PermanentResident2017,
    PermanentResident2023,
    ResidentIdentityCard,
)
from prcard.record.numbers import HKMTNumber, PR15Number, PR18Number, ResidentNumber
from prcard.record.raw import FINGERPRINT_BYTES, RawCard
from prcard.simulator.photo import specimen_photo

if TYPE_CHECKING:
    from collections.abc import Callable

    from prcard.record import CardRecord

__all__ = ["SPECIMENS", "Specimen", "specimen", "specimen_fingerprint"]


class Specimen(NamedTuple):
    """One synthetic person.

    Attributes:
        name: What people type, for instance `alice`.
        shows: The edge that this card is there for.
        record: Builds the decoded record.
        fingerprint: True when the card carries a (synthetic) fingerprint zone of 1024 bytes.
        extra: Additional addresses, at most 35 characters each.
    """

    name: str
    shows: str
    record: Callable[[], CardRecord]
    fingerprint: bool = False
    extra: tuple[str, ...] = ()

    def card(self) -> RawCard:
        """Builds the card's zones; the same bytes on every call."""
        return RawCard(
            text=self.record().raw,
            photo=specimen_photo(self.name),
            fingerprint=specimen_fingerprint() if self.fingerprint else b"",
            extra=tuple(address.ljust(35).encode("utf-16-le") for address in self.extra),
        )


def specimen(name: str) -> Specimen:
    """Finds a specimen by its name.

    Raises:
        RecordError: the name is not one of the shipped set; lists those that are.
    """
    for entry in SPECIMENS:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in SPECIMENS)
    raise RecordError(
        FieldProblem("specimen", None, f"one of {known}", repr(name[:40])), advice="Choose one of these names."
    )


def _pr2023(
    *,
    english: str,
    chinese: str,
    province: str,
    country: tuple[str, str],
    birth: date,
    sequence: str,
    issue: date,
    expiry: date,
    renewals: str = "00",
    link: str = "",
) -> PermanentResident2023:
    number = PR18Number.build(province=province, nationality_numeric=country[1], birth_date=birth, sequence=sequence)
    return PermanentResident2023(
        chinese_name=chinese,
        sex=number.sex,
        renewal_count=renewals,
        birth_date=birth,
        english_name=english,
        number=number.text,
        issue_date=issue,
        expiry_date=expiry,
        nationality=country[0],
        previous_number_link=link,
    )


def _pr2017(
    *, english: str, chinese: str, sex: str, country: str, region: str, birth: date, issue: date, expiry: date
) -> PermanentResident2017:
    number = PR15Number.build(nationality=country, region=region, birth=birth, sequence="1")
    return PermanentResident2017(
        english_name=english,
        sex=sex,
        number=number.text,
        nationality=country,
        chinese_name=chinese,
        issue_date=issue,
        expiry_date=expiry,
        birth_date=birth,
        card_version="01",
        authority_code="1500",
    )


def _alice() -> CardRecord:
    return _pr2023(
        english="SPECIMEN, ALICE",
        chinese="样本爱丽",
        province="11",
        country=("CAN", "124"),
        birth=date(1985, 4, 12),
        sequence="002",
        issue=date(2024, 3, 1),
        expiry=date(2034, 2, 28),
    )


def _bob() -> CardRecord:
    return _pr2017(
        english="SPECIMEN, ROBERT JAMES",
        chinese="",
        sex="1",
        country="USA",
        region="3100",
        birth=date(1979, 11, 30),
        issue=date(2018, 6, 1),
        expiry=date(2028, 5, 31),
    )


def _chen() -> CardRecord:
    number = ResidentNumber.build(region="110105", birth_date=date(1958, 2, 3), sequence="001")
    return ResidentIdentityCard(
        name="样本陈",
        sex="1",
        nation="01",
        birth_date=date(1958, 2, 3),
        address="北京市朝阳区样本路1号",
        number=number.text,
        issuing_authority="样本公安局朝阳分局",
        issue_date=date(2010, 5, 6),
        expiry_date=LONG_TERM,
    )


def _dina() -> CardRecord:
    number = HKMTNumber.build(region="810000", birth_date=date(1994, 8, 23), sequence="002")
    return HKMTResidencePermit(
        name="样本狄娜",
        sex="2",
        birth_date=date(1994, 8, 23),
        address="广东省深圳市南山区样本大道8号",
        number=number.text,
        issuing_authority="样本公安局南山分局",
        issue_date=date(2023, 9, 1),
        expiry_date=date(2028, 8, 31),
        travel_permit_number="H00000000",
        issue_count="01",
    )


def _emile() -> CardRecord:
    return _pr2023(
        english="SPECIMEN-DE-LA-LONGUE-FONTAINE, EMILE ALPHONSE",
        chinese="",
        province="31",
        country=("FRA", "250"),
        birth=date(1990, 12, 31),
        sequence="011",
        issue=date(2024, 1, 15),
        expiry=date(2034, 1, 14),
    )


def _fatima() -> CardRecord:
    return _pr2023(
        english="SPECIMEN, FATIMA",
        chinese="样本法蒂玛",
        province="65",
        country=("PAK", "586"),
        birth=date(2012, 2, 29),
        sequence="004",
        issue=date(2024, 6, 1),
        expiry=date(2029, 5, 31),
    )


def _goro() -> CardRecord:
    return _pr2017(
        english="SPECIMEN, GORO",
        chinese="样本五郎",
        sex="1",
        country="JPN",
        region="2100",
        birth=date(1966, 7, 8),
        issue=date(2015, 3, 1),
        expiry=date(2025, 2, 28),
    )


def _hana() -> CardRecord:
    return _pr2023(
        english="SPECIMEN, HANA",
        chinese="样本荷娜",
        province="37",
        country=("KOR", "410"),
        birth=date(1988, 10, 5),
        sequence="006",
        issue=date(2025, 4, 1),
        expiry=date(2035, 3, 31),
        renewals="01",
        link="020",
    )


def _ivan() -> CardRecord:
    number = ResidentNumber.build(region="530102", birth_date=date(1992, 1, 9), sequence="017")
    return ResidentIdentityCard(
        name="样本𠮷𤭢·㐂",
        sex="1",
        nation="44",
        birth_date=date(1992, 1, 9),
        address="云南省昆明市五华区𡒄样本村2号",
        number=number.text,
        issuing_authority="样本公安局五华分局",
        issue_date=date(2020, 8, 10),
        expiry_date=date(2040, 8, 10),
    )


def _kim() -> CardRecord:
    number = HKMTNumber.build(region="830000", birth_date=date(2001, 3, 17), sequence="105")
    return HKMTResidencePermit(
        name="样本金",
        sex="1",
        birth_date=date(2001, 3, 17),
        address="福建省厦门市思明区样本街66号",
        number=number.text,
        issuing_authority="样本公安局思明分局",
        issue_date=date(2022, 7, 1),
        expiry_date=date(2027, 6, 30),
        travel_permit_number="00000000",
        issue_count="02",
    )


SPECIMENS: Final = (
    Specimen("alice", "2023 PR card, valid, with both names", _alice),
    Specimen("bob", "2017 PR card, no Chinese name", _bob),
    Specimen("chen", "resident card without end date (长期), with fingerprint zone", _chen, fingerprint=True),
    Specimen("dina", "Hong Kong residence permit", _dina),
    Specimen("emile", "2023 PR card, name over both English places, no Chinese name", _emile),
    Specimen("fatima", "2023 PR card of a minor born on 29 February, five years", _fatima),
    Specimen("goro", "2017 PR card, expired", _goro),
    Specimen("hana", "2023 PR card, renewed, with the number of the old card", _hana),
    Specimen(
        "ivan",
        "resident card with rare ideographs (two units each) and a new address",
        _ivan,
        extra=("云南省大理市样本镇3号",),
    ),
    Specimen("kim", "Taiwan residence permit", _kim),
)
"""The shipped set, in the order in which it is listed."""


def specimen_fingerprint() -> bytes:
    """Gives a fingerprint zone of two fingers that were never taken: real headers, template filled with a word."""
    zone = bytearray()
    for position in (0x0B, 0x10):
        header = bytes((0x43, 0x01, 0x00, 0x00, 0x01, position, 0x32))
        zone += (header + b"SPECIMEN " * 57)[:512]
    if len(zone) not in FINGERPRINT_BYTES:
        raise AssertionError("two fingers fill the zone")
    return bytes(zone)
